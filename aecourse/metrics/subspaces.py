"""Angles between two subspaces: 0 where they are one."""

import torch

from aecourse import validation


def principal_angles(a, b):
    r"""Principal angles between the spaces that the columns of two matrices span, in radians, largest first.

    A cosine near 1 says nothing about a small angle in floating point, so angles below 45 degrees come from sines:
    the singular values of what projecting on the other space leaves over.

    Args:
        a, b: matrices (d, k) and (d, m) of full column rank, floating point.

    Returns:
        (min(k, m),) angles between 0 and pi / 2.

    Raises:
        TypeError: where an argument is not a floating-point tensor.
        ValueError: where they are no matrices with the same number of rows.

    Source:
        Björck and Golub (1973).
    """
    validation.floating("a", a)
    validation.floating("b", b)
    if a.dim() != 2 or b.dim() != 2 or len(a) != len(b):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; expected (d, k) and (d, m): directions in columns"
        )
    if a.shape[1] < b.shape[1]:
        a, b = b, a
    qa, qb = torch.linalg.qr(a).Q, torch.linalg.qr(b).Q  # (d, k), (d, m)
    cosines = torch.linalg.svdvals(qa.T @ qb).clamp(max=1)  # (m,) falling: angles rise
    sines = (
        torch.linalg.svdvals(qb - qa @ (qa.T @ qb)).clamp(max=1).flip(0)
    )  # (m,) rising: angles rise
    return torch.where(cosines.square() > 0.5, sines.asin(), cosines.acos()).flip(0)
