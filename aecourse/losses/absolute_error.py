"""Absolute error: the negative log-likelihood of Laplace noise, up to a constant and a factor."""

import torch

from aecourse.losses.reduction import Reduction, compared, reduce


def mae(x_hat: torch.Tensor, x: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    r"""Absolute error :math:`|\hat x - x|`, in units of the data.

    MAE here always means the mean absolute error, never the masked autoencoder.

    With Laplace noise of scale :math:`b` the negative log-likelihood of an element is
    :math:`|\hat x - x| / b + \ln 2b` nats. The constant that minimises it is the median. Its
    gradient has the same magnitude for small and large errors; at zero error PyTorch's subgradient
    is zero.

    Args:
        x_hat: reconstruction, (B, ...), floating point.
        x: data, of the same shape, dtype and device.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features,
            mean over the batch) or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in single precision or better.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, a tensor is empty, or the reduction is unknown.

    Source:
        Bloomfield and Steiger (1983).
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    return reduce((x_hat - x).abs(), reduction)
