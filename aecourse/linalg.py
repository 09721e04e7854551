"""Precision, distances and principal axes, as several modules compute them."""

import torch

from aecourse import validation


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """`x` in single precision or better: sums of half-precision numbers overflow or round away."""
    if x.dtype in (torch.float32, torch.float64):
        return x  # a training step calls this often
    return x.to(torch.promote_types(x.dtype, torch.float32))


def double(x: torch.Tensor) -> torch.Tensor:
    """`x` in double precision; in single on MPS, which has no double."""
    return at_least_float32(x) if x.device.type == "mps" else x.double()


def squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """All squared distances, from one matrix product: (N, d), (M, d) -> (N, M).

    Half precision is converted to single, and the point half-way between the two means is
    subtracted first: the rounding error is relative to the spread of the samples, however far they
    are from the origin. Negative rounding errors are clamped to zero. If samples are much closer to
    each other than their groups are, convert them by :func:`double`.
    """
    x, y = at_least_float32(x), at_least_float32(y)
    with torch.autocast(x.device.type, enabled=False):  # differences cancel in half precision
        centre = (x.detach().mean(0) + y.detach().mean(0)) / 2  # no distance depends on it
        x, y = x - centre, y - centre
        squared_norms = x.square().sum(1)[:, None] + y.square().sum(1)  # (N, M)
        return torch.addmm(squared_norms, x, y.T, alpha=-2).clamp(min=0)


def principal_axes(data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, principal axes and variances along them, by an eigendecomposition of the covariance.

    All is computed in double precision: in single precision the decomposition fails if many pixels
    are constant, and small eigenvalues drown in the rounding errors of large ones.

    Args:
        data: (N, ...), floating point, finite; flattened to (N, d). The covariance divides by N.

    Returns:
        The mean, (d,); the axes, (d, d), one a column; and the eigenvalues, (d,), largest first.
        Half precision is converted to single.
    """
    mean, covariance = second_moments(data)
    values, axes = torch.linalg.eigh(covariance)
    dtype = at_least_float32(data).dtype
    return mean.to(dtype), axes.flip(1).to(dtype), values.flip(0).clamp(min=0).to(dtype)


def second_moments(data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean, (d,), and covariance, (d, d), of `data`, (N, ...), which divides by N.

    In double precision.
    """
    if validation.floating("data", data).dim() < 2:
        raise ValueError(
            f"data has shape {tuple(data.shape)}; expected (N, ...), one sample a row: add the "
            "missing axis with [None] or [:, None]"
        )
    rows = double(validation.finite("data", data)).flatten(1)  # (N, d)
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / len(rows)
