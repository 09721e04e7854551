"""Losses, metrics and objectives: float32 agrees with float64; a doubled batch keeps the mean."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from aecourse import baselines, losses, metrics, models, objectives, regularizers


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CODES, OTHERS = numbers(40, 3), numbers(40, 3, seed=1)
IMAGES, RECONSTRUCTIONS = numbers(6, 2, 8, 8).sigmoid(), numbers(6, 2, 8, 8, seed=1).sigmoid()
FACTORS = torch.stack([(CODES[:, 0] > 0).long(), (OTHERS[:, 0] > 0.3).long()], 1)
IS_ANOMALY = CODES[:, 1] > 0.5
WEIGHT = numbers(4, 3)
PLANE = torch.linalg.qr(numbers(40, 3, 2)).Q.mT
CENTRES = torch.tensor([[1.0, 1, 1], [-1, -1, -1]], dtype=torch.float64)


def encoder(x):
    return torch.tanh(x @ WEIGHT.T.to(x)[:3])  # (B, 3) -> (B, 4)


# Each takes tensors of one precision: name -> function, its tensors.
METRICS = {
    "anomaly_score": (metrics.anomaly_score, RECONSTRUCTIONS, IMAGES),
    "auroc": (lambda s: metrics.auroc(s, IS_ANOMALY), CODES[:, 0]),
    "score_threshold": (metrics.score_threshold, CODES[:, 0]),
    "active_units": (metrics.active_units, CODES),
    "code_variance": (metrics.code_variance, CODES),
    "collapse_report": (metrics.collapse_report, CODES, OTHERS),
    "dead_units": (metrics.dead_units, CODES),
    "path_length_ratio": (metrics.path_length_ratio, CODES),
    "max_step_ratio": (metrics.max_step_ratio, CODES),
    "tangent_gains": (lambda x, plane: metrics.tangent_gains(encoder, x, plane), CODES, PLANE),
    "gradient_energy": (metrics.gradient_energy, IMAGES),
    "total_variation": (metrics.total_variation, IMAGES),
    "sharpness": (metrics.sharpness, RECONSTRUCTIONS, IMAGES),
    "psnr": (metrics.psnr, RECONSTRUCTIONS, IMAGES),
    "invariances": (lambda z: metrics.invariances(z, FACTORS), CODES),
    "mig": (lambda z: metrics.mig(z, FACTORS, 5), CODES),
    "mutual_information": (lambda z: metrics.mutual_information(z, FACTORS, 5), CODES),
    "lifetime_sparsity": (metrics.lifetime_sparsity, CODES),
    "population_sparsity": (metrics.population_sparsity, CODES),
    "linear_probe": (lambda z: torch.tensor(metrics.linear_probe(z, FACTORS[:, 1])), CODES),
    "local_tangents": (lambda x: (lambda t: t.mT @ t)(metrics.local_tangents(x[:5], x, 2)), CODES),
    "mode_counts": (metrics.mode_counts, CODES, CENTRES),
    "mode_coverage": (metrics.mode_coverage, CODES, CENTRES),
    "matched_cosines": (metrics.matched_cosines, CODES, OTHERS),
    "fit_gabor": (lambda x: metrics.fit_gabor(x)[:1], IMAGES[:2, 0]),
    "interpolate": (lambda a, b: metrics.interpolate(encoder, a, b), CODES[0], CODES[1]),
    "principal_angles": (metrics.principal_angles, CODES[:, :2], OTHERS),
    "sensitivity": (lambda x: metrics.sensitivity(encoder, x), CODES),
}


def flat(result):
    """All values of a number, a tensor or a tuple of them, as one float64 vector."""
    parts = result if isinstance(result, tuple) else (result,)
    return torch.cat([torch.as_tensor(part).double().flatten() for part in parts])


def test_every_metric_is_here():
    missing = {name for name in metrics.__all__ if name[0].islower()} - METRICS.keys()
    of_models = {"rate_distortion", "iwae_bound", "jensen_shannon", "codebook_usage"}
    of_counts = {"usage_counts", "code_entropy", "perplexity"}
    assert missing == of_models | of_counts, "those of models are in their own files"


@pytest.mark.parametrize("name", METRICS)
def test_float32_agrees_with_float64(name):
    function, *given = METRICS[name]
    torch.testing.assert_close(
        flat(function(*(t.float() for t in given))), flat(function(*given)), rtol=1e-5, atol=1e-5
    )


PROBABILITIES = (RECONSTRUCTIONS, IMAGES)
LOSSES = {
    "mse": (losses.mse, *PROBABILITIES),
    "mae": (losses.mae, *PROBABILITIES),
    "bce": (losses.bce, RECONSTRUCTIONS, IMAGES),
    "bce_from_probabilities": (losses.bce_from_probabilities, *PROBABILITIES),
    "edge_loss": (losses.edge_loss, *PROBABILITIES),
    "multi_scale_loss": (losses.multi_scale_loss, *PROBABILITIES),
    "gaussian_kl": (losses.gaussian_kl, CODES, OTHERS),
    "gaussian_kl_between": (losses.gaussian_kl_between, CODES, OTHERS, OTHERS, CODES),
    "mmd": (losses.mmd, CODES, OTHERS),
    "discriminator_loss": (losses.discriminator_loss, CODES[:, :1], OTHERS[:, :1]),
    "generator_loss": (losses.generator_loss, CODES[:, :1]),
    "ssim": (lambda a, b: losses.ssim(a, b, window_size=5), *PROBABILITIES),
    "ms_ssim": (lambda a, b: losses.ms_ssim(a, b, window_size=3), *PROBABILITIES),
    "ssim_comparisons": (lambda a, b: losses.ssim_comparisons(a, b, 1.0, 5), *PROBABILITIES),
    "masked_error": (
        lambda a, b: objectives.masked_error(a, b, torch.tensor([[0], [1]]), True),
        *(x[:2].flatten(1, 2).flatten(2)[:, :2] for x in PROBABILITIES),
    ),
    "l1_penalty": (regularizers.l1_penalty, CODES),
    "scale_free_l1": (regularizers.scale_free_l1, CODES, WEIGHT),
    "kl_sparsity_penalty": (regularizers.kl_sparsity_penalty, CODES.sigmoid()),
    "kl_sparsity_penalty_from_logits": (regularizers.kl_sparsity_penalty_from_logits, CODES),
    "l2_penalty": (lambda weight: regularizers.l2_penalty([weight]), WEIGHT),
    "sparse_objective": (
        lambda x, c, d: regularizers.sparse_objective(x, c, d, 0.3),
        CODES,
        OTHERS,
        WEIGHT[:3],
    ),
    "contractive_penalty_of_sigmoid_layer": (
        regularizers.contractive_penalty_of_sigmoid_layer,
        CODES.sigmoid(),
        WEIGHT.T,
    ),
    "reverse_water_filling": (lambda x: baselines.reverse_water_filling(x, 2.0), CODES),
    "pca_error": (lambda x: baselines.pca_error(x, 1), CODES),
}
# As the model computes it, in half precision; or exact for any dtype.
ROUNDED = {"sensitivity", "tangent_gains", "interpolate"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", sorted((METRICS | LOSSES).keys() - ROUNDED))
def test_half_precision_is_computed_in_single(name, dtype):
    """The value is that of the same numbers in float64: only the inputs are rounded."""
    function, *given = (METRICS | LOSSES)[name]
    half = [t.to(dtype) for t in given]
    seen = function(*half)
    torch.testing.assert_close(
        flat(seen), flat(function(*(t.double() for t in half))), rtol=1e-5, atol=1e-5
    )
    parts = seen if isinstance(seen, tuple) else (seen,)
    assert not any(isinstance(part, torch.Tensor) and part.dtype == dtype for part in parts)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_sums_and_small_errors_of_half_precision(dtype):
    """65504 is the largest float16; the square of 6e-5 is below the smallest."""
    ones = torch.ones(512, 784, dtype=dtype)
    zeros = torch.zeros_like(ones)
    for loss in (losses.mse, losses.mae):
        assert loss(ones, zeros, "batchmean").item() == 784
        assert loss(ones, zeros, "sum").item() == 512 * 784
    assert losses.gaussian_kl(2 * ones, zeros).item() == 2 * 784
    assert losses.gaussian_kl_between(2 * ones, zeros, zeros, zeros).item() == 2 * 784
    assert regularizers.l1_penalty(ones, "batchmean").item() == 784
    assert regularizers.l2_penalty([ones]).item() == 512 * 784
    stripes = ones.reshape(512, 1, 28, 28).clone()
    stripes[..., ::2] = -300
    energy = 28 * 27 * 301**2
    assert metrics.gradient_energy(stripes).tolist() == pytest.approx([energy] * 512, rel=1e-6)
    assert metrics.total_variation(stripes).tolist() == [28 * 27 * 301] * 512
    x = torch.zeros(2, 784, dtype=dtype)
    x_hat = x + 6e-5
    wanted = -20 * math.log10(x_hat[0, 0].item())
    assert wanted == pytest.approx(84.4, abs=0.1)
    assert metrics.psnr(x_hat, x).tolist() == pytest.approx([wanted] * 2, abs=1e-4)
    assert metrics.anomaly_score(x_hat, x).tolist() == pytest.approx(
        [x_hat[0, 0].item() ** 2] * 2, rel=1e-6
    )


def test_scores_of_half_precision_keep_their_ranks():
    """The area under the curve of float16 images equals that of the same images in float64."""
    x = torch.zeros(400, 16, dtype=torch.float16)
    sizes = torch.linspace(1e-5, 3e-4, 400, dtype=torch.float64)[:, None]
    x_hat = (sizes * (1 + 0.1 * numbers(400, 16))).half()
    anomalous = (sizes[:, 0] > 1.5e-4) | (numbers(400) > 1)
    scores = metrics.anomaly_score(x_hat, x)
    wanted = roc_auc_score(anomalous, x_hat.double().square().mean(1))
    assert metrics.auroc(scores, anomalous).item() == pytest.approx(wanted, abs=1e-12)


MEANS = {
    "code_variance": (metrics.code_variance, CODES),
    "collapse_report": (metrics.collapse_report, CODES, OTHERS),
    "sensitivity": (lambda x: metrics.sensitivity(encoder, x), CODES),
    "lifetime_sparsity": (metrics.lifetime_sparsity, CODES),
    "active_units": (metrics.active_units, CODES),
    "dead_units": (metrics.dead_units, CODES),
    "mutual_information": (metrics.mutual_information, CODES, FACTORS),
    "mig": (metrics.mig, CODES, FACTORS),
    "auroc": (metrics.auroc, CODES[:, 0], IS_ANOMALY),
    "mode_coverage": (lambda z: metrics.mode_coverage(z, CENTRES), CODES),
    "l1": (regularizers.l1_penalty, CODES),
    "scale_free_l1": (lambda z: regularizers.scale_free_l1(z, WEIGHT), CODES),
    "kl_sparsity": (lambda z: regularizers.kl_sparsity_penalty(z.sigmoid()), CODES),
    "kl_sparsity_of_logits": (regularizers.kl_sparsity_penalty_from_logits, CODES),
    "contraction_of_sigmoid_layer": (
        lambda z: regularizers.contractive_penalty_of_sigmoid_layer(z.sigmoid(), WEIGHT.T),
        CODES,
    ),
    "contraction": (lambda x: regularizers.contractive_penalty(encoder, x), CODES),
    "gaussian_kl": (losses.gaussian_kl, CODES, OTHERS),
    "multi_scale": (losses.multi_scale_loss, RECONSTRUCTIONS, IMAGES),
    "edge_loss": (losses.edge_loss, RECONSTRUCTIONS, IMAGES),
}


@pytest.mark.parametrize("name", MEANS)
def test_a_doubled_batch_has_the_same_mean(name):
    function, *given = MEANS[name]
    torch.testing.assert_close(
        flat(function(*(torch.cat([t, t]) for t in given))),
        flat(function(*given)),
        rtol=1e-12,
        atol=1e-12,
    )


def small(**settings):
    return models.Autoencoder((2, 8, 8), (6,), 3, activation="tanh", **settings)


OBJECTIVES = {
    "reconstruction": (small, objectives.reconstruction()),
    "decayed": (small, objectives.weight_decayed(0.1)),
    "sparse_l1": (small, objectives.sparse_l1(0.1)),
    "contractive": (small, objectives.contractive(0.1)),
    "sparse_kl": (lambda: small(code_activation="sigmoid"), objectives.sparse_kl(0.1)),
    "hierarchical": (
        lambda: models.MultiScaleAutoencoder((2, 8, 8), (6,), (3, 2, 1)),
        objectives.hierarchical(),
    ),
    "vq_vae": (
        lambda: models.VQVAE((2, 8, 8), codes=5, dim=3, width=4, decay=None, restart=0),
        objectives.vq_vae(),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_doubled_batch_has_the_same_objective(name):
    """Objectives without random numbers, which would differ from sample to sample."""
    torch.manual_seed(0)
    model, objective = OBJECTIVES[name][0]().double(), OBJECTIVES[name][1]
    once, twice = (objective(model, x, None) for x in (IMAGES, torch.cat([IMAGES, IMAGES])))
    assert {k: v.item() for k, v in twice.items()} == pytest.approx(
        {k: v.item() for k, v in once.items()}, rel=1e-12
    )
