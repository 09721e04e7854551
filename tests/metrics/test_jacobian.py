"""The sensitivity of a linear encoder in closed form; it does not depend on the scale."""

import math

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import nn

from aecourse.metrics.jacobian import code_variance, local_tangents, sensitivity, tangent_gains

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.code_variance": (
        "the trace of `torch.cov(correction=0)`",
        "`assert_close`",
        "yes",
        "test_smooth.py",
    ),
    "metrics.tangent_gains": (
        "a linear map with known gains along and across a plane",
        "`approx`",
        "yes",
        "test_smooth.py",
    ),
    "metrics.local_tangents": (
        "the projector on a known plane",
        "`assert_close`",
        "no",
    ),
    "metrics.sensitivity": (
        "the closed form of a linear encoder",
        "`assert_close`",
        "yes",
        "test_smooth.py",
    ),
}

X = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def linear(scale=1.0):
    torch.manual_seed(0)
    layer = nn.Linear(5, 3).double()
    layer.weight.data *= scale
    return layer


def test_a_linear_encoder_in_closed_form():
    layer = linear()
    spread = torch.cov(X.T, correction=0)
    expected = layer.weight.square().sum() / (layer.weight @ spread @ layer.weight.T).trace()
    torch.testing.assert_close(sensitivity(layer, X), expected)
    torch.testing.assert_close(code_variance(X), spread.trace())


def test_rescaling_the_code_changes_nothing():
    torch.testing.assert_close(sensitivity(linear(), X), sensitivity(linear(1e-3), X))


def test_gains_along_and_across_a_known_plane():
    weight = torch.diag(torch.tensor([3.0, 2.0, 0.5, 0.5], dtype=torch.float64))
    tangents = torch.eye(4, dtype=torch.float64)[:2].expand(7, 2, 4)
    along, across = tangent_gains(lambda x: x @ weight, X[:7, :4], tangents)
    assert along.tolist() == pytest.approx([(9 + 4) / 2] * 7) and across.tolist() == pytest.approx(
        [0.25] * 7
    )


def test_gains_of_an_encoder_with_slopes_are_those_of_its_jacobian():
    """`PReLU` computes something else under vmap, where samples and units are equally many."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(5, 4), nn.PReLU(4), nn.Linear(4, 3)).double()
    encoder[1].weight.data = torch.linspace(-1, 1, 4).double()
    x, tangents = X[:4], torch.linalg.qr(X[:20].view(4, 5, 5)).Q[:, :2]
    along, across = tangent_gains(encoder, x, tangents)
    for i in range(4):
        jacobian = torch.autograd.functional.jacobian(lambda row: encoder(row[None])[0], x[i])
        inside = jacobian @ tangents[i].T @ tangents[i]
        assert along[i].item() == pytest.approx(inside.square().sum().item() / 2)
        assert across[i].item() == pytest.approx((jacobian - inside).square().sum().item() / 3)


def test_tangents_of_a_plane_lie_in_it():
    plane = torch.linalg.qr(X[:5, :2]).Q.T  # (2, 5)
    flat = X[:, :2] @ plane + 3  # not through the origin
    found = local_tangents(flat[:4], flat, 2, 6)  # (4, 2, 5)
    torch.testing.assert_close(found.mT @ found, (plane.T @ plane).expand(4, 5, 5))


@pytest.mark.parametrize("neighbours", [2, 5, 9])
def test_tangents_are_those_of_scikit_learn_in_the_same_neighbourhood(neighbours):
    """Of the sample itself and as many neighbours as were asked for, about their mean."""
    data = X + 2
    around = NearestNeighbors(n_neighbors=neighbours + 1).fit(data).kneighbors(data[:6])[1]
    for seen, rows in zip(local_tangents(data[:6], data, 2, neighbours), around, strict=True):
        axes = torch.from_numpy(PCA(2, svd_solver="full").fit(data[rows]).components_)
        torch.testing.assert_close(seen.mT @ seen, axes.mT @ axes, rtol=0, atol=1e-12)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="x contains 1 sample"):
        sensitivity(linear(), X[:1])
    with pytest.raises(ValueError, match="neighbours is 1 for 2 directions"):
        local_tangents(X, X, 2, 1)


def worst_angle(points, along):
    """The largest angle in degrees between the tangents of `points` in the plane and `along`."""
    found = local_tangents(points, points, 1, 6)[:, 0].double()
    return (found[:, 0] * along[:, 1] - found[:, 1] * along[:, 0]).abs().asin().rad2deg().max()


def circle():
    """200 points of a circle of radius 1, and the tangents there."""
    angles = torch.linspace(0, 2 * math.pi, 201, dtype=torch.float64)[:-1]
    return (
        torch.stack([angles.cos(), angles.sin()], 1),
        torch.stack([-angles.sin(), angles.cos()], 1),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0, 1e3, -1e3])
def test_tangents_do_not_depend_on_the_origin(offset, dtype):
    """Neighbours are 0.03 apart, and 1000 in single precision is known to 3e-5."""
    points, along = circle()
    assert worst_angle((points + offset).to(dtype), along) < 1


def test_neighbours_are_found_within_a_group_far_from_the_others():
    points, along = circle()
    groups = torch.cat([points, points + 1e6]) * 1e3
    assert worst_angle(groups, torch.cat([along, along])) < 1
    assert worst_angle(torch.cat([points, points + 1e3]).float(), torch.cat([along, along])) < 1


def test_a_small_gain_across_is_not_lost_in_a_large_one_along():
    """1e-4 across beside 1 along, in single precision: a difference of squares rounds to 0."""
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(3))).Q
    weight = turn * torch.tensor([1.0, 1.0, 1e-4, 1e-4]) @ turn.T
    tangents = turn.T[:2].expand(7, 2, 4)
    along, across = tangent_gains(lambda x: x @ weight, X[:7, :4].float(), tangents)
    assert along.tolist() == pytest.approx([1] * 7, rel=1e-5)
    assert across.tolist() == pytest.approx([1e-8] * 7, rel=0.01)


def test_nan_has_no_neighbours():
    wrong = X.clone()
    wrong[3, 2] = math.nan
    for x, data, name in ((wrong, X, "x"), (X, wrong, "data")):
        with pytest.raises(ValueError, match=f"{name} contains nan or infinity"):
            local_tangents(x, data, 2, 6)
    with pytest.raises(ValueError, match="neighbours is 6.5"):
        local_tangents(X, X, 2, 6.5)
