"""Mode coverage: which modes of a distribution a generator reaches."""

import torch

from aecourse import validation


def mode_counts(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """How many points are nearest to each centre: (N, d), (M, d) -> (M,) integers."""
    validation.floating("points", points)
    validation.floating("centres", centres)
    if points.dim() != 2 or centres.dim() != 2 or points.shape[1] != centres.shape[1]:
        raise ValueError(
            f"points has shape {tuple(points.shape)} and centres {tuple(centres.shape)}; expected "
            "(N, d) and (M, d): flatten both with .flatten(1)"
        )
    return torch.bincount(torch.cdist(points, centres).argmin(1), minlength=len(centres))


def mode_coverage(points: torch.Tensor, centres: torch.Tensor, least: float = 0.1) -> float:
    """The share of modes that receive at least `least` times N / M of the points.

    Args:
        points: generated samples or codes, (N, d), floating point.
        centres: of M equally likely modes, (M, d).
        least: a share of N / M, the number of points that each mode should get.

    Returns:
        A number between 0 and 1.

    Source:
        Srivastava, Valkov, Russell, Gutmann and Sutton (2017), with a share of all points in place
        of one point near the mode.
    """
    enough = mode_counts(points, centres) >= least * len(points) / len(centres)  # (M,)
    return enough.double().mean().item()
