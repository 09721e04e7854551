"""The sensitivity of a linear encoder in closed form; it does not depend on the scale."""

import pytest
import torch
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


def test_tangents_of_a_plane_lie_in_it():
    plane = torch.linalg.qr(X[:5, :2]).Q.T  # (2, 5)
    flat = X[:, :2] @ plane + 3  # not through the origin
    found = local_tangents(flat[:4], flat, 2, 6)  # (4, 2, 5)
    torch.testing.assert_close(found.mT @ found, (plane.T @ plane).expand(4, 5, 5))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="x contains 1 sample"):
        sensitivity(linear(), X[:1])
    with pytest.raises(ValueError, match="neighbours is 1 for 2 directions"):
        local_tangents(X, X, 2, 1)
