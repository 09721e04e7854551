"""The convolutional autoencoder: the same small filters at every place (Masci, Meier, Cireşan and Schmidhuber, 2011)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.models.autoencoder import ACTIVATIONS, Autoencoder, Transposed


class TransposedConvolution(nn.Module):
    """The adjoint of a convolution of the encoder, with a bias of its own; `extra` rows and columns restore an odd side."""

    def __init__(self, layer, extra):
        super().__init__()
        self.tied = (layer,)
        self.extra = extra
        self.bias = nn.Parameter(torch.zeros(layer.in_channels))

    def forward(self, h):
        return F.conv_transpose2d(
            h, self.tied[0].weight, self.bias, stride=2, padding=1, output_padding=self.extra
        )


class ConvAutoencoder(Autoencoder):
    r"""Convolutions of 4 x 4 and stride 2, each halving the image, then one linear layer to a flat code; and back.

    A side n becomes n / 2, rounded down; the way back knows what was rounded, so that images of any size return as
    they came. The kernel is a multiple of the stride, so that on the way up every pixel gets as many terms as its
    neighbour: with 3 x 3 the unequal numbers draw a chessboard. Encoder and decoder take and give flat rows, as those
    of :class:`~aecourse.models.autoencoder.Autoencoder`, whose methods are used as they are.

    Args:
        shape: shape of one sample, (C, H, W), with H and W at least 2 to the number of halvings.
        channels: after each halving; the decoder has them in reverse.
        latent_dim: k, the number of units in the code.
        activation, code_activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        tied: the decoder's kernels and its matrix are those of the encoder, transposed; its biases are its own.

    Raises:
        ValueError: where a size is not a positive integer, the shape is not that of an image, a side can't be halved
            that often, or a name is unknown.

    Source:
        Masci, Meier, Cireşan and Schmidhuber (2011), with strides in place of their pooling; the size of the kernel:
        Odena, Dumoulin and Olah (2016).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        channels=(16, 32),
        latent_dim=32,
        activation="relu",
        code_activation="linear",
        output="sigmoid",
        tied=False,
    ):
        super().__init__(shape, (), latent_dim, activation, code_activation, output)
        channels = validation.sizes("channels", channels)
        if len(self.shape) != 3 or min(self.shape[1:]) < 2 ** len(channels):
            raise ValueError(
                f"shape is {self.shape} with {len(channels)} halvings; expected (C, H, W) with H and W of at least "
                f"{2 ** len(channels)}: give fewer channels, larger images, or take Autoencoder for flat vectors"
            )
        (inputs, height, width), act = self.shape, ACTIVATIONS[activation]
        down, up = [], []
        for outputs in channels:
            layer, extra = (
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),
                (height % 2, width % 2),
            )
            back = (
                TransposedConvolution(layer, extra)
                if tied
                else nn.ConvTranspose2d(outputs, inputs, 4, 2, 1, extra)
            )
            down, up = [*down, layer, act()], [act(), back, *up]
            inputs = outputs
            height = height // 2
            width = width // 2
        grid = inputs, height, width
        code = nn.Linear(math.prod(grid), latent_dim)
        back = Transposed(code) if tied else nn.Linear(latent_dim, math.prod(grid))
        self.encoder = nn.Sequential(
            nn.Unflatten(1, self.shape), *down, nn.Flatten(), code, ACTIVATIONS[code_activation]()
        )
        self.decoder = nn.Sequential(back, nn.Unflatten(1, grid), *up, nn.Flatten())
