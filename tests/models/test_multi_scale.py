"""The multi-scale autoencoder: halving gives the coarser level; PCA of each band is its optimum."""

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from aecourse.losses import mse, pyramid
from aecourse.models import MultiScaleAutoencoder
from aecourse.models.multi_scale import bands, detail, up
from aecourse.objectives import hierarchical
from aecourse.training import fit
from tests.helpers import noise
from tests.small_models import small_multi_scale

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.MultiScaleAutoencoder": (
        '`PCA(k, svd_solver="full")` of each band; `numpy.kron`; halving a level gives the coarser',
        "PCA 1e-10; absolute 1e-14; float32 1e-5",
        "yes",
    ),
}


def solved(x, latent_dims):
    """A model without hidden layers; each level is scikit-learn's PCA of its band of `x`."""
    model = small_multi_scale(x.shape[1:], (), latent_dims)
    for encoder, decoder, band, k in zip(
        model.encoders, model.decoders, bands(x, len(latent_dims)), latent_dims, strict=True
    ):
        pca = PCA(k, svd_solver="full").fit(band.flatten(1))
        axes, mean = torch.from_numpy(pca.components_), torch.from_numpy(pca.mean_)
        with torch.no_grad():
            encoder[0].weight.copy_(axes)
            encoder[0].bias.copy_(-axes @ mean)
            decoder[0].weight.copy_(axes.T)
            decoder[0].bias.copy_(mean)
    return model


@pytest.mark.parametrize(
    "shape, latent_dims",
    [
        ((1, 28, 28), (16, 8, 4)),
        ((3, 6, 10), (2, 3)),
        ((2, 5, 7), (4,)),
        ((1, 16, 8), (2, 2, 2, 2)),
    ],
)
@pytest.mark.parametrize("output", ["linear", "sigmoid"])
@pytest.mark.parametrize("hidden", [(), (7, 6)])
def test_shapes(shape, latent_dims, output, hidden):
    model, x = (
        MultiScaleAutoencoder(shape, hidden, latent_dims, output=output),
        torch.rand(3, *shape),
    )
    x_hat, z = model(x)
    assert [code.shape for code in z] == [(3, k) for k in latent_dims] and isinstance(
        model.encode(x), tuple
    )
    assert (
        x_hat.shape == x.shape
        and torch.equal(model.decode(z), x_hat)
        and torch.equal(model.output(model.logits(z)), x_hat)
    )
    drawn = model.reconstructions(z)
    assert [image.shape for image in drawn] == [
        image.shape for image in pyramid(x, len(z))
    ] and torch.equal(drawn[0], x_hat)
    widths = [
        [math.prod(image.shape[1:]), *hidden, k]
        for image, k in zip(drawn, latent_dims, strict=True)
    ]
    numbers = sum(2 * a * b + a + b for row in widths for a, b in itertools.pairwise(row))
    assert sum(p.numel() for p in model.parameters()) == numbers


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_bands_are_orthogonal_and_add_up_to_the_image(levels):
    """So do their squares; `detail` is a projection, and each of its blocks has mean zero."""
    x = noise(3, 2, 8, 12)
    parts = bands(x, levels)
    for level in range(levels):
        for _ in range(level):
            parts[level] = torch.from_numpy(
                np.kron(parts[level], np.ones((2, 2)))
            )  # by NumPy, to full size
    torch.testing.assert_close(sum(parts), x)
    assert sum(part.square().sum() for part in parts).item() == pytest.approx(
        x.square().sum().item(), rel=1e-12
    )
    torch.testing.assert_close(detail(detail(x)), detail(x))
    assert detail(x).unflatten(3, (6, 2)).unflatten(2, (4, 2)).mean((3, 5)).abs().max() < 1e-15
    torch.testing.assert_close(
        (detail(x) * up(noise(3, 2, 4, 6, seed=1))).sum(),
        torch.tensor(0.0).double(),
        rtol=0,
        atol=1e-12,
    )


