"""The ready-made objectives, term by term in NumPy; weights that `vmap` maps over."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import special

from aecourse.corruption import gaussian, masking
from aecourse.losses import ssim_loss
from aecourse.models import VAE, VQVAE, Autoencoder, ConvAutoencoder, LadderVAE, LinearAutoencoder
from aecourse.objectives import (
    beta_vae,
    contractive,
    denoising,
    reconstruction,
    regularized,
    sparse_kl,
    sparse_l1,
    wasserstein,
    weight_decayed,
)
from aecourse.regularizers import contractive_penalty_by_probes, l1_penalty
from aecourse.training import fit
from tests.helpers import seeded, uniform

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.contractive": (
        "`torch.autograd.functional.jacobian`, row by row",
        "1e-10",
        "yes",
        "test_smooth.py",
    ),
    "objectives.weight_decayed": (
        "the squares of the matrices, summed in NumPy",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.denoising": (
        "the network in NumPy, on the same noise, judged by clean data",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.reconstruction": (
        "the network in NumPy, its losses with `scipy.special.xlogy`",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.regularized": (
        "the network in NumPy, `F.binary_cross_entropy_with_logits`",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.sparse_kl": (
        "the network in NumPy, `scipy.special.rel_entr`",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.sparse_l1": (
        "the network in NumPy",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
}


def start(code="sigmoid", output="sigmoid", seed=0, shape=(2, 3), **options):
    torch.manual_seed(seed)
    return Autoencoder(shape, (5,), 3, "tanh", code, output, **options).double()


def in_numpy(model, x):
    """Code before its sigmoid, code, and logits of a model of `start`, in NumPy."""
    values = [value.numpy() for value in model.state_dict().values()]
    hidden = np.tanh(x.numpy().reshape(len(x), -1) @ values[0].T + values[1])
    a = hidden @ values[2].T + values[3]
    z = special.expit(a)
    return a, z, (np.tanh(z @ values[4].T + values[5]) @ values[6].T + values[7]).reshape(x.shape)


def squares(x_hat, x):
    return ((x_hat - x.numpy()) ** 2).mean()


ALL = {
    "reconstruction": reconstruction(),
    "l1": sparse_l1(0.5),
    "kl": sparse_kl(0.5),
    "contraction": contractive(0.5),
    "decay": weight_decayed(0.5),
}


@pytest.mark.parametrize("name", ALL)
def test_names_and_scalars(name):
    terms = ALL[name](start(), uniform(7, 2, 3), seeded())
    assert list(terms) == list(dict.fromkeys(["reconstruction", name]))
    assert all(term.shape == () and term.dtype == torch.float64 for term in terms.values())
    _, _, logits = in_numpy(start(), uniform(7, 2, 3))
    assert terms["reconstruction"].item() == pytest.approx(
        squares(special.expit(logits), uniform(7, 2, 3)), rel=1e-12
    )


@pytest.mark.parametrize(
    "factory",
    [
        reconstruction,
        lambda loss: denoising(lambda x, generator: x, loss),
        lambda loss: sparse_l1(0.1, loss),
        lambda loss: sparse_kl(0.1, 0.2, loss),
        lambda loss: contractive(0.1, loss),
        lambda loss: weight_decayed(0.1, loss),
        lambda loss: regularized({}, loss),
    ],
)
def test_every_objective_takes_every_loss(factory):
    model, x = start(), uniform(7, 2, 3)
    logits = in_numpy(model, x)[2]
    x_hat, target = special.expit(logits), x.numpy()
    wanted = {
        "mse": squares(x_hat, x),
        "mae": np.abs(x_hat - target).mean(),
        "bce": -(special.xlogy(target, x_hat) + special.xlogy(1 - target, 1 - x_hat)).mean(),
    }
    for loss, value in wanted.items():
        assert factory(loss)(model, x, seeded())["reconstruction"].item() == pytest.approx(
            value, rel=1e-12
        )
    one = factory(lambda x_hat, x: (x_hat - 2 * x).sum())(model, x, seeded())["reconstruction"]
    assert one.item() == pytest.approx((x_hat - 2 * target).sum(), rel=1e-12), (
        "the reconstruction comes first"
    )


def test_cross_entropy_is_computed_from_the_logits():
    """A confident mistake costs its logit, although the probability rounds to 0."""
    model = start().float()
    with torch.no_grad():
        model.decoder[-1].weight.zero_()
        model.decoder[-1].bias.fill_(-200)
    assert reconstruction("bce")(model, torch.ones(4, 2, 3), None)[
        "reconstruction"
    ].item() == pytest.approx(200)


def test_images_and_other_codes():
    """Any loss of images, and models whose code is not a matrix."""
    x = uniform(2, 1, 12, 12)
    torch.manual_seed(0)
    for model in (
        ConvAutoencoder((1, 12, 12), (2,), 3),
        LadderVAE((1, 12, 12), (6, 5), (3, 2)),
        VQVAE((1, 12, 12), 5, 3, 4),
    ):
        x_hat = model.double()(x)[0]
        torch.testing.assert_close(
            reconstruction(ssim_loss)(model, x, None)["reconstruction"], ssim_loss(x_hat, x)
        )
        torch.testing.assert_close(
            reconstruction("bce")(model, x, None)["reconstruction"],
            F.binary_cross_entropy(x_hat, x),
            rtol=1e-10,
            atol=0,
        )


def test_l1_is_the_mean_absolute_value_of_a_unit():
    model, x = start("tanh"), uniform(7, 2, 3)
    z = np.tanh(in_numpy(model, x)[0])
    assert sparse_l1(0.3)(model, x, None)["l1"].item() == pytest.approx(
        0.3 * np.abs(z).mean(), rel=1e-12
    )


@pytest.mark.parametrize("rho", [0.05, 0.4])
def test_kl_is_summed_over_units(rho):
    model, x = start(), uniform(7, 2, 3)
    on = in_numpy(model, x)[1].mean(0)
    wanted = 0.3 * (special.rel_entr(rho, on) + special.rel_entr(1 - rho, 1 - on)).sum()
    assert sparse_kl(0.3, rho)(model, x, None)["kl"].item() == pytest.approx(wanted, rel=1e-12)
    torch.manual_seed(0)
    conv = ConvAutoencoder((1, 5, 6), (2,), 3, code_activation="sigmoid").double()
    x = uniform(4, 1, 5, 6)
    on = conv.encode(x).mean(0).detach().numpy()
    wanted = 0.3 * (special.rel_entr(rho, on) + special.rel_entr(1 - rho, 1 - on)).sum()
    assert sparse_kl(0.3, rho)(conv, x, None)["kl"].item() == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("bias", [-120.0, 30.0])
def test_kl_of_units_that_are_always_off_or_on_is_finite_with_a_gradient(bias):
    """A sigmoid in single precision rounds to 0 below -104, and to 1 above 17."""
    model, x = start().float(), uniform(7, 2, 3).float()
    last = model.encoder[0][-1]
    with torch.no_grad():
        last.bias.fill_(bias)
    kl = sparse_kl(1.0, 0.1)(model, x, None)["kl"]
    (gradient,) = torch.autograd.grad(kl, last.bias)
    wanted = {-120.0: -0.1, 30.0: 0.9}[bias]  # d/da of -rho ln sigma(a) - (1 - rho) ln sigma(-a)
    assert math.isfinite(kl.item()) and gradient.tolist() == pytest.approx([wanted] * 3, rel=1e-4)


def jacobian_norms(encode, x):
    rows = [torch.autograd.functional.jacobian(lambda row: encode(row[None])[0], row) for row in x]
    return torch.stack([row.square().sum() for row in rows]).mean().item()


@pytest.mark.parametrize(
    "build",
    [
        start,
        lambda: start("tanh", tied=True),
        lambda: ConvAutoencoder((1, 2, 3), (2,), 3, "tanh"),
        lambda: VAE((2, 3), (5,), 3, "tanh"),
        lambda: VQVAE((2, 3), 5, 3, 4, grid=(2,), activation="tanh"),
    ],
)
def test_contraction_is_per_sample_and_of_the_code_alone(build):
    """For a VAE it is that of the mean; the encoder gets gradients."""
    torch.manual_seed(0)
    model = build().double()
    x = uniform(4, *model.shape)
    term = contractive(0.3)(model, x, None)["contraction"]
    assert (
        term.item() == pytest.approx(0.3 * jacobian_norms(model.encode, x), rel=1e-10)
        and term.item() > 1e-6
    )
    weight = next(model.encoder.parameters())
    assert torch.autograd.grad(term, weight)[0].abs().max() > 1e-6


def test_probes_use_the_generator_and_average_to_the_exact_penalty():
    model, x = start(), uniform(50, 2, 3)
    exact = contractive(0.3)(model, x, None)["contraction"].item()
    draws = [
        contractive(0.3, probes=4)(model, x, seeded(seed))["contraction"].item()
        for seed in range(60)
    ]
    assert (
        np.mean(draws) == pytest.approx(exact, abs=4 * np.std(draws, ddof=1) / 60**0.5)
        and np.std(draws) > 0
    )
    for probes in (1, 4):
        term = contractive(0.3, probes=probes)(model, x, seeded(3))["contraction"]
        torch.testing.assert_close(
            term,
            0.3 * contractive_penalty_by_probes(model.encode, x, seeded(3), probes),
            rtol=1e-12,
            atol=0,
        )


def test_decay_is_the_sum_of_squares_of_matrices_each_once():
    for tied, count in ((False, 4), (True, 2)):
        model = start(tied=tied)
        matrices = [value for name, value in model.state_dict().items() if value.dim() > 1]
        assert len(matrices) == count
        wanted = 0.3 * sum((value.numpy() ** 2).sum() for value in matrices)
        assert weight_decayed(0.3)(model, uniform(7, 2, 3), None)["decay"].item() == pytest.approx(
            wanted, rel=1e-12
        )


def test_denoising_encodes_corrupted_data_and_compares_with_clean_data():
    model, x = start(), uniform(7, 2, 3)
    given = []

    def corrupt(x, generator):
        given.append(x)
        return gaussian(x, 0.5, generator)

    value = denoising(corrupt)(model, x, seeded(3))["reconstruction"].item()
    noisy = gaussian(x, 0.5, seeded(3))
    x_hat = special.expit(in_numpy(model, noisy)[2])
    assert value == pytest.approx(squares(x_hat, x), rel=1e-12) and given[0] is x
    assert value != pytest.approx(squares(x_hat, noisy), rel=0.1)
    assert denoising(corrupt)(model, x, seeded(4))["reconstruction"].item() != value


def test_several_penalties_are_those_of_each_alone():
    """The penalties get the input of the encoder."""
    model, x = start(), uniform(7, 2, 3)
    together = regularized(
        {
            "l1": (0.2, lambda model, x, z, generator: l1_penalty(z)),
            "seen": (2.0, lambda model, x, z, generator: x.sum()),
        },
        "bce",
        lambda x, generator: masking(x, 0.5, generator),
    )
    terms, seen = together(model, x, seeded(5)), masking(x, 0.5, seeded(5))
    assert list(terms) == ["reconstruction", "l1", "seen"]
    a, z, logits = in_numpy(model, seen)
    assert terms["l1"].item() == pytest.approx(0.2 * z.mean(), rel=1e-12) and terms[
        "seen"
    ].item() == pytest.approx(2 * seen.sum().item())
    clean = F.binary_cross_entropy_with_logits(torch.from_numpy(logits), x)
    assert terms["reconstruction"].item() == pytest.approx(clean.item(), rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_the_loop_trains_with_each(name):
    model, x = start().float(), uniform(64, 2, 3).float()
    history = fit(model, x, ALL[name], steps=60, batch_size=16, lr=1e-2, device="cpu")
    first, last = (
        np.mean(history.terms["loss"][part]) for part in (slice(0, 10), slice(-10, None))
    )
    assert history.terms.keys() == {"reconstruction", name, "loss"} and last < first


SWEPT = {
    "sparse_l1": (sparse_l1, start),
    "sparse_kl": (sparse_kl, start),
    "contractive": (contractive, start),
    "decayed": (weight_decayed, start),
    "contractive, probes": (lambda weight: contractive(weight, probes=2), start),
    "wasserstein": (wasserstein, start),
    "beta_vae": (beta_vae, lambda: VAE((2, 3), (5,), 3, "tanh").double()),
}


@pytest.mark.parametrize("name", SWEPT)
def test_a_sweep_maps_over_the_weight(name):
    """Three weights by `vmap`: values and gradients equal those of each weight alone."""
    factory, build = SWEPT[name]
    model = build()
    x = uniform(7, 2, 3)
    weights = torch.tensor([0.0, 0.3, 2.0], dtype=torch.float64)
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    class Total(torch.nn.Module):
        def __init__(self, objective):
            super().__init__()
            self.model, self.objective = model, objective

        def forward(self, x, generator):
            return sum(self.objective(self.model, x, generator).values())

    def loss(parameters, weight, generator):
        named = {f"model.{name}": value for name, value in parameters.items()}
        return torch.func.functional_call(Total(factory(weight)), named, (x, generator))

    call = torch.func.grad_and_value(loss)
    generator = seeded()
    gradients, values = torch.func.vmap(
        lambda weight: call(parameters, weight, generator), randomness="same"
    )(weights)
    for i, weight in enumerate(weights.tolist()):
        gradient, value = call(parameters, weight, seeded())
        torch.testing.assert_close(values[i], value, rtol=1e-10, atol=1e-12)
        for key in parameters:
            torch.testing.assert_close(gradients[key][i], gradient[key], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: reconstruction("rmse"), "loss is 'rmse'; expected one of 'mse', 'mae', 'bce'"),
        (lambda: denoising(gaussian, None), "loss is None"),
        (lambda: sparse_kl(0.1, loss="l2"), "loss is 'l2'"),
        (
            lambda: sparse_l1(-1.0),
            "the weight of l1 is -1.0; expected a finite number of at least 0",
        ),
        (lambda: weight_decayed(math.nan), "the weight of decay is nan"),
        (lambda: contractive(None), "the weight of contraction is None"),
        (lambda: sparse_kl(-0.1), "weight is -0.1"),
        (lambda: sparse_kl(0.1, rho=1), "rho is 1"),
        (
            lambda: sparse_l1(torch.ones(3)),
            r"the weight of l1 has shape \(3,\); expected one number: .*vmap",
        ),
        (lambda: contractive(0.1, probes=0), "probes is 0"),
        (
            lambda: sparse_kl(0.1)(start("relu"), uniform(7, 2, 3), None),
            r"from ReLU\(\); expected a sigmoid: .*code_activation='sigmoid'",
        ),
        (
            lambda: sparse_kl(0.1)(LinearAutoencoder((2, 3), 2).double(), uniform(7, 2, 3), None),
            r"code that comes from Linear\(",
        ),
        (
            lambda: sparse_kl(0.1)(start(), uniform(7, 2, 3).flatten(1), None),
            r"x has shape \(7, 6\); expected \(B, 2, 3\)",
        ),
        (
            lambda: reconstruction("bce")(start(output="tanh"), uniform(7, 2, 3), None),
            r"lies in \(-1.0, 1.0\); expected \(0, 1\): .*output='sigmoid'",
        ),
        (
            lambda: sparse_kl(0.1, loss="bce")(start(output="linear"), uniform(7, 2, 3), None),
            r"lies in \(-inf, inf\)",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
