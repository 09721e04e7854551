"""The variational autoencoder against PyTorch's distributions, term by term."""

import math

import pytest
import torch
from scipy import optimize, stats
from torch.distributions import Bernoulli, Normal, kl_divergence

from aecourse.data import load_images
from aecourse.losses import bce
from aecourse.metrics import active_units
from aecourse.models.linear import LinearVAE
from aecourse.models.vae import VAE
from aecourse.objectives.variational import beta_vae
from aecourse.training import evaluate, fit
from tests.helpers import correlated, noise, seeded, uniform
from tests.small_models import small_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.VAE": (
        "`torch.distributions`; ln p(x) by `scipy.integrate.quad`",
        "1e-12; terms `assert_close`; integral 0.01 nats",
        "yes",
        "metrics/test_likelihood.py",
    ),
}


LIKELIHOODS = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])


def likelihood_of(model, z):
    """p(x|z) as one of PyTorch's distributions."""
    if model.log_sigma is None:
        return Bernoulli(probs=model.decode(z), validate_args=False)
    return Normal(model.decode(z), model.log_sigma.exp())


@LIKELIHOODS
@pytest.mark.parametrize("shape", [6, (1, 4, 5), (3, 2, 2), (2, 3, 2, 2)])
def test_any_shape_comes_back(likelihood, shape):
    model = small_vae(likelihood, shape)
    x = uniform(3, *model.shape)
    x_hat, z = model(x)
    assert x_hat.shape == model.logits(z).shape == x.shape and z.shape == (3, 2)
    assert [t.shape for t in model.posterior(x)] == [(3, 2), (3, 2)]
    assert model.log_likelihood(x, z).shape == (3,) and model.sample(4).shape == (4, *model.shape)
    assert torch.equal(z, model.posterior(x)[0]) and torch.equal(model.encode(x), z)
    assert torch.equal(
        x_hat, model.logits(z).sigmoid() if likelihood == "bernoulli" else model.logits(z)
    )


def test_the_likelihood_determines_the_output_and_the_range_of_the_data():
    assert small_vae("bernoulli").output_range == (0, 1) and small_vae("gaussian").output_range == (
        -math.inf,
        math.inf,
    )
    with pytest.raises(ValueError, match="data runs from"):
        fit(small_vae().float(), 2 * uniform(7, 6).float(), beta_vae(), steps=1, device="cpu")


@LIKELIHOODS
def test_the_likelihood_agrees_with_pytorch(likelihood):
    model = small_vae(likelihood)
    x = uniform(7, 6)
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
    model, x = small_vae(likelihood).eval(), uniform(7, 6).round()
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
    model, x = small_vae(), uniform(7, 6)
    model.encoder[-1].weight.data[2:], model.encoder[-1].bias.data[2:] = 0, -1e3  # next to no noise
    one, two = (model.negative_elbo_terms(batch, seeded()) for batch in (x, torch.cat([x, x])))
    for name in one:
        assert two[name].item() == pytest.approx(one[name].item(), rel=0.02)


