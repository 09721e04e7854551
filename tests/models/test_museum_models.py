"""A museum of bugs from public code: a check passes for our version and fails for the bug."""

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aecourse.losses import bce, mse
from aecourse.losses.kl_divergence import gaussian_kl
from aecourse.models.ladder_vae import LadderVAE, sampler
from aecourse.models.linear import LinearVAE
from aecourse.models.vae import VAE, gaussian_sample
from aecourse.models.vq_vae import VQVAE
from aecourse.objectives.masking import masked_error
from aecourse.objectives.quantization import vq_vae
from aecourse.objectives.variational import beta_vae
from aecourse.patches import as_mask, normalize_patches, patchify, random_mask
from tests.helpers import noise, seeded, uniform


def passes_ours_and_catches(check, ours, planted):
    """`check` passes for our version, and fails for each version with a bug."""
    check(ours)
    for bug in planted:
        with pytest.raises(AssertionError):
            check(bug)


def vae(**options):
    torch.manual_seed(0)
    return VAE(6, **{"hidden": (5,), "latent_dim": 3, "activation": "tanh", **options}).double()


def test_bug_5_trained_with_one_objective_and_validated_with_another():
    """Mean squared error + 0.00025 KL in training, weight 1 in validation."""

    def two_weights(model, x, generator):
        mean, log_variance = model.posterior(x)
        kl = gaussian_kl(mean, log_variance)
        x_hat = model.decode(gaussian_sample(mean, log_variance, generator))
        return {"reconstruction": mse(x_hat, x), "kl": (0.00025 if model.training else 1) * kl}

    def one_objective(objective):
        model, x = vae(), uniform(16, 6)
        trained, validated = (objective(model.train(mode), x, seeded()) for mode in (True, False))
        assert trained.keys() == validated.keys()
        assert all(torch.equal(trained[name], validated[name]) for name in trained)

    passes_ours_and_catches(one_objective, beta_vae(4.0), [two_weights])


def test_bug_6_a_ladder_that_drops_or_misplaces_a_divergence():
    """KL against the encoder instead of the prior, without a half, and without the top level."""

    def to_the_encoder(posteriors, priors, evidence):
        return sum(
            kl_divergence(q, e).sum(1).mean() for q, e in zip(posteriors, evidence, strict=True)
        )

    def half_dropped(posteriors, priors, evidence):
        pairs = zip(posteriors, priors, strict=True)
        return sum(
            (kl_divergence(q, p) + 0.5 * (p.variance.log() - q.variance.log())).sum(1).mean()
            for q, p in pairs
        )

    def without_the_top(posteriors, priors, evidence):
        return sum(
            kl_divergence(q, p).sum(1).mean()
            for q, p in list(zip(posteriors, priors, strict=True))[:-1]
        )

    def ours(posteriors, priors, evidence):
        return model.negative_elbo_terms(x, seeded(len(draws)))["kl"]

    def agrees_with_the_log_weights(total):
        """E[ln q - ln p] over many samples, from densities alone, within its interval."""
        draws.clear()
        with torch.no_grad():
            for seed in range(100):
                codes, q, p, _ = model.levels(x, sampler(seeded(seed)))
                q, p, evidence = (
                    [Normal(mean, (s / 2).exp()) for mean, s in rows]
                    for rows in (q, p, model.climb(x))
                )
                draw = sum(
                    (a.log_prob(z) - b.log_prob(z)).sum(1).mean()
                    for z, a, b in zip(codes, q, p, strict=True)
                )
                draws.append(draw - total(q, p, evidence))
        difference = torch.stack(draws)
        assert abs(difference.mean().item()) < 4 * difference.std().item() / 100**0.5

    draws = []
    torch.manual_seed(0)
    model, x = LadderVAE(6, (5, 4), (3, 2), "tanh").double(), uniform(64, 6)
    with torch.no_grad():
        for evidence, k in zip(model.evidence, (3, 2), strict=True):
            evidence.bias[k:] -= 2  # posteriors narrower than their priors, as trained ones are
    passes_ours_and_catches(
        agrees_with_the_log_weights, ours, [to_the_encoder, half_dropped, without_the_top]
    )


def small_quantizer(seed=0):
    torch.manual_seed(seed)
    return VQVAE(
        (1, 8, 8), codes=5, dim=3, width=4, activation="tanh", decay=None, restart=0
    ).double()


def planted_vq(codebook, commitment, reduction):
    def objective(model, x, generator):
        z = model.features(x)
        codes, _ = model.codebook(z)
        x_hat = model.decode(z + (codes - z).detach())
        return {
            "reconstruction": mse(x_hat, x, reduction),
            "codebook": codebook * mse(codes, z.detach(), reduction),
            "commitment": commitment * mse(z, codes.detach(), reduction),
        }

    return objective


def test_bug_7_commitment_and_codebook_weights_swapped():
    """Gradients of codes and vectors have the ratio 1 to 0.25; the loss has the same value."""

    def codes_move_four_times_as_fast(objective):
        model, x = small_quantizer(), uniform(4, 1, 8, 8)
        z = model.features(x)
        codes, _ = model.codebook(z)
        (whole,) = torch.autograd.grad(mse(codes, z.detach()), model.codebook.weight)
        terms = objective(model, x, seeded())
        pull = sum(terms[name] for name in ("codebook", "commitment"))
        (ours,) = torch.autograd.grad(pull, model.codebook.weight)
        torch.testing.assert_close(ours, whole)

    passes_ours_and_catches(
        codes_move_four_times_as_fast, vq_vae(0.25), [planted_vq(0.25, 1.0, "mean")]
    )
    x = uniform(4, 1, 8, 8)
    right, swapped = (
        sum(o(small_quantizer(), x, seeded()).values()).item()
        for o in (vq_vae(0.25), planted_vq(0.25, 1.0, "mean"))
    )
    assert right == pytest.approx(swapped, rel=1e-12), "no value of the loss shows it"


