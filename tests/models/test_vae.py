"""The variational autoencoder against PyTorch's distributions, an integral over its code, and theory."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Bernoulli, Normal, kl_divergence

from aecourse.losses import bce
from aecourse.metrics.likelihood import iwae_bound
from aecourse.models.vae import VAE
from aecourse.objectives.variational import beta_vae, importance_weighted, normalized_beta
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.VAE": (
        "`torch.distributions`; ln p(x) by `scipy.integrate.quad`",
        "1e-12; terms `assert_close`; integral 0.01 nats",
        "yes",
    ),
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

LIKELIHOODS = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])


def start(likelihood="bernoulli", shape=6, hidden=(5,), latent_dim=2, seed=0, **options):
    """A small model in float64, stretched so that codes and reconstructions differ from sample to sample."""
    torch.manual_seed(seed)
    model = VAE(shape, hidden, latent_dim, "tanh", likelihood, **options).double()
    with torch.no_grad():
        for parameter in [*model.encoder.parameters(), *model.decoder.parameters()]:
            parameter.mul_(2)
    return model


def data(n=7, shape=(6,), seed=1):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def likelihood_of(model, z):
    """p(x|z), built from PyTorch's distributions."""
    if model.log_sigma is None:
        return Bernoulli(probs=model.decode(z), validate_args=False)
    return Normal(model.decode(z), model.log_sigma.exp())


@LIKELIHOODS
@pytest.mark.parametrize("shape", [6, (1, 4, 5), (3, 2, 2), (2, 3, 2, 2)])
def test_any_shape_comes_back(likelihood, shape):
    model = start(likelihood, shape)
    x = data(3, model.shape)
    x_hat, z = model(x)
    assert x_hat.shape == model.logits(z).shape == x.shape and z.shape == (3, 2)
    assert [t.shape for t in model.posterior(x)] == [(3, 2), (3, 2)]
    assert model.log_likelihood(x, z).shape == (3,) and model.sample(4).shape == (4, *model.shape)
    assert torch.equal(z, model.posterior(x)[0]) and torch.equal(model.encode(x), z)
    assert torch.equal(
        x_hat, model.logits(z).sigmoid() if likelihood == "bernoulli" else model.logits(z)
    )


def test_the_likelihood_settles_the_output_and_the_range_of_the_data():
    assert start("bernoulli").output_range == (0, 1) and start("gaussian").output_range == (
        -math.inf,
        math.inf,
    )
    with pytest.raises(ValueError, match="data runs from"):
        fit(start().float(), 2 * data().float(), beta_vae(), steps=1, device="cpu")


@LIKELIHOODS
def test_the_likelihood_agrees_with_pytorch(likelihood):
    model = start(likelihood)
    x = data()
    z = noise(7, 2)
    with torch.no_grad():
        model.log_sigma.fill_(-0.4) if likelihood == "gaussian" else None
    x = x.round() if likelihood == "bernoulli" else x
    torch.testing.assert_close(
        model.log_likelihood(x, z),
        likelihood_of(model, z).log_prob(x).sum(1),
        rtol=1e-12,
        atol=1e-12,
    )


@LIKELIHOODS
def test_the_two_terms_by_hand_from_the_same_noise(likelihood):
    model, x = start(likelihood), data().round()
    mean, log_variance = model.posterior(x)
    q = Normal(mean, (log_variance / 2).exp())
    z = q.mean + q.stddev * noise(7, 2, seed=3)
    terms = model.negative_elbo_terms(x, seeded(3))
    assert list(terms) == ["reconstruction", "kl"]
    torch.testing.assert_close(
        terms["reconstruction"], -likelihood_of(model, z).log_prob(x).sum(1).mean()
    )
    torch.testing.assert_close(terms["kl"], kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean())


def test_terms_do_not_depend_on_the_size_of_the_batch():
    model, x = start(), data()
    model.encoder[-1].weight.data[2:], model.encoder[-1].bias.data[2:] = 0, -1e3  # next to no noise
    one, two = (model.negative_elbo_terms(batch, seeded()) for batch in (x, torch.cat([x, x])))
    for name in one:
        assert two[name].item() == pytest.approx(one[name].item(), rel=0.02)


