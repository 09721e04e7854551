"""Variational objectives: beta, the normalized beta, the importance-weighted bound."""

import math

import numpy as np
import pytest
import torch

from aecourse.metrics.likelihood import iwae_bound
from aecourse.models.vae import VAE
from aecourse.objectives.variational import beta_vae, importance_weighted, normalized_beta
from aecourse.training import fit
from tests.helpers import seeded, uniform
from tests.small_models import small_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.beta_vae": (
        "through `VAE`, whose terms it takes; the divergence times beta",
        "`assert_close`",
        "through `VAE`",
    ),
    "objectives.importance_weighted": (
        "ln of the mean weight of each sample, from the log-weights of the same draws, by "
        "NumPy; training raises the bound",
        "relative 1e-10, float64",
        "yes",
        "test_smooth.py",
    ),
    "objectives.normalized_beta": (
        "by hand; it weighs the two averages",
        "exact; `assert_close`",
        "takes no tensor",
    ),
}


def test_beta_multiplies_the_divergence_alone():
    model, x = small_vae(), uniform(7, 6)
    plain = model.negative_elbo_terms(x, seeded())
    for beta in (0, 0.5, 1, 4.0):
        terms = beta_vae(beta)(model, x, seeded())
        assert list(terms) == ["reconstruction", "kl"] and torch.equal(
            terms["reconstruction"], plain["reconstruction"]
        )
        torch.testing.assert_close(terms["kl"], beta * plain["kl"])


def test_the_normalized_beta_weighs_the_two_averages():
    """Per pixel, the sum is mean reconstruction + normalized beta * mean divergence."""
    model, x = small_vae(shape=(2, 3, 4), latent_dim=3), uniform(5, 2, 3, 4)
    reconstruction, kl = beta_vae(4.0)(model, x, seeded()).values()
    plain = model.negative_elbo_terms(x, seeded())
    assert normalized_beta(model, 4.0) == 4 * 3 / 24
    torch.testing.assert_close(
        (reconstruction + kl) / 24,
        plain["reconstruction"] / 24 + normalized_beta(model, 4.0) * plain["kl"] / 3,
    )


@pytest.mark.parametrize(
    "objective, likelihood",
    [(beta_vae(1), "bernoulli"), (beta_vae(1), "gaussian"), (importance_weighted(5), "bernoulli")],
)
def test_training_raises_the_bound_on_data_held_out(objective, likelihood):
    rows = (uniform(300, 3) > 0.5).float().repeat(1, 2)  # the second half repeats the first
    torch.manual_seed(0)
    model = VAE(6, (16,), 2, likelihood=likelihood)
    before = iwae_bound(model, rows[200:], 50, seeded()).mean().item()
    history = fit(model, rows[:200], objective, steps=300, batch_size=100, lr=0.01, device="cpu")
    after = iwae_bound(model, rows[200:], 50, seeded()).mean().item()
    assert after > before + 1 and (likelihood == "gaussian" or after > -6 * math.log(2))
    assert set(history.terms) - {"loss"} == (
        {"bound"} if objective.__name__ == "<lambda>" else {"reconstruction", "kl"}
    )


@pytest.mark.parametrize("samples", [1, 5])
def test_the_importance_weighted_objective_is_minus_the_bound_averaged(samples):
    """From the log-weights of the same samples: ln of the mean weight of each image, in NumPy."""
    model, x = small_vae(), uniform(7, 6)
    weights = model.log_importance_weights(x, samples, seeded(3)).detach().numpy()  # (S, B)
    wanted = -np.log(np.exp(weights).mean(0)).mean()
    assert importance_weighted(samples)(model, x, seeded(3))["bound"].item() == pytest.approx(
        wanted, rel=1e-10
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: importance_weighted(1.5), "samples is 1.5"),
        (lambda: beta_vae(-1), "beta is -1"),
        (lambda: beta_vae(math.nan), "beta is nan"),
        (lambda: beta_vae(True), "beta is True"),
        (lambda: beta_vae("1"), "beta is '1'"),
    ],
)
def test_a_wrong_number_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