def test_each_encoder_receives_the_band_of_its_level_and_nothing_coarser():
    """A change that is the same in every block of 2 x 2 leaves the codes of the finest level."""
    model, x = small_multi_scale(), noise(4, 2, 8, 12)
    before, after = model.encode(x), model.encode(x + up(noise(4, 2, 4, 6, seed=1)))
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=1e-12)
    assert (after[1] - before[1]).abs().max() > 0.01
    flat = model.encode(x + 3.0)
    for level in (0, 1):
        torch.testing.assert_close(flat[level], before[level], rtol=0, atol=1e-12)


def test_halving_a_level_gives_the_coarser_one():
    model = small_multi_scale()
    drawn = model.reconstructions(model.encode(noise(4, 2, 8, 12)))
    for image, wanted in zip(pyramid(drawn[0], 3), drawn, strict=True):
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_code_changes_its_own_scale_and_no_other(changed):
    """It changes the band of its level, and neither coarser levels nor other bands."""
    model = small_multi_scale()
    z = list(model.encode(noise(4, 2, 8, 12)))
    before = bands(model.decode(z), 3)
    z[changed] = z[changed] + 1
    moved = [
        (after - band).abs().max().item()
        for after, band in zip(bands(model.decode(z), 3), before, strict=True)
    ]
    assert [change > 0.01 for change in moved] == [level == changed for level in range(3)]
    assert max(change for level, change in enumerate(moved) if level != changed) < 1e-14


def test_with_fewer_levels_the_detail_of_the_others_is_missing():
    """The coarser levels in blocks; each further level adds only its band."""
    model = small_multi_scale()
    z = model.encode(noise(4, 2, 8, 12))
    whole = model.reconstructions(z)
    for levels in (1, 2, 3):
        image, finest = model.decode(z, levels), whole[3 - levels]
        size = 2 ** (3 - levels)
        np.testing.assert_allclose(
            image.detach(), np.kron(finest.detach(), np.ones((size, size))), atol=1e-14
        )
        drawn = model.reconstructions(z, levels)
        assert torch.equal(drawn[0], image) and torch.equal(drawn[3 - levels], finest)
        blank = [
            code if 3 - levels <= level else torch.full_like(code, torch.nan)
            for level, code in enumerate(z)
        ]
        assert torch.equal(model.decode(blank, levels), image), (
            "codes that are left out are not read"
        )
    assert torch.equal(model.decode(z, 3), model.decode(z))


def test_a_sigmoid_adds_in_logits_and_every_level_stays_in_range():
    model = small_multi_scale(output="sigmoid")
    with torch.no_grad():
        for parameter in model.decoders.parameters():
            parameter.mul_(10)
    z = model.encode(noise(4, 2, 8, 12).sigmoid())
    logits = model.logit_pyramid(z)
    for image, a, wanted in zip(
        model.reconstructions(z), logits, pyramid(logits[0], 3), strict=True
    ):
        assert 0 <= image.min() and image.max() <= 1 and torch.equal(image, a.sigmoid())
        torch.testing.assert_close(a, wanted, rtol=0, atol=1e-13)
    assert (pyramid(model.decode(z), 2)[1] - model.reconstructions(z)[1]).abs().max() > 1e-3, (
        "only roughly"
    )
    assert model.output_range == (0, 1) and small_multi_scale().output_range == (
        -math.inf,
        math.inf,
    )


def test_codes_as_large_as_the_bands_lose_nothing():
    """Detail needs three quarters of the pixels, since its blocks have mean zero."""
    x = noise(200, 1, 4, 8)
    full = solved(x, (24, 6, 2))
    torch.testing.assert_close(full(x)[0], x, rtol=0, atol=1e-12)
    assert mse(solved(x, (23, 6, 2))(x)[0], x) > 1e-4, "one unit less, and something is"