def test_bug_8_a_loss_that_grows_with_the_batch():
    def size_of_the_batch_does_not_matter(objective):
        model, x = small_quantizer(), uniform(4, 1, 8, 8)
        once, often = (objective(model, batch, seeded()) for batch in (x, x.repeat(16, 1, 1, 1)))
        for name in once:
            torch.testing.assert_close(once[name], often[name])

    passes_ours_and_catches(
        size_of_the_batch_does_not_matter, vq_vae(0.25), [planted_vq(1.0, 0.25, "sum")]
    )


def test_bug_10_a_log_of_the_standard_deviation_taken_as_log_variance():
    """In the divergence, and in the sample."""
    mean, log_variance = noise(2, 5, 3)

    def divergence_is_pytorchs(kl):
        wanted = (
            kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
        )
        torch.testing.assert_close(kl(mean, log_variance), wanted)

    def draws_have_the_variance(draw):
        many = draw(
            torch.zeros(100_000, 1).double(), torch.full((100_000, 1), 1.2).double(), seeded()
        )
        assert many.var().item() == pytest.approx(np.exp(1.2), rel=0.02)

    passes_ours_and_catches(
        divergence_is_pytorchs,
        gaussian_kl,
        [lambda m, s: gaussian_kl(m, 2 * s), lambda m, s: gaussian_kl(m, s / 2)],
    )
    passes_ours_and_catches(
        draws_have_the_variance, gaussian_sample, [lambda m, s, g: gaussian_sample(m, 2 * s, g)]
    )


def test_bug_11_divergence_averaged_over_units_beside_a_sum_over_pixels():
    """The sum is no bound any more: for a linear model it falls below the exact -ln p(x)."""

    def averaged(model, x, generator):
        mean, log_variance = model.posterior(x)
        return model.negative_elbo_terms(x, generator) | {
            "kl": gaussian_kl(mean, log_variance, "mean")
        }

    def bounds_the_likelihood(objective):
        torch.manual_seed(0)
        model, x = (
            LinearVAE(6, 3).double(),
            3 * noise(200, 3) @ noise(3, 6, seed=1) + 0.5 * noise(200, 6, seed=2),
        )
        model.solve(x)
        with torch.no_grad():
            values = torch.stack(
                [sum(objective(model, x, seeded(seed)).values()) for seed in range(50)]
            )
            exact = -model.true_log_likelihood(x).mean()
        assert values.mean().item() == pytest.approx(
            exact.item(), abs=4 * values.std().item() / 50**0.5
        )

    passes_ours_and_catches(bounds_the_likelihood, beta_vae(1), [averaged])


def test_bug_12_beta_on_the_reconstruction():
    """The inverse of a beta-VAE: with more beta the code carries more."""

    def inverse(beta):
        def objective(model, x, generator):
            terms = model.negative_elbo_terms(x, generator)
            return terms | {"reconstruction": beta * terms["reconstruction"]}

        return objective

    def beta_is_the_price_of_the_code(build):
        model, x = vae(), uniform(16, 6)
        low, high = (sum(build(beta)(model, x, seeded()).values()) for beta in (1.0, 3.0))
        mean, log_variance = model.posterior(x)
        q = Normal(mean, (log_variance / 2).exp())
        torch.testing.assert_close(
            (high - low) / 2, kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean()
        )

    passes_ours_and_catches(beta_is_the_price_of_the_code, beta_vae, [inverse])


def test_bug_13_a_biased_variance_in_the_target_of_a_masked_autoencoder():
    """It changes the squares of a 7 x 7 patch by a factor of 49 / 48."""

    def biased(patches):
        return (patches - patches.mean(-1, keepdim=True)) / (
            patches.var(-1, keepdim=True, correction=0) + 1e-6
        ).sqrt()

    def variance_is_unbiased(form):
        patches = patchify(uniform(4, 1, 28, 28), 7)
        np.testing.assert_allclose(form(patches).numpy().var(2, ddof=1), 1, rtol=1e-4)

    passes_ours_and_catches(variance_is_unbiased, normalize_patches, [biased])
    patches, hidden = patchify(uniform(4, 1, 28, 28), 7), random_mask(4, 16, 0.75, seeded())
    nothing = torch.zeros_like(patches)
    ours = masked_error(nothing, patches, hidden, normalized=True)
    planted = (biased(patches).square().mean(2) * as_mask(hidden, 16)).sum() / hidden.numel()
    assert (planted / ours).item() == pytest.approx(49 / 48, rel=1e-4)


def test_the_reconstruction_of_a_vae_is_the_bernoulli_likelihood_of_an_image():
    """Bugs 5 and 8 take a mean over pixels or a sum over the batch instead."""
    model, x = vae(), uniform(16, 6).round()
    mean, log_variance = model.posterior(x)
    logits = model.logits(gaussian_sample(mean, log_variance, seeded()))

    def image_by_image(term):
        wanted = -Bernoulli(logits=logits).log_prob(x).sum(1).mean()
        torch.testing.assert_close(term, wanted)

    ours = model.negative_elbo_terms(x, seeded())["reconstruction"]
    passes_ours_and_catches(
        image_by_image, ours, [bce(logits, x), bce(logits, x, "sum"), mse(logits.sigmoid(), x)]
    )
