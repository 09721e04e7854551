"""How far the code moves when the input does, free of the code's own scale."""

import torch

from aecourse import validation
from aecourse.regularizers.contraction import contractive_penalty


def code_variance(z):
    """The total variance of a code over the samples, divided by their number: (B, k) -> ()."""
    return validation.floating("z", z).var(0, correction=0).sum()


def sensitivity(encoder, x):
    r"""Mean squared Frobenius norm of the encoder's Jacobian over the total variance of the code.

    The norm alone is gamed by making the code small and the decoder large. Divided by the variance it does not move
    when the code is rescaled: it says how much of the code's spread a unit of input noise stirs up.

    Args:
        encoder: (B, ...) -> (B, k), each sample on its own.
        x: data, (B, ...), of several samples, floating point.

    Returns:
        A scalar, in inverse squared units of the data; infinite where the code is the same for all samples.

    Raises:
        TypeError, ValueError: where `x` is not a batch of floating point.

    Source:
        Rifai, Vincent, Muller, Glorot and Bengio (2011), for the norm.
    """
    validation.floating("x", x)
    if len(x) < 2:
        raise ValueError(f"x holds {len(x)} sample; expected several: one code has no variance")
    return contractive_penalty(encoder, x) / code_variance(encoder(x))


def local_tangents(x, data, dimension, neighbours=20):
    """Orthonormal directions along the data at each sample, from the differences to its nearest neighbours.

    Args:
        x: samples, (B, d), floating point.
        data: where neighbours are looked for, (N, d).
        dimension: t, the number of directions, d at most.
        neighbours: at least t.

    Returns:
        (B, t, d): the first t principal directions of each neighbourhood.

    Raises:
        TypeError: where `x` or `data` is not a floating-point tensor.
        ValueError: where their shapes do not fit, or there are too few neighbours, samples or coordinates for t directions.

    Source:
        Zhang and Zha (2004), the first step.
    """
    validation.floating("x", x)
    validation.floating("data", data)
    validation.positive("dimension", dimension)
    if x.dim() != 2 or data.dim() != 2 or x.shape[1] != data.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and data {tuple(data.shape)}; expected (B, d) and (N, d): "
            "flatten both with .flatten(1)"
        )
    if dimension > x.shape[1]:
        raise ValueError(
            f"dimension is {dimension} for samples of {x.shape[1]} numbers; expected at most as many directions as numbers"
        )
    if not dimension <= neighbours < len(data):
        raise ValueError(
            f"neighbours is {neighbours} for {dimension} directions and {len(data)} samples; "
            "expected at least as many as directions, and fewer than samples"
        )
    nearest = (
        torch.cdist(x, data).topk(neighbours + 1, largest=False).indices
    )  # (B, n + 1): the sample itself may be among them
    around = data[nearest]  # (B, n + 1, d)
    return torch.linalg.svd(around - around.mean(1, keepdim=True), full_matrices=False).Vh[
        :, :dimension
    ]  # (B, t, d)


def tangent_gains(encoder, x, tangents):
    r"""Mean squared gain of the encoder along the data and across it, for one direction of each kind.

    With Jacobian J and projector P on the tangents: :math:`\|J P\|_F^2 / t` and :math:`\|J (I - P)\|_F^2 / (d - t)`.

    Args:
        encoder: (B, d) -> (B, k).
        x: data, (B, d), floating point.
        tangents: (B, t, d), orthonormal rows, t below d.

    Returns:
        (B,), (B,): along, across; their ratio is free of the code's scale.

    Raises:
        TypeError: where `x` or `tangents` is not a floating-point tensor.
        ValueError: where their shapes do not fit, or the tangents leave no direction across.
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
            f"tangents has shape {tuple(tangents.shape)} for x of shape {tuple(x.shape)}; expected (B, t, d) for (B, d), "
            "t below d: one direction at least must lead across"
        )
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: encoder(one[None])[0]))(x)  # (B, k, d)
    t, d = tangents.shape[1:]
    along = (jacobian @ tangents.mT).square().sum((1, 2))  # (B,)
    return along / t, (jacobian.square().sum((1, 2)) - along).clamp(min=0) / (d - t)
