"""Maximum mean discrepancy: a distance between two distributions, estimated from samples.

It is zero for equal distributions (Gretton and others, 2012).
"""

from collections.abc import Callable

import torch

from aecourse import validation
from aecourse.linalg import squared_distances

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
Kernel = Callable[[torch.Tensor, int], torch.Tensor]  # (squared distances, d) -> values


def inverse_multiquadric(squares: torch.Tensor, dim: int, sigma: float = 1.0) -> torch.Tensor:
    r"""Inverse multiquadric kernel of squared distances, summed over seven scales s.

    .. math:: \sum_s \frac{C_s}{C_s + r^2}, \qquad C_s = 2 d \sigma^2 s

    :math:`2 d \sigma^2` is the mean squared distance of two samples of the prior
    :math:`N(0, \sigma^2 I)`. The kernel decays slowly, so that codes far from the prior still have
    a gradient.

    Args:
        squares: squared distances :math:`r^2`, any shape.
        dim: d, the dimension of the samples.
        sigma: standard deviation of the prior.

    Returns:
        Values of the kernel, of the shape of `squares`, without unit.
    """
    validation.positive("sigma", sigma, float)
    return sum(c / (c + squares) for c in (2 * dim * sigma**2 * scale for scale in SCALES))


def gaussian_kernel(squares: torch.Tensor, dim: int, width: float | None = None) -> torch.Tensor:
    r"""Gaussian kernel :math:`e^{-r^2 / g}` of squared distances.

    Args:
        squares: squared distances :math:`r^2`, any shape.
        dim: d, the dimension of the samples.
        width: g; 2 d if None.

    Returns:
        Values of the kernel, of the shape of `squares`, without unit.
    """
    width = 2 * dim if width is None else validation.positive("width", width, float)
    return (-squares / width).exp()


def squared_distances_by_differences(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """All squared distances by the definition: (N, d), (M, d) -> (N, M).

    It stores N * M * d differences.
    """
    return (x[:, None] - y).square().sum(2)


def discrepancy(
    x: torch.Tensor,
    y: torch.Tensor,
    kernel: Kernel,
    distances: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """The formula of :func:`mmd`, for either form of the squared distances."""
    n = len(x)
    m = len(y)
    d = x.shape[1]
    xx = kernel(distances(x, x), d)  # (n, n)
    yy = kernel(distances(y, y), d)  # (m, m)
    xy = kernel(distances(x, y), d)  # (n, m)
    # diagonal().sum(), since the backward pass of trace() waits for a GPU
    within_x = (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_x + within_y - 2 * xy.mean()


def mmd_by_differences(
    x: torch.Tensor, y: torch.Tensor, kernel: Kernel = inverse_multiquadric
) -> torch.Tensor:
    """The readable form of :func:`mmd`."""
    return discrepancy(x, y, kernel, squared_distances_by_differences)


def mmd(x: torch.Tensor, y: torch.Tensor, kernel: Kernel = inverse_multiquadric) -> torch.Tensor:
    r"""An unbiased estimate of the squared maximum mean discrepancy between two distributions.

    .. math:: \tfrac1{n (n - 1)} \sum_{i \neq j} k(x_i, x_j)
              + \tfrac1{m (m - 1)} \sum_{i \neq j} k(y_i, y_j)
              - \tfrac2{n m} \sum_{i, j} k(x_i, y_j)

    The pairs of a sample with itself are left out: they carry no information about the
    distribution. The estimate is unbiased, so for equal distributions it is 0 on average, and
    negative about as often as positive. The distances come from matrix products. Half precision is
    converted to single.

    Args:
        x, y: samples, (N, d) and (M, d), at least two rows each, floating point.
        kernel: ``(squared distances, d) -> values``.

    Returns:
        A scalar, in units of the kernel.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If the shapes do not fit, a sample has fewer than two rows, or the devices
            differ.

    Source:
        Gretton and others (2012), lemma 6.
    """
    for name, sample in (("x", x), ("y", y)):
        is_matrix = validation.floating(name, sample).dim() == 2
        if not is_matrix or len(sample) < 2 or sample.shape[1] != x.shape[-1]:
            raise ValueError(
                f"{name} has shape {tuple(sample.shape)}; expected (N, d) with N > 1 and the same "
                "d in both: pass one code per row, and two rows or more (a larger batch)"
            )
    validation.same("x", x[:1], "y", y[:1])
    return discrepancy(x, y, kernel, squared_distances)
