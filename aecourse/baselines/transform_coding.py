"""Linear codes with a given number of bits: the theoretical limit, and one that can be built."""

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import principal_axes


def reverse_water_filling(data: torch.Tensor, bits: float) -> torch.Tensor:
    r"""Squared error of the best code of `bits` bits a sample for Gaussian data, over all entries.

    Principal axes are coded as independent Gaussians of variance :math:`\lambda_i`. Each has the
    error :math:`\min(\theta, \lambda_i)`, with the water level :math:`\theta` such that
    :math:`\sum_i \tfrac12 \log_2 (\lambda_i / \min(\theta, \lambda_i))` equals `bits`.

    For data that *are* Gaussian with this covariance it is a lower bound: no code of these bits,
    linear or not, has a smaller error, and long messages come close to it. For other data it is
    no lower bound but an upper bound of that limit, since Gaussian data are the hardest to code of
    all data with the same covariance. Data that are -1 or 1 need one bit and have no error then;
    here it says 1/4. Compare it with what a :class:`TransformCoder` reaches on the same data.

    Args:
        data: (N, ...), floating point.
        bits: for each sample, more than 0.

    Returns:
        A scalar, in squared units of the data.

    Raises:
        ValueError: If `bits` is not positive.

    Source:
        Kolmogorov (1956); Cover and Thomas (2006), theorem 10.3.3.
    """
    validation.positive("bits", bits, float)
    variances = principal_axes(data)[2].double()  # (d,), largest first
    if variances[0] == 0:
        return variances.sum()  # nothing varies
    variances = variances[variances > 1e-12 * variances[0]]
    logs = variances.log2()
    counts = torch.arange(1, len(variances) + 1, device=variances.device)
    log_levels = (logs.cumsum(0) - 2 * bits) / counts  # log2 of the level if m axes get bits
    m = int((log_levels < logs).sum())  # the number of axes whose variance is above the level
    return m * 2 ** log_levels[m - 1] + variances[m:].sum()


def lloyd_quantizer(values: torch.Tensor, levels: int, iterations: int = 60) -> torch.Tensor:
    """Lloyd's quantizer, for each column separately.

    It alternates two steps: a level is the mean of the values in its cell, and the border between
    two cells is half-way between their levels.

    Args:
        values: (N, m), each column sorted in ascending order.
        levels: number of levels.
        iterations: number of times that the levels are updated.

    Returns:
        The levels, (m, levels).

    Source:
        Lloyd (1982).
    """
    if levels == 1:
        return values.mean(0)[:, None]
    quantiles = (torch.arange(levels, device=values.device) + 0.5) / levels
    centres = values[(quantiles * len(values)).long()].T.contiguous()  # (m, levels)
    sums = torch.cat([torch.zeros_like(values[:1]), values.cumsum(0)]).T.contiguous()  # (m, N + 1)
    columns = values.T.contiguous()  # (m, N)
    for _ in range(iterations):
        borders = (centres[:, 1:] + centres[:, :-1]) / 2  # (m, levels - 1)
        inner = torch.searchsorted(columns, borders)
        first = torch.zeros_like(inner[:, :1])
        last = torch.full_like(inner[:, :1], columns.shape[1])
        ends = torch.cat([first, inner, last], 1)  # (m, levels + 1)
        counts = ends.diff(dim=1)  # (m, levels)
        totals = sums.gather(1, ends).diff(dim=1)  # (m, levels)
        centres = torch.where(counts > 0, totals / counts.clamp(min=1), centres)
    return centres


class TransformCoder(nn.Module):
    """Quantized principal axes: a linear code of `bits` bits a sample that can be built.

    Each bit in turn is allocated to the axis where it reduces the error most, and doubles the
    number of its levels.

    Args:
        data: data to fit it on, (N, ...), floating point.
        bits: for each sample, a positive integer.
        axes: number of principal axes that can get bits.
        most: largest number of bits of an axis.

    Raises:
        ValueError: If `bits`, `axes` or `most` is not a positive integer, or there are more bits
            than `most` for each axis.

    Source:
        Huang and Schultheiss (1963), who allocate the bits by a formula and a few trials; Lloyd
        (1982), for the levels.
    """

    def __init__(self, data: torch.Tensor, bits: int, axes: int = 128, most: int = 6):
        super().__init__()
        validation.positive("bits", bits)
        validation.positive("axes", axes)
        validation.positive("most", most)
        self.shape = tuple(data.shape[1:])
        mean, directions, _ = principal_axes(data)
        self.register_buffer("mean", mean)
        self.register_buffer("axes", directions[:, :axes])
        room = most * self.axes.shape[1]
        if bits > room:
            raise ValueError(
                f"bits is {bits}; expected at most {room}, {most} for each of "
                f"{self.axes.shape[1]} axes: raise most or axes, or spend fewer bits"
            )
        codes = ((data.flatten(1) - mean) @ self.axes).double()  # (N, m)
        columns = codes.sort(0).values
        levels = mean.new_zeros(most + 1, columns.shape[1], 2**most)
        for b in range(most + 1):
            levels[b, :, : 2**b] = lloyd_quantizer(columns, 2**b).to(mean)
        self.register_buffer("levels", levels)  # (most + 1, m, 2^most), 2^b of them with b bits
        errors = [
            (codes - self.rounded(codes.to(mean), b).double()).square().mean(0)
            for b in range(most + 1)
        ]
        errors = torch.stack(errors)  # (most + 1, m)
        full = torch.full_like(errors[:1], -1)  # an axis with `most` bits gets no more
        savings = torch.cat([errors[:-1] - errors[1:], full])  # by the next bit of each axis
        self.register_buffer("spent", torch.zeros(codes.shape[1], dtype=torch.long))
        for _ in range(bits):
            self.spent[savings.gather(0, self.spent[None])[0].argmax()] += 1

    def rounded(self, codes: torch.Tensor, bits: int) -> torch.Tensor:
        """Round each of `codes`, (N, m), to the nearest of the levels for `bits`."""
        levels = self.levels[bits, :, : 2**bits]  # (m, 2^bits)
        if bits == 0:
            return levels.T.expand_as(codes)
        borders = (levels[:, 1:] + levels[:, :-1]) / 2
        return levels.gather(1, torch.searchsorted(borders, codes.T.contiguous())).T

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode and decode: (B, ...) -> (B, ...)."""
        rows = validation.samples("x", x, self.shape, self.axes).flatten(1)  # (B, d)
        codes = (rows - self.mean) @ self.axes  # (B, m)
        rounded = torch.stack([self.rounded(codes, b) for b in range(len(self.levels))])
        kept = rounded.gather(0, self.spent.expand(1, *codes.shape))[0]  # (B, m)
        return (kept @ self.axes.T + self.mean).reshape(x.shape)
