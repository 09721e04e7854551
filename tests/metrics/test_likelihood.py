"""The importance-weighted bound: its formula, and its place between the ELBO and an integral."""

import math

import pytest
import torch
from scipy import integrate, stats

from aecourse.metrics.likelihood import iwae_bound
from aecourse.models.vae import VAE
from tests.helpers import seeded, uniform
from tests.small_models import small_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.iwae_bound": (
        "with the exact posterior of a linear model it is the likelihood; `scipy.integrate.quad`",
        "1e-12; integral 0.01 nats",
        "yes",
        "models/test_linear.py",
        "test_smooth.py",
    ),
}


LIKELIHOODS = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])


@pytest.mark.parametrize(
    "samples, chunk, sizes", [(1, 64, [1]), (6, 6, [6]), (7, 3, [3, 3, 1]), (5, 100, [5])]
)
def test_the_bound_is_the_log_of_the_mean_weight_for_any_chunks(samples, chunk, sizes):
    model = small_vae()
    x = uniform(7, 6)
    generator = seeded(2)
    weights = torch.cat([model.log_importance_weights(x, size, generator) for size in sizes]).exp()
    assert len(weights) == samples
    torch.testing.assert_close(
        iwae_bound(model, x, samples, seeded(2), chunk),
        weights.mean(0).log(),
        rtol=1e-11,
        atol=1e-11,
    )


def test_the_bound_is_finite_for_weights_too_small_for_a_float():
    model = VAE(3000, (), 2).float()
    assert iwae_bound(model, torch.rand(2, 3000), 10, seeded()).isfinite().all()


@LIKELIHOODS
def test_the_bound_rises_from_the_elbo_to_the_likelihood(likelihood):
    """With one unit SciPy integrates the likelihood; 4000 repeats give each mean its interval."""
    model, x = small_vae(likelihood, latent_dim=1).eval(), uniform(1, 6).round()

    def density(z):
        return math.exp(
            model.log_likelihood(x, torch.tensor([[z]], dtype=torch.float64)).item()
        ) * stats.norm.pdf(z)

    with torch.no_grad():
        log_p = math.log(integrate.quad(density, -9, 9, limit=200)[0])
        many = x.expand(4000, 6)
        elbo, five, fifty = (iwae_bound(model, many, samples, seeded()) for samples in (1, 5, 50))
        terms = sum(model.negative_elbo_terms(many, seeded(1)).values())
    error = {
        name: 4 * t.std().item() / 4000**0.5
        for name, t in (("elbo", elbo), ("five", five), ("fifty", fifty))
    }
    assert -terms.item() == pytest.approx(elbo.mean().item(), abs=2 * error["elbo"])
    assert elbo.mean() + error["elbo"] < five.mean() - error["five"], (
        "five draws bound better than one"
    )
    assert five.mean() + error["five"] < fifty.mean() - error["fifty"], "fifty better than five"
    assert fifty.mean() - error["fifty"] < log_p
    assert iwae_bound(model, x, 40_000, seeded(), 8000).item() == pytest.approx(log_p, abs=0.01)


def test_a_single_estimate_may_lie_above_one_with_more_samples():
    model, x = small_vae(), uniform(200, 6)
    assert (iwae_bound(model, x, 1, seeded()) > iwae_bound(model, x, 50, seeded(1))).any()


@pytest.mark.parametrize("numbers, words", [((0,), "samples is 0"), ((5, None, 0), "chunk is 0")])
def test_a_number_that_is_not_positive_is_refused(numbers, words):
    with pytest.raises(ValueError, match=words):
        iwae_bound(VAE(6, (), 2), torch.rand(2, 6), *numbers)
