"""The contractive penalty: how much the code changes if the input does.

It is the squared Frobenius norm of the encoder's Jacobian for each sample, in (units of the code /
units of the data)^2 (Rifai, Vincent, Muller, Glorot and Bengio, 2011). Each form here is
differentiable with respect to the encoder's parameters, through its weights and through the
derivatives of its activations.

On its own the penalty can be gamed: with a smaller code and larger decoder weights the
reconstruction is the same. Tie their weights, or report the penalty divided by the code's variance.
"""

from collections.abc import Callable

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.reduction import SampleReduction, reduce

Encoder = Callable[[torch.Tensor], torch.Tensor]  # a module or a function

ELEMENTWISE = (
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Tanh,
    nn.Hardtanh,
    nn.ReLU6,
    nn.Softsign,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Tanhshrink,
    nn.Softshrink,
    nn.Hardshrink,
)


def contractive_penalty(
    encoder: Encoder, x: torch.Tensor, reduction: SampleReduction = "mean"
) -> torch.Tensor:
    r"""Squared Frobenius norm of each sample's Jacobian, exact for any encoder.

    .. math:: \lVert \partial z / \partial x \rVert_F^2

    It uses :func:`contractive_penalty_of_mlp` if the encoder is a stack of PyTorch's own linear
    layers and elementwise activations, without hooks, and :func:`contractive_penalty_by_jacobian`
    otherwise. Both compute the same number; the first is faster.

    Args:
        encoder: a module or function, (B, ...) -> (B, ...), that treats each sample independently
            (batch normalization in evaluation mode). For a ``Sequential`` that starts with a linear
            layer, such as ``model.encoder``, `x` is flattened.
        x: inputs, (B, ...), floating point.
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: If `x` is not a floating-point tensor, or the encoder does not return one tensor.
        ValueError: If `x` is empty, the reduction is unknown, or the encoder has a batch
            normalization in training mode, which mixes samples.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    if is_mlp(encoder):
        return contractive_penalty_of_mlp(encoder, x, reduction)
    check_batch(x, reduction)
    if starts_with_linear(encoder):
        x = rows_for(encoder, x)
    return contractive_penalty_by_jacobian(encoder, x, reduction)


def contractive_penalty_by_jacobian(
    encoder: Encoder, x: torch.Tensor, reduction: SampleReduction = "mean"
) -> torch.Tensor:
    """The readable form: one backward pass for each unit of the code, square and sum.

    The gradient of a unit, summed over the batch, has each sample's row of its Jacobian, since each
    sample is treated independently. The encoder sees the batch as it is: under ``vmap`` some layers
    (``PReLU``) compute something else.

    Arguments, return value and errors are those of :func:`contractive_penalty`, but `x` is never
    flattened.
    """
    check_batch(x, reduction)
    return reduce(jacobian_rows(encoder, x).flatten(2).square().sum((0, 2)), reduction)


def jacobian_rows(encoder: Encoder, x: torch.Tensor) -> torch.Tensor:
    """The gradient of each unit of the code at each sample: (B, *sample) -> (units, B, *sample).

    In single precision or better.
    """
    z, pull = torch.func.vjp(lambda inputs: code_of(encoder, inputs), x)
    units = z[0].numel()
    basis = torch.eye(units, dtype=z.dtype, device=z.device)[:, None]  # (units, 1, units)
    basis = basis.expand(-1, len(z), -1).reshape(units, *z.shape)  # (units, B, *code)
    return at_least_float32(torch.func.vmap(pull)(basis)[0])


def contractive_penalty_by_probes(
    encoder: Encoder,
    x: torch.Tensor,
    generator: torch.Generator,
    probes: int = 1,
    reduction: SampleReduction = "mean",
) -> torch.Tensor:
    r"""An unbiased estimate of the penalty from random probes, by Hutchinson's method.

    It is the mean of :math:`\lVert v^\top J \rVert^2` over random sign vectors :math:`v`, with one
    backward pass for each probe. Its variance decreases as 1 / probes; it is exact if the rows of J
    are orthogonal.

    Args:
        encoder, x: as for :func:`contractive_penalty`, but `x` is not flattened.
        generator: ``torch.Generator`` on the device of `x`, for the signs.
        probes: number of random directions of the code.
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError, ValueError: As :func:`contractive_penalty`; also if `probes` is not a positive
            integer.

    Source:
        Hutchinson (1990); Hoffman, Roberts and Yaida (2019).
    """
    check_batch(x, reduction)
    validation.positive("probes", probes)
    z, pull = torch.func.vjp(lambda inputs: code_of(encoder, inputs), x)
    bits = torch.randint(2, (probes, *z.shape), generator=generator, device=z.device)
    signs = 2 * bits.to(z.dtype) - 1  # (probes, B, *code)
    squares = sum(at_least_float32(pull(v)[0]).flatten(1).square().sum(1) for v in signs)  # (B,)
    return reduce(squares / probes, reduction)


def contractive_penalty_of_sigmoid_layer(
    z: torch.Tensor, weight: torch.Tensor, reduction: SampleReduction = "mean"
) -> torch.Tensor:
    r"""Closed form for one sigmoid layer: :math:`\sum_j (z_j (1 - z_j))^2 \lVert W_j \rVert^2`.

    It costs almost nothing, and is valid for sigmoid units only: the derivative of a ReLU is not
    z (1 - z).

    Args:
        z: codes, (B, k), the sigmoid's output, not detached.
        weight: of the layer, (k, d), not detached either: part of the gradient goes through it.
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: If an argument is not a floating-point tensor.
        ValueError: If shapes do not fit, a code is outside [0, 1] (checked once when data enter),
            or the reduction is unknown.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    check_batch(z, reduction, "z")
    validation.floating("weight", weight)
    if z.dim() != 2 or weight.dim() != 2 or z.shape[1] != len(weight):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and weight {tuple(weight.shape)}; "
            "expected (B, k) and (k, d): pass the weight of the nn.Linear that computes z"
        )
    validation.within("z", z, 0, 1)
    z, weight = at_least_float32(z), at_least_float32(weight)
    return reduce((z * (1 - z)).square() @ weight.square().sum(1), reduction)


