"""Squared error of pixels and of edges: a reconstruction pays for blur twice."""

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import reduce


def forward_differences(x):
    """The next pixel minus this one, down and across: (B, C, H, W) -> (B, C, 2, H, W), in units of the data.

    Beyond the border an image goes on unchanged, so the last row (down) and the last column (across) are zero.
    """
    validation.images("x", x)
    return torch.stack(
        [F.pad(x.diff(dim=-2), (0, 0, 0, 1)), F.pad(x.diff(dim=-1), (0, 1))], dim=2
    )  # (B, C, 2, H, W)


def sobel(x):
    """Sobel's slopes, down and across: (B, C, H, W) -> (B, C, 2, H, W), in units of the data a pixel.

    A central difference along one axis, smoothed by (1, 2, 1) / 4 along the other: less noise, and blind to a
    checkerboard. Beyond the border an image goes on unchanged.
    """
    validation.images("x", x)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")  # (B, C, H + 2, W + 2)
    down, across = padded[..., 2:, :] - padded[..., :-2, :], padded[..., 2:] - padded[..., :-2]
    down = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    across = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    return torch.stack([down, across], dim=2) / 8  # (B, C, 2, H, W)


def edge_loss(x_hat, x, alpha=0.5, reduction="mean", gradient=forward_differences):
    r"""Pixels and edges, in squared units of the data.

    .. math:: \alpha\,\mathrm{MSE}(\hat x, x) + (1 - \alpha)\,\mathrm{MSE}(\nabla \hat x, \nabla x)

    The gradient is linear, so the second term is the gradient of the error: at a pixel, the mean of its two squared
    slopes. It does not see a shift of all pixels by a constant: with :math:`\alpha = 0` brightness is free.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point.
        x: data, of the same shape, dtype and device.
        alpha: weight of the pixels, in [0, 1]; 1 is :func:`~aecourse.losses.mse`. A number, or a tensor of no axes.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features, mean over the
            batch) or ``"none"``.
        gradient: :func:`forward_differences` or :func:`sobel`; any linear map (B, C, H, W) -> (B, C, 2, H, W).

    Returns:
        A scalar, or (B, C, H, W) for ``"none"``.

    Raises:
        TypeError: where an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: where shapes or devices differ, they are not images, `alpha` is outside [0, 1], or the
            reduction is unknown.

    Source:
        Mathieu, Couprie and LeCun (2016), who compare absolute values of slopes; here signs count, and differences are squared.
    """
    validation.same("x_hat", x_hat, "x", x)
    validation.images("x", x)
    if not isinstance(alpha, torch.Tensor) and not 0 <= alpha <= 1:
        raise ValueError(
            f"alpha is {alpha!r}; expected a weight in [0, 1]: 1 for pixels only, 0 for edges only"
        )
    error = x_hat - x
    return reduce(
        alpha * error.square() + (1 - alpha) * gradient(error).square().mean(2), reduction
    )
