"""How sharp a reconstruction is: the energy of its edges divided by that of the original's."""

from collections.abc import Callable

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def differences(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences of neighbouring pixels: (B, C, H, W) -> (B, C, H - 1, W), (B, C, H, W - 1)."""
    x = at_least_float32(x)
    return x.diff(dim=-2), x.diff(dim=-1)


def gradient_energy(x: torch.Tensor) -> torch.Tensor:
    """Sum of squared differences of neighbouring pixels of each image: (B, C, H, W) -> (B,).

    In squared units of the data, in single precision or better.
    """
    down, across = differences(validation.images("x", x))
    return down.square().flatten(1).sum(1) + across.square().flatten(1).sum(1)  # (B,)


def total_variation(x: torch.Tensor) -> torch.Tensor:
    """Sum of absolute differences of neighbouring pixels of each image: (B, C, H, W) -> (B,).

    In units of the data, in single precision or better.
    """
    down, across = differences(validation.images("x", x))
    return down.abs().flatten(1).sum(1) + across.abs().flatten(1).sum(1)  # (B,)


def sharpness(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    energy: Callable[[torch.Tensor], torch.Tensor] = gradient_energy,
) -> torch.Tensor:
    """Edge energy of each reconstruction, divided by that of its original.

    1 is as sharp as the original, less is blurred. More than 1 is not better: noise has edges
    everywhere. With ``energy=total_variation`` a soft edge counts as much as a hard one of the same
    height, and the ranking of two models may be reversed: report both.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point.
        x: data, of the same shape, dtype and device.
        energy: :func:`gradient_energy` or :func:`total_variation`.

    Returns:
        (B,) ratios; nan or infinite if the original has no edges, since its sharpness is undefined.

    Raises:
        TypeError: If a tensor is not floating point, or the dtypes differ.
        ValueError: If the shapes or devices differ, or the tensors are empty or not images.

    Source:
        Gradient energy as a focus measure: Pertuz, Puig and Garcia (2013).
    """
    validation.same("x_hat", x_hat, "x", x)
    return energy(x_hat) / energy(x)  # (B,)