def contractive_penalty_of_mlp(
    encoder: Encoder, x: torch.Tensor, reduction: SampleReduction = "mean"
) -> torch.Tensor:
    r"""The fast form for a stack of linear layers and elementwise activations.

    Its Jacobian is a product of weights and diagonal matrices of activation derivatives:

    .. math:: J = D_L W_L \cdots D_2 W_2 D_1 W_1 = M W_1,
              \qquad \lVert J \rVert_F^2 = \langle M W_1 W_1^\top, M \rangle

    The product starts at the end with fewer dimensions, the code or the data. From the code, J is
    never formed if the data have more dimensions than the first layer has units: the Gram matrix
    :math:`W_1 W_1^\top`, which the batch shares, is then smaller than :math:`W_1`.

    Args:
        encoder: ``torch.nn.Sequential``, nested or not, of ``Linear`` and elementwise activations.
        x: inputs, (B, ...), floating point; flattened to (B, d).
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: If `x` is not a floating-point tensor, or the encoder is not such a stack.
        ValueError: If `x` does not fit the first layer or is empty, or the reduction is unknown.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011), for the penalty; their closed form is that
        of a single layer.
    """
    check_batch(x, reduction)
    weights, derivatives = (
        [at_least_float32(part) for part in parts] for parts in linearize(encoder, x)
    )
    if len(weights) == 1:
        squares = derivatives[0].square() @ weights[0].square().sum(1)  # (B,)
    elif weights[-1].shape[0] <= weights[0].shape[1]:
        squares = squared_norm_from_code(weights, derivatives)
    else:
        squares = squared_norm_from_data(weights, derivatives)
    return reduce(squares, reduction)


def squared_norm_from_code(
    weights: list[torch.Tensor], derivatives: list[torch.Tensor]
) -> torch.Tensor:
    """Squared norms of J, (B,), from M = D_L W_L ... W_2 D_1, with one row for each code unit."""
    product = derivatives[-1][:, :, None] * weights[-1]  # (B, k, n)
    for weight, derivative in zip(weights[-2:0:-1], derivatives[-2:0:-1], strict=True):
        product = (product * derivative[:, None]) @ weight  # (B, k, n of the layer below)
    product = product * derivatives[0][:, None]  # (B, k, n_1)
    first = weights[0]
    if first.shape[0] < first.shape[1]:
        return (product @ (first @ first.T) * product).sum((1, 2))
    return (product @ first).square().sum((1, 2))


