"""Paths of known length and known steps."""

import math

import pytest
import torch

from aecourse.metrics.interpolation import interpolate, max_step_ratio, path_length_ratio

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.path_length_ratio": (
        "a straight path; half a circle",
        "`approx`; circle 1e-5",
        "yes",
        "test_smooth.py",
    ),
    "metrics.max_step_ratio": (
        "a straight path; one jump",
        "`approx`",
        "yes",
        "test_smooth.py",
    ),
    "metrics.interpolate": (
        "a linear decoder: its ends, their number, a straight line",
        "`assert_close`",
        "yes",
        "test_smooth.py",
    ),
}

A, B = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)


def test_a_linear_decoder_walks_straight_and_evenly():
    weight = torch.randn(2, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    images = interpolate(lambda z: z @ weight, A, B, steps=10)
    torch.testing.assert_close(images[[0, -1]], weight)
    assert images.shape == (11, 7)
    assert max_step_ratio(images).item() == pytest.approx(1) and path_length_ratio(
        images
    ).item() == pytest.approx(1)


def test_one_jump_and_a_half_circle():
    assert max_step_ratio(torch.tensor([0.0, 0, 0, 1, 1])[:, None]).item() == pytest.approx(4)
    t = torch.linspace(0, math.pi, 1001, dtype=torch.float64)
    assert path_length_ratio(torch.stack([t.cos(), t.sin()], 1)).item() == pytest.approx(
        math.pi / 2, rel=1e-5
    )


def test_wrong_arguments():
    with pytest.raises(ValueError, match="at least two"):
        max_step_ratio(torch.zeros(1, 3))
