"""Top k against sorting in NumPy; gradients of thresholds against the density of the data."""

import math

import numpy as np
import pytest
import torch

from aecourse.regularizers import jump_relu, l0_penalty, top_k
from tests.helpers import noise, seeded

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "regularizers.top_k": (
        "the values that `numpy.sort` puts last; `gradcheck`",
        "exact",
        "at values that differ",
    ),
    "regularizers.jump_relu": (
        "`numpy.where`; the derivative of the mean for normal data, from `scipy.stats.norm`",
        "exact; gradient 3 %",
        "estimated at the jump",
    ),
    "regularizers.l0_penalty": (
        "a count in NumPy; the density `scipy.stats.norm.pdf` at the threshold",
        "exact; gradient 3 %",
        "estimated at the jump",
    ),
}


@pytest.mark.parametrize("active", [1, 3, 7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_largest_positive_values_are_kept(active, dtype):
    a = noise(50, 7).to(dtype)
    z = top_k(a, active)
    values = a.double().numpy()
    least = np.sort(values, 1)[:, [-active]]
    wanted = np.where((values >= least) & (values > 0), values, 0)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z.double().numpy(), wanted)


def test_what_is_kept_has_its_own_gradient():
    a = noise(4, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: top_k(a, 2), a)
    gradient = torch.autograd.grad(top_k(a, 2).sum(), a)[0]
    assert torch.equal(gradient, (top_k(a, 2) > 0).double())


@pytest.mark.parametrize("threshold", [0.0, 0.4, torch.tensor([0.1, 0.5, 2.0])])
def test_values_above_the_threshold_stay_as_they_are(threshold):
    a = noise(50, 3).float()
    values, limit = a.numpy(), np.asarray(threshold, dtype=np.float32)
    wanted = np.where(values > limit, values, 0)
    np.testing.assert_array_equal(jump_relu(a, threshold).numpy(), wanted)
    count = (values > limit).sum()
    assert l0_penalty(a, threshold, reduction="sum").item() == count
    assert l0_penalty(a, threshold).item() == pytest.approx(count / a.numel())
    assert l0_penalty(a, threshold, reduction="batchmean").item() == pytest.approx(count / 50)


@pytest.mark.parametrize("threshold", [0.3, 1.0])
@pytest.mark.parametrize("bandwidth", [0.05, 0.2])
def test_the_gradient_of_a_threshold_is_that_of_the_mean(threshold, bandwidth):
    """d/dt P(a > t) = -p(t), and d/dt E a [a > t] = -t p(t), for normal data."""
    from scipy.stats import norm

    a = torch.randn(2_000_000, 1, generator=seeded(), dtype=torch.float64)
    t = torch.tensor([threshold], dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(l0_penalty(a, t, bandwidth), t)[0].item()
    assert slope == pytest.approx(-norm.pdf(threshold), rel=0.03)
    slope = torch.autograd.grad(jump_relu(a, t, bandwidth).mean(), t)[0].item()
    assert slope == pytest.approx(-threshold * norm.pdf(threshold), rel=0.03)


def test_each_unit_has_the_gradient_of_its_own_threshold():
    a = torch.tensor([[0.51, 0.51], [0.3, 0.52], [0.49, 2.0]])
    t = torch.tensor([0.5, 0.5], requires_grad=True)
    assert l0_penalty(a, t, 0.1, "none").detach().tolist() == [[1, 1], [0, 1], [0, 1]]
    gradient = torch.autograd.grad(l0_penalty(a, t, 0.1, "sum"), t)[0]
    torch.testing.assert_close(gradient, torch.tensor([-20.0, -20.0]))
    gradient = torch.autograd.grad(jump_relu(a, t, 0.1).sum(), t)[0]
    torch.testing.assert_close(gradient, torch.tensor([-10.0, -10.0]))


def test_the_data_have_the_gradient_of_what_is_kept():
    a = noise(5, 3).requires_grad_()
    t = torch.tensor([0.2, 0.3, 0.4], dtype=torch.float64)
    assert torch.equal(torch.autograd.grad(jump_relu(a, t).sum(), a)[0], (a > t).double())
    assert not torch.autograd.grad(l0_penalty(a, t.requires_grad_()), a, allow_unused=True)[0]


@pytest.mark.parametrize("function", [jump_relu, l0_penalty])
def test_wrong_arguments_of_a_threshold(function):
    a = torch.zeros(2, 3)
    for wrong, words in [
        ((a, -1.0), "threshold is -1.0"),
        ((a, torch.zeros(2)), r"expected a scalar or \(3,\)"),
        ((a, 0.1, 0.0), "bandwidth is 0.0"),
        ((a[0], 0.1), r"expected \(B, k\)"),
        ((a, math.nan), "threshold is nan"),
    ]:
        with pytest.raises(ValueError, match=words):
            function(*wrong)
    with pytest.raises(TypeError, match="floating point"):
        function(a.int(), 0.1)


def test_wrong_arguments_of_top_k():
    for wrong, words in [
        ((torch.zeros(2, 3), 4), "active is 4 and a has 3 units"),
        ((torch.zeros(2, 3), 0), "active is 0"),
        ((torch.zeros(3), 1), r"expected \(B, k\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            top_k(*wrong)
