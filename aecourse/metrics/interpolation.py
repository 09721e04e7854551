"""How evenly a picture changes on the way between two codes."""

import torch

from aecourse import validation


def interpolate(decode, start, end, steps=20):
    """Reconstructions on the straight line between two codes, ends included: (k,), (k,) -> (steps + 1, ...)."""
    validation.same("start", start, "end", end)
    validation.positive("steps", steps)
    t = torch.linspace(0, 1, steps + 1, device=start.device, dtype=start.dtype)[:, None]
    return decode((1 - t) * start + t * end)


def max_step_ratio(images):
    """The largest step of a path over its mean step: 1 where the picture changes evenly, and up to the number of steps for one jump.

    Args:
        images: (T, ...), two at least, floating point, in order.

    Returns:
        A scalar; nan where nothing changes.
    """
    if len(validation.floating("images", images)) < 2:
        raise ValueError("images holds one picture; expected a path of two at least")
    lengths = images.diff(dim=0).flatten(1).norm(dim=1)  # (T - 1,)
    return lengths.max() / lengths.mean()


def path_length_ratio(images):
    """The length of a path over the distance of its ends: 1 for a straight line in the space of pixels, which is a cross-fade."""
    if len(validation.floating("images", images)) < 2:
        raise ValueError("images holds one picture; expected a path of two at least")
    lengths = images.diff(dim=0).flatten(1).norm(dim=1)  # (T - 1,)
    return lengths.sum() / (images[-1] - images[0]).norm()
