"""Square patches of images, and which of them a masked autoencoder hides (He and others, 2022)."""

import torch

from aecourse import validation


def patchify(x, size):
    """Square patches, row by row: (B, C, H, W) -> (B, P, size * size * C), the channels of a pixel side by side."""
    rows = (
        validation.images("x", x).unfold(2, size, size).unfold(3, size, size)
    )  # (B, C, H/s, W/s, s, s)
    return rows.permute(0, 2, 3, 4, 5, 1).flatten(1, 2).flatten(2)  # (B, P, s * s * C)


def unpatchify(patches, shape):
    """The images back: (B, P, size * size * C) -> (B, *shape), shape (C, H, W)."""
    channels, height, width = shape
    size = round((patches.shape[2] / channels) ** 0.5)
    rows = patches.unflatten(2, (size, size, channels)).unflatten(
        1, (height // size, width // size)
    )  # (B, H/s, W/s, s, s, C)
    return rows.permute(0, 5, 1, 3, 2, 4).reshape(-1, *shape)


def random_mask(n, patches, ratio=0.75, generator=None, device=None):
    """Which patches to hide: their places, (n, M) whole numbers below `patches`, drawn anew for each row.

    M is `ratio` of the patches, rounded down (the reference rounds the visible ones down). Places, unlike True and
    False, keep M known to the host, so that a step never waits for the device.

    Raises:
        ValueError: where `ratio` hides no patch or all of them.
    """
    count = int(patches * ratio) if isinstance(ratio, (int, float)) and 0 < ratio < 1 else 0
    if count == 0:
        raise ValueError(
            f"ratio is {ratio!r} of {patches} patches; expected to hide at least one and leave at least one: "
            "take a ratio between 0 and 1, or smaller patches"
        )
    return torch.rand(n, patches, generator=generator, device=device).argsort(1)[
        :, :count
    ]  # (n, M)


def as_mask(hidden, patches):
    """The places `hidden`, (B, M), as True among `patches` of False: (B, P)."""
    return torch.zeros(len(hidden), patches, dtype=torch.bool, device=hidden.device).scatter(
        1, hidden, True
    )


def normalize_patches(patches):
    """Each patch minus its mean, over its standard deviation: unbiased variance plus 1e-6, so that a constant patch becomes 0."""
    if patches.shape[-1] < 2:
        raise ValueError(
            f"patches have {patches.shape[-1]} value each; expected two at least, or the variance is not defined: "
            "take larger ones"
        )
    return (patches - patches.mean(-1, keepdim=True)) / (
        patches.var(-1, keepdim=True) + 1e-6
    ).sqrt()
