"""Incompatible arguments raise errors: an objective of another model, a metric of other data."""

import math

import pytest
import torch

from aecourse import (
    baselines,
    corruption,
    losses,
    metrics,
    models,
    objectives,
    patches,
    regularizers,
)
from aecourse.search import sweep
from aecourse.training import fit

X = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
CODES, FACTORS = torch.rand(6, 2), torch.zeros(6, 1, dtype=torch.int64)


def plain():
    return models.Autoencoder((1, 8, 8), (4,), 2)


@pytest.mark.parametrize(
    "objective, words",
    [
        (objectives.beta_vae(), "no negative_elbo_terms; expected a VAE"),
        (objectives.importance_weighted(2), "no log_importance_weights; expected a VAE"),
        (objectives.hierarchical(), "no reconstructions; expected a MultiScaleAutoencoder"),
        (objectives.masked_reconstruction(), "no patches; expected a MaskedAutoencoder"),
        (objectives.vq_vae(), "no codebook; expected a VQVAE"),
        (objectives.adversarial(), "no discriminator; expected an AdversarialAutoencoder"),
    ],
)
def test_an_objective_names_the_models_that_it_is_for(objective, words):
    with pytest.raises(TypeError, match=f"model is of class Autoencoder, which has {words}"):
        fit(plain(), X, objective, steps=1, device="cpu")


ROWS = torch.rand(9, 4, generator=torch.Generator().manual_seed(1))
WRONG = [  # the argument, and a call that it does not suit
    ("latent_dim", lambda: baselines.pca_error(ROWS, -1)),
    ("latent_dim", lambda: baselines.pca_error(ROWS, 2.5)),
    ("data", lambda: baselines.pca_error(ROWS[0], 1)),
    ("data", lambda: models.LinearAutoencoder(4, 2).solve(ROWS[:, :3])),
    ("data", lambda: models.LinearVAE(4, 2).solve(ROWS[:, :3])),
    ("axes", lambda: baselines.TransformCoder(ROWS, 3, axes=0)),
    ("most", lambda: baselines.TransformCoder(ROWS, 3, most=0)),
    ("bits", lambda: baselines.TransformCoder(ROWS, 25)),
    ("bits", lambda: baselines.reverse_water_filling(ROWS, math.inf)),
    ("sigma", lambda: baselines.LinearDenoiser(ROWS).gaussian(math.inf)),
    ("p", lambda: baselines.LinearDenoiser(ROWS).masking("half")),
    ("hidden", lambda: baselines.linear_inpaint(ROWS, ROWS, [True])),
    ("a", lambda: metrics.principal_angles(torch.ones(5, 2), torch.rand(5, 2))),
    ("b", lambda: metrics.principal_angles(torch.rand(3, 2), torch.rand(3, 5))),
    ("counts", lambda: metrics.code_entropy(torch.ones(2, 2))),
    ("by_kl", lambda: metrics.collapse_report(ROWS, ROWS, by_kl=math.nan)),
    ("by_variance", lambda: metrics.collapse_report(ROWS, ROWS, by_variance=-1.0)),
    ("threshold", lambda: metrics.active_units(ROWS, math.nan)),
    ("folds", lambda: metrics.linear_probe(ROWS, torch.arange(9) % 2, folds=1)),
    ("C", lambda: metrics.linear_probe(ROWS, torch.arange(9) % 2, folds=2, C=0.0)),
    ("data_range", lambda: metrics.psnr(X, X, math.inf)),
    ("sigma", lambda: losses.ssim(X, X, sigma=math.inf, window_size=3)),
    ("reduction", lambda: regularizers.l1_penalty(torch.tensor(1.0), "batchmean")),
    ("alpha", lambda: losses.edge_loss(X, X, "half")),
    ("alpha", lambda: losses.edge_loss(X, X, torch.tensor([0.1, 0.2]))),
    ("z", lambda: losses.gradient_penalty(lambda z: z.sum(1, keepdim=True), ROWS[0])),
    ("z", lambda: losses.gradient_penalty(lambda z: z.sum(1, keepdim=True), FACTORS)),
    ("x", lambda: regularizers.ista(ROWS * math.nan, ROWS[:3], 0.1)),
    ("dictionary", lambda: regularizers.fista(ROWS, ROWS[:3] * math.nan, 0.1)),
    ("alpha", lambda: regularizers.ista(ROWS, ROWS[:3], "much")),
    ("rho", lambda: regularizers.kl_sparsity_penalty(ROWS, "few")),
    ("weights", lambda: regularizers.l2_penalty(plain())),
    ("sigma", lambda: regularizers.prior_weight(math.inf, 1.0)),
    ("sigma", lambda: corruption.gaussian(ROWS, math.inf, 0)),
    ("sigma", lambda: corruption.gaussian(ROWS, "loud", 0)),
    ("p", lambda: corruption.masking(ROWS, "half", 0)),
    ("patches", lambda: patches.random_mask(2, 4.5)),
    ("ratio", lambda: patches.random_mask(1, 4, 1 - 1e-12)),
    ("decay", lambda: models.VQVAE((1, 8, 8), decay="slow")),
    ("restart", lambda: models.VQVAE((1, 8, 8), restart=math.nan)),
]