@LIKELIHOODS
def test_the_terms_have_the_gradient_of_their_values(likelihood):
    """Through the noise as well: the encoder learns from the reconstruction."""
    model, x = start(likelihood), data(2)
    names, values = zip(*model.named_parameters())

    def value(*given):
        terms = torch.func.functional_call(
            model, dict(zip(names, given)), (x, seeded()), strict=True
        )
        return tuple(terms.values())

    model.forward = model.negative_elbo_terms
    assert torch.autograd.gradcheck(value, values)
    mean_weight = model.encoder[-1].weight
    (gradient,) = torch.autograd.grad(
        model.negative_elbo_terms(x, seeded())["reconstruction"], mean_weight
    )
    assert (gradient[:2].abs() > 0).all() and (gradient[2:].abs() > 0).all(), (
        "means and log-variances"
    )


def test_a_log_variance_stays_within_bounds_and_has_a_gradient_within():
    model, x = start(hidden=()), data()
    for raw, wanted in ((1e4, 10), (-1e4, -10), (0.0, 0.0)):
        model.encoder[-1].weight.data.zero_()
        model.encoder[-1].bias.data.fill_(raw)
        assert (model.posterior(x)[1] == wanted).all() and all(
            t.isfinite() for t in model.negative_elbo_terms(x).values()
        )
    model.posterior(x)[1].sum().backward()
    assert model.encoder[-1].bias.grad[2:].tolist() == [7, 7], "slope 1 at 0"


def test_beta_weighs_the_divergence_alone():
    model, x = start(), data()
    plain = model.negative_elbo_terms(x, seeded())
    for beta in (0, 0.5, 1, 4.0):
        terms = beta_vae(beta)(model, x, seeded())
        assert list(terms) == ["reconstruction", "kl"] and torch.equal(
            terms["reconstruction"], plain["reconstruction"]
        )
        torch.testing.assert_close(terms["kl"], beta * plain["kl"])


def test_the_normalised_beta_weighs_the_two_averages():
    """Divided by the pixels, the sum is mean reconstruction + normalised beta * mean divergence."""
    model, x = start(shape=(2, 3, 4), latent_dim=3), data(5, (2, 3, 4))
    reconstruction, kl = beta_vae(4.0)(model, x, seeded()).values()
    plain = model.negative_elbo_terms(x, seeded())
    assert normalized_beta(model, 4.0) == 4 * 3 / 24
    torch.testing.assert_close(
        (reconstruction + kl) / 24,
        plain["reconstruction"] / 24 + normalized_beta(model, 4.0) * plain["kl"] / 3,
    )


def test_a_learned_sigma_is_best_at_the_root_of_the_squared_error():
    model, x = start("gaussian"), data()
    model.encoder[-1].weight.data[2:], model.encoder[-1].bias.data[2:] = 0, -1e3
    z = model.posterior(x)[0]
    with torch.no_grad():
        model.log_sigma.copy_((model.decode(z) - x).square().mean().log() / 2)
    (slope,) = torch.autograd.grad(model.log_likelihood(x, z).mean(), model.log_sigma)
    assert abs(slope.item()) < 1e-12
    fixed = VAE(6, (), 2, likelihood="gaussian", sigma=0.3)
    assert fixed.log_sigma.exp().item() == pytest.approx(0.3) and not fixed.log_sigma.requires_grad


