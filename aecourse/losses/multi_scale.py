"""Squared error at several scales, from the full resolution to coarser and coarser averages."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import Reduction, compared, reduce
from aecourse.losses.squared_error import mse


def pyramid(x: torch.Tensor, levels: int) -> list[torch.Tensor]:
    """The image pyramid: each level halves the one before, by means over 2 x 2 pixels.

    Args:
        x: images, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        levels: length of the list, the image itself included.

    Returns:
        A list of (B, C, H / 2^l, W / 2^l), l = 0, 1, ...

    Raises:
        TypeError: If `x` is not a floating-point tensor.
        ValueError: If `x` is not a batch of images, or a side can't be halved that often: a
            leftover pixel would count at some levels and not at others.
    """
    validation.images("x", x)
    validation.positive("levels", levels)
    height, width = x.shape[2:]
    # 28 = 4 * 7 can be halved twice: its lowest set bit is the third, so 3 levels
    most = min((side & -side).bit_length() for side in (height, width))
    if levels > most:
        step = 2 ** (levels - 1)
        padded = " x ".join(str(-(-side // step) * step) for side in (height, width))
        raise ValueError(
            f"x has images of {height} x {width}; "
            f"expected sides divisible by {step} for {levels} levels: "
            f"use at most {most}, or pad them to {padded} with torch.nn.functional.pad"
        )
    images = [x]
    for _ in range(levels - 1):
        images.append(F.avg_pool2d(images[-1], 2))
    return images


def multi_scale_levels(
    x_hat: torch.Tensor, x: torch.Tensor, levels: int = 3, reduction: Reduction = "mean"
) -> list[torch.Tensor]:
    """Squared error at each level of the pyramid, in squared units of the data.

    The ``"mean"`` never increases from one level to the next: averaging pixels averages their
    errors, and errors of opposite sign cancel. The decrease from a level to the next is the error
    that is visible only at the finer one.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        x: data, of the same shape, dtype and device.
        levels: number of scales, the image itself included.
        reduction: as for :func:`~aecourse.losses.mse`, applied to the pixels of each level.

    Returns:
        A list of `levels` scalars, from fine to coarse, or of (B, C, H / 2^l, W / 2^l) for
        ``"none"``, in single precision or better.

    Raises:
        TypeError, ValueError: As :func:`multi_scale_loss`.
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    pairs = zip(pyramid(x_hat, levels), pyramid(x, levels), strict=True)
    return [mse(*pair, reduction) for pair in pairs]


def multi_scale_loss(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    weights: Sequence[float] = (1.0, 1.0, 1.0),
    reduction: Reduction = "mean",
) -> torch.Tensor:
    r"""Weighted squared error over the levels of a pyramid, in squared units of the data.

    .. math:: \sum_l w_l\,\mathrm{MSE}(P_l \hat x, P_l x)

    :math:`P_l` averages blocks of :math:`2^l \times 2^l` pixels. Each level's error is upsampled to
    full resolution and the levels are added before the reduction, so that every reduction applies
    to the same map.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        x: data, of the same shape, dtype and device.
        weights: one number of at least 0 a level, from fine to coarse; ``(1.0,)`` gives
            :func:`~aecourse.losses.mse`.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features,
            mean over the batch) or ``"none"``.

    Returns:
        A scalar, or (B, C, H, W) for ``"none"``, in single precision or better.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, they are not images, a side can't be halved often
            enough, `weights` is empty or negative, or the reduction is unknown.

    Source:
        Burt and Adelson (1983), with means of 2 x 2 in place of their filter.
    """
    if len(weights) == 0:
        raise ValueError("weights is empty; expected one number a level: try (1.0, 1.0, 1.0)")
    for weight in weights:
        validation.weight("weights", weight)
    levels = multi_scale_levels(x_hat, x, len(weights), "none")
    total = sum(
        weight * F.interpolate(error, size=x.shape[2:])
        for weight, error in zip(weights, levels, strict=True)
    )  # (B, C, H, W)
    return reduce(total, reduction)
