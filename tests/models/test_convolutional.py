"""The convolutional autoencoder: all image sizes, tied layers as adjoints, receptive fields."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal

from aecourse.losses import mse
from aecourse.models import Autoencoder, ConvAutoencoder
from aecourse.training import fit
from tests.helpers import noise

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.ConvAutoencoder": (
        "`scipy.signal.correlate2d`; tied, each layer is the adjoint of its own",
        "absolute 1e-13; adjoint 1e-12; float32 1e-5",
        "yes",
    ),
}


TIES = pytest.mark.parametrize("tied", [False, True])


SIZES = [(28, 28), (27, 27), (32, 32), (45, 30), (30, 45), (4, 4), (5, 7), (7, 4), (13, 64)]


def start(shape=(2, 7, 6), channels=(3, 4), latent_dim=5, seed=0, **options):
    """A small smooth model in float64 with biases other than zero."""
    torch.manual_seed(seed)
    model = ConvAutoencoder(
        shape, channels, latent_dim, **{"activation": "tanh", "output": "linear", **options}
    ).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def convolutions(model):
    """Pairs of a convolution and the layer that undoes it, the finest first."""
    down = [layer for layer in model.encoder if isinstance(layer, torch.nn.Conv2d)]
    up = [
        layer
        for layer in model.decoder
        if hasattr(layer, "output_padding") or hasattr(layer, "extra")
    ]
    return list(zip(down, reversed(up), strict=True))


@TIES
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("inputs", [1, 3])
def test_an_image_of_any_size_comes_back(size, inputs, tied):
    model = ConvAutoencoder((inputs, *size), (3, 4), 5, tied=tied)
    x = torch.rand(2, inputs, *size)
    x_hat, z = model(x)
    assert x_hat.shape == model.logits(z).shape == x.shape and z.shape == model.encode(x).shape == (
        2,
        5,
    )
    assert torch.equal(model.decode(z), x_hat) and torch.equal(model.logits(z).sigmoid(), x_hat)
    assert model.output_range == (0, 1) and model.shape == (inputs, *size) and model.latent_dim == 5


def test_every_pair_of_sides_with_every_number_of_convolutions():
    for height, width, n_downsamplings in itertools.product(range(2, 20), [8, 9, 15], (1, 2, 3)):
        if height >= 2**n_downsamplings:
            model = ConvAutoencoder(
                (1, height, width), (2,) * n_downsamplings, 2, tied=(height + width) % 2 == 0
            )
            assert model(torch.rand(1, 1, height, width))[0].shape == (1, 1, height, width)


@pytest.mark.parametrize(
    "shape, channels", [((1, 28, 28), (16, 32)), ((3, 45, 30), (4, 5, 6)), ((2, 9, 9), (7,))]
)
def test_parameters_by_formula(shape, channels):
    """16 for each pair of channels, plus the linear layer; tied, each matrix counts once."""
    pairs = list(itertools.pairwise([shape[0], *channels]))
    grid = channels[-1] * math.prod(side // 2 ** len(channels) for side in shape[1:])
    matrices = sum(16 * a * b for a, b in pairs) + grid * 10
    biases = sum(a + b for a, b in pairs) + grid + 10
    for tied, times in ((False, 2), (True, 1)):
        model = ConvAutoencoder(shape, channels, 10, tied=tied)
        assert sum(p.numel() for p in model.parameters()) == times * matrices + biases


def test_a_convolution_equals_scipys_correlation():
    """For one channel: correlation at every second position, with a border of one zero."""
    model, x = start((1, 7, 6), (3,)), noise(1, 1, 7, 6)
    layer = convolutions(model)[0][0]
    for kernel, bias, seen in zip(layer.weight[:, 0], layer.bias, layer(x)[0], strict=True):
        wanted = (
            signal.correlate2d(np.pad(x[0, 0], 1), kernel.detach(), "valid")[::2, ::2] + bias.item()
        )
        np.testing.assert_allclose(seen.detach(), wanted, atol=1e-13)


@TIES
def test_activations_are_between_the_layers_and_on_the_code(tied):
    """The layers one by one; after the last there is only the output activation."""
    model, x = start(tied=tied, code_activation="relu", output="sigmoid"), noise(3, 2, 7, 6)
    (first, last_up), (second, first_up) = convolutions(model)
    h = torch.tanh(second(torch.tanh(first(x))))
    z = model.encoder[-2](h.flatten(1)).relu()
    h = torch.tanh(model.decoder[0](z)).reshape(3, 4, 1, 1)
    x_hat = last_up(torch.tanh(first_up(h))).sigmoid()
    for seen, wanted in zip(model(x), (x_hat, z), strict=True):
        torch.testing.assert_close(seen, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("size", [(7, 6), (8, 9), (4, 4), (13, 11)])
def test_tied_each_layer_is_the_adjoint_of_its_own(size):
    """<A x, y> = <x, A' y> without the biases, for each convolution and for the linear layer."""
    model = start((2, *size), tied=True)
    x = noise(1, 2, *size)
    for down, up in convolutions(model):
        there = F.conv2d(x, down.weight, stride=2, padding=1)
        y = noise(*there.shape, seed=1)
        back = up(y) - up.bias[:, None, None]
        assert back.shape == x.shape
        assert (there * y).sum().item() == pytest.approx(
            (x * back).sum().item(), rel=1e-12, abs=1e-12
        )
        x = there
    code, back = model.encoder[-2], model.decoder[0]
    torch.testing.assert_close(
        back(torch.eye(5).double()) - back.bias, code.weight, rtol=0, atol=1e-15
    )


