"""The vector-quantized autoencoder: a code of discrete symbols.

After van den Oord, Vinyals and Kavukcuoglu (2017).
"""

import math
from collections.abc import Sequence

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp
from aecourse.models.codebook import Codebook
from aecourse.types import Shape


class VQVAE(nn.Module):
    r"""An autoencoder whose code is a grid, with one of K codes at each position.

    Each output of the encoder is replaced by the nearest code of the codebook; the gradient is
    passed straight through this step.

    Args:
        shape: shape of one sample; (C, H, W) for convolutional layers.
        codes: K, the number of codes.
        dim: D, the length of a code.
        width: channels, or units of the hidden layer.
        n_downsamplings: number of convolutions of stride 2: an image of 28 x 28 becomes a grid of
            7 x 7 with 2 of them. Each must find an even height and width.
        grid: the shape of the grid, such as ``(8,)``, for fully connected layers and samples of any
            shape; None for convolutional layers.
        activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        decay, restart: as for :class:`Codebook`.

    Raises:
        ValueError: If a size is not a positive integer, height or width is not divisible, or a name
            is unknown.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017).
    """

    shape: tuple[int, ...]  #: of one sample
    grid: tuple[int, ...]  #: shape of the grid of codes
    codebook: Codebook  #: the K codes
    output_range: tuple[float, float]  #: the values that a reconstruction can reach

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        codes: int = 512,
        dim: int = 64,
        width: int = 64,
        n_downsamplings: int = 2,
        grid: Sequence[int] | None = None,
        activation: str = "relu",
        output: str = "sigmoid",
        decay: float | None = 0.99,
        restart: float = 0.03,
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        validation.positive("width", width)
        validation.positive("n_downsamplings", n_downsamplings)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        self.codebook = Codebook(codes, dim, decay, restart)
        self.fully_connected = grid is not None
        if self.fully_connected:
            self.grid = validation.sizes("grid", grid)
            widths = [math.prod(self.shape), width, math.prod(self.grid) * dim]
            self.encoder = mlp(widths, activation)
            self.decoder = mlp(widths[::-1], activation)
        else:
            self.encoder, self.decoder, self.grid = convolutions(
                self.shape, width, dim, n_downsamplings, activation
            )
        self.output = ACTIVATIONS[output]()
        self.output_range = RANGES[output]

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The output of the encoder before quantization: (B, *shape) -> (B, *grid, D)."""
        validation.samples("x", x, self.shape, self)
        if self.fully_connected:
            z = self.encoder(x.flatten(1)).unflatten(1, (*self.grid, -1))  # (B, *grid, D)
        else:
            z = self.encoder(x).movedim(1, -1)  # (B, h, w, D)
        return at_least_float32(z)

    def indices(self, x: torch.Tensor) -> torch.Tensor:
        """The indices of the codes of `x`: (B, *shape) -> (B, *grid), integers below K."""
        return self.codebook(self.features(x))[1]

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The quantized code: (B, *shape) -> (B, *grid, D).

        Its gradient is that of the code before quantization (straight-through).
        """
        z = self.features(x)
        return z + (self.codebook(z)[0] - z).detach()

    def logits(self, z: torch.Tensor) -> torch.Tensor:
        """The decoder before its output activation: (B, *grid, D) -> (B, *shape)."""
        validation.floating("z", z)
        expected = (*self.grid, self.codebook.weight.shape[1])
        if z.shape[1:] != expected:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {', '.join(map(str, expected))}), "
                "one code for each position of the grid: pass what encode returns"
            )
        z = validation.codes("z", z, self)
        if self.fully_connected:
            return self.decoder(z.flatten(1)).unflatten(1, self.shape)  # (B, *shape)
        return self.decoder(z.movedim(-1, 1))  # (B, C, H, W)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """The reconstruction from a code, within `output_range`: (B, *grid, D) -> (B, *shape)."""
        return self.output(self.logits(z))

    def decode_indices(self, indices: torch.Tensor) -> torch.Tensor:
        """The reconstruction from indices of codes: (B, *grid) -> (B, *shape).

        Raises:
            TypeError: If `indices` are not integers.
            ValueError: If an index is negative or not below K, or the grid is another one.
        """
        codes = self.codebook.weight.shape[0]
        validation.integers("indices", indices, below=codes)
        if indices.shape[1:] != self.grid:
            raise ValueError(
                f"indices has shape {tuple(indices.shape)}; expected "
                f"(B, {', '.join(map(str, self.grid))}), one for each position of the grid: "
                "pass what the method indices returns"
            )
        return self.decode(self.codebook.weight[indices])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction and quantized code: (B, *shape) -> (B, *shape), (B, *grid, D)."""
        z = self.encode(x)
        return self.decode(z), z


def convolutions(
    shape: tuple[int, ...], width: int, dim: int, n_downsamplings: int, activation: str
) -> tuple[nn.Sequential, nn.Sequential, tuple[int, int]]:
    """Encoder, decoder and grid shape for `n_downsamplings` convolutions of stride 2."""
    factor = 2**n_downsamplings
    if len(shape) != 3 or shape[1] % factor or shape[2] % factor:
        raise ValueError(
            f"shape is {shape} with n_downsamplings = {n_downsamplings}; expected (C, H, W) with "
            f"H and W divisible by {factor}: pad the images, use a smaller n_downsamplings, or "
            "pass grid= for fully connected layers"
        )
    widths, act = [width] * n_downsamplings, ACTIVATIONS[activation]
    down = []
    up = [nn.Conv2d(dim, width, 3, padding=1), act()]
    for n_in, n_out in zip([shape[0], *widths[:-1]], widths, strict=True):
        down += [nn.Conv2d(n_in, n_out, 4, 2, 1), act()]
    for n_in, n_out in zip(widths, [*widths[1:], shape[0]], strict=True):
        up += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), act()]
    down.append(nn.Conv2d(width, dim, 3, padding=1))
    grid = shape[1] // factor, shape[2] // factor
    return nn.Sequential(*down), nn.Sequential(*up[:-1]), grid