@pytest.mark.parametrize("name, call", WRONG)
def test_an_error_names_the_argument_and_what_was_expected(name, call):
    with pytest.raises((ValueError, TypeError), match=f"^{name} .*; expected .+"):
        call()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: metrics.rate_distortion(plain(), X, torch.Generator()),
            TypeError,
            "no negative_elbo_terms",
        ),
        (lambda: metrics.codebook_usage(plain(), X), TypeError, "no indices; expected a VQVAE"),
        (
            lambda: fit(plain(), X.double(), objectives.reconstruction(), steps=1, device="cpu"),
            TypeError,
            r"weights torch.float32.* data.to\(",
        ),
        (
            lambda: models.MaskedAutoencoder((1, 8, 8)).decode(torch.rand(2, 3, 64)),
            ValueError,
            r"\(2, 3, 64\); expected \(B, 4, 64\)",
        ),
        (lambda: metrics.path_length_ratio(X[:1]), ValueError, "at least two"),
        (lambda: metrics.active_units(X[0, 0, 0]), ValueError, "one posterior a row"),
        (lambda: metrics.auroc(torch.rand(2), [True, False]), TypeError, "is_anomaly is a list"),
        (
            lambda: metrics.auroc(torch.tensor([math.nan, 1.0]), torch.tensor([True, False])),
            ValueError,
            "scores contains nan",
        ),
        (lambda: metrics.mig(CODES.tolist(), FACTORS), TypeError, "z is a list"),
        (lambda: metrics.mig(CODES, FACTORS - 1), ValueError, "contains -1"),
        (
            lambda: metrics.mig(CODES, FACTORS.bool()),
            TypeError,
            "torch.bool; expected integers of at least 0",
        ),
        (
            lambda: metrics.invariances(CODES, FACTORS.float()),
            TypeError,
            "torch.float32; expected integers of at least 0",
        ),
        (
            lambda: models.CodePrior(torch.tensor([[0, 3]]), 3),
            ValueError,
            "indices contains 3; expected integers from 0 to 2",
        ),
        (lambda: models.CodePrior(torch.tensor([[0, -1]]), 3), ValueError, "indices contains -1"),
        (
            lambda: models.CodePrior(torch.tensor([0, 1]), 3),
            ValueError,
            r"shape \(2,\); expected \(N, \*grid\)",
        ),
        (
            lambda: models.CodePrior(torch.zeros(2, 2), 3),
            TypeError,
            "torch.float32; expected integers of at least 0",
        ),
        (
            lambda: models.CodePrior(torch.tensor([[0, 1]]), 3, concentration=0),
            ValueError,
            "concentration is 0",
        ),
        (
            lambda: models.CodePrior(torch.tensor([[0, 1]]), 3, smoothing=0),
            ValueError,
            "smoothing is 0",
        ),
        (
            lambda: models.CodePrior(torch.tensor([[0, 1]]), 3).log_prob(torch.tensor([[0, 3]])),
            ValueError,
            "indices contains 3",
        ),
        (
            lambda: models.CodePrior(torch.tensor([[0, 1]]), 3).log_prob(torch.tensor([[0, 1, 2]])),
            ValueError,
            r"expected \(N, 2\)",
        ),
        (
            lambda: metrics.perplexity(torch.zeros(5, dtype=torch.int64)),
            ValueError,
            "counts sum to 0",
        ),
        (
            lambda: metrics.local_tangents(CODES, CODES, 3, 4),
            ValueError,
            "dimension is 3 for samples of 2 numbers",
        ),
        (lambda: metrics.local_tangents(X, X, 1, 4), ValueError, r"expected \(B, d\)"),
        (
            lambda: metrics.tangent_gains(plain().encode, CODES, torch.zeros(6, 2, 2)),
            ValueError,
            "t below d",
        ),
        (
            lambda: metrics.tangent_gains(plain().encode, CODES, torch.zeros(5, 1, 2)),
            ValueError,
            r"expected \(B, t, d\)",
        ),
        (
            lambda: sweep(
                {"k": [2]},
                lambda s: plain(),
                lambda s: objectives.reconstruction(),
                X,
                dict,
                seeds=0,
            ),
            ValueError,
            "seeds is 0",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
