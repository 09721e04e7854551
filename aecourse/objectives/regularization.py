"""Ready-made objectives: an error plus a penalty on the code, the encoder or the weights.

Each function returns an objective ``(model, x, generator) -> {name: scalar}`` for
:func:`~aecourse.training.fit`. Its weight is a number of at least 0, or a scalar tensor, so that
:func:`torch.vmap` can train one model for each weight. The error is a mean over elements, unless
`loss` is a function that computes something else.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.absolute_error import mae
from aecourse.losses.cross_entropy import bce
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder
from aecourse.regularizers import PENALTIES
from aecourse.regularizers.contraction import contractive_penalty, contractive_penalty_by_probes
from aecourse.regularizers.kl_sparsity import check_target, kl_sparsity_penalty_from_logits
from aecourse.regularizers.l0_sparsity import l0_penalty
from aecourse.regularizers.weight_decay import l2_penalty, weight_matrices
from aecourse.types import Objective

LOSSES = {"mse": mse, "mae": mae, "bce": bce}

Weight = float | torch.Tensor
Loss = Literal["mse", "mae", "bce"] | Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Corruption = Callable[[torch.Tensor, torch.Generator | None], torch.Tensor]
PenaltyFunction = Callable[
    [nn.Module, torch.Tensor, torch.Tensor, torch.Generator | None], torch.Tensor
]


def regularized(
    penalties: Mapping[str, tuple[Weight, PenaltyFunction]],
    loss: Loss = "mse",
    corrupt: Corruption | None = None,
) -> Objective:
    r"""An error plus any number of penalties.

    .. math:: \mathcal L(x, \hat x) + \sum_i \lambda_i \Omega_i

    All other objectives of this file except :func:`sparse_l0` and :func:`sparse_kl` are built with
    it. To use a penalty of your own, pass a function.

    Args:
        penalties: ``{name: (weight, penalty)}``, where ``penalty(model, x, z, generator)`` returns
            a scalar; its `x` is the input of the encoder, and `z` the code.
        loss: ``"mse"``, ``"mae"`` or ``"bce"``, each a mean over elements, or a function
            ``(x_hat, x) -> scalar``.
        corrupt: ``(x, generator) -> x``, applied to the input of the encoder; None leaves the
            input clean.

    Returns:
        An objective with the term ``"reconstruction"`` and one for each name (times its weight).

    Raises:
        ValueError: If a weight is not a number of at least 0, the loss is unknown, or (when
            called) the loss is cross entropy and the output is not a sigmoid.

    Source:
        Rifai and others (2011), who compare decay, denoising and contraction in this form.
    """
    check_loss(loss)
    for name, (weight, _) in penalties.items():
        validation.weight(f"the weight of {name}", weight)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        inputs = x if corrupt is None else corrupt(x, generator)
        z = model.encode(inputs)
        terms = {
            name: weight * penalty(model, inputs, z, generator)
            for name, (weight, penalty) in penalties.items()
        }
        return {"reconstruction": error(loss, model, z, x)} | terms

    return objective


def reconstruction(loss: Loss = "mse") -> Objective:
    """The error alone; `loss` as for :func:`regularized`."""
    return regularized({}, loss)


def denoising(corrupt: Corruption, loss: Loss = "mse") -> Objective:
    """The error between the *clean* data and the reconstruction of corrupted data.

    Args:
        corrupt: ``(x, generator) -> x``, such as
            ``lambda x, generator: gaussian(x, 0.5, generator)``.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the term ``"reconstruction"``.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.
    """
    return regularized({}, loss, corrupt)


def penalized(name: str, weight: Weight, loss: Loss = "mse") -> Objective:
    """The error plus `weight` times a penalty of ``aecourse.regularizers.PENALTIES``.

    Args:
        name: the key of the penalty, such as ``"sparse-l1"``.
        weight: lambda, at least 0, in units of the error over units of the penalty.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the term ``"reconstruction"`` and the term of the penalty (times lambda).

    Raises:
        ValueError: If the name is unknown, or as for :func:`regularized`.
    """
    validation.one_of("name", name, PENALTIES)
    penalty = PENALTIES[name]
    return regularized({penalty.term: (weight, penalty.function)}, loss)


def sparse_l1(weight: Weight, loss: Loss = "mse") -> Objective:
    """The error plus `weight` times the mean absolute value of the code.

    See :func:`~aecourse.regularizers.l1_penalty`; the mean is over the batch and the units.

    Args:
        weight: lambda, at least 0, in units of the error over units of the code.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"l1"`` (times lambda).

    Raises:
        ValueError: As for :func:`regularized`.
    """
    return penalized("sparse-l1", weight, loss)


def sparse_l0(weight: Weight, loss: Loss = "mse") -> Objective:
    """The error plus `weight` times the share of active units, for a JumpReLU code.

    See :func:`~aecourse.regularizers.l0_penalty`: its gradient reaches the thresholds alone.

    Args:
        weight: lambda, at least 0, in units of the error.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"l0"`` (times lambda), for a
        :class:`~aecourse.models.SparseAutoencoder` with ``activation="jump_relu"``.

    Raises:
        ValueError: As for :func:`regularized`; or (when called) if the code has no thresholds.

    Source:
        Rajamanoharan and others (2024).
    """
    check_loss(loss)
    validation.weight("weight", weight)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        if getattr(model, "activation", None) != "jump_relu":
            raise ValueError(
                f"model is a {type(model).__name__} without thresholds; expected a "
                "SparseAutoencoder: build it with activation='jump_relu'"
            )
        a = model.pre_activations(x)  # (B, k)
        share = l0_penalty(a, model.log_threshold.exp(), model.bandwidth)
        return {"reconstruction": error(loss, model, model.activate(a), x), "l0": weight * share}

    return objective


def sparse_kl(weight: Weight, rho: float = 0.05, loss: Loss = "mse") -> Objective:
    """The error plus `weight` times the divergence of mean activations from `rho`, over all units.

    The divergence is summed over units and computed from the logits of the code by
    :func:`~aecourse.regularizers.kl_sparsity_penalty_from_logits`. So it is finite and has a
    gradient even for a unit that is always off or always on.

    Args:
        weight: lambda, at least 0, in units of the error over nats.
        rho: the target, between 0 and 1.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"kl"`` (times lambda), for a model
        with ``code_activation="sigmoid"``.

    Raises:
        ValueError: As for :func:`regularized`; if `rho` is out of range; or (when called) if the
            code does not come from a sigmoid.

    Source:
        Ng (2011).
    """
    check_loss(loss)
    validation.weight("weight", weight)
    check_target(rho)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        last = model.encoder[-1] if isinstance(model.encoder, nn.Sequential) else model.encoder
        if not isinstance(last, nn.Sigmoid):
            raise ValueError(
                f"model has a code that comes from {last}; expected a sigmoid: build it with "
                "code_activation='sigmoid'"
            )
        rows = validation.samples("x", x, model.shape, model).flatten(1)
        logits = model.encoder[:-1](rows)  # (B, k)
        return {
            "reconstruction": error(loss, model, last(logits), x),
            "kl": weight * kl_sparsity_penalty_from_logits(logits, rho),
        }

    return objective


def contractive(weight: Weight, loss: Loss = "mse", probes: int | None = None) -> Objective:
    """The error plus `weight` times the squared Frobenius norm of the encoder's Jacobian.

    The norm is computed for each sample and averaged over the batch.

    Args:
        weight: lambda, at least 0, in units of the error over
            (units of the code / units of the data)^2.
        loss: as for :func:`regularized`.
        probes: the number of random directions of
            :func:`~aecourse.regularizers.contractive_penalty_by_probes`, each of which costs a
            backward pass; None is exact, by :func:`~aecourse.regularizers.contractive_penalty`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"contraction"`` (times lambda).

    Raises:
        ValueError: If `probes` is not a positive integer, or as for :func:`regularized`.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    if probes is not None:
        validation.positive("probes", probes)

    def penalty(
        model: nn.Module, x: torch.Tensor, z: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        if probes is not None:
            return contractive_penalty_by_probes(model.encode, x, generator, probes)
        if type(model).encode is Autoencoder.encode:  # plain layers have a faster form
            return contractive_penalty(model.encoder, x.flatten(1))
        return contractive_penalty(model.encode, x)

    return regularized({"contraction": (weight, penalty)}, loss)


def weight_decayed(weight: Weight, loss: Loss = "mse") -> Objective:
    """The error plus `weight` times the sum of squared weights, without the biases.

    See :func:`~aecourse.regularizers.l2_penalty`.

    Args:
        weight: lambda, at least 0; :func:`~aecourse.regularizers.prior_weight` computes the one
            that corresponds to a Gaussian prior.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"decay"`` (times lambda).

    Raises:
        ValueError: As for :func:`regularized`.
    """
    return regularized(
        {"decay": (weight, lambda model, x, z, generator: l2_penalty(weight_matrices(model)))}, loss
    )


def error(loss: Loss, model: nn.Module, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """`loss` between `x` and its reconstruction from the code `z`: a scalar.

    Cross entropy is computed from the logits.
    """
    if loss == "bce" and model.output_range != (0, 1):
        raise ValueError(
            f"loss is 'bce' and the model's output lies in {model.output_range}; expected (0, 1): "
            "build it with output='sigmoid', or use another loss"
        )
    return LOSSES.get(loss, loss)(model.logits(z) if loss == "bce" else model.decode(z), x)


def check_loss(loss: Loss) -> None:
    """Check that `loss` is a name of this file or a function."""
    if not callable(loss):
        validation.one_of("loss", loss, LOSSES)
