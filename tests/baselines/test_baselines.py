"""The best linear maps against scikit-learn's regressions; water levels by SciPy's root finder."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from sklearn.linear_model import LinearRegression, Ridge

from aecourse import corruption
from aecourse.baselines.pca import pca_error
from aecourse.baselines.transform_coding import (
    TransformCoder,
    lloyd_quantizer,
    reverse_water_filling,
)
from aecourse.baselines.wiener import LinearDenoiser, linear_inpaint
from aecourse.data import load_images
from aecourse.losses import mse
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "baselines.TransformCoder": (
        "levels and errors of Max (1960), table 1; no other allocation of the bits is better",
        "levels 2e-3, errors 2e-4; allocations 1e-9",
        "not smooth",
    ),
    "baselines.LinearDenoiser": (
        "`sklearn.linear_model.Ridge(alpha=N * sigma**2)`; `LinearRegression` over all 64 "
        "masks, weighted",
        "ridge absolute 1e-12; masks 1e-9",
        "no",
    ),
    "baselines.reverse_water_filling": (
        "the water level by `scipy.optimize.brentq`; by hand",
        "1e-9",
        "yes",
        "test_smooth.py",
    ),
    "baselines.linear_inpaint": (
        "`LinearRegression` from the visible to the hidden entries",
        "absolute 1e-10",
        "no",
    ),
}

GENERATOR = torch.Generator().manual_seed(0)
DATA = (
    torch.randn(200, 2, generator=GENERATOR) @ torch.randn(2, 6, generator=GENERATOR)
    + 0.3 * torch.randn(200, 6, generator=GENERATOR)
    + torch.linspace(-1, 2, 6)
).double()


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_for_gaussian_noise_it_is_ridge_regression_of_the_data_on_themselves(sigma):
    """In expectation noise is a ridge: E |x - W (x + n)|^2 = |x - W x|^2 + sigma^2 |W|^2."""
    ridge = Ridge(alpha=len(DATA) * sigma**2).fit(DATA.numpy(), DATA.numpy())
    model = LinearDenoiser(DATA).gaussian(sigma)
    np.testing.assert_allclose(model.weight.numpy(), ridge.coef_, atol=1e-12)
    np.testing.assert_allclose(model.bias.numpy(), ridge.intercept_, atol=1e-12)
    np.testing.assert_allclose(model(DATA).numpy(), ridge.predict(DATA.numpy()), atol=1e-12)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_for_masking_it_is_regression_over_all_masks(p):
    """Every one of the 2^6 masks, weighted by its probability: the expectation is exact."""
    masks = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    weights = p ** (6 - masks.sum(1)) * (1 - p) ** masks.sum(1)
    seen = (DATA.numpy()[:, None] * masks).reshape(-1, 6)
    clean = np.repeat(DATA.numpy(), len(masks), axis=0)
    regression = LinearRegression().fit(seen, clean, sample_weight=np.tile(weights, len(DATA)))
    model = LinearDenoiser(DATA).masking(p)
    np.testing.assert_allclose(model.weight.numpy(), regression.coef_, atol=1e-9)
    np.testing.assert_allclose(model.bias.numpy(), regression.intercept_, atol=1e-9)


def test_an_entry_that_is_always_zero_does_not_change_the_others():
    data = torch.cat([DATA, 0 * DATA[:, :1]], 1)
    model = LinearDenoiser(data).masking(0.3)
    torch.testing.assert_close(
        model.weight[:6, :6], LinearDenoiser(DATA).masking(0.3).weight, rtol=1e-9, atol=1e-9
    )
    assert model(data)[:, 6].abs().max() < 1e-9


@pytest.mark.parametrize(
    "tuned, corrupt",
    [
        (lambda model: model.gaussian(0.5), lambda x, g: corruption.gaussian(x, 0.5, g)),
        (lambda model: model.masking(0.3), lambda x, g: corruption.masking(x, 0.3, g)),
    ],
)
def test_a_linear_autoencoder_of_full_width_trained_to_denoise_comes_near_it(tuned, corrupt):
    """Over 400 draws of new noise its error is within 1 % of the optimum, and not below it."""
    torch.manual_seed(0)
    model = torch.nn.Linear(6, 6).double()
    fit(
        model,
        DATA,
        lambda model, x, generator: {"fit": mse(model(corrupt(x, generator)), x)},
        steps=3000,
        batch_size=200,
        lr=0.01,
        schedule=lambda done: 1 - done,
        device="cpu",
    )
    noisy = [corrupt(DATA, seed) for seed in range(400)]
    best = tuned(LinearDenoiser(DATA))
    with torch.no_grad():
        differences = torch.stack([mse(model(x), DATA) - mse(best(x), DATA) for x in noisy])
        floor = torch.stack([mse(best(x), DATA) for x in noisy]).mean()
    assert -3 * differences.std() / 20 < differences.mean() < 0.01 * floor


def excess(model, q, noise):
    """By how much its expected error is above the least, as a share of it; NumPy, float64.

    Args:
        model: made from single-precision data.
        q: the share of entries that are kept.
        noise: variance of what is added to each kept entry, (d,), given the data's mean squares.
    """
    x = IMAGES.numpy().reshape(len(IMAGES), -1).astype(float)
    mean, covariance = x.mean(0), np.cov(x.T, bias=True)
    added = noise(covariance.diagonal() + mean**2)
    seen = q * q * covariance + np.diag(added)
    used = added > 0
    inverse = np.zeros_like(seen)
    inverse[np.ix_(used, used)] = np.linalg.inv(seen[np.ix_(used, used)])
    least = np.trace(covariance) - q * q * np.trace(covariance @ inverse @ covariance)
    weight, bias = model.weight.numpy().astype(float), model.bias.numpy().astype(float)
    rest = np.eye(len(mean)) - q * weight
    error = np.trace(rest @ covariance @ rest.T) + (weight**2 @ added).sum()
    return (error + ((rest @ mean - bias) ** 2).sum()) / least - 1


IMAGES = load_images("digits", device="cpu", quiet=True).train[:400]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_in_single_precision_masked_digits_are_denoised_with_the_least_error(p):
    """Pixels that are hardly ever used have tiny variances, which a cut of eigenvalues loses."""
    model = LinearDenoiser(IMAGES).masking(p)
    assert model.weight.dtype == torch.float32
    assert abs(excess(model, 1 - p, lambda squares: p * (1 - p) * squares)) < 1e-11


@pytest.mark.parametrize("sigma", [0.002, 0.5])
def test_in_single_precision_noisy_digits_are_denoised_with_the_least_error(sigma):
    model = LinearDenoiser(IMAGES).gaussian(sigma)
    assert abs(excess(model, 1.0, lambda squares: sigma**2 + 0 * squares)) < 1e-8


def test_in_single_precision_the_small_eigenvalues_of_digits_are_right():
    values = np.linalg.eigvalsh(np.cov(IMAGES.double().flatten(1).numpy().T, bias=True))[::-1]
    for k in (300, 390):
        assert pca_error(IMAGES, k).item() == pytest.approx(values[k:].sum(), rel=1e-5)
    assert reverse_water_filling(IMAGES, 4000.0).item() == pytest.approx(
        reverse_water_filling(IMAGES.double(), 4000.0).item(), rel=1e-5
    )


def test_in_single_precision_inpainting_of_digits_is_that_of_double():
    hidden = torch.zeros(20, 1, 28, 28, dtype=torch.bool)
    hidden[..., 10:18, 10:18] = True
    single, double = (
        linear_inpaint(IMAGES[20:].to(dtype), IMAGES[:20].to(dtype), hidden, 1e-6)
        for dtype in (torch.float32, torch.float64)
    )
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="ridge is 0 and the covariance .* is singular"):
        linear_inpaint(IMAGES[20:], IMAGES[:1], hidden[:1], 0.0)


def test_water_filling_is_a_bound_for_gaussian_data_only():
    """One bit is all that -1 and 1 need; Gaussian data of that variance keep an error of 1/4."""
    signs = torch.tensor([[1.0], [-1.0]]).double().repeat(50, 1)
    assert reverse_water_filling(signs, 1).item() == pytest.approx(0.25)
    assert mse(TransformCoder(signs, 1)(signs), signs).item() < 1e-30


def test_inpainting_is_least_squares_from_visible_to_hidden():
    hidden = torch.zeros(200, 6, dtype=torch.bool)
    hidden[:100, [1, 4]] = True
    hidden[100:, [0, 5]] = True
    ours = linear_inpaint(DATA, DATA.where(~hidden, 99.0), hidden, ridge=0)
    for rows, places in ((slice(0, 100), [1, 4]), (slice(100, 200), [0, 5])):
        others = [i for i in range(6) if i not in places]
        regression = LinearRegression().fit(DATA[:, others].numpy(), DATA[:, places].numpy())
        np.testing.assert_allclose(
            ours[rows][:, places].numpy(),
            regression.predict(DATA[rows][:, others].numpy()),
            atol=1e-10,
        )
        assert torch.equal(ours[rows][:, others], DATA[rows][:, others])
    images = linear_inpaint(
        DATA.view(-1, 1, 2, 3), DATA.view(-1, 1, 2, 3), hidden.view(-1, 1, 2, 3), ridge=0
    )
    torch.testing.assert_close(images.flatten(1), ours)


def test_the_levels_of_a_transform_coder_move_and_travel_with_it():
    one, other = TransformCoder(DATA, 8), TransformCoder(DATA.flip(0) / 2, 8)
    expected = one(DATA)
    assert torch.allclose(one.float()(DATA.float()), expected.float(), atol=1e-5)
    one.to(DATA)
    other.load_state_dict(one.state_dict())
    assert torch.equal(other(DATA), one(DATA))


@pytest.mark.parametrize("bits", [0.5, 3.0, 8.0, 40.0])
def test_reverse_water_filling_agrees_with_a_root_finder(bits):
    """The water level solves the equation of the rate, by SciPy."""
    values = np.linalg.eigvalsh(np.cov(DATA.numpy().T, bias=True))

    def spent(level):
        return sum(0.5 * np.log2(value / min(level, value)) for value in values) - bits

    level = brentq(spent, 1e-30, values.max(), xtol=1e-300, rtol=1e-14)
    assert reverse_water_filling(DATA, bits).item() == pytest.approx(
        np.minimum(level, values).sum(), rel=1e-9
    )


def test_reverse_water_filling_by_hand():
    """Variances 4 and 1. Half a bit reduces 4 to 2; three bits, as 2 + 1, reduce both to 1/4."""
    x = torch.tensor([[2, 1], [2, -1], [-2, 1], [-2, -1]]).double()
    assert reverse_water_filling(x, 0.5).item() == pytest.approx(2 + 1) and reverse_water_filling(
        x, 3
    ).item() == pytest.approx(0.5)
    assert reverse_water_filling(x, 1).item() == pytest.approx(2), (
        "here the water level reaches the smaller variance"
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: LinearDenoiser(DATA).gaussian(0.0), "sigma is 0.0"),
        (lambda: LinearDenoiser(DATA).masking(1.0), "p is 1.0"),
        (lambda: LinearDenoiser(DATA)(DATA[:, :3]), "x has shape"),
        (lambda: reverse_water_filling(DATA, 0), "bits is 0"),
        (
            lambda: linear_inpaint(DATA, DATA[:3], torch.zeros(3, 5, dtype=torch.bool)),
            "hidden has shape",
        ),
        (
            lambda: linear_inpaint(DATA, DATA[:2], torch.tensor([[True] * 6, [False] * 6])),
            "hides 0 to 6 entries",
        ),
    ],
)
def test_arguments_out_of_range_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_levels_of_a_gaussian_equal_those_of_max():
    """Max (1960), table 1: levels 0.7979, error 0.3634; levels 0.4528 and 1.510, error 0.1175."""
    grid = torch.distributions.Normal(0.0, 1.0).icdf(
        (torch.arange(200_000).double() + 0.5) / 200_000
    )[:, None]
    one, two = lloyd_quantizer(grid, 2)[0], lloyd_quantizer(grid, 4)[0]
    assert one.tolist() == pytest.approx([-0.7979, 0.7979], abs=1e-3)
    assert two.tolist() == pytest.approx([-1.510, -0.4528, 0.4528, 1.510], abs=2e-3)
    for bits, error in ((1, 0.3634), (2, 0.1175)):
        code = TransformCoder(grid, bits, axes=1)
        assert mse(code(grid), grid).item() == pytest.approx(error, abs=2e-4)


@pytest.mark.parametrize("bits", [1, 5, 12])
def test_the_transform_coder_is_above_the_limit_and_no_other_allocation_is_better(bits):
    code = TransformCoder(DATA, bits)
    error = mse(code(DATA), DATA, "batchmean").item()
    assert int(code.spent.sum()) == bits and error > reverse_water_filling(DATA, bits).item()
    rng = np.random.default_rng(0)
    for _ in range(50):
        code.spent[:] = torch.tensor(rng.multinomial(bits, np.ones(6) / 6)).clamp(max=6)
        if code.spent.sum() == bits:
            assert mse(code(DATA), DATA, "batchmean").item() >= error * (1 - 1e-9)


def test_the_next_bit_goes_where_it_saves_most_and_not_where_the_error_is():
    """A bit on -1 and 1 saves all of 1; a bit on Gaussian data of variance 1.5 saves 0.95."""
    signs = torch.tensor([1.0, -1.0]).double().repeat(1000)
    grid = (torch.arange(1000).double() + 0.5) / 1000
    normal = torch.distributions.Normal(0.0, 1.0).icdf(grid).repeat_interleave(2)
    code = TransformCoder(torch.stack([1.5**0.5 * normal, signs], 1), 1)
    assert code.spent.tolist() == [0, 1]


def test_data_that_are_not_finite_are_refused():
    wrong, hidden = DATA.clone(), torch.zeros(200, 6, dtype=torch.bool)
    wrong[3, 2] = float("nan")
    hidden[:, 2] = True
    calls = {
        "data": [
            lambda: LinearDenoiser(wrong),
            lambda: linear_inpaint(wrong, DATA, hidden),
            lambda: TransformCoder(wrong, 3),
            lambda: reverse_water_filling(wrong, 3.0),
            lambda: pca_error(wrong, 2),
        ],
        "x": [lambda: linear_inpaint(DATA, wrong, hidden.roll(1, 1))],
    }
    for name, attempts in calls.items():
        for attempt in attempts:
            with pytest.raises(ValueError, match=f"{name} contains nan or infinity"):
                attempt()
    with pytest.raises(TypeError, match="x has dtype torch.float32 and data torch.float64"):
        linear_inpaint(DATA, DATA.float(), hidden)


def test_what_is_hidden_may_be_nan():
    wrong, hidden = DATA.clone(), torch.zeros(200, 6, dtype=torch.bool)
    hidden[:, 2] = True
    wrong[:, 2] = float("nan")
    assert torch.equal(linear_inpaint(DATA, wrong, hidden), linear_inpaint(DATA, DATA, hidden))
