"""The contractive penalty: how far the code moves when the input does (Rifai, Vincent, Muller, Glorot and Bengio, 2011).

The squared Frobenius norm of the encoder's Jacobian, per sample, in (units of the code / units of the data)^2. Each form
here has a gradient with respect to the encoder's parameters, weights and slopes both. On its own the penalty can be
gamed: a code scaled down and a decoder scaled up reconstruct the same; tie their weights, or report it over the
code's variance.
"""

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.reduction import reduce

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


def contractive_penalty(encoder, x, reduction="mean"):
    r"""Squared Frobenius norm :math:`\lVert \partial z / \partial x \rVert_F^2` of each sample, exact for any encoder.

    It takes :func:`contractive_penalty_of_mlp` where the encoder is a stack of linear layers and elementwise activations,
    :func:`contractive_penalty_by_jacobian` elsewhere: the same number, at a fraction of the time.

    Args:
        encoder: a module or function, (B, ...) -> (B, ...), that treats each sample on its own (batch
            normalisation in evaluation mode). A stack of layers, such as ``model.encoder``, gets `x` flattened.
        x: inputs, (B, ...), floating point.
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: where `x` is not a floating-point tensor, or the encoder does not return one tensor.
        ValueError: where `x` is empty or the reduction is unknown.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    return (contractive_penalty_of_mlp if is_mlp(encoder) else contractive_penalty_by_jacobian)(
        encoder, x, reduction
    )


def contractive_penalty_by_jacobian(encoder, x, reduction="mean"):
    """The readable form: the Jacobian of each sample, squared and summed. Arguments as for :func:`contractive_penalty`."""
    check_batch(x, reduction)
    jacobians = torch.func.vmap(torch.func.jacrev(lambda row: one_tensor(encoder(row[None]))[0]))(
        x
    )  # (B, *code, *sample)
    return reduce(jacobians.flatten(1).square().sum(1), reduction)


def contractive_penalty_by_probes(encoder, x, generator, probes=1, reduction="mean"):
    r"""An unbiased estimate (Hutchinson): :math:`\lVert v^\top J \rVert^2` for random signs :math:`v`, one backward pass a probe.

    The mean over probes; its variance falls as 1 / probes. Exact where the rows of J are orthogonal.

    Args:
        encoder, x: as for :func:`contractive_penalty`; `x` is passed on as it is.
        generator: ``torch.Generator`` on the device of `x`, for the signs.
        probes: number of random directions of the code.
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError, ValueError: as :func:`contractive_penalty`; also where `probes` is not a positive integer.

    Source:
        Hutchinson (1990); Hoffman, Roberts and Yaida (2019).
    """
    check_batch(x, reduction)
    validation.positive("probes", probes)
    z, pull = torch.func.vjp(lambda inputs: one_tensor(encoder(inputs)), x)
    signs = (
        2 * torch.randint(2, (probes, *z.shape), generator=generator, device=z.device).to(z.dtype)
        - 1
    )
    squares = sum(pull(v)[0].flatten(1).square().sum(1) for v in signs)  # (B,)
    return reduce(squares / probes, reduction)


def contractive_penalty_of_sigmoid_layer(z, weight, reduction="mean"):
    r"""Closed form for one sigmoid layer: :math:`\sum_j (z_j (1 - z_j))^2 \lVert W_j \rVert^2`, nearly free.

    For sigmoid units only: a ReLU's slope is not z (1 - z).

    Args:
        z: codes, (B, k), the sigmoid's output, part of the graph.
        weight: of the layer, (k, d), part of the graph (not detached: half of the gradient is its own).
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: where an argument is not a floating-point tensor.
        ValueError: where shapes do not fit, a code lies outside [0, 1] (read once where data enter), or the
            reduction is unknown.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011).
    """
    check_batch(z, reduction, "z")
    validation.floating("weight", weight)
    if z.dim() != 2 or weight.dim() != 2 or z.shape[1] != len(weight):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and weight {tuple(weight.shape)}; expected (B, k) and (k, d), "
            "as nn.Linear keeps it"
        )
    validation.within("z", z, 0, 1)
    return reduce((z * (1 - z)).square() @ weight.square().sum(1), reduction)


def contractive_penalty_of_mlp(encoder, x, reduction="mean"):
    r"""The fast form, for a stack of linear layers, whose Jacobian is a product of weights and slopes of the activations.

    .. math:: J = D_L W_L \cdots D_2 W_2 D_1 W_1 = M W_1, \qquad \lVert J \rVert_F^2 = \langle M W_1 W_1^\top, M \rangle

    The product starts at the side with fewer rows: the code's or the data's. From the code's side J is never formed:
    the Gram matrix :math:`W_1 W_1^\top` is shared by the batch, and smaller than :math:`W_1` where the data are wide.

    Args:
        encoder: ``torch.nn.Sequential``, nested or not, of ``Linear`` and elementwise activations.
        x: inputs, (B, ...), floating point; flattened to (B, d).
        reduction: over samples: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: where `x` is not a floating-point tensor, or the encoder is not such a stack.
        ValueError: where `x` does not fit the first layer or is empty, or the reduction is unknown.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011), for the penalty; their closed form is that of a single layer.
    """
    check_batch(x, reduction)
    weights, slopes = linearize(encoder, x.flatten(1))
    if len(weights) == 1:
        squares = slopes[0].square() @ weights[0].square().sum(1)  # (B,)
    elif weights[-1].shape[0] <= weights[0].shape[1]:
        squares = from_the_code(weights, slopes)
    else:
        squares = from_the_data(weights, slopes)
    return reduce(squares, reduction)


def from_the_code(weights, slopes):
    """Squared norms, (B,), by M = D_L W_L ... W_2 D_1: one row a unit of the code."""
    product = slopes[-1][:, :, None] * weights[-1]  # (B, k, n)
    for weight, slope in zip(weights[-2:0:-1], slopes[-2:0:-1]):
        product = (product * slope[:, None]) @ weight  # (B, k, n of the layer below)
    product = product * slopes[0][:, None]  # (B, k, n_1)
    first = weights[0]
    if first.shape[0] < first.shape[1]:
        return (product @ (first @ first.T) * product).sum((1, 2))
    return (product @ first).square().sum((1, 2))


def from_the_data(weights, slopes):
    """Squared norms, (B,), by the transpose W_1' D_1 ... W_L' D_L: one row a dimension of the data."""
    product = weights[0].T * slopes[0][:, None]  # (B, d, n_1)
    for weight, slope in zip(weights[1:], slopes[1:]):
        product = (product @ weight.T) * slope[:, None]  # (B, d, n)
    return product.square().sum((1, 2))


def linearize(encoder, x):
    """Weights, (n, m), and slopes of the activations at `x`, (B, n), of each linear layer, from data to code."""
    if not is_mlp(encoder):
        raise TypeError(
            f"encoder is {encoder}; expected a torch.nn.Sequential of Linear, the first of all, and elementwise "
            "activations: for others there are contraction_by_jacobian and contraction_by_probes"
        )
    layers = layers_of(encoder)
    weights = []
    slopes = []
    h = x
    if x.shape[1] != layers[0].in_features:
        raise ValueError(
            f"x has {x.shape[1]} numbers a sample; expected {layers[0].in_features}, what the first layer takes"
        )
    for layer in layers:
        if isinstance(layer, nn.Linear):
            h = layer(h)  # (B, n)
            weights.append(layer.weight)
            slopes.append(torch.ones_like(h))
        else:
            h, pull = torch.func.vjp(layer, h)
            slopes[-1] = slopes[-1] * pull(torch.ones_like(h))[0]
    return weights, slopes


def layers_of(encoder):
    """The layers of a nested ``Sequential``, in order."""
    if not isinstance(encoder, nn.Sequential):
        return [encoder]
    return [layer for part in encoder for layer in layers_of(part)]


def is_mlp(encoder):
    """Is it a stack of ``Linear``, the first of all, and elementwise activations?"""
    layers = layers_of(encoder)
    first_is_linear = layers != [] and isinstance(layers[0], nn.Linear)
    return first_is_linear and all(isinstance(layer, (nn.Linear, *ELEMENTWISE)) for layer in layers)


def one_tensor(z):
    """What an encoder returned is one tensor."""
    if not isinstance(z, torch.Tensor):
        raise TypeError(
            f"encoder returns a {type(z).__name__}; expected one tensor: pass lambda x: encoder(x)[0], "
            "or whichever is the code"
        )
    return z


def check_batch(x, reduction, name="x"):
    """`x` is a batch, and `reduction` one over samples."""
    validation.one_of("reduction", reduction, ("mean", "sum", "none"))
    if validation.floating(name, x).dim() < 2:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (B, ...): add the batch axis with [None]"
        )
