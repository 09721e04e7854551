"""The multi-scale autoencoder: a code for each level of a Laplacian pyramid (after Burt and Adelson, 1983)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.losses.multi_scale import pyramid
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp


def up(x):
    """Each pixel four times: (B, C, H, W) -> (B, C, 2H, 2W)."""
    return F.interpolate(x, scale_factor=2.0)


def detail(x):
    """What halving loses, `x` minus the mean of each block of 2 x 2: a projection, (B, C, H, W) -> (B, C, H, W)."""
    return x - up(F.avg_pool2d(x, 2))


def bands(x, levels):
    """The Laplacian pyramid: the details of each level, the finest first, then what is left at the coarsest."""
    *fine, coarsest = pyramid(x, levels)
    return [*map(detail, fine), coarsest]


class MultiScaleAutoencoder(nn.Module):
    r"""Each level draws what the coarser levels lack: :math:`\hat x_l = \mathrm{up}(\hat x_{l+1}) + D \, g_l(z_l)`.

    The coarsest level draws the whole image at the lowest resolution. D takes the mean of each block of 2 x 2 off, so
    that details add to no coarser level: halving :math:`\hat x_l` gives :math:`\hat x_{l+1}` exactly. The encoder of a
    level sees the band of the data that its decoder is to draw. Levels don't meet, and the squared error of the image
    is the sum of theirs, each a mean over pixels.

    All of this holds before the output activation. With a sigmoid the levels add up in logits, every level stays
    within [0, 1], and halving gives the coarser level only roughly.

    Args:
        shape: shape of one sample, (C, H, W), with H and W divisible by 2 to the number of levels minus 1.
        hidden: widths of the hidden layers of each level's encoder; its decoder has them in reverse. ``()`` for none.
        latent_dims: units of the code of each level, the finest first.
        activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.

    Raises:
        ValueError: where a size is not a positive integer, the shape is not that of an image, a side can't be halved
            that often, or a name is unknown.

    Source:
        Burt and Adelson (1983), with means of 2 x 2 in place of their filter.
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        hidden=(128,),
        latent_dims=(16, 8, 4),
        activation="relu",
        output="linear",
    ):
        super().__init__()
        self.shape, hidden = (
            validation.sizes("shape", shape),
            validation.sizes("hidden", hidden, least=0),
        )
        self.latent_dims = validation.sizes("latent_dims", latent_dims)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        if len(self.shape) != 3:
            raise ValueError(f"shape is {self.shape}; expected that of an image, (C, H, W)")
        self.shapes = [
            x.shape[1:] for x in pyramid(torch.empty(1, *self.shape), len(latent_dims))
        ]  # the finest first
        widths = [[math.prod(shape), *hidden, k] for shape, k in zip(self.shapes, self.latent_dims)]
        self.encoders = nn.ModuleList(mlp(row, activation) for row in widths)
        self.decoders = nn.ModuleList(mlp(row[::-1], activation) for row in widths)
        self.output, self.output_range = ACTIVATIONS[output](), RANGES[output]

    def encode(self, x):
        """The codes, the finest first: (B, C, H, W) -> L times (B, k)."""
        validation.samples("x", x, self.shape)
        return tuple(
            encoder(band.flatten(1))
            for encoder, band in zip(self.encoders, bands(x, len(self.encoders)))
        )

    def logit_pyramid(self, z, levels=None):
        """The image at each resolution before the output activation, the finest first: L times (B, C, H / 2^l, W / 2^l).

        Args:
            z: a code for each level, the finest first: L times (B, k).
            levels: how many draw, from the coarsest on; None for all. The others add no detail.
        """
        if len(z) != len(self.latent_dims) or any(
            code.dim() != 2 or code.shape[1] != k for code, k in zip(z, self.latent_dims)
        ):
            raise ValueError(
                f"z has shapes {[tuple(code.shape) for code in z]}; expected {[('B', k) for k in self.latent_dims]}: "
                "a code for each level, the finest first"
            )
        coarsest, levels = len(z) - 1, len(z) if levels is None else levels
        if validation.positive("levels", levels) > len(z):
            raise ValueError(
                f"levels is {levels}; expected at most {len(z)}, as many as the model has"
            )
        images = [self.decoders[-1](z[-1]).unflatten(1, self.shapes[-1])]
        for level in reversed(range(coarsest)):
            images.insert(0, up(images[0]))
            if coarsest - level < levels:
                images[0] = images[0] + detail(
                    self.decoders[level](z[level]).unflatten(1, self.shapes[level])
                )
        return images

    def logits(self, z, levels=None):
        """The full image before its output activation: L times (B, k) -> (B, C, H, W)."""
        return self.logit_pyramid(z, levels)[0]

    def decode(self, z, levels=None):
        """The reconstruction from the codes of the `levels` coarsest levels, or of all: L times (B, k) -> (B, C, H, W)."""
        return self.output(self.logits(z, levels))

    def reconstructions(self, z, levels=None):
        """The reconstruction at each resolution, the finest first: L times (B, k) -> L times (B, C, H / 2^l, W / 2^l)."""
        return [self.output(image) for image in self.logit_pyramid(z, levels)]

    def forward(self, x):
        """Reconstruction and codes: (B, C, H, W) -> (B, C, H, W), L times (B, k)."""
        z = self.encode(x)
        return self.decode(z), z
