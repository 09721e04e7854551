"""Rate and distortion: the exact ELBO of a linear model; averages over a data set."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aecourse.linalg import principal_axes
from aecourse.metrics import rate_distortion
from aecourse.models import VAE, LadderVAE, LinearVAE
from aecourse.objectives import beta_vae
from aecourse.training import fit
from tests.helpers import noise, seeded

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.RateDistortion": (
        "through `rate_distortion`, which returns it",
        "1e-12",
        "no",
    ),
    "metrics.rate_distortion": (
        "`torch.distributions`; the exact ELBO of a linear model; the rate of probabilistic PCA",
        "1e-12; ELBO 4 standard errors; rate 1e-6; float32 1e-5",
        "no",
    ),
}


def data(n=300):
    return noise(n, 6) @ noise(6, 6, seed=1) + 1


def linear(x, k=2, **options):
    return LinearVAE(6, k, **options).double().solve(x)


@pytest.mark.parametrize("solved", [True, False])
def test_together_they_are_the_negative_elbo(solved):
    """The ELBO of a linear model is exact; the samples leave the error of a mean."""
    x = data()
    torch.manual_seed(0)
    model = linear(x) if solved else LinearVAE(6, 2).double().eval()
    seen = [rate_distortion(model, x, seeded(seed)) for seed in range(30)]
    sums = torch.stack([one.rate + one.distortion for one in seen])
    with torch.no_grad():
        exact = -model.true_elbo(x).mean()
    assert sums.mean().item() == pytest.approx(exact.item(), abs=4 * sums.std().item() / 30**0.5)
    assert sums.std() < 0.05 * exact.abs()


def test_the_rate_of_probabilistic_pca_is_known():
    """At the optimum a unit has a mean KL of (1/2) ln(lambda / s^2), as a Gaussian channel."""
    x = data()
    model, values = linear(x, 3), principal_axes(x)[2]
    wanted = (values[:3].log() - values[3:].mean().log()).sum() / 2
    assert rate_distortion(model, x, seeded()).rate.item() == pytest.approx(wanted.item(), rel=1e-6)


def test_each_equals_pytorchs():
    torch.manual_seed(0)
    model, x = VAE(6, (5,), 3, "tanh").double(), data(9).sigmoid()
    rate, distortion = rate_distortion(model, x, seeded(3))
    mean, log_variance = model.posterior(x)
    q = Normal(mean, (log_variance / 2).exp())
    z = q.mean + q.stddev * noise(9, 3, seed=3)
    assert rate.item() == pytest.approx(
        kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean().item(), rel=1e-12
    )
    wanted = -Bernoulli(logits=model.logits(z), validate_args=False).log_prob(x).sum(1).mean()
    assert distortion.item() == pytest.approx(wanted.item(), rel=1e-12)
    assert not rate.requires_grad and not distortion.requires_grad


@pytest.mark.parametrize("batch_size", [1, 7, 100, 299, 300, 1000])
def test_batches_do_not_matter_nor_does_a_short_last_one(batch_size):
    """The rate is exact, and so is the distortion of codes without noise."""
    x = data().sort(0).values  # the last batch is unlike the first
    model = linear(x)
    with torch.no_grad():
        model.log_variance.fill_(-70)
    for seen, wanted in zip(
        rate_distortion(model, x, seeded(1), batch_size),
        rate_distortion(model, x, seeded(2), 300),
        strict=True,
    ):
        assert seen.item() == pytest.approx(wanted.item(), rel=1e-10)


def test_a_ladder_has_both():
    torch.manual_seed(0)
    model, x = LadderVAE(6, (5, 4), (3, 2), "tanh").double(), data(20).sigmoid()
    rate, distortion = rate_distortion(model, x, seeded(4))
    terms = model.negative_elbo_terms(x, seeded(4))
    assert rate.item() == pytest.approx(terms["kl"].item()) and distortion.item() == pytest.approx(
        terms["reconstruction"].item()
    )


def test_beta_trades_one_for_the_other():
    x, seen = data(), []
    for beta in (0.3, 1.0, 4.0):
        torch.manual_seed(0)
        model = LinearVAE(6, 3, sigma=0.7).double()
        fit(model, x, beta_vae(beta), steps=250, batch_size=300, lr=0.03, device="cpu")
        seen.append(rate_distortion(model, x, seeded()))
    rates, distortions = zip(*seen, strict=True)
    assert rates[0] > rates[1] > rates[2] and distortions[0] < distortions[1] < distortions[2]
    assert min(seen, key=sum) is seen[1], "their sum is least where beta is 1"


def test_float32():
    x = data()
    model = linear(x)
    wanted = rate_distortion(model, x, seeded())
    single = rate_distortion(model.float(), x.float(), seeded())
    assert single.rate.dtype == torch.float32 and single.rate.item() == pytest.approx(
        wanted.rate.item(), rel=1e-5
    )


def test_wrong_arguments_are_refused():
    x = data()
    with pytest.raises(ValueError, match="batch_size is 0"):
        rate_distortion(linear(x), x, seeded(), 0)
    with pytest.raises(ValueError, match="data is empty"):
        rate_distortion(linear(x), x[:0], seeded())
    with pytest.raises(ValueError, match=r"x has shape \(300, 5\)"):
        rate_distortion(linear(x), x[:, 1:], seeded())
