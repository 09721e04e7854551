"""Principal angles against SciPy, and at angles whose cosine rounds to 1."""

import math

import pytest
import torch
from scipy.linalg import subspace_angles

from aecourse.metrics.subspaces import principal_angles

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.principal_angles": (
        "`scipy.linalg.subspace_angles`; a known angle in the plane",
        "absolute 1e-12; float32 1e-5; angle 1e-9",
        "yes",
        "test_smooth.py",
    ),
}


def spaces(k, m, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(9, k, generator=generator, dtype=dtype), torch.randn(
        9, m, generator=generator, dtype=dtype
    )


@pytest.mark.parametrize("k, m", [(1, 1), (3, 3), (2, 5), (5, 2), (4, 5)])
def test_against_scipy(k, m):
    a, b = spaces(k, m)
    torch.testing.assert_close(
        principal_angles(a, b), torch.as_tensor(subspace_angles(a, b).copy()), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("angle", [1e-10, 1e-3, math.pi / 4, math.pi / 2])
def test_a_known_angle_in_the_plane(angle):
    a = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    b = torch.tensor([[math.cos(angle)], [math.sin(angle)]], dtype=torch.float64)
    assert principal_angles(a, b).item() == pytest.approx(angle, rel=1e-9)


def test_an_angle_whose_sine_rounds_to_1():
    a, b = (
        torch.eye(2, dtype=torch.float64)[:, :1],
        torch.tensor([[1e-8], [1.0]], dtype=torch.float64),
    )
    assert math.pi / 2 - principal_angles(a, b).item() == pytest.approx(1e-8, rel=1e-6)


def test_spaces_that_share_directions():
    """Two of dimension 6 in 9 share three; SciPy is accurate to 1.5e-8 only for these."""
    a, b = spaces(6, 6)
    angles = principal_angles(a, b)
    assert angles[3:].max() < 1e-13
    torch.testing.assert_close(
        angles, torch.as_tensor(subspace_angles(a, b).copy()), atol=2e-8, rtol=0
    )


def test_a_change_of_basis_is_no_change_of_space():
    a, mix = spaces(3, 3)
    assert principal_angles(a, a @ mix[:3]).max() < 1e-13


def test_single_precision():
    a, b = spaces(3, 4, torch.float32)
    torch.testing.assert_close(
        principal_angles(a, b),
        torch.as_tensor(subspace_angles(a, b).copy()),
        atol=1e-5,
        rtol=0,
        check_dtype=False,
    )


def test_wrong_arguments():
    with pytest.raises(ValueError, match="directions in columns"):
        principal_angles(torch.zeros(3, 2), torch.zeros(4, 2))
