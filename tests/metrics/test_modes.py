"""Counts and coverage of points at known modes."""

import pytest
import torch

from aecourse.metrics.modes import mode_counts, mode_coverage

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.mode_counts": (
        "by hand",
        "exact",
        "counts",
    ),
    "metrics.mode_coverage": (
        "by hand",
        "exact",
        "counts",
    ),
}

CENTRES = 10 * torch.eye(4)


def test_counts_and_shares_by_hand():
    points = CENTRES[[0] * 50 + [1] * 49 + [2]] + 0.1
    assert mode_counts(points, CENTRES).tolist() == [50, 49, 1, 0]
    assert mode_coverage(points, CENTRES) == 0.5, (
        "one of a hundred is below a tenth of the fair share, 2.5"
    )
    assert mode_coverage(points, CENTRES, least=0.04) == 0.75
    assert mode_coverage(CENTRES, CENTRES) == 1


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"expected \(N, d\) and \(M, d\)"):
        mode_counts(torch.zeros(3, 2), CENTRES)