@LIKELIHOODS
def test_a_log_weight_by_hand_from_the_same_noise(likelihood):
    model, x = start(likelihood), data().round()
    mean, log_variance = model.posterior(x)
    q = Normal(mean, (log_variance / 2).exp())
    z = q.mean + q.stddev * noise(3, 7, 2, seed=5)
    prior = Normal(0.0, 1.0)
    wanted = torch.stack([likelihood_of(model, row).log_prob(x).sum(1) for row in z]) + (
        prior.log_prob(z) - q.log_prob(z)
    ).sum(2)
    torch.testing.assert_close(
        model.log_importance_weights(x, 3, seeded(5)), wanted, rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize(
    "samples, chunk, sizes", [(1, 64, [1]), (6, 6, [6]), (7, 3, [3, 3, 1]), (5, 100, [5])]
)
def test_the_bound_is_the_log_of_the_mean_weight_whatever_the_chunks(samples, chunk, sizes):
    model = start()
    x = data()
    generator = seeded(2)
    weights = torch.cat([model.log_importance_weights(x, size, generator) for size in sizes]).exp()
    assert len(weights) == samples
    torch.testing.assert_close(
        iwae_bound(model, x, samples, seeded(2), chunk),
        weights.mean(0).log(),
        rtol=1e-11,
        atol=1e-11,
    )


def test_the_bound_survives_weights_too_small_for_a_float():
    model = VAE(3000, (), 2).float()
    assert iwae_bound(model, torch.rand(2, 3000), 10, seeded()).isfinite().all()


@LIKELIHOODS
def test_the_bound_rises_from_the_elbo_to_the_likelihood(likelihood):
    """A code of one unit: the likelihood is an integral that SciPy takes; 60 repeats give each mean its interval."""
    model, x = start(likelihood, latent_dim=1), data(1).round()

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


def test_a_single_value_of_the_bound_may_lie_above_another_with_more_draws():
    model, x = start(), data(200)
    assert (iwae_bound(model, x, 1, seeded()) > iwae_bound(model, x, 50, seeded(1))).any()


def test_new_samples_are_decoded_noise_and_follow_the_generator():
    model = start()
    assert torch.equal(model.sample(5, seeded(4)), model.decode(noise(5, 2, seed=4)))
    assert not torch.equal(model.sample(5, seeded(4)), model.sample(5, seeded(5)))


@pytest.mark.parametrize(
    "objective, likelihood",
    [(beta_vae(1), "bernoulli"), (beta_vae(1), "gaussian"), (importance_weighted(5), "bernoulli")],
)
def test_training_raises_the_bound_on_data_held_out(objective, likelihood):
    rows = (data(300, (3,)) > 0.5).float().repeat(1, 2)  # the second half repeats the first
    torch.manual_seed(0)
    model = VAE(6, (16,), 2, likelihood=likelihood)
    before = iwae_bound(model, rows[200:], 50, seeded()).mean().item()
    history = fit(model, rows[:200], objective, steps=300, batch_size=100, lr=0.01, device="cpu")
    after = iwae_bound(model, rows[200:], 50, seeded()).mean().item()
    assert after > before + 1 and (likelihood == "gaussian" or after > -6 * math.log(2))
    assert set(history.terms) - {"loss"} == (
        {"bound"} if objective.__name__ == "<lambda>" else {"reconstruction", "kl"}
    )


def test_an_untrained_code_of_zeros_costs_what_its_decoder_says():
    model, x = start(), data()
    for parameter in model.parameters():
        parameter.data.zero_()
    terms = model.negative_elbo_terms(x, seeded())
    assert terms["kl"].item() == 0 and terms["reconstruction"].item() == pytest.approx(
        6 * math.log(2)
    )
    assert terms["reconstruction"].item() == pytest.approx(
        bce(torch.zeros_like(x), x, "batchmean").item()
    )


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"likelihood": "poisson"},
            "likelihood is 'poisson'; expected one of 'bernoulli', 'gaussian'",
        ),
        ({"likelihood": "gaussian", "sigma": 0.0}, "sigma is 0.0"),
        ({"likelihood": "gaussian", "sigma": -1.0}, "sigma is -1.0"),
        ({"sigma": 1.0}, "sigma is 1.0 with a Bernoulli likelihood"),
        ({"latent_dim": 0}, "latent_dim is 0"),
        ({"shape": ()}, r"shape is \(\)"),
        ({"activation": "RELU"}, "activation is 'RELU'"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        VAE(**options)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda m: m.posterior(torch.rand(2, 5)), r"x has shape \(2, 5\); expected \(B, 6\)"),
        (lambda m: m.decode(torch.rand(2, 3)), r"z has shape \(2, 3\)"),
        (lambda m: m.log_likelihood(torch.rand(3, 6), torch.rand(2, 2)), "x"),
        (lambda m: m.log_likelihood(torch.rand(2, 6) + 1, torch.rand(2, 2)), "x runs from 1"),
        (lambda m: m.sample(0), "n is 0"),
        (lambda m: iwae_bound(m, torch.rand(2, 6), 0), "samples is 0"),
        (lambda m: iwae_bound(m, torch.rand(2, 6), 5, None, 0), "chunk is 0"),
        (lambda m: importance_weighted(1.5), "samples is 1.5"),
        (lambda m: beta_vae(-1), "beta is -1"),
        (lambda m: beta_vae(math.nan), "beta is nan"),
        (lambda m: beta_vae(True), "beta is True"),
        (lambda m: beta_vae("1"), "beta is '1'"),
    ],
)
def test_a_wrong_call_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(VAE(6, (), 2))


@pytest.mark.parametrize("samples", [1, 5])
def test_the_importance_weighted_objective_is_minus_the_bound_averaged(samples):
    """From the log-weights of the same draws: ln of the mean weight of each sample, by NumPy."""
    model, x = start(), data(7)
    weights = model.log_importance_weights(x, samples, seeded(3)).detach().numpy()  # (S, B)
    wanted = -np.log(np.exp(weights).mean(0)).mean()
    assert importance_weighted(samples)(model, x, seeded(3))["bound"].item() == pytest.approx(
        wanted, rel=1e-10
    )
