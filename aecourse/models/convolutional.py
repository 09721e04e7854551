"""The convolutional autoencoder: the same small filters at every position of the image.

After Masci, Meier, Cireşan and Schmidhuber (2011).
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.models.autoencoder import ACTIVATIONS, Autoencoder, Transposed


class ConvAutoencoder(Autoencoder):
    r"""Convolutions of 4 x 4 with stride 2, then a linear layer to a flat code; and back.

    Each convolution halves a side of n pixels, rounded down; the decoder stores which sides were
    odd, so images of any size come back with the same size. The kernel size is a multiple of the
    stride, so that in the decoder every pixel is a sum of the same number of terms. With 3 x 3 the
    unequal numbers cause checkerboard artifacts.

    Encoder and decoder map flat rows to flat rows, like those of
    :class:`~aecourse.models.autoencoder.Autoencoder`, whose methods are used unchanged.

    Args:
        shape: shape of one sample, (C, H, W); H and W allow one halving for each of `channels`.
        channels: after each convolution; the decoder has them in reverse.
        latent_dim: k, the number of units of the code.
        activation, code_activation, output: as for
            :class:`~aecourse.models.autoencoder.Autoencoder`.
        tied: the kernels and the matrix of the decoder are the encoder's, transposed; its biases
            are its own.

    Raises:
        ValueError: If a size is not a positive integer, the shape is not that of an image, the
            image is too small for so many convolutions, or a name is unknown.

    Source:
        Masci, Meier, Cireşan and Schmidhuber (2011), with strides in place of their pooling; the
        size of the kernel: Odena, Dumoulin and Olah (2016).
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        channels: Sequence[int] = (16, 32),
        latent_dim: int = 32,
        activation: str = "relu",
        code_activation: str = "linear",
        output: str = "sigmoid",
        tied: bool = False,
    ):
        super().__init__(shape, (), latent_dim, activation, code_activation, output)
        channels = validation.sizes("channels", channels)
        smallest = 2 ** len(channels)
        if len(self.shape) != 3 or min(self.shape[1:]) < smallest:
            raise ValueError(
                f"shape is {self.shape} with {len(channels)} convolutions of stride 2; expected "
                f"(C, H, W) with H and W of at least {smallest}: use fewer channels or larger "
                "images, or Autoencoder for flat vectors"
            )
        inputs, height, width = self.shape
        act = ACTIVATIONS[activation]
        down = []
        up = []
        for outputs in channels:
            layer = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            extra = height % 2, width % 2
            if tied:
                back = TransposedConvolution(layer, extra)
            else:
                back = nn.ConvTranspose2d(outputs, inputs, 4, 2, 1, extra)
            down = [*down, layer, act()]
            up = [act(), back, *up]
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


class TransposedConvolution(nn.Module):
    """The transpose (adjoint) of a convolution of the encoder, with its own bias.

    `extra` rows and columns restore an odd side.
    """

    def __init__(self, layer: nn.Conv2d, extra: tuple[int, int]):
        super().__init__()
        self.tied = (layer,)  # in a tuple: see Transposed
        self.extra = extra
        self.bias = nn.Parameter(torch.zeros(layer.in_channels))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(
            h, self.tied[0].weight, self.bias, stride=2, padding=1, output_padding=self.extra
        )
