"""Squared error of pixels and of their gradients, so that blur is penalised twice."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import Reduction, compared, reduce


def forward_differences(x: torch.Tensor) -> torch.Tensor:
    """The image gradient by forward differences: the next pixel minus this one.

    The border is replicated, so the last row (vertical) and the last column (horizontal) are zero.

    Args:
        x: images, (B, C, H, W), floating point.

    Returns:
        (B, C, 2, H, W), vertical and horizontal, in units of the data.

    Raises:
        TypeError: If `x` is not a floating-point tensor.
        ValueError: If `x` is not a batch of images.
    """
    validation.images("x", x)
    vertical = F.pad(x.diff(dim=-2), (0, 0, 0, 1))  # (B, C, H, W)
    horizontal = F.pad(x.diff(dim=-1), (0, 1))  # (B, C, H, W)
    return torch.stack([vertical, horizontal], dim=2)  # (B, C, 2, H, W)


def sobel(x: torch.Tensor) -> torch.Tensor:
    """The image gradient by the Sobel filter.

    A central difference along one axis, smoothed by (1, 2, 1) / 4 along the other: it is less
    sensitive to noise, and zero on a checkerboard. The border is replicated.

    Args:
        x: images, (B, C, H, W), floating point.

    Returns:
        (B, C, 2, H, W), vertical and horizontal, in units of the data per pixel.

    Raises:
        TypeError: If `x` is not a floating-point tensor.
        ValueError: If `x` is not a batch of images.
    """
    validation.images("x", x)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")  # (B, C, H + 2, W + 2)
    vertical = padded[..., 2:, :] - padded[..., :-2, :]  # (B, C, H, W + 2)
    vertical = vertical[..., :-2] + 2 * vertical[..., 1:-1] + vertical[..., 2:]  # (B, C, H, W)
    horizontal = padded[..., 2:] - padded[..., :-2]  # (B, C, H + 2, W)
    horizontal = (
        horizontal[..., :-2, :] + 2 * horizontal[..., 1:-1, :] + horizontal[..., 2:, :]
    )  # (B, C, H, W)
    return torch.stack([vertical, horizontal], dim=2) / 8  # (B, C, 2, H, W)


def edge_loss(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    alpha: float | torch.Tensor = 0.5,
    reduction: Reduction = "mean",
    gradient: Callable[[torch.Tensor], torch.Tensor] = forward_differences,
) -> torch.Tensor:
    r"""Squared error of pixels and of their gradients, in squared units of the data.

    .. math:: \alpha\,\mathrm{MSE}(\hat x, x) + (1 - \alpha)\,\mathrm{MSE}(\nabla \hat x, \nabla x)

    The gradient is linear, so the second term is the gradient of the error: at each pixel, the mean
    of its squared vertical and horizontal component. It does not change if all pixels are shifted
    by a constant: with :math:`\alpha = 0` the brightness of the reconstruction is arbitrary.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point.
        x: data, of the same shape, dtype and device.
        alpha: weight of the pixels, in [0, 1]; with 1 the loss is :func:`~aecourse.losses.mse`. A
            number, or a scalar tensor.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features,
            mean over the batch) or ``"none"``.
        gradient: :func:`forward_differences` or :func:`sobel`; any linear map
            (B, C, H, W) -> (B, C, 2, H, W).

    Returns:
        A scalar, or (B, C, H, W) for ``"none"``, in single precision or better.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, they are not images, `alpha` is outside [0, 1], or
            the reduction is unknown.

    Source:
        Mathieu, Couprie and LeCun (2016), who compare the absolute values of the gradients; here
        their signs count, and differences are squared.
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    validation.images("x", x)
    if isinstance(alpha, torch.Tensor):
        validation.weight("alpha", alpha)
    elif not (validation.is_number(alpha) and 0 <= alpha <= 1):
        raise ValueError(
            f"alpha is {alpha!r}; expected a weight in [0, 1]: 1 for pixels only, 0 for edges only"
        )
    error = x_hat - x
    pixels = alpha * error.square()  # (B, C, H, W)
    edges = (1 - alpha) * gradient(error).square().mean(2)  # (B, C, H, W)
    return reduce(pixels + edges, reduction)
