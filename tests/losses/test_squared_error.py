"""Squared error against SciPy's normal density, NumPy, and the constant that minimises it."""

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from sklearn.metrics import mean_squared_error

from aecourse.losses import mse
from aecourse.losses.reduction import reduce

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.mse": (
        "`sklearn.metrics.mean_squared_error`; `scipy.stats.norm.logpdf`; the mean minimises it",
        "1e-13; float32 1e-5; density 1e-12",
        "yes",
        "losses/test_reduction.py",
    ),
}


def pair(dtype, shape):
    return torch.randn(
        2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).to(dtype)


@pytest.mark.parametrize("reduction, value", [("mean", 2.25), ("sum", 9.0), ("batchmean", 4.5)])
def test_squared_error_by_hand(reduction, value):
    x_hat, x = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [3.0, 0.0]])
    assert mse(x_hat, x, "none").tolist() == [[0, 4], [4, 1]]
    assert mse(x_hat, x, reduction).item() == mse(x, x_hat, reduction).item() == value


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5])
def test_squared_error_is_the_likelihood_of_gaussian_noise(sigma):
    x_hat, x = pair(torch.float64, (4, 3, 5, 7))
    nats = mse(x_hat, x, "none") / (2 * sigma**2) + np.log(2 * np.pi * sigma**2) / 2
    np.testing.assert_allclose(nats, -stats.norm(x_hat, sigma).logpdf(x), rtol=1e-12)
    torch.testing.assert_close(nats, -torch.distributions.Normal(x_hat, sigma).log_prob(x))


@pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
def test_squared_error_in_one_pass_equals_the_readable_form(dtype, rtol, reduction):
    x_hat, x = pair(dtype, (8, 12))
    torch.testing.assert_close(
        mse(x_hat, x, reduction), reduce((x_hat - x).square(), reduction), rtol=rtol, atol=0
    )
    if reduction == "mean":
        assert mse(x_hat, x).item() == pytest.approx(mean_squared_error(x_hat, x), rel=rtol)


def test_its_gradient_is_twice_the_error():
    x_hat, x = pair(torch.float64, (5, 2))
    np.testing.assert_allclose(
        torch.func.grad(mse)(x_hat, x, "sum"), 2 * (x_hat.numpy() - x.numpy()), rtol=1e-14
    )


def test_the_mean_minimises_it():
    x = torch.tensor(stats.expon.rvs(size=41, random_state=0))
    best = optimize.minimize_scalar(lambda c: mse(torch.full_like(x, c), x).item()).x
    assert best == pytest.approx(x.numpy().mean(), rel=1e-6)
    assert abs(best - np.median(x)) > 0.1
