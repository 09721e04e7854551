"""Absolute error against SciPy's Laplace density, PyTorch, and the constant that minimises it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import optimize, stats

from aecourse.losses import mae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.mae": (
        "`F.l1_loss`; `scipy.stats.laplace.logpdf`; the median minimises it",
        "1e-13; float32 1e-5; density 1e-11",
        "yes, off the kink",
        "losses/test_reduction.py",
    ),
}


def pair(dtype, shape):
    return torch.randn(
        2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).to(dtype)


@pytest.mark.parametrize("reduction, value", [("mean", 1.25), ("sum", 5.0), ("batchmean", 2.5)])
def test_absolute_error_by_hand(reduction, value):
    x_hat, x = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [3.0, 0.0]])
    assert mae(x_hat, x, "none").tolist() == [[0, 2], [2, 1]]
    assert mae(x_hat, x, reduction).item() == mae(x, x_hat, reduction).item() == value


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_absolute_error_is_the_likelihood_of_laplace_noise(scale):
    x_hat, x = pair(torch.float64, (4, 3, 5, 7))
    nats = mae(x_hat, x, "none") / scale + np.log(2 * scale)
    np.testing.assert_allclose(nats, -stats.laplace(x_hat, scale).logpdf(x), rtol=1e-11)
    torch.testing.assert_close(nats, -torch.distributions.Laplace(x_hat, scale).log_prob(x))


@pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_absolute_error_agrees_with_pytorch(dtype, rtol, reduction):
    x_hat, x = pair(dtype, (8, 12))
    torch.testing.assert_close(
        mae(x_hat, x, reduction), F.l1_loss(x_hat, x, reduction=reduction), rtol=rtol, atol=0
    )


def test_its_gradient_has_constant_magnitude_and_is_zero_without_error():
    x_hat = torch.tensor([-5.0, -1e-3, 0.0, 1e-3, 5.0], requires_grad=True)
    mae(x_hat, torch.zeros(5), "sum").backward()
    assert x_hat.grad.tolist() == [-1, -1, 0, 1, 1]


def test_the_median_minimises_it():
    x = torch.tensor(stats.expon.rvs(size=41, random_state=0))
    best = optimize.minimize_scalar(
        lambda c: mae(torch.full_like(x, c), x).item(),
        bounds=(0, 5),
        method="bounded",
        options={"xatol": 1e-9},
    ).x
    assert best == pytest.approx(np.median(x), rel=1e-6)
    assert abs(best - x.numpy().mean()) > 0.1
