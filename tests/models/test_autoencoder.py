"""The autoencoder against the same sums in NumPy, its sizes, its range and its refusals."""

import copy
import importlib
import io
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from aecourse.models import Autoencoder, ConvAutoencoder, LinearAutoencoder
from aecourse.models.autoencoder import ACTIVATIONS, RANGES

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.Autoencoder": (
        "the same sums in NumPy, activations from SciPy; tied: each matrix written twice",
        "1e-12",
        "yes, tied",
    ),
    "models.WAE": (
        "through `Autoencoder`, which it is; a sample is decoded noise",
        "sample exact",
        "through `mmd`",
        "models/test_wae.py",
    ),
}

IN_NUMPY = {
    "linear": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "gelu": lambda a: a * stats.norm.cdf(a),
    "silu": lambda a: a * special.expit(a),
    "softplus": lambda a: np.logaddexp(0, a),
}


def layers(part, h, activation):
    """The layers of the state dictionary `part` in NumPy, with `activation` between them."""
    weights = [value.numpy() for value in part.values()]
    for i in range(0, len(weights), 2):
        h = (activation(h) if i else h) @ weights[i].T + weights[i + 1]
    return h


def test_every_activation_is_known_here():
    assert IN_NUMPY.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("activation", IN_NUMPY)
@pytest.mark.parametrize(
    "code, output, hidden",
    [("linear", "sigmoid", (7, 4)), ("relu", "linear", ()), ("sigmoid", "tanh", (5,))],
)
def test_it_computes_what_its_layers_say(activation, code, output, hidden):
    torch.manual_seed(0)
    model = Autoencoder((2, 3), hidden, 3, activation, code, output).double()
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    x_hat, z = model(x)
    z_wanted = IN_NUMPY[code](
        layers(model.encoder.state_dict(), x.numpy().reshape(5, 6), IN_NUMPY[activation])
    )
    logits = layers(model.decoder.state_dict(), z_wanted, IN_NUMPY[activation]).reshape(5, 2, 3)
    for seen, wanted in (
        (z, z_wanted),
        (model.encode(x), z_wanted),
        (model.logits(z), logits),
        (x_hat, IN_NUMPY[output](logits)),
        (model.decode(z), IN_NUMPY[output](logits)),
    ):
        np.testing.assert_allclose(seen.detach(), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 5, 7), (12,), 12, [4, 3], (2, 1, 1, 3)])
@pytest.mark.parametrize("hidden", [(), (9,), (16, 8, 4)])
@pytest.mark.parametrize("batch", [1, 6])
def test_shapes_of_code_and_reconstruction(shape, hidden, batch):
    model = Autoencoder(shape, hidden, latent_dim=2)
    sample = (shape,) if isinstance(shape, int) else tuple(shape)
    x_hat, z = model(torch.rand(batch, *sample))
    assert x_hat.shape == model.logits(z).shape == (batch, *sample) and z.shape == (batch, 2)
    widths = [math.prod(sample), *hidden, 2]
    assert sum(p.numel() for p in model.parameters()) == sum(
        2 * a * b + a + b for a, b in itertools.pairwise(widths)
    )


def test_the_default_is_the_network_of_the_course():
    model = Autoencoder()
    assert [tuple(p.shape) for p in model.parameters() if p.dim() == 2] == [
        (256, 784),
        (128, 256),
        (32, 128),
        (128, 32),
        (256, 128),
        (784, 256),
    ]
    assert (model.shape, model.latent_dim, model.output_range) == ((1, 28, 28), 32, (0, 1))


@pytest.mark.parametrize("output", RANGES)
def test_output_range_is_the_range_of_the_output_activation(output):
    low, high = Autoencoder(4, (), 1, output=output).output_range
    reached = Autoencoder(4, (), 1, output=output).output(torch.tensor([-1e9, 1e9])).tolist()
    assert reached == ([low, high] if output != "linear" else [-1e9, 1e9])
    assert (low, high) == {"sigmoid": (0, 1), "tanh": (-1, 1), "linear": (-math.inf, math.inf)}[
        output
    ]


def test_each_pixel_keeps_its_position():
    """A decoder that copies its code shows which unit becomes which pixel."""
    model = Autoencoder((2, 2, 3), (), 12, output="linear")
    with torch.no_grad():
        model.decoder[0].weight.copy_(torch.eye(12))
        model.decoder[0].bias.zero_()
    assert torch.equal(
        model.decode(torch.arange(12.0)[None]), torch.arange(12.0).reshape(1, 2, 2, 3)
    )