def squared_norm_from_data(
    weights: list[torch.Tensor], derivatives: list[torch.Tensor]
) -> torch.Tensor:
    """Squared norms of J, (B,), from W_1' D_1 ... W_L' D_L, with one row per data dimension."""
    product = weights[0].T * derivatives[0][:, None]  # (B, d, n_1)
    for weight, derivative in zip(weights[1:], derivatives[1:], strict=True):
        product = (product @ weight.T) * derivative[:, None]  # (B, d, n)
    return product.square().sum((1, 2))


def linearize(encoder: Encoder, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The weights and the activation derivatives at `x` of each linear layer, from data to code.

    Args:
        encoder: as for :func:`contractive_penalty_of_mlp`.
        x: (B, ...).

    Returns:
        A list of weights, (n, m), and one of derivatives, (B, n).
    """
    if not is_mlp(encoder):
        raise TypeError(
            f"encoder is {encoder}; expected a torch.nn.Sequential of Linear, which comes first, "
            "and elementwise activations, of these very classes and without hooks: use "
            "contractive_penalty_by_jacobian or contractive_penalty_by_probes for other encoders"
        )
    weights = []
    derivatives = []
    h = rows_for(encoder, x)
    for layer in layers_of(encoder):
        if isinstance(layer, nn.Linear):
            h = layer(h)  # (B, n)
            weights.append(layer.weight)
            derivatives.append(torch.ones_like(h))
        else:
            h, pull = torch.func.vjp(lambda h, layer=layer: layer(h.clone()), h)  # may be in place
            derivatives[-1] = derivatives[-1] * pull(torch.ones_like(h))[0]
    return weights, derivatives


def layers_of(encoder: Encoder) -> list[Encoder]:
    """The layers of a nested ``Sequential``, in order."""
    if not isinstance(encoder, nn.Sequential):
        return [encoder]
    return [layer for part in encoder for layer in layers_of(part)]


def starts_with_linear(encoder: Encoder) -> bool:
    """True for a ``Linear``, or a ``Sequential`` that starts with one."""
    layers = layers_of(encoder)
    return layers != [] and isinstance(layers[0], nn.Linear)


def is_mlp(encoder: Encoder) -> bool:
    """True for a stack of ``Linear`` and elementwise activations that starts with a ``Linear``.

    Each layer must do what its class says: a subclass, a hook or a ``forward`` of its own could
    compute anything.
    """
    if not starts_with_linear(encoder):
        return False
    known = (nn.Sequential, nn.Linear, *ELEMENTWISE)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return all(
        type(part) in known
        and "forward" not in vars(part)
        and not any(getattr(part, name) for name in hooks)
        for part in encoder.modules()
    )


def rows_for(encoder: Encoder, x: torch.Tensor) -> torch.Tensor:
    """`x` flattened for a stack that starts with a ``Linear``: (B, ...) -> (B, d)."""
    rows, wanted = x.flatten(1), layers_of(encoder)[0].in_features
    if rows.shape[1] != wanted:
        raise ValueError(
            f"x has {rows.shape[1]} values a sample; expected {wanted}: "
            "flatten the same images that the first layer was built for"
        )
    return rows


def code_of(encoder: Encoder, x: torch.Tensor) -> torch.Tensor:
    """The code of `x`, checked: one tensor (B, ...) from an encoder that does not mix samples."""
    owner = getattr(encoder, "__self__", encoder)  # of a method, its model
    for part in owner.modules() if isinstance(owner, nn.Module) else ():
        batch_norm = isinstance(part, nn.modules.batchnorm._BatchNorm)
        if batch_norm and (part.training or part.running_mean is None):
            raise ValueError(
                f"encoder contains {type(part).__name__} that normalizes by the statistics of the "
                "batch; expected an encoder that treats each sample independently: call "
                "encoder.eval(), or use LayerNorm or GroupNorm"
            )
    z = encoder(x)
    if not isinstance(z, torch.Tensor):
        raise TypeError(
            f"encoder returns a {type(z).__name__}; expected one tensor: select the code, "
            "for example with lambda x: encoder(x)[0]"
        )
    if z.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"encoder returns shape {tuple(z.shape)} for {len(x)} samples; expected one code for "
            "each, (B, ...): keep the batch axis first"
        )
    return z


def check_batch(x: torch.Tensor, reduction: str, name: str = "x") -> None:
    """Check that `x` is a batch, and `reduction` a reduction over samples."""
    validation.one_of("reduction", reduction, ("mean", "sum", "none"))
    if validation.floating(name, x).dim() < 2:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (B, ...): add the batch axis with [None]"
        )
