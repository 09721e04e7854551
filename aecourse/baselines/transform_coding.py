"""The best linear code of a given number of bits: its limit (Kolmogorov, 1956), and one that can be built."""

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import principal_axes


def reverse_water_filling(data, bits):
    r"""The squared error that no linear code of `bits` bits a sample falls below, summed over entries: reverse water-filling.

    Principal axes are coded as independent Gaussians of variance :math:`\lambda_i`, each to the error
    :math:`\min(\theta, \lambda_i)`, with the level :math:`\theta` such that
    :math:`\sum_i \tfrac12 \log_2 (\lambda_i / \min(\theta, \lambda_i))` is `bits`. It is the limit for very long
    messages of Gaussian data; a real quantiser of principal axes does worse.

    Args:
        data: (N, ...), floating point.
        bits: more than 0.

    Returns:
        A scalar, in squared units of the data.

    Source:
        Kolmogorov (1956); Cover and Thomas (2006), theorem 10.3.3.
    """
    validation.positive("bits", bits, float)
    values = principal_axes(data)[2].double()  # (d,), the largest first
    values = values[values > 1e-12 * values[0]]
    logs = values.log2()
    kept = torch.arange(
        1, len(values) + 1, device=values.device
    )  # with the first m axes coded, log2 of the level
    levels = (logs.cumsum(0) - 2 * bits) / kept
    m = int((levels < logs).sum())  # as many as stand above the water
    return m * 2 ** levels[m - 1] + values[m:].sum()


def lloyd_quantizer(values, levels, iterations=60):
    """Lloyd's quantiser of each column on its own: cells bounded half-way between the means of what they hold.

    Args:
        values: (N, m), each column sorted upwards.
        levels: how many.

    Returns:
        (m, levels) representatives.

    Source:
        Lloyd (1982).
    """
    if levels == 1:
        return values.mean(0)[:, None]
    shares = (torch.arange(levels, device=values.device) + 0.5) / levels
    centres = values[(shares * len(values)).long()].T.contiguous()  # (m, levels), the quantiles
    sums = torch.cat([torch.zeros_like(values[:1]), values.cumsum(0)]).T.contiguous()  # (m, N + 1)
    columns = values.T.contiguous()
    for _ in range(iterations):
        borders = (centres[:, 1:] + centres[:, :-1]) / 2  # (m, levels - 1)
        ends = torch.searchsorted(columns, borders)
        ends = torch.cat(
            [torch.zeros_like(ends[:, :1]), ends, torch.full_like(ends[:, :1], columns.shape[1])], 1
        )  # (m, levels + 1)
        counts, totals = ends.diff(dim=1), sums.gather(1, ends).diff(dim=1)
        centres = torch.where(counts > 0, totals / counts.clamp(min=1), centres)
    return centres


class TransformCoder(nn.Module):
    """Principal axes, each rounded to levels of its own: the linear code of `bits` bits a sample that can be built.

    Each bit in turn goes to the axis where it saves most, and doubles its levels.

    Args:
        data: (N, ...) to fit it on, floating point.
        bits: of each sample, a positive integer.
        axes: how many axes can get bits.
        most: bits that an axis can get.

    Source:
        Huang and Schultheiss (1963), who split the bits by a formula and a few trials; the levels: Lloyd (1982).
    """

    def __init__(self, data, bits, axes=128, most=6):
        super().__init__()
        validation.positive("bits", bits)
        self.shape = tuple(data.shape[1:])
        mean, directions, _ = principal_axes(data)
        self.register_buffer("mean", mean)
        self.register_buffer("axes", directions[:, :axes])
        codes = ((data.flatten(1) - mean) @ self.axes).double()  # (N, m)
        columns = codes.sort(0).values
        self.levels = [lloyd_quantizer(columns, 2**b).to(mean) for b in range(most + 1)]
        errors = torch.stack(
            [
                (codes - self.rounded(codes.to(mean), b).double()).square().mean(0)
                for b in range(most + 1)
            ]
        )  # (most + 1, m)
        savings = torch.cat(
            [errors[:-1] - errors[1:], torch.full_like(errors[:1], -1)]
        )  # of the next bit of each axis
        self.register_buffer("spent", torch.zeros(codes.shape[1], dtype=torch.long))
        for _ in range(min(bits, most * codes.shape[1])):
            self.spent[savings.gather(0, self.spent[None])[0].argmax()] += 1

    def rounded(self, codes, bits):
        """Each of `codes`, (N, m), at the nearest of the levels for `bits`."""
        if bits == 0:
            return self.levels[0].T.expand_as(codes)
        borders = (self.levels[bits][:, 1:] + self.levels[bits][:, :-1]) / 2
        return self.levels[bits].gather(1, torch.searchsorted(borders, codes.T.contiguous())).T

    def forward(self, x):
        """What the code leaves of `x`: (B, ...) -> (B, ...)."""
        codes = (
            validation.samples("x", x, self.shape).flatten(1) - self.mean
        ) @ self.axes  # (B, m)
        kept = torch.stack([self.rounded(codes, b) for b in range(len(self.levels))]).gather(
            0, self.spent.expand(1, *codes.shape)
        )[0]
        return (kept @ self.axes.T + self.mean).reshape(x.shape)
