"""Principal angles between two subspaces: all are 0 if the subspaces are the same."""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def principal_angles(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    r"""Principal angles between the column spaces of two matrices, in radians, largest first.

    In floating point the cosine of a small angle rounds to 1. So angles below 45 degrees are
    computed from their sines, the singular values of the part of one basis that is orthogonal to
    the other space.

    Args:
        a, b: matrices (d, k) and (d, m) of full column rank, floating point, finite.

    Returns:
        (min(k, m),) angles between 0 and pi / 2.

    Raises:
        TypeError: If an argument is not a floating-point tensor.
        ValueError: If the arguments are not matrices with the same number of rows, or one has
            columns that depend on each other.

    Source:
        Björck and Golub (1973).
    """
    validation.finite("a", a)
    validation.finite("b", b)
    if a.dim() != 2 or b.dim() != 2 or len(a) != len(b):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; expected (d, k) and (d, m), "
            "directions in columns: transpose a matrix with directions in rows"
        )
    for name, matrix in (("a", a), ("b", b)):
        rank = int(torch.linalg.matrix_rank(at_least_float32(matrix.detach())))
        if rank < matrix.shape[1]:
            raise ValueError(
                f"{name} has {matrix.shape[1]} columns of rank {rank}; expected independent "
                "directions, since the others point anywhere: leave out those that depend on "
                "the rest, or pass torch.linalg.svd(...).U with the columns that matter"
            )
    if a.shape[1] < b.shape[1]:
        a, b = b, a
    a, b = at_least_float32(a), at_least_float32(b)
    qa, qb = torch.linalg.qr(a).Q, torch.linalg.qr(b).Q  # (d, k), (d, m)
    cosines = torch.linalg.svdvals(qa.T @ qb).clamp(max=1)  # (m,), descending: angles ascend
    orthogonal = qb - qa @ (qa.T @ qb)  # (d, m)
    sines = torch.linalg.svdvals(orthogonal).clamp(max=1).flip(0)  # (m,), ascending
    return torch.where(cosines.square() > 0.5, sines.asin(), cosines.acos()).flip(0)
