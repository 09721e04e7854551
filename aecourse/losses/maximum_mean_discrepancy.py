"""Maximum mean discrepancy: how far two samples are from one distribution (Gretton and others, 2012)."""

import torch

from aecourse import validation
from aecourse.losses.reduction import at_least_float32

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def inverse_multiquadric(squares, dim, sigma=1.0):
    r"""Kernel :math:`\sum_s C_s / (C_s + r^2)` of squared distances, with :math:`C_s = 2 d \sigma^2 s` over seven scales s.

    :math:`2 d \sigma^2` is the mean squared distance of two draws of the prior :math:`N(0, \sigma^2 I)`. Its tail
    falls off slowly, so that codes far out still feel a pull.
    """
    return sum(c / (c + squares) for c in (2 * dim * sigma**2 * scale for scale in SCALES))


def gaussian_kernel(squares, dim, width=None):
    r"""Kernel :math:`e^{-r^2 / g}` of squared distances; g is `width`, 2 d where it is None."""
    return (-squares / (2 * dim if width is None else width)).exp()


def squared_distances(x, y):
    """All of them by differences, as it reads: (N, d), (M, d) -> (N, M). It holds N * M * d differences."""
    return (x[:, None] - y).square().sum(2)


def squared_distances_by_products(x, y):
    """The same from one matrix product; rounding may leave a little less than zero, which is cut off."""
    lengths = x.square().sum(1)[:, None] + y.square().sum(1)  # (N, M)
    return torch.addmm(lengths, x, y.T, alpha=-2).clamp(min=0)


def mmd_by_differences(x, y, kernel=inverse_multiquadric):
    """The readable form of :func:`mmd`."""
    return discrepancy(x, y, kernel, squared_distances)


def discrepancy(x, y, kernel, distances):
    """The formula of :func:`mmd`, from any form of the squared distances. A part without a gradient costs none."""
    n = len(x)
    m = len(y)
    d = x.shape[1]
    xx, yy, xy = (kernel(distances(*pair), d) for pair in ((x, x), (y, y), (x, y)))
    return (
        (xx.sum() - xx.trace()) / (n * (n - 1))
        + (yy.sum() - yy.trace()) / (m * (m - 1))
        - 2 * xy.mean()
    )


def mmd(x, y, kernel=inverse_multiquadric):
    r"""Squared maximum mean discrepancy of two samples, unbiased: 0 on average where both follow one distribution.

    .. math:: \tfrac1{n (n - 1)} \sum_{i \neq j} k(x_i, x_j) + \tfrac1{m (m - 1)} \sum_{i \neq j} k(y_i, y_j)
              - \tfrac2{n m} \sum_{i, j} k(x_i, y_j)

    A sample against itself says nothing, so the diagonal is left out; across the samples every pair counts. Being
    unbiased, it falls below 0 about as often as above where nothing is left to find. The distances come from matrix
    products.

    Args:
        x, y: samples, (N, d) and (M, d), of two rows at least, floating point.
        kernel: ``(squared distances, d) -> values``.

    Returns:
        A scalar, in units of the kernel.

    Raises:
        TypeError: where an argument is not a floating-point tensor.
        ValueError: where shapes do not fit, or a sample has less than two rows.

    Source:
        Gretton and others (2012), lemma 6.
    """
    for name, sample in (("x", x), ("y", y)):
        if (
            validation.floating(name, sample).dim() != 2
            or len(sample) < 2
            or sample.shape[1] != x.shape[-1]
        ):
            raise ValueError(
                f"{name} has shape {tuple(sample.shape)}; expected (N, d) with N > 1 and the same d in both: "
                "one code a row"
            )
    with torch.autocast(
        x.device.type, enabled=False
    ):  # half precision would leave nothing of a difference
        return discrepancy(
            at_least_float32(x), at_least_float32(y), kernel, squared_distances_by_products
        )
