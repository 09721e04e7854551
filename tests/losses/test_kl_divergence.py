"""The Gaussian divergence against PyTorch's, the integral that defines it, and values by hand."""

import math

import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Normal, kl_divergence

from aecourse.losses.kl_divergence import gaussian_kl, gaussian_kl_between

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.gaussian_kl": (
        "`torch.distributions.kl_divergence` to N(0, 1); by hand",
        "10 × 2e-15; float32 10 × 2e-6",
        "yes",
    ),
    "losses.gaussian_kl_between": (
        "`torch.distributions.kl_divergence`; `scipy.integrate.quad` of the definition",
        "10 × 2e-15; float32 10 × 2e-6; integral 1e-10",
        "yes",
    ),
}

FLOATS = pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float32, 2e-6), (torch.float64, 2e-15)]
)


def gaussians(count=4, shape=(5, 3), dtype=torch.float64, spread=1.5):
    """`count` tensors: means and log-variances."""
    return (
        spread
        * torch.randn(
            count, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
        )
    ).to(dtype)


def normal(mean, log_variance):
    return Normal(mean, (log_variance / 2).exp())


@FLOATS
@pytest.mark.parametrize("shape", [(1,), (7,), (5, 3), (2, 3, 4, 4)])
def test_it_agrees_with_pytorch(dtype, tolerance, shape):
    mean, log_variance, m, s = gaussians(shape=shape, dtype=dtype)
    near = {"rtol": 10 * tolerance, "atol": 10 * tolerance}
    wanted = kl_divergence(
        normal(mean, log_variance), Normal(torch.zeros_like(m), torch.ones_like(m))
    )
    torch.testing.assert_close(gaussian_kl(mean, log_variance, "none"), wanted, **near)
    wanted = kl_divergence(normal(mean, log_variance), normal(m, s))
    torch.testing.assert_close(
        gaussian_kl_between(mean, log_variance, m, s, "none"), wanted, **near
    )


def test_it_is_the_integral_that_defines_it():
    mean = 0.7
    log_variance = -0.9
    m = -0.2
    s = 0.4
    p, q = stats.norm(mean, math.exp(log_variance / 2)), stats.norm(m, math.exp(s / 2))
    wanted = integrate.quad(
        lambda z: p.pdf(z) * (p.logpdf(z) - q.logpdf(z)), -12, 12, points=[mean]
    )[0]
    tensors = torch.tensor([mean, log_variance, m, s], dtype=torch.float64)[:, None]
    assert gaussian_kl_between(*tensors).item() == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize(
    "mean, log_variance, nats",
    [
        (0.0, 0.0, 0.0),
        (2.0, 0.0, 2.0),
        (0.0, math.log(4), 1.5 - math.log(2)),
        (0.0, math.log(0.25), math.log(2) - 0.375),
        (1.0, 1.0, math.e / 2 - 0.5),
    ],
)
def test_a_divergence_by_hand(mean, log_variance, nats):
    pair = (
        torch.tensor([[mean]], dtype=torch.float64),
        torch.tensor([[log_variance]], dtype=torch.float64),
    )
    assert gaussian_kl(*pair).item() == pytest.approx(nats, abs=1e-15)


def test_a_standard_prior_is_a_special_case():
    mean, log_variance, _, _ = gaussians()
    nothing = torch.zeros_like(mean)
    torch.testing.assert_close(
        gaussian_kl_between(mean, log_variance, nothing, nothing), gaussian_kl(mean, log_variance)
    )


@FLOATS
def test_the_divergence_is_zero_from_a_gaussian_to_itself_and_positive_to_others(dtype, tolerance):
    mean, log_variance, m, s = gaussians(shape=(2000,), dtype=dtype)
    assert gaussian_kl_between(mean, log_variance, mean, log_variance, "none").abs().max() == 0
    assert (gaussian_kl_between(mean, log_variance, m, s, "none") > 0).all()
    assert gaussian_kl(torch.zeros_like(m), 1e-4 * s, "none").min() >= -tolerance


def test_it_is_not_symmetric():
    mean, log_variance, m, s = torch.tensor([0.0, 0.0, 0.0, 2.0])[:, None]
    assert (
        gaussian_kl_between(m, s, mean, log_variance).item()
        > 2 * gaussian_kl_between(mean, log_variance, m, s).item()
    )


def test_the_default_sums_over_units_and_averages_over_the_batch():
    mean, log_variance, m, s = gaussians(shape=(6, 2, 5))
    for loss, given in (
        (gaussian_kl, (mean, log_variance)),
        (gaussian_kl_between, (mean, log_variance, m, s)),
    ):
        each = loss(*given, "none")
        assert each.shape == (6, 2, 5)
        torch.testing.assert_close(loss(*given), each.sum((1, 2)).mean())
        torch.testing.assert_close(loss(*given, "mean"), each.mean())
        torch.testing.assert_close(loss(*given, "sum"), each.sum())
        torch.testing.assert_close(loss(*(torch.cat([t, t]) for t in given)), loss(*given))


@pytest.mark.parametrize("loss, count", [(gaussian_kl, 2), (gaussian_kl_between, 4)])
def test_it_has_the_gradient_of_its_value(loss, count):
    given = tuple(t.requires_grad_() for t in gaussians(count, (3, 2)).unbind())
    assert torch.autograd.gradcheck(loss, given)
    rows = torch.stack([loss(*row, "sum") for row in zip(*given, strict=True)])
    torch.testing.assert_close(torch.vmap(lambda *row: loss(*row, "sum"))(*given), rows)


@pytest.mark.parametrize(
    "loss, names",
    [
        (gaussian_kl, ["mean", "log_variance"]),
        (gaussian_kl_between, ["mean", "log_variance", "prior_mean", "prior_log_variance"]),
    ],
)
def test_what_does_not_match_is_refused_by_name(loss, names):
    for i, name in enumerate(names):
        for wrong, error in (
            (torch.zeros(3), ValueError),
            (torch.zeros(2, 3).double(), TypeError),
            ([0.0], TypeError),
        ):
            given = [torch.zeros(2, 3)] * len(names)
            given[i] = wrong
            with pytest.raises(error, match=rf"\b{name}\b"):
                loss(*given)
    if len(names) == 4:
        with pytest.raises(ValueError, match=r"mean has shape \(2, 3\) and prior_mean \(3,\)"):
            loss(*[torch.zeros(2, 3)] * 2, *[torch.zeros(3)] * 2)
    with pytest.raises(ValueError, match="reduction is 'average'"):
        loss(*[torch.zeros(2, 3)] * len(names), "average")
    with pytest.raises(ValueError, match=r"is empty, of shape \(0, 3\)"):
        loss(*[torch.zeros(0, 3)] * len(names))
