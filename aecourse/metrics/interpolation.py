"""How evenly an image changes along the path between two codes."""

from collections.abc import Callable

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def interpolate(
    decode: Callable[[torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    end: torch.Tensor,
    steps: int = 20,
) -> torch.Tensor:
    """Reconstructions along the straight line between two codes, including both ends.

    Args:
        decode: (n, k) -> (n, ...).
        start, end: codes, (k,), floating point.
        steps: the number of steps from `start` to `end`.

    Returns:
        (steps + 1, ...).

    Raises:
        ValueError: If the codes do not match, or `steps` is not a positive integer.
    """
    validation.same("start", start, "end", end)
    validation.positive("steps", steps)
    t = torch.linspace(0, 1, steps + 1, device=start.device, dtype=start.dtype)[:, None]
    return decode((1 - t) * start + t * end)


def step_lengths(images: torch.Tensor) -> torch.Tensor:
    """Euclidean distance between consecutive images: (T, ...) -> (T - 1,)."""
    if len(validation.floating("images", images)) < 2:
        raise ValueError(
            "images contains one image; expected a path of at least two: take more steps"
        )
    return at_least_float32(images).diff(dim=0).flatten(1).norm(dim=1)


def max_step_ratio(images: torch.Tensor) -> torch.Tensor:
    """The longest step of a path, divided by its mean step.

    It is 1 if the image changes evenly, and equals the number of steps if everything changes in a
    single jump.

    Args:
        images: (T, ...), at least two, floating point, in order.

    Returns:
        A scalar; nan if nothing changes.

    Raises:
        ValueError: If there are fewer than two images.
    """
    lengths = step_lengths(images)  # (T - 1,)
    return lengths.max() / lengths.mean()


def path_length_ratio(images: torch.Tensor) -> torch.Tensor:
    """The length of a path, divided by the distance between its ends.

    It is 1 for a straight line in pixel space, which is a cross-fade of the two images, infinite
    for a path that ends where it starts, and nan if nothing changes. Arguments and errors are those
    of :func:`max_step_ratio`.
    """
    lengths = step_lengths(images)  # (T - 1,)
    return lengths.sum() / step_lengths(images[[0, -1]])[0]
