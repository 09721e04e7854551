"""A sphere and a Swiss roll: radius, uniformity, and coordinates compared with SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import kstest, spearmanr
from sklearn.manifold import Isomap

from aecourse.data.manifolds import angle_at, arc_length, embed, sphere, swiss_roll

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.sphere": (
        "`scipy.stats.kstest` of height and longitude; chords to the pole",
        "p > 1e-3; radius 2e-7, chords 2e-5; float32",
        "draws",
    ),
    "data.swiss_roll": (
        "`scipy.integrate.quad` and `brentq`; the paths of `sklearn.manifold.Isomap`; "
        "`scipy.stats.kstest`",
        "absolute 2e-6, float32; p > 1e-3",
        "draws",
    ),
    "data.embed": (
        "distances stay, `torch.cdist`",
        "absolute 1e-13; float32 1e-5",
        "no",
    ),
    "data.manifolds.arc_length": (
        "`scipy.integrate.quad`",
        "1e-12",
        "no",
    ),
    "data.manifolds.angle_at": (
        "it undoes `arc_length`",
        "1e-14",
        "no",
    ),
    "data.Points": (
        "through `sphere` and `swiss_roll`, which return it",
        "absolute 2e-6, float32",
        "no",
    ),
}

OUTER = 4.5 * math.pi
CAPS = pytest.mark.parametrize("cap", [0.3, math.pi / 2, math.pi])


def even(values, low, high):
    """The p-value of a Kolmogorov-Smirnov test that `values` are uniform in [low, high]."""
    return kstest(np.asarray(values, dtype=float), "uniform", (low, high - low)).pvalue


def spiral(arc):
    """The angle at which the roll's arc length is `arc`, by quadrature and bisection."""

    def past(t):
        return quad(lambda s: math.hypot(1, s), 1.5 * math.pi, t)[0] / OUTER - arc

    return brentq(past, 1.5 * math.pi, 4.5 * math.pi + 1e-6, xtol=1e-12)


# The sphere


@CAPS
def test_points_lie_on_the_sphere_and_in_the_cap(cap):
    x = sphere(5000, cap=cap).x.double()
    assert (x.norm(dim=1) - 1).abs().max() < 2e-7  # three coordinates rounded to single precision
    assert x[:, 2].min() > math.cos(cap) - 1e-6


@CAPS
def test_points_are_uniform_on_the_sphere(cap):
    """Height and longitude are uniform and independent (Archimedes). The seed is fixed.

    Another seed would fail with probability 1e-3.
    """
    x = sphere(5000, seed=1, cap=cap).x.double().numpy()
    longitude = np.arctan2(x[:, 1], x[:, 0])
    assert even(x[:, 2], math.cos(cap), 1) > 1e-3 and even(longitude, -math.pi, math.pi) > 1e-3
    assert spearmanr(x[:, 2], longitude).pvalue > 1e-3


@CAPS
def test_coordinates_are_chords_from_the_pole_in_the_direction_of_the_longitude(cap):
    """The radius of Lambert's map is the straight distance to the pole."""
    data = sphere(500, cap=cap)
    x, plane = data.x.double(), data.coordinates.double()
    chord = (x - torch.tensor([0, 0, 1.0])).norm(dim=1)
    direction = x[:, :2] / x[:, :2].norm(dim=1, keepdim=True)
    np.testing.assert_allclose(
        plane, chord[:, None] * direction, rtol=0, atol=2e-5
    )  # close to the south pole x is small
    assert plane.norm(dim=1).max() <= 2 * math.sin(cap / 2) + 1e-6


# The roll


def test_coordinates_of_the_roll_are_arc_length_by_quadrature_and_height():
    data = swiss_roll(40)
    for (x, y, z), (arc, height) in zip(
        data.x.double().tolist(), data.coordinates.double().tolist(), strict=True
    ):
        t = spiral(arc)
        assert (x, z, y) == pytest.approx(
            (t * math.cos(t) / OUTER, t * math.sin(t) / OUTER, height), abs=2e-6
        )


