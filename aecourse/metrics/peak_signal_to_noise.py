"""Peak signal-to-noise ratio."""

import math

import torch

from aecourse import validation
from aecourse.losses.reduction import compared


def psnr(x_hat: torch.Tensor, x: torch.Tensor, data_range: float = 1.0) -> torch.Tensor:
    r"""Peak signal-to-noise ratio of each image in decibels.

    .. math:: 10 \log_{10} (R^2 / \text{MSE})

    Average it over images: the PSNR of the pooled error is a different, lower number.

    Args:
        x_hat: reconstruction, (B, ...), floating point.
        x: data, of the same shape, dtype and device.
        data_range: R, the largest minus the smallest possible value (not that of this batch).

    Returns:
        (B,) decibels in single precision or better; infinite, with gradient zero, if an image is
        reproduced exactly.

    Raises:
        TypeError: If a tensor is not floating point, or the dtypes differ.
        ValueError: If the shapes or devices differ, the tensors are empty or have no batch
            dimension, or `data_range` is not positive.

    Source:
        Wang and Bovik (2009).
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    if x.dim() < 2:
        raise ValueError(
            f"x_hat has shape {tuple(x_hat.shape)}; expected (B, ...): for a single image pass "
            "x_hat[None] and x[None]"
        )
    validation.positive("data_range", data_range, float)
    error = (x_hat - x).square().flatten(1).mean(1)  # (B,)
    exact = error == 0
    decibels = 10 * (data_range**2 / error.where(~exact, 1)).log10()  # (B,)
    return decibels.where(~exact, math.inf)
