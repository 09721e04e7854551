"""The divergence between codes and prior by a discriminator, against an integral."""

import math

import pytest
import torch
from scipy import integrate, stats

from aecourse.losses.adversarial import discriminator_loss
from aecourse.metrics.aggregated_posterior import jensen_shannon
from aecourse.models.adversarial import AdversarialAutoencoder
from tests.helpers import noise, seeded
from tests.small_models import small_adversarial

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.jensen_shannon": (
        "`scipy.integrate.quad` for two Gaussians, with the best discriminator set by hand",
        "absolute 0.004, of 200,000 draws",
        "no",
    ),
}


def test_the_divergence_by_hand():
    model, x = small_adversarial(), noise(8, 6)
    loss = discriminator_loss(
        model.discriminator(noise(8, 2, seed=4)), model.discriminator(model.encode(x))
    )
    assert jensen_shannon(model, x, seeded(4)).item() == pytest.approx(
        math.log(2) - loss.item() / 2
    )


@pytest.mark.parametrize("mean", [0.0, 1.0, 2.5])
def test_the_estimate_by_the_best_discriminator_equals_the_integral(mean):
    """The codes are N(mean, 1); the logit of the best discriminator, ln p - ln q, is linear."""
    model = AdversarialAutoencoder(1, (), 1, output="linear", discriminator_hidden=()).double()
    with torch.no_grad():
        for layer, weight, bias in (
            (model.encoder[0][0], 1.0, 0.0),
            (model.discriminator[0], -mean, mean**2 / 2),
        ):
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
    p, q = stats.norm(0, 1), stats.norm(mean, 1)
    mixed = lambda z: math.log((p.pdf(z) + q.pdf(z)) / 2)  # noqa: E731
    js = integrate.quad(
        lambda z: (p.pdf(z) * (p.logpdf(z) - mixed(z)) + q.pdf(z) * (q.logpdf(z) - mixed(z))) / 2,
        -9,
        12,
    )[0]
    assert jensen_shannon(
        model, noise(200_000, 1, seed=1) + mean, seeded()
    ).item() == pytest.approx(js, abs=0.004)