@pytest.mark.parametrize(
    "likelihood, sigma", [("bernoulli", None), ("gaussian", None), ("gaussian", "learned")]
)
def test_the_terms_have_the_gradient_of_their_values(likelihood, sigma):
    """Also through the noise: the reconstruction has a gradient for the encoder."""
    model, x = small_vae(likelihood, sigma=sigma), uniform(2, 6)
    names, values = zip(*model.named_parameters(), strict=True)

    def value(*given):
        terms = torch.func.functional_call(
            model, dict(zip(names, given, strict=True)), (x, seeded())
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
    model, x = small_vae(hidden=()), uniform(7, 6)
    for raw, wanted in ((1e4, 10), (-1e4, -10), (0.0, 0.0)):
        model.encoder[-1].weight.data.zero_()
        model.encoder[-1].bias.data.fill_(raw)
        assert (model.posterior(x)[1] == wanted).all() and all(
            t.isfinite() for t in model.negative_elbo_terms(x).values()
        )
    model.posterior(x)[1].sum().backward()
    assert model.encoder[-1].bias.grad[2:].tolist() == [7, 7], "derivative 1 at 0"


def test_a_learned_sigma_is_best_at_the_root_of_the_squared_error():
    model, x = small_vae("gaussian", sigma="learned"), uniform(7, 6)
    model.encoder[-1].weight.data[2:], model.encoder[-1].bias.data[2:] = 0, -1e3
    z = model.posterior(x)[0]
    with torch.no_grad():
        model.log_sigma.copy_((model.decode(z) - x).square().mean().log() / 2)
    (gradient,) = torch.autograd.grad(model.log_likelihood(x, z).mean(), model.log_sigma)
    assert abs(gradient.item()) < 1e-12
    fixed = VAE(6, (), 2, likelihood="gaussian", sigma=0.3)
    assert fixed.log_sigma.exp().item() == pytest.approx(0.3) and not fixed.log_sigma.requires_grad


def test_in_training_sigma_is_that_of_the_batch():
    """The reconstruction term has its minimum over sigma, found by SciPy."""
    model, x = small_vae("gaussian"), uniform(7, 6)
    mean, log_variance = model.posterior(x)
    errors = (model.logits(mean + (log_variance / 2).exp() * noise(7, 2, seed=3)) - x).detach()

    def cost(log_sigma):
        return -stats.norm.logpdf(errors, scale=math.exp(log_sigma)).sum(1).mean()

    best = optimize.minimize_scalar(cost, bracket=(-3, 0), tol=1e-12)
    terms = model.negative_elbo_terms(x, seeded(3))
    assert terms["reconstruction"].item() == pytest.approx(best.fun, rel=1e-12)
    assert model.log_sigma.item() == pytest.approx(best.x, abs=1e-7)
    terms = model.eval().negative_elbo_terms(x, seeded(4))
    assert model.log_sigma.item() == pytest.approx(best.x, abs=1e-7), "evaluation changes nothing"
    one = model.negative_elbo_terms(x[:1], seeded(5))["reconstruction"].item()
    z = model.posterior(x[:1])[0] + (model.posterior(x[:1])[1] / 2).exp() * noise(1, 2, seed=5)
    own = Normal(model.logits(z), math.exp(best.x)).log_prob(x[:1]).sum().item()
    assert one == pytest.approx(-own, rel=1e-7), "an image does not depend on the others"


def test_the_stored_sigma_is_the_mean_of_ten_batches_and_then_moves_by_a_tenth():
    model, average = small_vae("gaussian"), 0.0
    for step in range(30):
        x = uniform(5, 6, seed=step) * (1 + step)
        z = model.posterior(x)
        z = z[0] + (z[1] / 2).exp() * noise(5, 2, seed=step)
        error = (model.logits(z) - x).square().mean().item()
        average += (error - average) / min(step + 1, 10)
        model.negative_elbo_terms(x, seeded(step))
        assert (2 * model.log_sigma).exp().item() == pytest.approx(average, rel=1e-10)


def test_in_training_a_log_weight_has_the_sigma_of_its_samples():
    model, x = small_vae("gaussian"), uniform(7, 6)
    weights = model.log_importance_weights(x, 3, seeded(5))
    torch.testing.assert_close(weights, model.eval().log_importance_weights(x, 3, seeded(5)))
    assert model.log_sigma.item() != 0


def test_a_perfect_reconstruction_is_finite():
    model = VAE(6, (), 2, likelihood="gaussian")
    for parameter in model.parameters():
        parameter.data.zero_()
    terms = model.negative_elbo_terms(torch.zeros(3, 6))
    assert all(term.isfinite() for term in terms.values()) and model.log_sigma.isfinite()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_sigma_follows_the_unit_of_the_data(scale):
    """In a linear model it becomes that of probabilistic PCA, in any unit."""
    x = correlated(500) @ torch.diag(torch.tensor([1, 1, 1, 0.3, 0.3, 0.3]).double()) * scale
    torch.manual_seed(0)
    model = LinearVAE(6, 2).double()
    with torch.no_grad():  # of the decoder in units of the data; of the encoder in its inverse
        model.decoder.weight.mul_(scale)
        model.decoder.bias.mul_(scale)
        model.encoder.weight.div_(scale)
    rates = [
        {"params": model.decoder.parameters(), "lr": 0.02 * scale},
        {"params": [model.encoder.weight], "lr": 0.02 / scale},
        {"params": [model.encoder.bias, model.log_variance], "lr": 0.02},
    ]
    fit(
        model,
        x,
        beta_vae(1),
        steps=1000,
        batch_size=500,
        optimizer=lambda parameters, lr: torch.optim.Adam(rates),
        device="cpu",
    )
    best = LinearVAE(6, 2).double().solve(x)
    assert model.log_sigma.item() == pytest.approx(best.log_sigma.item(), abs=0.02)


def test_on_digits_sigma_arrives_in_the_default_training():
    """It is the root mean squared error of training, and the ELBO that of a sigma near it.

    The second has ln sigma learned from the spread of the data: an independent way there.
    """
    data = load_images("digits")

    def trained(**options):
        torch.manual_seed(0)
        model = VAE(latent_dim=16, likelihood="gaussian", **options)
        if options:
            model.log_sigma.data.copy_(data.train.std().log())
        fit(model, data.train, beta_vae(), device="cpu")
        return model, -evaluate(model, data.test, beta_vae())["loss"]

    model, elbo = trained()
    error = (model(data.train)[0] - data.train).square().mean().sqrt().item()
    assert error < model.log_sigma.exp().item() < 1.1 * error  # with the noise of the codes
    other, elbo_of_other = trained(sigma="learned")
    assert elbo > 500 and elbo == pytest.approx(elbo_of_other, rel=0.1)
    assert active_units(model.encode(data.test)) == 16


@LIKELIHOODS
def test_a_log_weight_by_hand_from_the_same_noise(likelihood):
    model, x = small_vae(likelihood).eval(), uniform(7, 6).round()
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


def test_new_samples_are_decoded_noise_and_follow_the_generator():
    model = small_vae()
    assert torch.equal(model.sample(5, seeded(4)), model.decode(noise(5, 2, seed=4)))
    assert not torch.equal(model.sample(5, seeded(4)), model.sample(5, seeded(5)))


def test_with_all_weights_zero_the_terms_are_0_and_6_ln_2():
    model, x = small_vae(), uniform(7, 6)
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
        (
            {"likelihood": "gaussian", "sigma": "learnt"},
            "sigma is 'learnt'; expected a positive float, 'learned', or None",
        ),
        ({"sigma": "learned"}, "sigma is 'learned' with a Bernoulli likelihood"),
        ({"sigma": 1.0}, "sigma is 1.0 with a Bernoulli likelihood"),
        ({"latent_dim": 0}, "latent_dim is 0"),
        ({"shape": ()}, r"shape is \(\)"),
        ({"activation": "RELU"}, "activation is 'RELU'"),
    ],
)
def test_an_invalid_option_is_refused(options, words):
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
    ],
)
def test_a_wrong_call_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(VAE(6, (), 2))
