"""How much the code changes when the input does, independent of the scale of the code."""

from collections.abc import Callable

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32, double, squared_distances
from aecourse.regularizers.contraction import contractive_penalty, jacobian_rows


def code_variance(z: torch.Tensor) -> torch.Tensor:
    """The total variance of a code: over the samples, summed over units, (B, k) -> ()."""
    return at_least_float32(validation.floating("z", z)).var(0, correction=0).sum()


def sensitivity(encoder: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    r"""Mean squared Frobenius norm of the encoder's Jacobian, divided by the variance of the code.

    The norm alone can be made small by a small code and a large decoder. Divided by the variance it
    does not change when the code is rescaled: to first order, it is the variance that input noise
    of unit variance adds to the code, as a share of the code's own variance.

    Args:
        encoder: (B, ...) -> (B, k), which treats each sample independently.
        x: data, (B, ...), with B > 1, floating point.

    Returns:
        A scalar in inverse squared units of the data; infinite if all samples have the same code,
        nan if moreover no small change of a sample changes it.

    Raises:
        TypeError: If `x` is not a floating-point tensor.
        ValueError: If `x` has fewer than two samples.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011), for the norm.
    """
    validation.floating("x", x)
    if len(x) < 2:
        raise ValueError(
            f"x contains {len(x)} sample; expected at least two: a single code has no variance"
        )
    return contractive_penalty(encoder, x) / code_variance(encoder(x))


def local_tangents(
    x: torch.Tensor, data: torch.Tensor, dimension: int, neighbours: int = 20
) -> torch.Tensor:
    """Orthonormal directions along the data at each sample, by PCA of its nearest neighbours.

    Args:
        x: samples, (B, d), floating point, finite.
        data: (N, d), finite, in which the neighbours are found.
        dimension: t, the number of directions, at most d.
        neighbours: at least t, and fewer than N.

    Returns:
        (B, t, d): the first t principal directions of each neighbourhood, in single precision or
        better.

    Raises:
        TypeError: If `x` or `data` is not a floating-point tensor.
        ValueError: If the shapes do not fit, a value is not finite, or there are too few
            neighbours, samples or coordinates for t directions.

    Source:
        Zhang and Zha (2004), the first step.
    """
    validation.finite("x", x)
    validation.finite("data", data)
    validation.positive("dimension", dimension)
    validation.positive("neighbours", neighbours)
    if x.dim() != 2 or data.dim() != 2 or x.shape[1] != data.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and data {tuple(data.shape)}; expected (B, d) and "
            "(N, d): flatten both with .flatten(1)"
        )
    if dimension > x.shape[1]:
        raise ValueError(
            f"dimension is {dimension} for samples of {x.shape[1]} numbers; expected at most "
            f"{x.shape[1]}: lower dimension"
        )
    if not dimension <= neighbours < len(data):
        raise ValueError(
            f"neighbours is {neighbours} for {dimension} directions and {len(data)} samples; "
            f"expected at least {dimension} and fewer than {len(data)}: change neighbours, or "
            "pass more data"
        )
    # One more than asked for: the sample itself may be among them.
    distances = squared_distances(double(x), double(data))  # (B, N)
    nearest = distances.topk(neighbours + 1, largest=False).indices  # (B, n + 1)
    around = at_least_float32(data)[nearest]  # (B, n + 1, d)
    centred = around - around.mean(1, keepdim=True)
    axes = torch.linalg.svd(centred, full_matrices=False).Vh  # (B, min(n + 1, d), d)
    return axes[:, :dimension]  # (B, t, d)


def tangent_gains(
    encoder: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, tangents: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Mean squared gain of the encoder for a direction along the data, and for one across it.

    With the Jacobian J and the projector P on the tangents they are
    :math:`\|J P\|_F^2 / t` and :math:`\|J (I - P)\|_F^2 / (d - t)`.

    Args:
        encoder: (B, d) -> (B, k).
        x: data, (B, d), floating point.
        tangents: (B, t, d), orthonormal rows, with t < d.

    Returns:
        along, (B,), and across, (B,); their ratio does not depend on the scale of the code.

    Raises:
        TypeError: If `x` or `tangents` is not a floating-point tensor.
        ValueError: If the shapes do not fit, or the tangents leave no direction across.
    """
    validation.floating("x", x)
    validation.floating("tangents", tangents)
    if (
        x.dim() != 2
        or tangents.dim() != 3
        or tangents.shape[::2] != x.shape
        or tangents.shape[1] >= x.shape[1]
    ):
        raise ValueError(
            f"tangents has shape {tuple(tangents.shape)} for x of shape {tuple(x.shape)}; expected "
            "(B, t, d) for (B, d), with t below d: leave at least one direction across"
        )
    jacobian = jacobian_rows(encoder, x).movedim(0, 1)  # (B, k, d)
    t, d = tangents.shape[1:]
    tangents = tangents.to(jacobian)
    gains = jacobian @ tangents.mT  # (B, k, t)
    # Not the difference of two squared norms: it cancels if one gain is much the larger.
    across = jacobian - gains @ tangents  # (B, k, d)
    return gains.square().sum((1, 2)) / t, across.square().sum((1, 2)) / (d - t)
