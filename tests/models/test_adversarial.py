"""The adversarial autoencoder: its game against theory, its phases kept apart, its end."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, stats

from aecourse.losses import mse
from aecourse.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from aecourse.losses.maximum_mean_discrepancy import mmd
from aecourse.metrics.aggregated_posterior import jensen_shannon
from aecourse.models.adversarial import AdversarialAutoencoder
from aecourse.objectives.prior_matching import adam_for_gans, adversarial
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.discriminator_loss": (
        "`F.binary_cross_entropy` with labels; at the best discriminator, `scipy.integrate.quad`",
        "1e-12; integral absolute 0.008, of 200,000 draws",
        "yes",
    ),
    "losses.generator_loss": (
        "`F.binary_cross_entropy` with the label of the prior",
        "1e-12",
        "no: gradients compared",
    ),
    "losses.gradient_penalty": (
        "the weights of a linear discriminator; `torch.func.grad`, row by row",
        "`approx`",
        "no: gradients compared",
    ),
    "models.AdversarialAutoencoder": (
        "its game ends where the discriminator pays 2 ln 2; a sample is decoded noise",
        "absolute 0.01, float32; sample exact",
        "no",
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
    "metrics.jensen_shannon": (
        "`scipy.integrate.quad` for two Gaussians, with the best discriminator set by hand",
        "absolute 0.004, of 200,000 draws",
        "no",
    ),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def start(**options):
    torch.manual_seed(0)
    return AdversarialAutoencoder(
        6,
        **{
            "hidden": (5,),
            "latent_dim": 2,
            "activation": "tanh",
            "discriminator_hidden": (4,),
            "output": "linear",
            **options,
        },
    ).double()


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


def test_who_cannot_tell_pays_2_ln_2():
    assert discriminator_loss(torch.zeros(5, 1), torch.zeros(3, 1)).item() == pytest.approx(
        2 * math.log(2)
    )


@pytest.mark.parametrize("mean", [0.0, 0.7, 2.0])
def test_the_best_discriminator_pays_2_ln_2_less_twice_the_divergence(mean):
    """Prior N(0, 1), codes N(mean, 1): the best logit is ln p - ln q; the divergence is SciPy's integral."""
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


def test_each_term_teaches_its_own_player():
    model, x = start(), noise(8, 6)
    players = [model.encoder[0][0].weight, model.decoder[0].weight, model.discriminator[0].weight]

    def taught(name):
        gradients = torch.autograd.grad(
            adversarial()(model, x, seeded())[name], players, allow_unused=True
        )
        return [gradient is not None and bool(gradient.any()) for gradient in gradients]

    assert taught("reconstruction") == [True, True, False]
    assert taught("discriminator") == [False, False, True]
    assert taught("generator") == [True, False, False]
    assert taught("gradient_penalty") == [False, False, True]


def test_the_penalty_by_hand():
    """A linear discriminator has one gradient everywhere: its weights."""
    model, z = start(discriminator_hidden=()), noise(5, 2)
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
    discriminator = start().discriminator
    slopes = torch.func.vmap(torch.func.grad(lambda row: discriminator(row)[0]))(z)
    assert gradient_penalty(discriminator, z).item() == pytest.approx(
        slopes.square().sum(1).mean().item()
    )


def test_one_step_is_the_two_phases_written_by_hand():
    """The usual form: two optimizers, labels, and codes cut off in the discriminator's phase; both seen from the same start."""
    model = start()
    x = noise(8, 6)
    weight = 0.7
    names, parameters = zip(*model.named_parameters())
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
        zip(discriminator, torch.autograd.grad(loss, list(model.discriminator.parameters())))
    )
    loss = (model.decode(z) - x).square().sum(1).mean() + weight * cross(
        model.discriminator(z), one
    )
    others = [name for name in names if name not in discriminator]
    wanted |= dict(
        zip(
            others,
            torch.autograd.grad(loss, [dict(model.named_parameters())[name] for name in others]),
        )
    )
    assert len(discriminator) == 4 and len(others) == 8
    for name, gradient in zip(names, ours):
        torch.testing.assert_close(gradient, wanted[name])


def plane(n=400):
    """Points of a plane in six dimensions, narrow and off the centre: nothing like the prior."""
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
    assert set(history.terms) == {"reconstruction", "discriminator", "generator", "gradient_penalty", "loss"}
    assert 0.1 < jensen_shannon(model, plane(), seeded()).item() < math.log(2)


def test_the_divergence_by_hand():
    model, x = start(), noise(8, 6)
    loss = discriminator_loss(
        model.discriminator(noise(8, 2, seed=4)), model.discriminator(model.encode(x))
    )
    assert jensen_shannon(model, x, seeded(4)).item() == pytest.approx(
        math.log(2) - loss.item() / 2
    )


def test_new_samples_are_decoded_noise():
    model = start()
    assert torch.equal(model.sample(5, seeded(3)), model.decode(noise(5, 2, seed=3)))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: AdversarialAutoencoder(discriminator_hidden=(0,)),
            ValueError,
            "discriminator_hidden is 0",
        ),
        (lambda: adversarial(-1), ValueError, "weight is -1"),
        (lambda: adversarial(1, -1), ValueError, "penalty is -1"),
        (lambda: start().sample(0), ValueError, "n is 0"),
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
def test_what_cannot_be_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("mean", [0.0, 1.0, 2.5])
def test_the_divergence_that_the_best_discriminator_reads_is_the_integral(mean):
    """Codes are the data, N(mean, 1); the discriminator is the best one, ln p - ln q, a straight line."""
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


def test_calm_is_adam_that_forgets_soon():
    """Three steps by hand: moments decay by 0.5 and 0.9, and are divided by what they lack at the start."""
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
