"""The autoencoder: an encoder, a code, a decoder (Hinton and Salakhutdinov, 2006)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation

ACTIVATIONS = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
}
RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "linear": (-math.inf, math.inf),
}  # what an output can reach


def mlp(widths, activation):
    """Linear layers from width to width, with `activation` between them and none after the last."""
    layers = []
    for n_in, n_out in zip(widths, widths[1:]):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


class Transposed(nn.Module):
    """A layer of a tied decoder: the transpose of a linear layer of the encoder, with a bias of its own.

    The layer is held in a tuple, so that the model has its weights under one name: under two, `functional_call` would
    leave behind the weights that it was given.
    """

    def __init__(self, layer):
        super().__init__()
        self.tied, self.bias = (layer,), nn.Parameter(torch.zeros(layer.in_features))

    def forward(self, z):
        return F.linear(z, self.tied[0].weight.T, self.bias)  # (B, n) -> (B, m)


def transposed(layers, activation):
    """The decoder of an encoder that :func:`mlp` made, its layers transposed, the last first."""
    tied = []
    for layer in reversed(layers[::2]):
        tied += [Transposed(layer), ACTIVATIONS[activation]()]
    return nn.Sequential(*tied[:-1])


class Autoencoder(nn.Module):
    r"""Encoder :math:`z = f(x)`, decoder :math:`\hat x = g(z)`, both fully connected.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: widths of the hidden layers of the encoder; the decoder has them in reverse. ``()`` is the
            autoencoder of a single layer.
        latent_dim: k, the number of units in the code.
        activation: between the layers: ``"relu"``, ``"leaky_relu"``, ``"tanh"``, ``"sigmoid"``, ``"gelu"``,
            ``"silu"``, ``"softplus"`` or ``"linear"``.
        code_activation: on the code, any of the same names.
        output: on the reconstruction: ``"sigmoid"`` for data in [0, 1], ``"tanh"`` for [-1, 1], ``"linear"`` for
            unbounded data.
        tied: the decoder's matrices are the transposes of the encoder's, the same parameters; its biases are its
            own, and begin at 0.

    Raises:
        ValueError: where a size is not a positive integer or a name is unknown.

    Source:
        Hinton and Salakhutdinov (2006); tied weights: Vincent and others (2010).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        hidden=(256, 128),
        latent_dim=32,
        activation="relu",
        code_activation="linear",
        output="sigmoid",
        tied=False,
    ):
        super().__init__()
        self.shape, hidden = (
            validation.sizes("shape", shape),
            validation.sizes("hidden", hidden, least=0),
        )
        validation.positive("latent_dim", latent_dim)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("code_activation", code_activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        self.latent_dim, self.output_range = latent_dim, RANGES[output]
        widths = [math.prod(self.shape), *hidden, latent_dim]
        layers = mlp(widths, activation)
        self.encoder = nn.Sequential(layers, ACTIVATIONS[code_activation]())
        self.decoder = transposed(layers, activation) if tied else mlp(widths[::-1], activation)
        self.output = ACTIVATIONS[output]()

    def encode(self, x):
        """The code of `x`: (B, *shape) -> (B, k)."""
        validation.samples("x", x, self.shape)
        return self.encoder(x.flatten(1))  # (B, k)

    def logits(self, z):
        """The decoder before its output activation: (B, k) -> (B, *shape)."""
        validation.floating("z", z)
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {self.latent_dim}): one code a row"
            )
        return self.decoder(z).unflatten(1, self.shape)  # (B, *shape)

    def decode(self, z):
        """The reconstruction from a code, within `output_range`: (B, k) -> (B, *shape)."""
        return self.output(self.logits(z))

    def forward(self, x):
        """Reconstruction and code: (B, *shape) -> (B, *shape), (B, k)."""
        z = self.encode(x)
        return self.decode(z), z
