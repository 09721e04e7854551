"""The adversarial losses against cross entropies with labels and their theory; the penalty."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, stats

from aecourse.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from aecourse.objectives.prior_matching import adversarial
from tests.helpers import noise, seeded
from tests.small_models import small_adversarial

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.discriminator_loss": (
        "`F.binary_cross_entropy` with labels; at the optimum, `scipy.integrate.quad`",
        "1e-12; integral absolute 0.008, of 200,000 draws",
        "yes",
    ),
    "losses.generator_loss": (
        "`F.binary_cross_entropy` with the label of the prior",
        "1e-12",
        "no: gradients compared",
    ),
    "losses.gradient_penalty": (
        "the weights of a linear discriminator; `torch.func.grad` of each row",
        "`approx`",
        "no: gradients compared",
    ),
}


def test_the_losses_are_cross_entropies_with_labels():
    prior, codes = 5 * noise(9, 1), 5 * noise(7, 1, seed=1)
    cross = F.binary_cross_entropy
    wanted = cross(prior.sigmoid(), torch.ones_like(prior)) + cross(
        codes.sigmoid(), torch.zeros_like(codes)
    )
    assert discriminator_loss(prior, codes).item() == pytest.approx(wanted.item(), rel=1e-12)
    assert generator_loss(codes).item() == pytest.approx(
        cross(codes.sigmoid(), torch.ones_like(codes)).item(), rel=1e-12
    )
    assert torch.autograd.gradcheck(
        discriminator_loss, (prior.requires_grad_(), codes.requires_grad_())
    )
    assert (
        discriminator_loss(torch.tensor([[1e4]]), torch.tensor([[-1e4]])).item() == 0
        and generator_loss(torch.tensor([[-1e4]])).item() == 1e4
    )


def test_a_discriminator_that_cannot_separate_them_has_loss_2_ln_2():
    assert discriminator_loss(torch.zeros(5, 1), torch.zeros(3, 1)).item() == pytest.approx(
        2 * math.log(2)
    )


@pytest.mark.parametrize("mean", [0.0, 0.7, 2.0])
def test_the_optimal_discriminator_has_loss_2_ln_2_minus_twice_the_divergence(mean):
    """Prior N(0, 1), codes N(mean, 1): the optimal logit is ln p - ln q; JS by SciPy."""
    p, q = stats.norm(0, 1), stats.norm(mean, 1)
    half = lambda z: (p.pdf(z) + q.pdf(z)) / 2  # noqa: E731
    part = lambda r, z: r.pdf(z) * (r.logpdf(z) - math.log(half(z))) / 2  # noqa: E731
    js = integrate.quad(lambda z: part(p, z) + part(q, z), -9, 11)[0]
    logit = lambda z: mean**2 / 2 - mean * z  # noqa: E731
    z, code = noise(200_000, 1), noise(200_000, 1, seed=1) + mean
    loss = discriminator_loss(logit(z), logit(code)).item()
    assert loss == pytest.approx(2 * math.log(2) - 2 * js, abs=0.008)
    assert discriminator_loss(logit(z) + 0.5, logit(code) + 0.5) > loss
    assert loss < discriminator_loss(0.5 * logit(z) - 0.1, 0.5 * logit(code) - 0.1)


def test_the_penalty_by_hand():
    """The gradient of a linear discriminator is the same everywhere: its weights."""
    model, z = small_adversarial(discriminator_hidden=()), noise(5, 2)
    wanted = model.discriminator[0].weight.square().sum().item()
    assert (
        gradient_penalty(model.discriminator, z).item() == pytest.approx(wanted)
        and not z.requires_grad
    )
    assert adversarial(1, 0.8)(model, noise(5, 6), seeded())[
        "gradient_penalty"
    ].item() == pytest.approx(0.4 * wanted)
    with torch.no_grad():
        assert adversarial(1, 0.8)(model, noise(5, 6), seeded())[
            "gradient_penalty"
        ].item() == pytest.approx(0.4 * wanted)
    discriminator = small_adversarial().discriminator
    gradients = torch.func.vmap(torch.func.grad(lambda row: discriminator(row)[0]))(z)
    assert gradient_penalty(discriminator, z).item() == pytest.approx(
        gradients.square().sum(1).mean().item()
    )


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: generator_loss([0.0]), TypeError, "code_logits is a list"),
        (
            lambda: discriminator_loss(torch.ones(2, 1).int(), torch.ones(2, 1)),
            TypeError,
            "prior_logits has dtype",
        ),
        (
            lambda: discriminator_loss(torch.ones(2, 1), torch.ones(0, 1)),
            ValueError,
            "code_logits is empty",
        ),
    ],
)
def test_wrong_logits_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