@pytest.mark.parametrize("latent_dims", [(3, 2, 1), (10, 1, 2)])
def test_the_best_linear_model_leaves_the_discarded_eigenvalues_of_each_band(latent_dims):
    """No weights are better: the gradient is zero."""
    x = noise(200, 1, 4, 8) * torch.linspace(0.2, 2, 32, dtype=torch.float64).reshape(1, 4, 8) + 0.3
    model, left = solved(x, latent_dims), 0
    for band, k in zip(bands(x, 3), latent_dims, strict=True):
        values = np.linalg.eigvalsh(np.cov(band.flatten(1).T, bias=True))[::-1]
        left += values[k:].sum() / band[0].numel()  # a mean over the pixels of the level
    loss = hierarchical((1.0, 0.0, 0.0))(model, x, None)["level_0"]
    assert loss.item() == pytest.approx(left, rel=1e-10)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-12


def test_training_reaches_the_optimum():
    x = noise(200, 1, 4, 8) * torch.linspace(0.2, 2, 32, dtype=torch.float64).reshape(1, 4, 8)
    best = mse(solved(x, (6, 2, 1))(x)[0], x).item()
    model = small_multi_scale((1, 4, 8), (), (6, 2, 1))
    fit(model, x, hierarchical(), steps=1200, batch_size=200, lr=0.02, device="cpu")
    assert -1e-9 < mse(model(x)[0], x).item() / best - 1 < 1e-3


def test_gradients():
    model, x = (
        small_multi_scale((1, 4, 4), (3,), (2, 2), output="sigmoid"),
        noise(2, 1, 4, 4).sigmoid().requires_grad_(),
    )
    names, values = zip(*model.named_parameters(), strict=True)
    assert torch.autograd.gradcheck(
        lambda x, *given: torch.func.functional_call(
            model, dict(zip(names, given, strict=True)), (x,)
        )[0],
        (x, *values),
    )


def test_float32():
    x, model = noise(3, 2, 8, 12), small_multi_scale()
    wanted, single = model(x)[0], small_multi_scale().float()(x.float())[0]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"shape": (1, 27, 28)},
            "27 x 28; expected sides divisible by 4 for 3 levels: use at most 1",
        ),
        (
            {"shape": (1, 28, 28), "latent_dims": (4,) * 4},
            "divisible by 8 for 4 levels: use at most 3",
        ),
        ({"shape": 784}, r"shape is \(784,\); expected that of an image, \(C, H, W\)"),
        ({"latent_dims": ()}, r"latent_dims is \(\)"),
        ({"latent_dims": (4, 0)}, "latent_dims is 0"),
        ({"hidden": (0,)}, "hidden is 0"),
        ({"output": "relu"}, "output is 'relu'"),
        ({"activation": "swish"}, "activation is 'swish'"),
    ],
)
def test_an_invalid_option_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        MultiScaleAutoencoder(**options)


def test_wrong_arguments_are_refused():
    model, x = small_multi_scale(), noise(4, 2, 8, 12)
    z = model.encode(x)
    for wrong in (z[:2], z[::-1], (z[0][0], *z[1:])):
        with pytest.raises(
            ValueError,
            match=r"z has shapes .*; expected \[\('B', 5\), \('B', 4\), \('B', 3\)\]: "
            ".* finest first",
        ):
            model.decode(wrong)
    with pytest.raises(ValueError, match="levels is 4; expected at most 3"):
        model.decode(z, 4)
    with pytest.raises(ValueError, match="levels is 0"):
        model.reconstructions(z, 0)
    with pytest.raises(ValueError, match="weights are 2 and the model has 3 levels"):
        hierarchical((1.0, 1.0))(model, x, None)
    with pytest.raises(ValueError, match="weights is -1.0"):
        hierarchical((1.0, -1.0))
    with pytest.raises(ValueError, match=r"x has shape \(4, 2, 12, 8\)"):
        model(x.mT)
