"""Of several modes that a distribution has, which a generator reaches."""

import torch

from aecourse import validation


def mode_counts(points, centres):
    """How many points are nearest to each centre: (N, d), (M, d) -> (M,) whole numbers."""
    validation.floating("points", points)
    validation.floating("centres", centres)
    if points.dim() != 2 or centres.dim() != 2 or points.shape[1] != centres.shape[1]:
        raise ValueError(
            f"points has shape {tuple(points.shape)} and centres {tuple(centres.shape)}; expected (N, d) and (M, d)"
        )
    return torch.bincount(torch.cdist(points, centres).argmin(1), minlength=len(centres))


def mode_coverage(points, centres, least=0.1):
    """The share of modes that get at least `least` times their fair share of the points.

    Args:
        points: generated samples or codes, (N, d), floating point.
        centres: of the modes, equally likely, (M, d).
        least: part of N / M.

    Returns:
        A number between 0 and 1.

    Source:
        Srivastava, Valkov, Russell, Gutmann and Sutton (2017), with a share of all points in place of one point near the mode.
    """
    return (
        (mode_counts(points, centres) >= least * len(points) / len(centres)).double().mean().item()
    )
