"""Gradients of objectives, bounds and metrics, compared with finite differences.

Those of losses, regularizers and models are tested in the file of each.
"""

import pytest
import torch
from torch.autograd import gradcheck

from aecourse import baselines, corruption, losses, metrics, objectives, regularizers
from aecourse.models import VAE, Autoencoder, MaskedAutoencoder


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def learnt(x):
    return x.clone().requires_grad_()


PIXELS = numbers(4, 6).sigmoid()
CODES = numbers(5, 3)
MAP = numbers(3, 6, seed=1) / 3


def encoder(x):
    return torch.tanh(x @ MAP.mT)  # (B, 6) -> (B, 3)


def tangents():
    return torch.linalg.qr(numbers(4, 6, 2, seed=2)).Q.mT  # (4, 2, 6)


FUNCTIONS = {
    "ssim_comparisons": lambda: (
        lambda a: tuple(
            losses.ssim_comparisons(a, numbers(1, 1, 5, 4, seed=3).sigmoid(), window_size=3)
        ),
        numbers(1, 1, 5, 4).sigmoid(),
    ),
    "sparse_objective": lambda: (
        lambda c: regularizers.sparse_objective(PIXELS[:, :4], c, numbers(3, 4), 0.3),
        numbers(4, 3, seed=4),
    ),
    "code_variance": lambda: (metrics.code_variance, CODES),
    "sensitivity": lambda: (lambda x: metrics.sensitivity(encoder, x), PIXELS),
    "tangent_gains": lambda: (lambda x: metrics.tangent_gains(encoder, x, tangents()), PIXELS),
    "principal_angles": lambda: (
        lambda a: metrics.principal_angles(a, numbers(6, 2, seed=6)),
        numbers(6, 2, seed=5),
    ),
    "interpolate": lambda: (lambda ends: metrics.interpolate(encoder, *ends, steps=3), PIXELS[:2]),
    "max_step_ratio": lambda: (metrics.max_step_ratio, CODES),
    "path_length_ratio": lambda: (metrics.path_length_ratio, CODES),
    "anomaly_score": lambda: (lambda a: metrics.anomaly_score(a, PIXELS), numbers(4, 6, seed=7)),
    "reverse_water_filling": lambda: (
        lambda data: baselines.reverse_water_filling(data, 2.0),
        numbers(9, 3, seed=8),
    ),
    "pca_error": lambda: (lambda data: baselines.pca_error(data, 2), numbers(9, 3, seed=8)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_metric_has_the_gradient_of_its_value(name):
    function, at = FUNCTIONS[name]()
    assert gradcheck(function, learnt(at))


def small(**settings):
    return Autoencoder((6,), (4,), 3, activation="tanh", **settings)


def blurred(x, generator):
    return corruption.gaussian(x, 0.3, generator)


OBJECTIVES = {
    "reconstruction": lambda: (small(), objectives.reconstruction("bce")),
    "regularized": lambda: (
        small(),
        objectives.regularized({"size": (0.5, lambda model, x, z, generator: z.square().mean())}),
    ),
    "denoising": lambda: (small(), objectives.denoising(blurred)),
    "sparse_l1": lambda: (small(code_activation="softplus"), objectives.sparse_l1(0.5)),
    "sparse_kl": lambda: (small(code_activation="sigmoid"), objectives.sparse_kl(0.5, 0.2)),
    "contractive": lambda: (small(code_activation="sigmoid"), objectives.contractive(0.5)),
    "contractive, probes": lambda: (
        small(code_activation="sigmoid"),
        objectives.contractive(0.5, probes=2),
    ),
    "decayed": lambda: (small(), objectives.weight_decayed(0.1)),
    "importance_weighted": lambda: (
        VAE((6,), (4,), 2, activation="tanh"),
        objectives.importance_weighted(3),
    ),
    "iwae_bound": lambda: (
        VAE((6,), (4,), 2, activation="tanh"),
        lambda model, x, generator: {
            "bound": metrics.iwae_bound(model, x, 3, generator, chunk=2).sum()
        },
    ),
    "masked": lambda: (
        MaskedAutoencoder(
            (1, 4, 4), 2, width=4, depth=1, heads=1, decoder_width=4, decoder_depth=1
        ),
        objectives.masked_reconstruction(0.5),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_has_the_gradient_of_its_value_in_every_weight(name):
    torch.manual_seed(0)
    model, objective = OBJECTIVES[name]()
    model.double()
    x = numbers(4, *model.shape, seed=9).sigmoid()
    parameters = {name: learnt(weight.detach()) for name, weight in model.named_parameters()}

    class Total(torch.nn.Module):
        """The objective as a module for `functional_call`, with the same noise at every call."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self):
            return sum(objective(self.model, x, torch.Generator().manual_seed(1)).values())

    total = Total()
    assert gradcheck(
        lambda *given: torch.func.functional_call(
            total,
            {f"model.{name}": value for name, value in zip(parameters, given, strict=True)},
            (),
        ),
        tuple(parameters.values()),
    )
