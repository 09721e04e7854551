"""The VQ-VAE: its indices against SciPy's, its straight-through gradient against the definition."""

import pytest
import torch
from scipy.cluster import vq

from aecourse.losses import mse
from aecourse.models.vq_vae import VQVAE
from tests.helpers import noise, uniform
from tests.small_models import small_vq_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.VQVAE": (
        "`scipy.cluster.vq.vq`; the gradient is the straight-through definition",
        "indices exact; gradient `assert_close`",
        "not smooth: by definition",
    ),
}


def test_the_gradient_passes_straight_through():
    """Quantization is skipped in the backward pass; the codes get no gradient from the error."""
    model, x = small_vq_vae(decay=None), uniform(2, 1, 8, 8)
    upstream = noise(2, 2, 2, 3)
    parameters = list(model.encoder.parameters())
    wanted = torch.autograd.grad((model.features(x) * upstream).sum(), parameters)
    for ours, theirs in zip(
        torch.autograd.grad((model.encode(x) * upstream).sum(), parameters), wanted, strict=True
    ):
        torch.testing.assert_close(ours, theirs)
    mse(model(x)[0], x).backward()
    assert model.codebook.weight.grad is None


@pytest.mark.parametrize(
    "shape, options, grid",
    [
        ((1, 28, 28), {}, (7, 7)),
        ((3, 16, 24), {"n_downsamplings": 3}, (2, 3)),
        ((2, 6, 10), {"n_downsamplings": 1}, (3, 5)),
        (9, {"grid": (4,)}, (4,)),
        ((1, 5, 7), {"grid": (2, 3)}, (2, 3)),
    ],
)
def test_an_image_becomes_a_grid_of_codes_and_comes_back(shape, options, grid):
    model = small_vq_vae(shape, **options)
    x = uniform(2, *model.shape)
    x_hat, z = model(x)
    indices = model.indices(x)
    assert (
        x_hat.shape == x.shape
        and indices.shape == (2, *grid)
        and z.shape == (2, *grid, 3)
        and model.grid == grid
    )
    torch.testing.assert_close(z, model.codebook.weight[indices])
    torch.testing.assert_close(model.decode_indices(indices), x_hat)
    assert torch.equal(x_hat, model.logits(z).sigmoid()) and model.output_range == (0, 1)
    wanted = vq.vq(
        model.features(x).detach().flatten(0, -2).numpy(), model.codebook.weight.detach().numpy()
    )[0]
    assert indices.flatten().tolist() == wanted.tolist()


def test_a_grid_position_depends_on_its_own_part_of_the_image():
    """A change of the last rows of pixels does not change the first rows of the grid."""
    model, x = small_vq_vae((1, 32, 32), codes=50), uniform(4, 1, 32, 32)
    y = x.clone()
    y[:, :, 20:] = 0
    before, after = model.features(x), model.features(y)
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.equal(before[:, 5:], after[:, 5:])


def test_a_grid_position_affects_its_own_part_of_the_image():
    model = small_vq_vae((1, 16, 16))
    z = noise(2, 4, 4, 3)
    moved = z.clone()
    moved[:, 0, 0] += 1
    change = (model.logits(moved) - model.logits(z)).abs()
    assert (
        change[:, :, :4, :4].max() > 1e-6
        and not change[:, :, 12:].any()
        and not change[:, :, :, 12:].any()
    )


@pytest.mark.parametrize("options", [{}, {"grid": (2,)}])
def test_encoder_and_decoder_are_not_linear(options):
    """An affine map would map the midpoint of two points to the midpoint of their images."""
    model = small_vq_vae(**options)
    for part, (a, b) in (
        (model.features, uniform(2, 1, 8, 8)[:, None]),
        (model.logits, noise(2, 1, *model.grid, 3)),
    ):
        assert not torch.allclose(part((a + b) / 2), (part(a) + part(b)) / 2)


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"shape": (1, 30, 28)},
            r"shape is \(1, 30, 28\) with n_downsamplings = 2; expected .* divisible by 4",
        ),
        ({"shape": (28, 28)}, r"shape is \(28, 28\)"),
        ({"shape": 784}, "pass grid="),
        ({"codes": 0}, "codes is 0"),
        ({"dim": 0}, "dim is 0"),
        ({"width": 0}, "width is 0"),
        ({"n_downsamplings": 0}, "n_downsamplings is 0"),
        ({"grid": (2, 0)}, "grid is 0"),
        ({"grid": 8}, "grid is 8; expected a tuple"),
        ({"grid": ()}, r"grid is \(\)"),
        ({"shape": (), "grid": (1,)}, r"shape is \(\)"),
        ({"activation": "RELU"}, "activation is 'RELU'"),
        ({"output": "relu"}, "output is 'relu'"),
        ({"decay": 1.0}, "decay is 1.0"),
        ({"restart": -0.1}, "restart is -0.1"),
    ],
)
def test_an_invalid_option_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        VQVAE(**options)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda m: m(torch.rand(2, 8, 8)),
            ValueError,
            r"x has shape \(2, 8, 8\); expected \(B, 1, 8, 8\)",
        ),
        (lambda m: m([1.0]), TypeError, "x is a list"),
        (
            lambda m: m.decode(torch.rand(2, 3, 2, 2)),
            ValueError,
            r"z has shape \(2, 3, 2, 2\); expected \(B, 2, 2, 3\)",
        ),
    ],
)
def test_a_wrong_call_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(small_vq_vae())


@pytest.mark.parametrize(
    "indices, error, words",
    [
        (torch.full((1, 2, 2), -1), ValueError, "indices contains -1; expected integers from 0 to"),
        (torch.full((1, 2, 2), 7), ValueError, "indices contains 7; expected integers from 0 to 6"),
        (torch.zeros(1, 4, dtype=torch.int64), ValueError, r"expected \(B, 2, 2\)"),
        (torch.zeros(1, 2, 2), TypeError, "indices has dtype torch.float32"),
    ],
)
def test_indices_that_are_no_codes_are_not_decoded(indices, error, words):
    with pytest.raises(error, match=words):
        small_vq_vae().decode_indices(indices)
