"""The vector-quantised autoencoder: a code of discrete symbols (van den Oord, Vinyals and Kavukcuoglu, 2017)."""

import math

from torch import nn

from aecourse import validation
from aecourse.losses.reduction import at_least_float32
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp
from aecourse.models.codebook import Codebook


def convolutions(shape, width, dim, n_downsamplings, activation):
    """Encoder and decoder of `n_downsamplings` steps of stride 2, and the grid that (C, H, W) becomes."""
    if len(shape) != 3 or shape[1] % 2**n_downsamplings or shape[2] % 2**n_downsamplings:
        raise ValueError(
            f"shape is {shape} with n_downsamplings = {n_downsamplings}; expected (C, H, W) with H and W divisible by "
            f"{2**n_downsamplings}: pad the images, take a smaller n_downsamplings, or give grid= for fully connected layers"
        )
    widths, act = [width] * n_downsamplings, ACTIVATIONS[activation]
    down, up = [], [nn.Conv2d(dim, width, 3, padding=1), act()]
    for n_in, n_out in zip([shape[0], *widths], widths):
        down += [nn.Conv2d(n_in, n_out, 4, 2, 1), act()]
    for n_in, n_out in zip(widths, [*widths[1:], shape[0]]):
        up += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), act()]
    down.append(nn.Conv2d(width, dim, 3, padding=1))
    return (
        nn.Sequential(*down),
        nn.Sequential(*up[:-1]),
        (shape[1] // 2**n_downsamplings, shape[2] // 2**n_downsamplings),
    )


class VQVAE(nn.Module):
    r"""Each place of a grid holds the nearest of K codes; the gradient passes straight through the choice.

    Args:
        shape: shape of one sample; (C, H, W) for the convolutional form.
        codes: K, the number of codes.
        dim: D, the length of a code.
        width: channels, or units of the hidden layer.
        n_downsamplings: steps of stride 2: 28 x 28 and 2 halvings give a grid of 7 x 7. Height and width must divide.
        grid: fully connected layers instead, for any shape, with a grid of this shape, such as ``(8,)``.
        activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        decay, restart: of the :class:`Codebook`.

    Raises:
        ValueError: where a size is not a positive integer, the image does not divide, or a name is unknown.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        codes=512,
        dim=64,
        width=64,
        n_downsamplings=2,
        grid=None,
        activation="relu",
        output="sigmoid",
        decay=0.99,
        restart=0.03,
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        validation.positive("width", width)
        validation.positive("n_downsamplings", n_downsamplings)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        self.codebook, self.connected = Codebook(codes, dim, decay, restart), grid is not None
        if self.connected:
            self.grid = validation.sizes("grid", grid)
            widths = [math.prod(self.shape), width, math.prod(self.grid) * dim]
            self.encoder, self.decoder = mlp(widths, activation), mlp(widths[::-1], activation)
        else:
            self.encoder, self.decoder, self.grid = convolutions(
                self.shape, width, dim, n_downsamplings, activation
            )
        self.output, self.output_range = ACTIVATIONS[output](), RANGES[output]

    def features(self, x):
        """The encoder before quantisation: (B, *shape) -> (B, *grid, D)."""
        validation.samples("x", x, self.shape)
        if self.connected:
            z = self.encoder(x.flatten(1)).unflatten(1, (*self.grid, -1))  # (B, *grid, D)
        else:
            z = self.encoder(x).movedim(1, -1)  # (B, h, w, D)
        return at_least_float32(z)

    def indices(self, x):
        """The symbols of `x`: (B, *shape) -> (B, *grid), whole numbers below K."""
        return self.codebook(self.features(x))[1]

    def encode(self, x):
        """The quantised code, with the gradient of the code before it (straight-through): (B, *shape) -> (B, *grid, D)."""
        z = self.features(x)
        return z + (self.codebook(z)[0] - z).detach()

    def logits(self, z):
        """The decoder before its output activation: (B, *grid, D) -> (B, *shape)."""
        validation.floating("z", z)
        expected = (*self.grid, self.codebook.weight.shape[1])
        if z.shape[1:] != expected:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {', '.join(map(str, expected))}): "
                "one code for each place of the grid"
            )
        return (
            self.decoder(z.flatten(1)).unflatten(1, self.shape)
            if self.connected
            else self.decoder(z.movedim(-1, 1))
        )

    def decode(self, z):
        """The reconstruction from a code: (B, *grid, D) -> (B, *shape), within `output_range`."""
        return self.output(self.logits(z))

    def decode_indices(self, indices):
        """The reconstruction from symbols: (B, *grid) -> (B, *shape)."""
        return self.decode(self.codebook.weight[indices])

    def forward(self, x):
        """Reconstruction and quantised code: (B, *shape) -> (B, *shape), (B, *grid, D)."""
        z = self.encode(x)
        return self.decode(z), z
