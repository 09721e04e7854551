"""Ready-made objectives: an error, and what holds the code, the encoder or the weights beside it.

Each function returns an objective ``(model, x, generator) -> {name: scalar}`` for :func:`~aecourse.training.fit`. Its
weight is a number of at least 0, or a scalar tensor, so that :func:`torch.vmap` can train one model for each weight.
The error is a mean over elements, unless `loss` says otherwise.
"""

from torch import nn

from aecourse import validation
from aecourse.losses.absolute_error import mae
from aecourse.losses.cross_entropy import bce
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder
from aecourse.regularizers import PENALTIES
from aecourse.regularizers.contraction import contractive_penalty, contractive_penalty_by_probes
from aecourse.regularizers.kl_sparsity import check_target, kl_sparsity_penalty_from_logits
from aecourse.regularizers.weight_decay import l2_penalty, weight_matrices

LOSSES = {"mse": mse, "mae": mae, "bce": bce}


def error(loss, model, z, x):
    """`loss` between `x` and its reconstruction from the code `z`: a scalar. Cross entropy takes the logits."""
    if loss == "bce" and model.output_range != (0, 1):
        raise ValueError(
            f"loss is 'bce' and the model's output lies in {model.output_range}; expected (0, 1): "
            "build it with output='sigmoid', or take another loss"
        )
    return LOSSES.get(loss, loss)(model.logits(z) if loss == "bce" else model.decode(z), x)


def regularized(penalties, loss="mse", corrupt=None):
    r"""An error plus any number of penalties, :math:`\mathcal L(x, \hat x) + \sum_i \lambda_i \Omega_i`.

    The other objectives of this file, but one, are written with it, and a penalty of your own is one more function.

    Args:
        penalties: ``{name: (weight, penalty)}``, where ``penalty(model, x, z, generator)`` is a scalar; its `x` is
            what the encoder saw, and `z` the code.
        loss: ``"mse"``, ``"mae"`` or ``"bce"``, each a mean over elements, or a function ``(x_hat, x) -> scalar``.
        corrupt: ``(x, generator) -> x``, what the encoder sees of the data; None leaves them as they are.

    Returns:
        An objective with the term ``"reconstruction"`` and one for each name (times its weight).

    Raises:
        ValueError: where a weight is not a number of at least 0, the loss is unknown, or (when called) cross
            entropy meets an output that is no sigmoid.

    Source:
        Rifai and others (2011), who compare decay, denoising and contraction in this form.
    """
    check_loss(loss)
    for name, (weight, _) in penalties.items():
        validation.weight(f"the weight of {name}", weight)

    def objective(model, x, generator):
        seen = x if corrupt is None else corrupt(x, generator)
        z = model.encode(seen)
        paid = {
            name: weight * penalty(model, seen, z, generator)
            for name, (weight, penalty) in penalties.items()
        }
        return {"reconstruction": error(loss, model, z, x)} | paid

    return objective


def penalized(name, weight, loss="mse"):
    """The error, plus `weight` times a penalty of the register, :data:`aecourse.regularizers.PENALTIES`.

    Args:
        name: of the row, such as ``"sparse-l1"``.
        weight: lambda, at least 0, in units of the error over units of the penalty.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the term ``"reconstruction"`` and the penalty's own (times its weight).

    Raises:
        ValueError: If the name is unknown, or as for :func:`regularized`.
    """
    validation.one_of("name", name, PENALTIES)
    penalty = PENALTIES[name]
    return regularized({penalty.term: (weight, penalty.function)}, loss)


def reconstruction(loss="mse"):
    """The error alone. `loss` as for :func:`regularized`."""
    return regularized({}, loss)


def denoising(corrupt, loss="mse"):
    """The error between the *clean* data and the reconstruction of spoilt ones.

    Args:
        corrupt: ``(x, generator) -> x``, such as ``lambda x, generator: gaussian(x, 0.5, generator)``.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the term ``"reconstruction"``.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.
    """
    return regularized({}, loss, corrupt)


def sparse_l1(weight, loss="mse"):
    """The error, plus `weight` times the mean size of a unit: :func:`~aecourse.regularizers.l1_sparsity`, over batch and units.

    Args:
        weight: lambda, at least 0, in units of the error over units of the code.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"l1"`` (times lambda).
    """
    return penalized("sparse-l1", weight, loss)


def sparse_kl(weight, rho=0.05, loss="mse"):
    """The error, plus `weight` times the divergence of the units' mean activations from `rho`, summed over units.

    From the logits of the code, by :func:`~aecourse.regularizers.kl_sparsity_penalty_from_logits`: a unit that is always off,
    or on, has a finite price and a slope.

    Args:
        weight: lambda, at least 0, in units of the error over nats.
        rho: the target, between 0 and 1.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"kl"`` (times lambda), for a model that was built with
        ``code_activation="sigmoid"``.

    Raises:
        ValueError: as :func:`regularized`; where `rho` is out of range; (when called) where the code is no sigmoid's.

    Source:
        Ng (2011).
    """
    check_loss(loss)
    validation.weight("weight", weight)
    check_target(rho)

    def objective(model, x, generator):
        last = model.encoder[-1] if isinstance(model.encoder, nn.Sequential) else model.encoder
        if not isinstance(last, nn.Sigmoid):
            raise ValueError(
                f"model has a code that comes from {last}; expected a sigmoid: build it with code_activation='sigmoid'"
            )
        logits = model.encoder[:-1](validation.samples("x", x, model.shape).flatten(1))  # (B, k)
        return {
            "reconstruction": error(loss, model, last(logits), x),
            "kl": weight * kl_sparsity_penalty_from_logits(logits, rho),
        }

    return objective


def contractive(weight, loss="mse", probes=None):
    """The error, plus `weight` times the squared Frobenius norm of the encoder's Jacobian, per sample, averaged over the batch.

    Args:
        weight: lambda, at least 0, in units of the error over (units of the code / units of the data)^2.
        loss: as for :func:`regularized`.
        probes: random directions of :func:`~aecourse.regularizers.contractive_penalty_by_probes`, which costs as many backward
            passes; None is exact, by :func:`~aecourse.regularizers.contraction`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"contraction"`` (times lambda).

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    if probes is not None:
        validation.positive("probes", probes)

    def penalty(model, x, z, generator):
        if probes is not None:
            return contractive_penalty_by_probes(model.encode, x, generator, probes)
        if type(model).encode is Autoencoder.encode:  # its layers have a fast form
            return contractive_penalty(model.encoder, x.flatten(1))
        return contractive_penalty(model.encode, x)

    return regularized({"contraction": (weight, penalty)}, loss)


def weight_decayed(weight, loss="mse"):
    """The error, plus `weight` times the sum of squared weights, :func:`~aecourse.regularizers.weight_decay`; biases stay free.

    Args:
        weight: lambda, at least 0; see :func:`~aecourse.regularizers.prior_weight` for the one that a prior asks for.
        loss: as for :func:`regularized`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"decay"`` (times lambda).
    """
    return regularized(
        {"decay": (weight, lambda model, x, z, generator: l2_penalty(weight_matrices(model)))}, loss
    )


def check_loss(loss):
    """`loss` is a name of this file or a function."""
    if not callable(loss):
        validation.one_of("loss", loss, LOSSES)
