"""Square patches of images, and random masks over them for a masked autoencoder.

The masked autoencoder is that of He and others (2022).
"""

import torch

from aecourse import validation


def patchify(x: torch.Tensor, size: int) -> torch.Tensor:
    """Cut images into square patches, row by row.

    Args:
        x: images, (B, C, H, W), floating point; H and W divisible by `size`.
        size: side of a patch in pixels.

    Returns:
        Patches (B, P, size * size * C), the channels of a pixel next to each other.
    """
    rows = validation.images("x", x).unfold(2, size, size)  # (B, C, H/s, W, s)
    rows = rows.unfold(3, size, size)  # (B, C, H/s, W/s, s, s)
    return rows.permute(0, 2, 3, 4, 5, 1).flatten(1, 2).flatten(2)  # (B, P, s * s * C)


def unpatchify(patches: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """The inverse of :func:`patchify`: (B, P, size * size * C) -> (B, C, H, W).

    Args:
        patches: as :func:`patchify` returns them.
        shape: (C, H, W) of an image.
    """
    channels, height, width = shape
    size = round((patches.shape[2] / channels) ** 0.5)
    rows = patches.unflatten(2, (size, size, channels))  # (B, P, s, s, C)
    rows = rows.unflatten(1, (height // size, width // size))  # (B, H/s, W/s, s, s, C)
    return rows.permute(0, 5, 1, 3, 2, 4).reshape(-1, *shape)  # (B, C, H, W)


def random_mask(
    n: int,
    patches: int,
    ratio: float = 0.75,
    generator: torch.Generator | None = None,
    device: str | torch.device | None = None,
) -> torch.Tensor:
    """Which patches to hide: the indices of M patches, drawn independently for each row.

    Indices have one advantage over booleans: M is known without reading the mask, so that a
    training step never waits for the device.

    Args:
        n: number of rows.
        patches: number of patches in an image.
        ratio: share of the patches to hide, between 0 and 1. M is rounded down (the reference code
            rounds down the number of *visible* patches).
        generator: a ``torch.Generator`` on `device`; None for the global one.
        device: where the indices are created.

    Returns:
        (n, M) integers from 0 to `patches` - 1.

    Raises:
        ValueError: If `ratio` hides no patch or all of them.
    """
    count = int(patches * ratio) if isinstance(ratio, (int, float)) and 0 < ratio < 1 else 0
    if count == 0:
        raise ValueError(
            f"ratio is {ratio!r} of {patches} patches; expected to hide at least one and "
            "leave at least one: use a ratio between 0 and 1, or smaller patches"
        )
    order = torch.rand(n, patches, generator=generator, device=device).argsort(1)  # (n, P)
    return order[:, :count]  # (n, M)


def as_mask(hidden: torch.Tensor, patches: int) -> torch.Tensor:
    """Convert indices of hidden patches into booleans: (B, M) -> (B, `patches`), true if hidden."""
    mask = torch.zeros(len(hidden), patches, dtype=torch.bool, device=hidden.device)
    return mask.scatter(1, hidden, True)  # (B, P)


def normalize_patches(patches: torch.Tensor) -> torch.Tensor:
    """Standardize each patch: subtract its mean, and divide by its standard deviation.

    The variance is unbiased, plus 1e-6, so that a constant patch becomes 0.

    Args:
        patches: (..., values), with at least two values each.

    Returns:
        Patches of the same shape, without unit.

    Raises:
        ValueError: If patches have a single value.
    """
    if patches.shape[-1] < 2:
        raise ValueError(
            f"patches have {patches.shape[-1]} value each; expected at least two: use larger "
            "patches (the variance of one value is undefined)"
        )
    deviation = (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - patches.mean(-1, keepdim=True)) / deviation
