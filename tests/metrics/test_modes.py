"""Counts and coverage of points at known modes."""

import math

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0, 1e4, -1e6])
def test_centres_far_from_the_origin_each_receive_their_point(offset, dtype):
    centres = torch.arange(30, dtype=dtype)[:, None] + offset
    assert mode_counts(centres, centres).tolist() == [1] * 30


def test_groups_far_from_each_other():
    """Their mean is far from both: the differences within a group are small against it."""
    centres = torch.cat([torch.arange(30.0), torch.arange(30.0) + 1e6])[:, None]
    assert mode_counts(centres, centres).tolist() == [1] * 60


def test_points_in_no_place_and_a_negative_share_are_refused():
    for points, centres, name in (
        (CENTRES * math.nan, CENTRES, "points"),
        (CENTRES, CENTRES / 0, "centres"),
    ):
        with pytest.raises(ValueError, match=f"{name} contains nan or infinity"):
            mode_counts(points, centres)
    with pytest.raises(ValueError, match="least is -0.1"):
        mode_coverage(CENTRES, CENTRES, -0.1)