def test_tied_and_linear_the_whole_decoder_is_the_adjoint_of_the_encoder():
    model = start((2, 9, 6), activation="linear", tied=True)
    x = noise(1, 2, 9, 6)
    z = noise(1, 5, seed=1)
    nothing = torch.zeros(1, 2, 9, 6).double()
    zero = torch.zeros(1, 5).double()
    with torch.no_grad():
        there, back = model.encode(x) - model.encode(nothing), model.decode(z) - model.decode(zero)
    assert (there * z).sum().item() == pytest.approx((x * back).sum().item(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("size", [(7, 6), (28, 28), (27, 13)])
@TIES
def test_every_pixel_affects_the_code_and_is_affected_by_it(size, tied):
    """Also the last rows and columns of an odd side."""
    model, x = (
        start((1, *size), tied=tied, activation="linear"),
        noise(1, 1, *size).requires_grad_(),
    )
    (seen,) = torch.autograd.grad(model.encode(x).sum(), x)
    drawn = torch.func.jacrev(model.decode)(noise(1, 5)).abs().sum((0, 4, 5))[0]  # (1, H, W)
    assert (seen != 0).all() and (drawn > 0).all()


def test_the_receptive_field_of_a_grid_position():
    """After two convolutions it is 10 x 10 pixels from 4 i - 3 on: all of them and no other."""
    model = start((1, 28, 28))
    features = model.encoder[1:5]  # two convolutions and their activations
    x = noise(1, 1, 28, 28).requires_grad_()
    (gradient,) = torch.autograd.grad(features(x)[0, :, 3, 2].sum(), x)
    rows, columns = (gradient[0, 0] != 0).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 18, 5, 14) and len(
        rows
    ) == 100


def test_neighbouring_pixels_are_sums_of_equally_many_terms():
    """With kernels of ones all pixels off the border are equal; with 3 x 3 they would not be."""
    layer = convolutions(start((1, 12, 12), (1,)))[0][1]
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.zero_()
    assert (layer(torch.ones(1, 1, 6, 6).double())[0, 0, 1:-1, 1:-1] == 4).all()


@TIES
def test_gradients(tied):
    model, x = start((1, 5, 4), (2, 2), 2, tied=tied), noise(2, 1, 5, 4)
    names, values = zip(*model.named_parameters(), strict=True)
    assert torch.autograd.gradcheck(
        lambda x, *given: torch.func.functional_call(
            model, dict(zip(names, given, strict=True)), (x,)
        ),
        (x.requires_grad_(), *values),
    )


def test_tied_by_reference_through_a_copy_and_a_stack():
    models, x = [start(tied=True, seed=seed) for seed in range(3)], noise(4, 2, 7, 6)
    parameters, buffers = torch.func.stack_module_state(models)
    together = torch.func.vmap(lambda p: torch.func.functional_call(models[0], p, (x,))[0])(
        parameters
    )
    torch.testing.assert_close(
        together, torch.stack([model(x)[0] for model in models]), rtol=1e-10, atol=1e-12
    )
    copied, before = copy.deepcopy(models[0]), models[0](x)[0]
    with torch.no_grad():
        copied.encoder[1].weight.zero_()
    z = copied.encode(x)
    assert torch.equal(copied.decode(z), copied.decoder[-2].bias[:, None, None].expand_as(x)), (
        "a kernel of zeros draws its bias"
    )
    assert torch.equal(models[0](x)[0], before)


def test_training_beats_the_mean_image():
    generator = torch.Generator().manual_seed(0)
    centre = 2 + 5 * torch.rand(256, 2, 1, generator=generator)
    rows, columns = (torch.exp(-(torch.arange(9) - c).square() / 3) for c in centre.unbind(1))
    x = (rows[:, :, None] * columns[:, None])[:, None]  # (256, 1, 9, 9): a spot that moves
    torch.manual_seed(0)
    for tied in (False, True):
        model = ConvAutoencoder((1, 9, 9), (8, 16), 4, tied=tied)
        fit(
            model,
            x,
            lambda model, x, generator: {"fit": mse(model(x)[0], x)},
            steps=400,
            lr=3e-3,
            device="cpu",
        )
        assert mse(model(x)[0], x) < 0.2 * x.var(0).mean()


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"shape": 784},
            r"shape is \(784,\) with 2 convolutions of stride 2; expected \(C, H, W\) "
            "with H and W of at least 4: .*Autoencoder",
        ),
        ({"shape": (28, 28)}, r"shape is \(28, 28\)"),
        ({"shape": (1, 28, 3)}, "at least 4"),
        (
            {"channels": (2,) * 5},
            r"shape is \(1, 28, 28\) with 5 convolutions of stride 2; .* at least 32",
        ),
        ({"channels": ()}, r"channels is \(\)"),
        ({"channels": (8, 0)}, "channels is 0"),
        ({"channels": 8}, "channels is 8"),
        ({"latent_dim": 0}, "latent_dim is 0"),
        ({"activation": "swish"}, "activation is 'swish'"),
        ({"code_activation": "max"}, "code_activation is 'max'"),
        ({"output": "relu"}, "output is 'relu'"),
    ],
)
def test_an_invalid_option_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        ConvAutoencoder(**options)


def test_wrong_inputs_are_refused_in_the_words_of_the_autoencoder():
    model = ConvAutoencoder((1, 8, 8), (2,), 3)
    assert isinstance(model, Autoencoder)
    with pytest.raises(ValueError, match=r"x has shape \(4, 64\); expected \(B, 1, 8, 8\)"):
        model(torch.rand(4, 64))
    with pytest.raises(ValueError, match=r"z has shape \(4, 2\); expected \(B, 3\)"):
        model.decode(torch.rand(4, 2))


def test_float32():
    model, x = start().float(), noise(3, 2, 7, 6)
    single = model(x.float())[0]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), start()(x)[0], rtol=0, atol=1e-5)
