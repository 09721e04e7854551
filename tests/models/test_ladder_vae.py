"""The Ladder VAE against PyTorch's distributions, an integral over two codes, and a VAE."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse.metrics.likelihood import iwae_bound
from aecourse.models.ladder_vae import LadderVAE, log_density, merge
from aecourse.models.vae import VAE, gaussian_sample
from aecourse.objectives.variational import beta_vae
from aecourse.training import fit
from tests.helpers import noise, seeded, uniform

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.LadderVAE": (
        "`torch.distributions` from the same noise; ln p(x) by a sum over 601 × 601 codes; "
        "with one level, a `VAE`",
        "`assert_close`; likelihood 0.02 nats",
        "yes",
    ),
}


SKIPS = pytest.mark.parametrize("skip", [False, True])


LIKELIHOODS = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])


def start(
    skip=True, likelihood="bernoulli", hidden=(5, 4, 3), latent_dims=(3, 2, 2), shape=6, seed=0
):
    torch.manual_seed(seed)
    model = LadderVAE(shape, hidden, latent_dims, "tanh", likelihood, skip=skip).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(1 if name == "log_sigma" else 2)
    return model


def normal(mean, log_variance):
    return Normal(mean, (log_variance / 2).exp())


def test_the_density_equals_pytorchs():
    z, mean, log_variance = noise(3, 5, 4)
    torch.testing.assert_close(
        log_density(z, mean, log_variance), normal(mean, log_variance).log_prob(z).sum(1)
    )


def test_merging_is_the_product_of_two_densities():
    """ln p + ln q - ln(merged) is the same at every point."""
    m, s, n, t = noise(4, 5, 3)
    merged, z = merge(m, s, n, t), noise(50, 5, 3, seed=1)
    rest = normal(m, s).log_prob(z) + normal(n, t).log_prob(z) - normal(*merged).log_prob(z)
    assert rest.std(0).max() < 1e-12
    torch.testing.assert_close(merged, merge(n, t, m, s))
    torch.testing.assert_close((-merged[1]).exp(), (-s).exp() + (-t).exp())  # precisions add
    assert merge(*torch.tensor([[2.0], [0.0], [4.0], [0.0]]))[0].item() == pytest.approx(3)


@SKIPS
@LIKELIHOODS
def test_the_two_terms_by_hand_from_the_same_noise(skip, likelihood):
    """From the top down: evidence at the top, merged below; each divergence from its prior."""
    model = start(skip, likelihood).eval()
    x = uniform(7, 6).round()
    generator = seeded(3)
    h, evidence = x, []
    for up, found in zip(model.up, model.evidence, strict=True):
        h = up(h)
        mean, raw = found(h).chunk(2, 1)
        evidence.append((mean, 10 * torch.tanh(raw / 10)))

    def draw(q):
        return q.mean + q.stddev * torch.randn(
            q.mean.shape, generator=generator, dtype=torch.float64
        )

    def prior(level, features):
        mean, raw = model.prior[level](features).chunk(2, 1)
        return normal(mean, 10 * torch.tanh(raw / 10))

    q2, p2 = normal(*evidence[2]), Normal(torch.zeros(7, 2).double(), 1.0)
    z2 = draw(q2)
    f1 = model.down[1](z2)
    p1 = prior(1, f1)
    q1 = normal(*merge(*evidence[1], p1.mean, p1.variance.log()))
    z1 = draw(q1)
    f0 = model.down[0](torch.cat([z1, f1], 1) if skip else z1)
    p0 = prior(0, f0)
    q0 = normal(*merge(*evidence[0], p0.mean, p0.variance.log()))
    z0 = draw(q0)
    logits = model.decoder(torch.cat([z0, f0], 1) if skip else z0)
    p = (
        torch.distributions.Bernoulli(logits=logits)
        if likelihood == "bernoulli"
        else Normal(logits, 1.0)
    )
    terms, parts = (
        model.negative_elbo_terms(x, seeded(3)),
        [kl_divergence(*pair) for pair in ((q0, p0), (q1, p1), (q2, p2))],
    )
    torch.testing.assert_close(terms["reconstruction"], -p.log_prob(x).sum(1).mean())
    torch.testing.assert_close(terms["kl"], sum(part.sum(1).mean() for part in parts))
    for ours, wanted in zip(model.level_kl(x, seeded(3)), parts, strict=True):
        torch.testing.assert_close(ours, wanted)


@LIKELIHOODS
def test_a_ladder_of_one_level_is_a_vae(likelihood):
    ladder, x = start(True, likelihood, (5,), (2,)), uniform(7, 6)
    model = VAE(6, (5,), 2, "tanh", likelihood).double()
    wanted = [p for p in model.state_dict() if "sigma" not in p]
    values = [v for name, v in ladder.state_dict().items() if "sigma" not in name]
    model.load_state_dict({**model.state_dict(), **dict(zip(wanted, values, strict=True))})
    for name, value in model.negative_elbo_terms(x, seeded()).items():
        torch.testing.assert_close(ladder.negative_elbo_terms(x, seeded())[name], value)
    torch.testing.assert_close(ladder(x)[0], model(x)[0])
    torch.testing.assert_close(
        iwae_bound(ladder, x, 7, seeded()), iwae_bound(model, x, 7, seeded())
    )
    assert torch.equal(ladder.sample(3, seeded()), model.sample(3, seeded()))


def test_in_training_sigma_is_that_of_the_batch():
    """The term is then (d / 2) ln(2 pi e sigma^2), sigma squared being the mean squared error."""
    ladder, x = start(True, "gaussian"), uniform(7, 6)
    generator = seeded(3)
    passed = ladder.levels(x, lambda *q: gaussian_sample(*q, generator))[3]
    error = (ladder.decoder(passed) - x).square().mean()
    terms = ladder.negative_elbo_terms(x, seeded(3))
    assert terms["reconstruction"].item() == pytest.approx(
        3 * math.log(2 * math.pi * math.e * error.item()), rel=1e-12
    )
    assert (2 * ladder.log_sigma).exp().item() == pytest.approx(error.item(), rel=1e-12)
    sigma = ladder.log_sigma.clone()
    ladder.log_importance_weights(x, 3, seeded(5))
    assert ladder.log_sigma != sigma, "importance weights in training compute it too"


@SKIPS
def test_the_bound_rises_to_the_likelihood_integrated_over_both_codes(skip):
    """Two codes of one unit: ln p(x) is a sum over a fine grid that uses the decoder only."""
    model, x = start(skip, hidden=(4, 3), latent_dims=(1, 1), seed=1), uniform(1, 6).round()
    axis = torch.linspace(-9, 9, 601, dtype=torch.float64)
    with torch.no_grad():
        z1 = axis.repeat_interleave(601)[:, None]
        mean, raw = model.prior[0](model.down[0](z1)).chunk(2, 1)
        p0 = normal(mean, 10 * torch.tanh(raw / 10))
        z0 = (
            p0.mean + p0.stddev * axis.repeat(601)[:, None]
        )  # the grid follows the prior of the lower code
        logits = model.logits((z0, z1))
        p_x = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(1)
        heights = (
            p_x + Normal(0.0, 1.0).log_prob(z1)[:, 0] + Normal(0.0, 1.0).log_prob(axis).repeat(601)
        )
        log_p = heights.logsumexp(0).item() + 2 * math.log(18 / 600)
        many = x.expand(4000, 6)
        elbo, five, fifty = (
            iwae_bound(model, many, samples, seeded(), 10) for samples in (1, 5, 50)
        )
        assert iwae_bound(model, x, 40_000, seeded(), 10_000).item() == pytest.approx(
            log_p, abs=0.02
        )
        terms = sum(model.negative_elbo_terms(many, seeded(1)).values()).item()
    error = [4 * bound.std().item() / 4000**0.5 for bound in (elbo, five, fifty)]
    assert -terms == pytest.approx(elbo.mean().item(), abs=2 * error[0])
    assert (
        elbo.mean() + error[0] < five.mean() - error[1]
        and five.mean() + error[1] < fifty.mean() - error[2]
    )
    assert fifty.mean() - error[2] < log_p


@SKIPS
@pytest.mark.parametrize("shape", [6, (1, 4, 5), (2, 3, 2)])
def test_any_shape_and_three_levels_come_back(skip, shape):
    model = start(skip, shape=shape)
    x = uniform(4, *model.shape)
    x_hat, z = model(x)
    assert x_hat.shape == x.shape and [code.shape for code in z] == [(4, 3), (4, 2), (4, 2)]
    assert [mean.shape for mean, _ in model.posterior(x)] == [code.shape for code in z]
    assert all(
        torch.equal(code, mean) for code, (mean, _) in zip(z, model.posterior(x), strict=True)
    )
    assert torch.equal(x_hat, model.logits(z).sigmoid()) and model.output_range == (0, 1)
    assert model.sample(5).shape == (5, *model.shape)
    assert torch.equal(model.sample(5, seeded()), model.sample(5, seeded()))
    assert not torch.equal(model.sample(5, seeded()), model.sample(5, seeded(1)))


def test_high_levels_affect_the_pixels_through_the_skip_path_alone():
    for skip in (False, True):
        model = start(skip)
        z = tuple(noise(4, k, seed=k) for k in (3, 2, 2))
        moved = (z[0], z[1], z[2] + 1)
        assert torch.equal(model.logits(z), model.logits(moved)) != skip
        assert not torch.equal(model.logits(z), model.logits((z[0] + 1, *z[1:])))


@SKIPS
def test_new_samples_come_from_the_priors_from_the_top_down(skip):
    model, generator = start(skip).float(), seeded(5)
    z2 = torch.randn(4, 2, generator=generator)
    f1 = model.down[1](z2)
    mean, raw = model.prior[1](f1).chunk(2, 1)
    z1 = mean + (5 * torch.tanh(raw / 10)).exp() * torch.randn(4, 2, generator=generator)
    f0 = model.down[0](torch.cat([z1, f1], 1) if skip else z1)
    mean, raw = model.prior[0](f0).chunk(2, 1)
    z0 = mean + (5 * torch.tanh(raw / 10)).exp() * torch.randn(4, 3, generator=generator)
    wanted = model.decoder(torch.cat([z0, f0], 1) if skip else z0).sigmoid()
    torch.testing.assert_close(model.sample(4, seeded(5)), wanted)


@SKIPS
def test_without_evidence_the_posterior_is_the_prior(skip):
    """A log-variance of 10 is hardly any evidence; at the top, the evidence is set to the prior."""
    model = start(skip)
    for level, k in zip(model.evidence, (3, 2, 2), strict=True):
        level.weight.data.zero_()
        level.bias.data.zero_()
        level.bias.data[k:] = 1e4 if level is not model.evidence[-1] else 0  # a log-variance of 10
    posteriors, priors = model.levels(
        uniform(500, 6), lambda *given: gaussian_sample(*given, seeded(1))
    )[1:3]
    for (mean, log_variance), (m, s) in list(zip(posteriors, priors, strict=True))[:2]:
        torch.testing.assert_close(log_variance, -torch.logaddexp(-s, torch.full_like(s, -10)))
        assert (mean - m).abs().max() < 1e-3 * (1 + m.abs().max()) * s.exp().max()
    assert not any(t.any() for t in priors[2]) and not any(t.any() for t in posteriors[2])


@SKIPS
def test_the_terms_have_the_gradient_of_their_values(skip):
    model, x = start(skip, hidden=(3, 2), latent_dims=(2, 1)), uniform(2, 6)
    names, values = zip(*model.named_parameters(), strict=True)
    model.forward = model.negative_elbo_terms

    def terms(*given):
        state = dict(zip(names, given, strict=True))
        return tuple(torch.func.functional_call(model, state, (x, seeded())).values())

    assert torch.autograd.gradcheck(terms, values)
    gradients = torch.autograd.grad(sum(model.negative_elbo_terms(x, seeded()).values()), values)
    assert all(gradient.any() for gradient in gradients)


@SKIPS
def test_training_raises_the_bound_on_data_held_out(skip):
    rows = (uniform(300, 3) > 0.5).float().repeat(1, 2)
    torch.manual_seed(0)
    model = LadderVAE(6, (16, 8), (2, 2), skip=skip)
    before = iwae_bound(model, rows[200:], 20, seeded()).mean().item()
    fit(model, rows[:200], beta_vae(1), steps=300, batch_size=100, lr=0.01, device="cpu")
    after = iwae_bound(model, rows[200:], 20, seeded()).mean().item()
    assert after > before + 0.5 and after > -6 * math.log(2) + 0.5


@pytest.mark.parametrize(
    "options, words",
    [
        ({"hidden": (8,)}, "hidden has 1 levels and latent_dims 2"),
        ({"hidden": (), "latent_dims": ()}, r"hidden is \(\)"),
        ({"hidden": 64}, "hidden is 64; expected a tuple"),
        ({"latent_dims": (2, 0)}, "latent_dims is 0"),
        ({"shape": -1}, "shape is -1"),
        ({"likelihood": "poisson"}, "likelihood is 'poisson'"),
        ({"sigma": 1.0}, "sigma is 1.0 with"),
        ({"activation": "RELU"}, "activation is 'RELU'"),
        ({"hidden": (8, 0)}, "hidden is 0"),
    ],
)
def test_an_invalid_option_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        LadderVAE(**options)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda m: m(torch.rand(2, 5)), r"x has shape \(2, 5\); expected \(B, 6\)"),
        (lambda m: m.sample(0), "n is 0"),
        (
            lambda m: m.decode((torch.rand(2, 3), torch.rand(2, 2))),
            r"z has shapes \[\(2, 3\), \(2, 2\)\]; expected .* the lowest first",
        ),
        (lambda m: m.decode((torch.rand(2, 2),) * 3), "a code for each level"),
    ],
)
def test_a_wrong_call_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(start().float())