@pytest.mark.parametrize(
    "x, error, words",
    [
        (torch.rand(4, 28, 28), ValueError, ["x has shape (4, 28, 28)", "expected (B, 1, 28, 28)"]),
        (torch.rand(1, 28, 28), ValueError, ["(1, 28, 28)"]),
        (torch.rand(4, 784), ValueError, ["(4, 784)", "x.unflatten(1, (1, 28, 28))"]),
        (torch.rand(4, 3, 28, 28), ValueError, ["(4, 3, 28, 28)"]),
        (torch.rand(0, 1, 28, 28), ValueError, ["x is empty"]),
        (torch.zeros(4, 1, 28, 28).byte(), TypeError, ["x has dtype torch.uint8"]),
        ([0.0], TypeError, ["x is a list"]),
    ],
)
def test_a_wrong_input_is_refused(x, error, words):
    model = Autoencoder(hidden=(), latent_dim=2)
    for call in (model, model.encode):
        with pytest.raises(error) as caught:
            call(x)
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "z, error, words",
    [
        (torch.rand(4, 3), ValueError, ["z has shape (4, 3)", "expected (B, 2)"]),
        (torch.rand(2), ValueError, ["(2,)"]),
        (torch.rand(4, 1, 2), ValueError, ["(4, 1, 2)"]),
        (torch.ones(4, 2, dtype=torch.int64), TypeError, ["z has dtype torch.int64"]),
    ],
)
def test_a_wrong_code_is_refused(z, error, words):
    model = Autoencoder(5, (), latent_dim=2)
    for call in (model.logits, model.decode):
        with pytest.raises(error) as caught:
            call(z)
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"shape": (1, 0, 28)}, "shape is 0"),
        ({"shape": -4}, "shape is -4"),
        ({"shape": (2.0, 3)}, "shape is 2.0"),
        ({"shape": ()}, r"shape is \(\)"),
        ({"shape": None}, "shape is None"),
        ({"hidden": (8, 0)}, "hidden is 0"),
        ({"hidden": (8, "4")}, "hidden is '4'"),
        ({"hidden": 64}, "hidden is 64"),
        ({"latent_dim": 0}, "latent_dim is 0"),
        ({"latent_dim": 2.5}, "latent_dim is 2.5"),
        ({"latent_dim": True}, "latent_dim is True"),
        ({"activation": "RELU"}, "activation is 'RELU'; expected one of 'linear', 'relu'"),
        ({"activation": None}, "activation is None"),
        ({"activation": ["relu"]}, r"activation is \['relu'\]"),
        ({"code_activation": "softmax"}, "code_activation is 'softmax'"),
        ({"output": "relu"}, "output is 'relu'; expected one of 'sigmoid', 'tanh', 'linear'"),
    ],
)
def test_an_invalid_size_or_name_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**options)


def tied(activation="tanh", hidden=(5,), seed=0):
    torch.manual_seed(seed)
    return Autoencoder((2, 3), hidden, 3, activation, "tanh", "linear", tied=True).double()


def by_hand(x, weight, top, a, b, c, d):
    """A tied autoencoder 6-5-3-5-6 that uses each of its two matrices twice."""
    z = torch.tanh(torch.tanh(x @ weight.T + a) @ top.T + b)  # (B, 3)
    return torch.tanh(z @ top + c) @ weight + d, z


def parameters_by_hand(model):
    first, second = model.encoder[0][0], model.encoder[0][2]
    return (
        first.weight,
        second.weight,
        first.bias,
        second.bias,
        model.decoder[0].bias,
        model.decoder[2].bias,
    )


@pytest.mark.parametrize("hidden", [(), (9,), (16, 8, 4)])
def test_tied_weights_halve_the_number_of_matrices(hidden):
    model = Autoencoder((3, 4), hidden, 2, tied=True)
    pairs = list(itertools.pairwise([12, *hidden, 2]))
    assert sum(p.numel() for p in model.parameters()) == sum(a * b + a + b for a, b in pairs)
    assert len(list(model.parameters())) == 3 * len(pairs)
    x_hat, z = model(torch.rand(5, 3, 4))
    assert x_hat.shape == (5, 3, 4) and z.shape == (5, 2)


