"""Objectives that match the codes to a prior: term by term, and at the end of training."""

import math

import pytest
import torch
import torch.nn.functional as F

from aecourse.losses import mse
from aecourse.losses.maximum_mean_discrepancy import gaussian_kernel, mmd, mmd_by_differences
from aecourse.metrics.aggregated_posterior import jensen_shannon
from aecourse.models.adversarial import AdversarialAutoencoder
from aecourse.models.wae import WAE
from aecourse.objectives.prior_matching import adam_for_gans, adversarial, wasserstein
from aecourse.training import fit
from tests.helpers import noise, seeded
from tests.small_models import small_adversarial

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.wasserstein": (
        "pairs one by one, on the same noise",
        "`assert_close`",
        "through `mmd`",
    ),
    "objectives.adversarial": (
        "two phases with two losses by `F.binary_cross_entropy_with_logits`, from one start",
        "`assert_close`",
        "no: gradients compared",
    ),
    "objectives.adam_for_gans": (
        "three steps of Adam by hand, with decays 0.5 and 0.9",
        "relative 1e-12, float64",
        "an optimizer",
    ),
}


def test_the_wasserstein_objective_by_hand():
    torch.manual_seed(0)
    model, x = WAE(6, (5,), 2).double(), torch.rand(8, 6, dtype=torch.float64)
    terms = wasserstein(3.0)(model, x, torch.Generator().manual_seed(4))
    assert list(terms) == ["reconstruction", "mmd"]
    assert terms["reconstruction"].item() == pytest.approx(
        (model(x)[0] - x).square().sum(1).mean().item()
    )
    torch.testing.assert_close(
        terms["mmd"], 3 * mmd_by_differences(model.encode(x), noise(8, 2, seed=4))
    )
    terms = wasserstein(3.0, gaussian_kernel)(model, x, torch.Generator().manual_seed(4))
    torch.testing.assert_close(
        terms["mmd"], 3 * mmd_by_differences(model.encode(x), noise(8, 2, seed=4), gaussian_kernel)
    )


def test_each_term_has_gradients_for_its_own_part():
    model, x = small_adversarial(), noise(8, 6)
    players = [model.encoder[0][0].weight, model.decoder[0].weight, model.discriminator[0].weight]

    def has_gradient(name):
        gradients = torch.autograd.grad(
            adversarial()(model, x, seeded())[name], players, allow_unused=True
        )
        return [gradient is not None and bool(gradient.any()) for gradient in gradients]

    assert has_gradient("reconstruction") == [True, True, False]
    assert has_gradient("discriminator") == [False, False, True]
    assert has_gradient("generator") == [True, False, False]
    assert has_gradient("gradient_penalty") == [False, False, True]


def test_one_step_is_the_two_phases_written_by_hand():
    """The usual form: labels, and codes without a gradient in the discriminator's phase."""
    model = small_adversarial()
    x = noise(8, 6)
    weight = 0.7
    names, parameters = zip(*model.named_parameters(), strict=True)
    ours = torch.autograd.grad(
        sum(adversarial(weight, 0)(model, x, seeded(3)).values()), parameters
    )
    drawn, wanted = noise(8, 2, seed=3), {}
    z = model.encode(x)
    one = torch.ones(8, 1).double()
    zero = torch.zeros(8, 1).double()
    cross = F.binary_cross_entropy_with_logits
    loss = cross(model.discriminator(drawn), one) + cross(model.discriminator(z.detach()), zero)
    discriminator = [name for name in names if name.startswith("discriminator")]
    wanted |= dict(
        zip(
            discriminator,
            torch.autograd.grad(loss, list(model.discriminator.parameters())),
            strict=True,
        )
    )
    loss = (model.decode(z) - x).square().sum(1).mean() + weight * cross(
        model.discriminator(z), one
    )
    others = [name for name in names if name not in discriminator]
    wanted |= dict(
        zip(
            others,
            torch.autograd.grad(loss, [dict(model.named_parameters())[name] for name in others]),
            strict=True,
        )
    )
    assert len(discriminator) == 4 and len(others) == 8
    for name, gradient in zip(names, ours, strict=True):
        torch.testing.assert_close(gradient, wanted[name])


def test_the_penalty_is_half_the_squared_slope_at_samples_of_the_prior():
    """By central differences of the discriminator there; at the codes it is another number."""
    model, x = small_adversarial(), noise(8, 6)
    seen = adversarial(penalty=0.8)(model, x, seeded(3))["gradient_penalty"]

    def slope(z):
        with torch.no_grad():
            columns = [
                (model.discriminator(z + 1e-5 * e) - model.discriminator(z - 1e-5 * e)) / 2e-5
                for e in torch.eye(z.shape[1]).to(z)
            ]
        return torch.cat(columns, 1).square().sum(1).mean()

    assert seen.item() == pytest.approx(0.4 * slope(noise(8, 2, seed=3)).item(), rel=1e-8)
    assert seen.item() != pytest.approx(0.4 * slope(model.encode(x)).item(), rel=1e-2)


def plane(n=400):
    """Points of a plane in six dimensions, narrow and off the centre, unlike the prior."""
    return ((0.3 * noise(n, 2) + 1) @ noise(2, 6, seed=9)).float()


def play(weight, seed=0, steps=600):
    torch.manual_seed(seed)
    model = AdversarialAutoencoder(6, (32,), 2, "tanh", "linear", discriminator_hidden=(32,))
    return model, fit(
        model,
        plane(),
        adversarial(weight),
        steps=steps,
        batch_size=200,
        lr=5e-3,
        optimizer=adam_for_gans,
        seed=seed,
        device="cpu",
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_the_game_ends_at_2_ln_2_with_codes_like_the_prior(seed):
    x, (model, history) = plane(), play(0.5, seed)
    x_hat, z = model(x)
    assert sum(history.terms["discriminator"][-100:]) / 100 == pytest.approx(
        2 * math.log(2), abs=0.01
    )
    assert (
        jensen_shannon(model, x, seeded()).item() < 0.02
        and mmd(z, noise(400, 2, dtype=torch.float32)).item() < 0.05
    )
    assert mse(x_hat, x).item() < 0.05 * x.var(0).mean().item()


def test_without_the_encoders_part_the_discriminator_wins():
    model, history = play(0.0, steps=300)
    assert history.terms["discriminator"][-1] < 1.2
    assert mmd(model.encode(plane()), noise(400, 2, dtype=torch.float32)).item() > 0.5
    assert set(history.terms) == {
        "reconstruction",
        "discriminator",
        "generator",
        "gradient_penalty",
        "loss",
    }
    assert 0.1 < jensen_shannon(model, plane(), seeded()).item() < math.log(2)


def test_adam_for_gans_is_adam_with_a_short_memory():
    """Three steps by hand: moments decay by 0.5 and 0.9, with Adam's bias correction."""
    place = 2.0
    first = 0.0
    second = 0.0
    parameter = torch.nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    update = adam_for_gans([parameter], lr=0.1)
    for t in (1, 2, 3):
        gradient = 2 * place + t
        first, second = 0.5 * first + 0.5 * gradient, 0.9 * second + 0.1 * gradient**2
        place -= 0.1 * first / (1 - 0.5**t) / (math.sqrt(second / (1 - 0.9**t)) + 1e-8)
        parameter.grad = torch.full_like(parameter, 2 * parameter.item() + t)
        update.step()
    assert parameter.item() == pytest.approx(place, rel=1e-12)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: adversarial(-1), "weight is -1"),
        (lambda: adversarial(1, -1), "penalty is -1"),
    ],
)
def test_a_negative_weight_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
