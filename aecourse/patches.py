"""Square patches of images, and random masks over them for a masked autoencoder.

The masked autoencoder is that of He and others (2022).
"""

import math

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def patchify(x: torch.Tensor, size: int) -> torch.Tensor:
    """Cut images into square patches, row by row.

    Args:
        x: images, (B, C, H, W), floating point; H and W divisible by `size`.
        size: side of a patch in pixels.

    Returns:
        Patches (B, P, size * size * C), the channels of a pixel next to each other.

    Raises:
        TypeError: If `x` is not a floating-point tensor.
        ValueError: If `x` is not a batch of images, `size` is not a positive integer, or H or W is
            not divisible by it: the last pixels would be in no patch.
    """
    validation.images("x", x)
    validation.positive("size", size)
    if x.shape[2] % size or x.shape[3] % size:
        padded = " x ".join(str(-(-side // size) * size) for side in x.shape[2:])
        raise ValueError(
            f"x has images of {x.shape[2]} x {x.shape[3]}; expected sides divisible by the size of "
            f"a patch, {size}: pad them to {padded} with torch.nn.functional.pad, or change size"
        )
    rows = x.unfold(2, size, size)  # (B, C, H/s, W, s)
    rows = rows.unfold(3, size, size)  # (B, C, H/s, W/s, s, s)
    return rows.permute(0, 2, 3, 4, 5, 1).flatten(1, 2).flatten(2)  # (B, P, s * s * C)


def unpatchify(patches: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """The inverse of :func:`patchify`: (B, P, size * size * C) -> (B, C, H, W).

    Args:
        patches: as :func:`patchify` returns them.
        shape: (C, H, W) of an image.

    Raises:
        TypeError: If `patches` is not a floating-point tensor.
        ValueError: If `patches` are not those of such images.
    """
    validation.floating("patches", patches)
    channels, height, width = validation.sizes("shape", shape, least=3)
    size = math.isqrt(patches.shape[-1] // channels)
    divisible = size > 0 and height % size == width % size == 0
    if (
        patches.dim() != 3
        or patches.shape[2] != channels * size**2
        or not divisible
        or patches.shape[1] != height * width // size**2
    ):
        raise ValueError(
            f"patches has shape {tuple(patches.shape)}; expected (B, P, size * size * {channels}) "
            f"with P patches that cover {height} x {width}: pass what patchify returns, and the "
            "shape of its images"
        )
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
    validation.positive("patches", patches)
    is_share = validation.is_number(ratio) and 0 < ratio < 1
    count = int(round(patches * ratio, 9)) if is_share else 0  # 100 * 0.29 is 28.999999999999996
    if not 0 < count < patches:
        raise ValueError(
            f"ratio is {ratio!r} of {patches} patches; expected to hide at least one and "
            "leave at least one: use a ratio between 0 and 1, or smaller patches"
        )
    order = torch.rand(n, patches, generator=generator, device=device).argsort(1)  # (n, P)
    return order[:, :count]  # (n, M)


def as_mask(hidden: torch.Tensor, patches: int) -> torch.Tensor:
    """Convert indices of hidden patches into booleans: (B, M) -> (B, `patches`), true if hidden.

    Raises:
        TypeError: If `hidden` are not integers.
        ValueError: If an index is negative or not below `patches`, a row has one twice, or
            `hidden` is not a matrix.
    """
    validation.integers("hidden", hidden, below=validation.positive("patches", patches))
    if hidden.dim() != 2:
        raise ValueError(
            f"hidden has shape {tuple(hidden.shape)}; expected (B, M), the hidden patches of an "
            "image a row: make them with random_mask"
        )
    mask = torch.zeros(hidden.shape[0], patches, dtype=torch.bool, device=hidden.device)
    mask = mask.scatter(1, hidden, True)  # (B, P)
    if validation.read(lambda: [(mask.sum(1) == hidden.shape[1]).all()]) == [False]:
        raise ValueError(
            "hidden contains a patch of an image more than once; expected M different patches in "
            "each row: make them with random_mask"
        )
    return mask


def normalize_patches(patches: torch.Tensor) -> torch.Tensor:
    """Standardize each patch: subtract its mean, and divide by its standard deviation.

    The variance is unbiased, plus 1e-6, so that a constant patch becomes 0.

    Args:
        patches: (..., values), floating point, with at least two values each.

    Returns:
        Patches of the same shape, without unit, in single precision or better.

    Raises:
        ValueError: If patches have a single value.
    """
    patches = at_least_float32(validation.floating("patches", patches))
    if patches.shape[-1] < 2:
        raise ValueError(
            f"patches have {patches.shape[-1]} value each; expected at least two: use larger "
            "patches (the variance of one value is undefined)"
        )
    deviation = (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - patches.mean(-1, keepdim=True)) / deviation
