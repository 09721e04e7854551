"""The autoencoder: an encoder, a code, a decoder (Hinton and Salakhutdinov, 2006)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.types import Shape

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
# The values that an output activation can reach.
RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "linear": (-math.inf, math.inf),
}


def mlp(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Linear layers of these widths, with `activation` between them and none after the last."""
    layers = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


class Autoencoder(nn.Module):
    r"""Encoder :math:`z = f(x)`, decoder :math:`\hat x = g(z)`, both fully connected.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: widths of the hidden layers of the encoder; the decoder has them in reverse. ``()``
            is an autoencoder of a single layer.
        latent_dim: k, the number of units of the code (the latent vector).
        activation: between the layers: ``"relu"``, ``"leaky_relu"``, ``"tanh"``, ``"sigmoid"``,
            ``"gelu"``, ``"silu"``, ``"softplus"`` or ``"linear"``.
        code_activation: on the code, any of the same names.
        output: activation of the reconstruction: ``"sigmoid"`` for data in [0, 1], ``"tanh"`` for
            [-1, 1], ``"linear"`` for unbounded data.
        tied: the weight matrices of the decoder are the transposes of the encoder's, and the same
            parameters; its biases are its own and start at 0.

    Raises:
        ValueError: If a size is not a positive integer or a name is unknown.

    Source:
        Hinton and Salakhutdinov (2006); tied weights: Vincent and others (2010).
    """

    shape: tuple[int, ...]  #: of one sample
    latent_dim: int  #: k, the number of units of the code
    output_range: tuple[float, float]  #: the values that a reconstruction can reach

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        hidden: Sequence[int] = (256, 128),
        latent_dim: int = 32,
        activation: str = "relu",
        code_activation: str = "linear",
        output: str = "sigmoid",
        tied: bool = False,
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        hidden = validation.sizes("hidden", hidden, least=0)
        validation.positive("latent_dim", latent_dim)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("code_activation", code_activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        self.latent_dim = latent_dim
        self.output_range = RANGES[output]
        widths = [math.prod(self.shape), *hidden, latent_dim]
        layers = mlp(widths, activation)
        self.encoder = nn.Sequential(layers, ACTIVATIONS[code_activation]())
        self.decoder = transposed(layers, activation) if tied else mlp(widths[::-1], activation)
        self.output = ACTIVATIONS[output]()

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The code of `x`: (B, *shape) -> (B, k)."""
        validation.samples("x", x, self.shape, self)
        return self.encoder(x.flatten(1))  # (B, k)

    def logits(self, z: torch.Tensor) -> torch.Tensor:
        """The decoder before its output activation: (B, k) -> (B, *shape)."""
        validation.floating("z", z)
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {self.latent_dim}), one code a row: "
                "pass what encode returns"
            )
        if getattr(self, "_is_replica", False):  # made by PyTorch's data parallel
            tie(self.encoder, self.decoder)
        z = validation.codes("z", z, self)
        return self.decoder(z).unflatten(1, self.shape)  # (B, *shape)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """The reconstruction from a code, within `output_range`: (B, k) -> (B, *shape)."""
        return self.output(self.logits(z))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction and code: (B, *shape) -> (B, *shape), (B, k)."""
        z = self.encode(x)
        return self.decode(z), z


class Transposed(nn.Module):
    """A layer of a tied decoder: the transpose of a linear layer of the encoder, with its own bias.

    The layer is kept in a tuple, so that it is not registered as a submodule and its weights have
    a single name in the model. With two names, `functional_call` would replace only one of them.
    """

    def __init__(self, layer: nn.Linear):
        super().__init__()
        self.tied = (layer,)
        self.bias = nn.Parameter(torch.zeros(layer.in_features))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return F.linear(z, self.tied[0].weight.T, self.bias)  # (B, n) -> (B, m)


def tie(encoder: nn.Module, decoder: nn.Module) -> None:
    """Point each tied layer of a replica's `decoder` at the layer of its own `encoder`.

    A replica is a shallow copy: its tied layers would use the weights of the original. Nothing
    changes in a decoder that is not tied.
    """
    layers = [layer for layer in encoder.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    tied = [layer for layer in decoder.modules() if hasattr(layer, "tied")]
    if tied:
        for back, layer in zip(tied, reversed(layers), strict=True):
            back.tied = (layer,)


def transposed(layers: nn.Sequential, activation: str) -> nn.Sequential:
    """The decoder tied to an encoder of :func:`mlp`: its layers transposed, in reverse order."""
    tied = []
    for layer in reversed(layers[::2]):
        tied += [Transposed(layer), ACTIVATIONS[activation]()]
    return nn.Sequential(*tied[:-1])