def test_the_roll_is_uniform_in_arc_length_and_the_usual_recipe_is_not():
    length = quad(lambda s: math.hypot(1, s), 1.5 * math.pi, OUTER)[0] / OUTER
    assert length == pytest.approx(6.32, abs=0.005)
    arc, height = swiss_roll(5000, seed=1).coordinates.double().numpy().T
    assert (
        even(arc, 0, length) > 1e-3
        and even(height, 0, 1.5) > 1e-3
        and spearmanr(arc, height).pvalue > 1e-3
    )
    t = (
        1.5
        * math.pi
        * (
            1
            + 2 * torch.rand(5000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        )
    )  # scikit-learn's
    assert (
        even((arc_length(t) - arc_length(torch.tensor(1.5 * math.pi))) / OUTER, 0, length) < 1e-50
    )


def test_distances_along_the_roll_are_straight_between_coordinates():
    ends = swiss_roll(6, seed=2).coordinates.double().numpy()
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        way = start + np.linspace(0, 1, 400)[:, None] * (end - start)
        t = np.array([spiral(arc) for arc in way[:, 0]])
        path = np.stack([t * np.cos(t) / OUTER, way[:, 1], t * np.sin(t) / OUTER], 1)
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        assert length == pytest.approx(
            np.linalg.norm(end - start), rel=1e-4
        )  # 399 chords fall short by some (length / 400)^2 / 24


def test_shortest_paths_between_neighbours_are_the_coordinates_distances():
    """Paths in Isomap's graph zigzag from point to point: they are longer, by 6 % in the median."""
    data = swiss_roll(1200)
    found = Isomap(n_neighbors=8).fit(data.x.double().numpy()).dist_matrix_
    true = torch.cdist(data.coordinates, data.coordinates).numpy()
    far = true > 1
    ratio = found[far] / true[far]
    assert 1 <= np.median(ratio) < 1.1 and np.quantile(ratio, 0.01) > 0.99
    apart = torch.cdist(data.x, data.x).numpy()[true > 2]
    assert apart.min() < 0.5  # where the straight line through the room crosses from turn to turn


def test_the_angle_is_the_inverse_of_the_length():
    t = torch.linspace(1.5 * math.pi, OUTER, 1001, dtype=torch.float64)
    torch.testing.assert_close(angle_at(arc_length(t)), t, rtol=1e-14, atol=0)
    for angle in (1.0, 5.0, 14.0):
        wanted = quad(lambda s: math.hypot(1, s), 0, angle)[0]
        assert arc_length(torch.tensor(angle, dtype=torch.float64)).item() == pytest.approx(
            wanted, rel=1e-12
        )


# Noise, and more dimensions


@pytest.mark.parametrize("make", [sphere, swiss_roll])
def test_noise_is_added_to_the_same_points(make):
    quiet, noisy = make(20000, seed=3), make(20000, seed=3, noise=0.05)
    assert torch.equal(quiet.x, quiet.clean) and torch.equal(noisy.clean, quiet.x)
    assert torch.equal(noisy.coordinates, quiet.coordinates)
    error = (noisy.x - noisy.clean).double()
    assert error.std(0).numpy() == pytest.approx(
        0.05, rel=5 / math.sqrt(2 * 20000)
    )  # five standard deviations
    assert error.mean(0).abs().max() < 5 * 0.05 / math.sqrt(20000)


@pytest.mark.parametrize("dtype, atol", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("dimension", [3, 50])
def test_embedding_keeps_distances_and_adds_no_dimension(dtype, atol, dimension):
    x = swiss_roll(200).x.to(dtype)
    y = embed(x, dimension)
    assert y.shape == (200, dimension) and y.dtype == dtype
    exact = {"compute_mode": "donot_use_mm_for_euclid_dist"}
    torch.testing.assert_close(
        torch.cdist(y, y, **exact), torch.cdist(x, x, **exact), rtol=0, atol=atol
    )
    assert torch.linalg.matrix_rank(y.double(), rtol=1e-5) == 3
    assert torch.equal(embed(x, dimension, seed=0), y) and not torch.equal(
        embed(x, dimension, seed=1), y
    )


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: sphere(0), ValueError, "n is 0"),
        (lambda: sphere(5, noise=-1.0), ValueError, "noise is -1.0"),
        (lambda: sphere(5, cap=0.0), ValueError, "cap is 0.0"),
        (lambda: sphere(5, cap=180), ValueError, "cap is 180; expected .* radians"),
        (lambda: swiss_roll(2.5), ValueError, "n is 2.5"),
        (lambda: swiss_roll(5, noise=math.nan), ValueError, "noise is nan"),
        (
            lambda: embed(torch.zeros(4, 3), 2),
            ValueError,
            r"dimension is 2 and x has shape \(4, 3\); expected at least 3",
        ),
        (lambda: embed([1.0], 2), TypeError, "x is a list"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