def test_tied_weights_get_the_gradients_of_both_uses():
    """Values and gradients equal those of two copies of each matrix, added up."""
    model, x = tied(), torch.randn(7, 2, 3, dtype=torch.float64)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))  # biases of the decoder begin at zero
    given = parameters_by_hand(model)
    (x_hat, z), (wanted, code) = model(x), by_hand(x.flatten(1), *given)
    torch.testing.assert_close(x_hat.flatten(1), wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(z, code, rtol=1e-12, atol=1e-12)
    gradients = torch.autograd.grad((x_hat - x).square().sum(), given)
    again = [p.detach().clone().requires_grad_() for p in given]
    for ours, theirs in zip(
        gradients,
        torch.autograd.grad(
            (by_hand(x.flatten(1), *again)[0] - x.flatten(1)).square().sum(), again
        ),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    (decoder_alone,) = torch.autograd.grad(
        (model.decode(model.encode(x).detach()) - x).square().sum(), given[:1]
    )
    assert not torch.allclose(decoder_alone, gradients[0], rtol=0.01)
    names, values = zip(*model.named_parameters(), strict=True)
    assert torch.autograd.gradcheck(
        lambda *given: torch.func.functional_call(
            model, dict(zip(names, given, strict=True)), (x,)
        ),
        values,
    )


def tied_still(model, x):
    """Does the decoder follow a change of the encoder's weights?"""
    with torch.no_grad():
        model.encoder[0][0].weight.add_(0.1)
        wanted = by_hand(x.flatten(1), *parameters_by_hand(model))[0]
    return torch.allclose(model(x)[0].flatten(1), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_copy_a_cast_and_a_saved_state_keep_the_tie(dtype):
    model, x = tied().to(dtype), torch.randn(4, 2, 3, dtype=torch.float64).to(dtype)
    copied, loaded = copy.deepcopy(model), tied(seed=1).to(dtype)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded.load_state_dict(torch.load(file))
    before = model(x)[0]
    assert (
        before.dtype == dtype
        and torch.equal(copied(x)[0], before)
        and torch.equal(loaded(x)[0], before)
    )
    for other in (copied, loaded, model):
        assert tied_still(other, x)
    with torch.no_grad():
        copied.encoder[0][0].weight.zero_()
    assert model.encoder[0][0].weight.any(), "a copy has weights of its own"


def test_many_tied_models_run_as_one():
    """With `functional_call` and `stack_module_state`: the decoder uses the weights of the call."""
    models, x = [tied(seed=seed) for seed in range(3)], torch.randn(4, 2, 3, dtype=torch.float64)
    parameters, buffers = torch.func.stack_module_state(models)
    assert parameters.keys() == models[0].state_dict().keys() and len(parameters) == 6, (
        "one name for a matrix in two places"
    )
    before = {name: value.clone() for name, value in models[0].state_dict().items()}

    def call(base):
        return lambda *state: torch.func.functional_call(base, state, (x,))

    for base in (copy.deepcopy(models[0]).to("meta"), models[0]):
        together, _ = torch.func.vmap(call(base))(parameters, buffers)
        torch.testing.assert_close(
            together, torch.stack([model(x)[0] for model in models]), rtol=1e-12, atol=1e-12
        )
    gradients = torch.func.grad(
        lambda p: torch.func.vmap(call(models[0]))(p, buffers)[0].square().sum()
    )(parameters)
    for i, model in enumerate(models):
        wanted = torch.autograd.grad(model(x)[0].square().sum(), model.encoder[0][0].weight)[0]
        torch.testing.assert_close(
            gradients["encoder.0.0.weight"][i], wanted, rtol=1e-10, atol=1e-10
        )
    assert all(
        torch.equal(value, before[name]) for name, value in models[0].state_dict().items()
    ), "the weights are put back"


def test_an_untied_model_has_the_initial_weights_of_its_linear_layers():
    torch.manual_seed(0)
    model = Autoencoder(6, (5,), 3)
    torch.manual_seed(0)
    wanted = [torch.nn.Linear(*pair) for pair in ((6, 5), (5, 3), (3, 5), (5, 6))]
    for ours, theirs in zip(
        model.parameters(), [p for layer in wanted for p in layer.parameters()], strict=True
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Autoencoder((1, 6, 6), (5, 4), 3, "tanh", tied=True),
        lambda: ConvAutoencoder((1, 6, 6), (3, 2), 3, "tanh", output="linear", tied=True),
        lambda: LinearAutoencoder((1, 6, 6), 3, tied=True),
    ],
)
def test_a_replica_of_a_tied_model_uses_its_own_weights(build, monkeypatch):
    """As `DataParallel` makes them, with copies on the CPU in place of other devices."""
    replicating = importlib.import_module("torch.nn.parallel.replicate")
    monkeypatch.setattr(
        replicating,
        "_broadcast_coalesced_reshape",
        lambda tensors, devices, detach=False: [[2 * t for t in tensors] for _ in devices],
    )
    model, x = build(), torch.rand(2, 1, 6, 6)
    (replica,) = replicating.replicate(model, [0])
    twice = build()
    twice.load_state_dict({name: 2 * value for name, value in model.state_dict().items()})
    before = model(x)[0]
    torch.testing.assert_close(replica(x)[0], twice(x)[0])
    assert torch.equal(model(x)[0], before), "the model keeps its own"
