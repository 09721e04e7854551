"""Squared error: the negative log-likelihood of Gaussian noise, up to a constant and a factor."""

import torch
import torch.nn.functional as F

from aecourse.losses.reduction import REDUCTIONS, Reduction, compared
from aecourse.validation import one_of


def mse(x_hat: torch.Tensor, x: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    r"""Squared error :math:`(\hat x - x)^2`, in squared units of the data.

    With noise of variance :math:`\sigma^2` the negative log-likelihood of an element is
    :math:`(\hat x - x)^2 / 2 \sigma^2 + \tfrac12 \ln 2 \pi \sigma^2` nats. The constant that
    minimises it is the mean.

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
        Bishop (2006), section 1.2.5.
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    one_of("reduction", reduction, REDUCTIONS)
    # reduce((x_hat - x).square(), reduction), without storing the squares
    if reduction == "batchmean":
        return F.mse_loss(x_hat, x, reduction="sum") / len(x)
    return F.mse_loss(x_hat, x, reduction=reduction)
