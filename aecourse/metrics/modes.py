"""Mode coverage: which modes of a distribution a generator reaches."""

import torch

from aecourse import validation
from aecourse.linalg import double, squared_distances


def mode_counts(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """How many points are nearest to each centre: (N, d), (M, d) -> (M,) integers."""
    validation.finite("points", points)
    validation.finite("centres", centres)
    if points.dim() != 2 or centres.dim() != 2 or points.shape[1] != centres.shape[1]:
        raise ValueError(
            f"points has shape {tuple(points.shape)} and centres {tuple(centres.shape)}; expected "
            "(N, d) and (M, d): flatten both with .flatten(1)"
        )
    nearest = squared_distances(double(points), double(centres)).argmin(1)  # (N,)
    return torch.bincount(nearest, minlength=len(centres))


def mode_coverage(points: torch.Tensor, centres: torch.Tensor, least: float = 0.1) -> float:
    """The share of modes that receive at least `least` times N / M of the points.

    Args:
        points: generated samples or codes, (N, d), floating point, finite.
        centres: of M equally likely modes, (M, d).
        least: a share of N / M, the number of points that each mode should get, at least 0.

    Returns:
        A number between 0 and 1.

    Raises:
        TypeError: If an argument is not a floating-point tensor.
        ValueError: If the shapes do not fit, a value is not finite, or `least` is negative.

    Source:
        Srivastava, Valkov, Russell, Gutmann and Sutton (2017), with a share of all points in place
        of one point near the mode.
    """
    validation.weight("least", least)
    enough = mode_counts(points, centres) >= least * len(points) / len(centres)  # (M,)
    return enough.double().mean().item()
