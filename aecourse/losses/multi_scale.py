"""Squared error at several scales: the same pair of images, seen from further and further away."""

import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import reduce
from aecourse.losses.squared_error import mse


def pyramid(x, levels):
    """The image and its halvings, each pixel the mean of 2 x 2 below it: a list of (B, C, H / 2^l, W / 2^l), l = 0, 1, ...

    Args:
        x: images, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        levels: length of the list, the image itself included.

    Raises:
        TypeError: where `x` is not a floating-point tensor.
        ValueError: where `x` holds no images, or a side can't be halved that often: a pixel left over would count
            at some levels and not at others.
    """
    validation.images("x", x)
    validation.positive("levels", levels)
    height, width = x.shape[2:]
    twos = min(
        (side & -side).bit_length() for side in (height, width)
    )  # 28 = 4 * 7 can be halved twice: 3 levels
    if levels > twos:
        step = 2 ** (levels - 1)
        padded = " x ".join(str(-(-side // step) * step) for side in (height, width))
        raise ValueError(
            f"x has images of {height} x {width}; expected sides divisible by {step} for {levels} levels: "
            f"use at most {twos}, or pad them to {padded} with torch.nn.functional.pad"
        )
    images = [x]
    for _ in range(levels - 1):
        images.append(F.avg_pool2d(images[-1], 2))
    return images


def multi_scale_levels(x_hat, x, levels=3, reduction="mean"):
    """Squared error at each level of the pyramid: a list from fine to coarse, in squared units of the data.

    The ``"mean"`` never grows from a level to the next: averaging pixels averages their errors, and those of
    opposite sign cancel. What a level loses is the error that only finer levels see.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        x: data, of the same shape, dtype and device.
        levels: number of scales, the image itself included.
        reduction: as for :func:`~aecourse.losses.mse`, applied to the pixels of each level.

    Returns:
        A list of `levels` scalars, or of (B, C, H / 2^l, W / 2^l) for ``"none"``.

    Raises:
        TypeError, ValueError: as :func:`multi_scale_loss`.
    """
    validation.same("x_hat", x_hat, "x", x)
    return [mse(*pair, reduction) for pair in zip(pyramid(x_hat, levels), pyramid(x, levels))]


def multi_scale_loss(x_hat, x, weights=(1.0, 1.0, 1.0), reduction="mean"):
    r"""Weighted squared error over the levels of a pyramid, in squared units of the data.

    .. math:: \sum_l w_l\,\mathrm{MSE}(P_l \hat x, P_l x)

    :math:`P_l` averages blocks of :math:`2^l \times 2^l` pixels. At full resolution a level's error belongs to
    every pixel of its block, so each reduction adds the same map.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point; H and W divisible by 2^(levels - 1).
        x: data, of the same shape, dtype and device.
        weights: one number a level, from fine to coarse; ``(1.0,)`` is :func:`~aecourse.losses.mse`.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features, mean over the
            batch) or ``"none"``.

    Returns:
        A scalar, or (B, C, H, W) for ``"none"``.

    Raises:
        TypeError: where an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: where shapes or devices differ, they are not images, a side can't be halved often enough, there
            is no weight, or the reduction is unknown.

    Source:
        Burt and Adelson (1983), with means of 2 x 2 in place of their filter.
    """
    if len(weights) == 0:
        raise ValueError("weights is empty; expected one number a level, from fine to coarse")
    levels = multi_scale_levels(x_hat, x, len(weights), "none")
    return reduce(
        sum(
            weight * F.interpolate(error, size=x.shape[2:])
            for weight, error in zip(weights, levels)
        ),
        reduction,
    )
