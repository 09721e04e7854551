"""The autoencoder against the same sums in NumPy, its sizes, its range and its refusals."""
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from aecourse.models import Autoencoder
from aecourse.models.autoencoder import ACTIVATIONS, RANGES

IN_NUMPY = {"linear": lambda a: a, "relu": lambda a: np.maximum(a, 0), "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
            "tanh": np.tanh, "sigmoid": special.expit, "gelu": lambda a: a * stats.norm.cdf(a),
            "silu": lambda a: a * special.expit(a), "softplus": lambda a: np.logaddexp(0, a)}


def layers(part, h, activation):
    """`part`, a state dictionary, applied to `h` in NumPy: `activation` between the layers and none after the last."""
    weights = [value.numpy() for value in part.values()]
    for i in range(0, len(weights), 2):
        h = (activation(h) if i else h) @ weights[i].T + weights[i + 1]
    return h


def test_every_activation_is_known_here():
    assert IN_NUMPY.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("activation", IN_NUMPY)
@pytest.mark.parametrize("code, output, hidden", [
    ("linear", "sigmoid", (7, 4)), ("relu", "linear", ()), ("sigmoid", "tanh", (5,))])
def test_it_computes_what_its_layers_say(activation, code, output, hidden):
    torch.manual_seed(0)
    model = Autoencoder((2, 3), hidden, 3, activation, code, output).double()
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    x_hat, z = model(x)
    z_wanted = IN_NUMPY[code](layers(model.encoder.state_dict(), x.numpy().reshape(5, 6), IN_NUMPY[activation]))
    logits = layers(model.decoder.state_dict(), z_wanted, IN_NUMPY[activation]).reshape(5, 2, 3)
    for seen, wanted in ((z, z_wanted), (model.encode(x), z_wanted), (model.logits(z), logits),
                         (x_hat, IN_NUMPY[output](logits)), (model.decode(z), IN_NUMPY[output](logits))):
        np.testing.assert_allclose(seen.detach(), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 5, 7), (12,), 12, [4, 3], (2, 1, 1, 3)])
@pytest.mark.parametrize("hidden", [(), (9,), (16, 8, 4)])
@pytest.mark.parametrize("batch", [1, 6])
def test_shapes_go_round(shape, hidden, batch):
    model = Autoencoder(shape, hidden, latent_dim=2)
    sample = (shape,) if isinstance(shape, int) else tuple(shape)
    x_hat, z = model(torch.rand(batch, *sample))
    assert x_hat.shape == model.logits(z).shape == (batch, *sample) and z.shape == (batch, 2)
    widths = [math.prod(sample), *hidden, 2]
    assert sum(p.numel() for p in model.parameters()) == sum(2 * a * b + a + b for a, b in itertools.pairwise(widths))


def test_the_default_is_the_network_of_the_course():
    model = Autoencoder()
    assert [tuple(p.shape) for p in model.parameters() if p.dim() == 2] == [
        (256, 784), (128, 256), (32, 128), (128, 32), (256, 128), (784, 256)]
    assert (model.shape, model.latent_dim, model.output_range) == ((1, 28, 28), 32, (0, 1))


@pytest.mark.parametrize("output", RANGES)
def test_output_range_is_what_the_output_reaches(output):
    low, high = Autoencoder(4, (), 1, output=output).output_range
    reached = Autoencoder(4, (), 1, output=output).output(torch.tensor([-1e9, 1e9])).tolist()
    assert reached == ([low, high] if output != "linear" else [-1e9, 1e9])
    assert (low, high) == {"sigmoid": (0, 1), "tanh": (-1, 1), "linear": (-math.inf, math.inf)}[output]


def test_pixels_stand_in_their_places():
    """A decoder that copies its code shows which unit goes to which pixel."""
    model = Autoencoder((2, 2, 3), (), 12, output="linear")
    with torch.no_grad():
        model.decoder[0].weight.copy_(torch.eye(12)), model.decoder[0].bias.zero_()
    assert torch.equal(model.decode(torch.arange(12.0)[None]), torch.arange(12.0).reshape(1, 2, 2, 3))


@pytest.mark.parametrize("x, error, words", [
    (torch.rand(4, 28, 28), ValueError, ["x has shape (4, 28, 28)", "expected (B, 1, 28, 28)"]),
    (torch.rand(1, 28, 28), ValueError, ["(1, 28, 28)"]), (torch.rand(4, 784), ValueError, ["(4, 784)", "reshape it"]),
    (torch.rand(4, 3, 28, 28), ValueError, ["(4, 3, 28, 28)"]), (torch.rand(0, 1, 28, 28), ValueError, ["x is empty"]),
    (torch.zeros(4, 1, 28, 28).byte(), TypeError, ["x has dtype torch.uint8"]), ([0.0], TypeError, ["x is a list"])])
def test_a_wrong_input_is_refused(x, error, words):
    model = Autoencoder(hidden=(), latent_dim=2)
    for call in (model, model.encode):
        with pytest.raises(error) as caught:
            call(x)
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("z, error, words", [
    (torch.rand(4, 3), ValueError, ["z has shape (4, 3)", "expected (B, 2)"]), (torch.rand(2), ValueError, ["(2,)"]),
    (torch.rand(4, 1, 2), ValueError, ["(4, 1, 2)"]),
    (torch.ones(4, 2, dtype=torch.int64), TypeError, ["z has dtype torch.int64"])])
def test_a_wrong_code_is_refused(z, error, words):
    model = Autoencoder(5, (), latent_dim=2)
    for call in (model.logits, model.decode):
        with pytest.raises(error) as caught:
            call(z)
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("options, words", [
    ({"shape": (1, 0, 28)}, "shape is 0"), ({"shape": -4}, "shape is -4"), ({"shape": (2.0, 3)}, "shape is 2.0"),
    ({"shape": ()}, r"shape is \(\)"), ({"shape": None}, "shape is None"), ({"hidden": (8, 0)}, "hidden is 0"),
    ({"hidden": (8, "4")}, "hidden is '4'"), ({"hidden": 64}, "hidden is 64"), ({"latent_dim": 0}, "latent_dim is 0"),
    ({"latent_dim": 2.5}, "latent_dim is 2.5"), ({"latent_dim": True}, "latent_dim is True"),
    ({"activation": "RELU"}, "activation is 'RELU'; expected one of 'linear', 'relu'"),
    ({"activation": None}, "activation is None"), ({"activation": ["relu"]}, r"activation is \['relu'\]"),
    ({"code_activation": "softmax"}, "code_activation is 'softmax'"),
    ({"output": "relu"}, "output is 'relu'; expected one of 'sigmoid', 'tanh', 'linear'")])
def test_a_size_or_a_name_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**options)
