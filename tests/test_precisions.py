"""Losses, metrics and objectives: float32 agrees with float64; a doubled batch keeps the mean."""

import pytest
import torch

from aecourse import losses, metrics, models, objectives, regularizers


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
