"""The multi-scale autoencoder: a code for each level of a Laplacian pyramid.

After Burt and Adelson (1983).
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.losses.multi_scale import pyramid
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp


def up(x: torch.Tensor) -> torch.Tensor:
    """Each pixel four times: (B, C, H, W) -> (B, C, 2H, 2W)."""
    return F.interpolate(x, scale_factor=2.0)


def detail(x: torch.Tensor) -> torch.Tensor:
    """What downsampling loses: `x` minus the mean of each block of 2 x 2, of the same shape.

    It is a projection.
    """
    return x - up(F.avg_pool2d(x, 2))


def bands(x: torch.Tensor, levels: int) -> list[torch.Tensor]:
    """The Laplacian pyramid: the detail of each level, finest first, then the coarsest image."""
    *fine, coarsest = pyramid(x, levels)
    return [*map(detail, fine), coarsest]


class MultiScaleAutoencoder(nn.Module):
    r"""Each level adds detail: :math:`\hat x_l = \mathrm{up}(\hat x_{l+1}) + D \, g_l(z_l)`.

    The coarsest level decodes the whole image at the lowest resolution. D subtracts the mean of
    each block of 2 x 2, so that the details of a level do not change the coarser levels:
    downsampling :math:`\hat x_l` gives exactly :math:`\hat x_{l+1}`. The encoder of a level
    receives the band of the data that its decoder reconstructs. The levels do not interact, and
    the squared error of the image is the sum of the errors of its bands, each a mean over pixels.

    All of this refers to the image before the output activation. With a sigmoid the levels add up
    in logits, every level stays within [0, 1], and downsampling gives the coarser level only
    approximately.

    Args:
        shape: shape of one sample, (C, H, W); H and W can be halved once for each level but one.
        hidden: widths of the hidden layers of each level's encoder; its decoder has them in
            reverse. ``()`` for none.
        latent_dims: units of the code of each level, the finest first.
        activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.

    Raises:
        ValueError: If a size is not a positive integer, the shape is not that of an image, a side
            cannot be halved that often, or a name is unknown.

    Source:
        Burt and Adelson (1983), with means of 2 x 2 in place of their filter.
    """

    shape: tuple[int, ...]  #: of one sample, (C, H, W)
    latent_dims: tuple[int, ...]  #: units of the code of each level, the finest first
    output_range: tuple[float, float]  #: the values that a reconstruction can reach

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        hidden: Sequence[int] = (128,),
        latent_dims: Sequence[int] = (16, 8, 4),
        activation: str = "relu",
        output: str = "linear",
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        hidden = validation.sizes("hidden", hidden, least=0)
        self.latent_dims = validation.sizes("latent_dims", latent_dims)
        validation.one_of("activation", activation, ACTIVATIONS)
        validation.one_of("output", output, RANGES)
        if len(self.shape) != 3:
            raise ValueError(
                f"shape is {self.shape}; expected that of an image, (C, H, W): "
                "use Autoencoder for flat vectors"
            )
        levels = pyramid(torch.empty(1, *self.shape), len(latent_dims))
        self.shapes = [x.shape[1:] for x in levels]  # the finest first
        widths = [
            [math.prod(shape), *hidden, k]
            for shape, k in zip(self.shapes, self.latent_dims, strict=True)
        ]
        self.encoders = nn.ModuleList(mlp(row, activation) for row in widths)
        self.decoders = nn.ModuleList(mlp(row[::-1], activation) for row in widths)
        self.output = ACTIVATIONS[output]()
        self.output_range = RANGES[output]

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The codes, the finest first: (B, C, H, W) -> L tensors (B, k)."""
        validation.samples("x", x, self.shape, self)
        levels = bands(x, len(self.encoders))
        return tuple(
            encoder(band.flatten(1)) for encoder, band in zip(self.encoders, levels, strict=True)
        )

    def logit_pyramid(
        self, z: Sequence[torch.Tensor], levels: int | None = None
    ) -> list[torch.Tensor]:
        """The image at each resolution before the output activation, the finest first.

        Args:
            z: a code for each level, the finest first: L tensors (B, k).
            levels: how many of the codes to use, starting with the coarsest; None for all. The
                other codes are not read, and their levels add no detail.

        Returns:
            L tensors (B, C, H / 2^l, W / 2^l).

        Raises:
            ValueError: If the codes do not fit the model, or it has fewer levels.
        """
        if len(z) != len(self.latent_dims) or any(
            code.dim() != 2 or code.shape[1] != k
            for code, k in zip(z, self.latent_dims, strict=True)
        ):
            raise ValueError(
                f"z has shapes {[tuple(code.shape) for code in z]}; expected "
                f"{[('B', k) for k in self.latent_dims]}: "
                "pass a code for each level, the finest first"
            )
        z = [validation.codes("z", code, self) for code in z]
        coarsest = len(z) - 1
        levels = len(z) if levels is None else levels
        if validation.positive("levels", levels) > len(z):
            raise ValueError(
                f"levels is {levels}; expected at most {len(z)}, as many as the model has: "
                "None uses all"
            )
        images = [self.decoders[-1](z[-1]).unflatten(1, self.shapes[-1])]
        for level in reversed(range(coarsest)):
            image = up(images[0])
            if coarsest - level < levels:
                drawn = self.decoders[level](z[level]).unflatten(1, self.shapes[level])
                image = image + detail(drawn)
            images.insert(0, image)
        return images

    def logits(self, z: Sequence[torch.Tensor], levels: int | None = None) -> torch.Tensor:
        """The full image before its output activation: L tensors (B, k) -> (B, C, H, W)."""
        return self.logit_pyramid(z, levels)[0]

    def decode(self, z: Sequence[torch.Tensor], levels: int | None = None) -> torch.Tensor:
        """The reconstruction from the codes: L tensors (B, k) -> (B, C, H, W).

        From those of the `levels` coarsest levels, or from all.
        """
        return self.output(self.logits(z, levels))

    def reconstructions(
        self, z: Sequence[torch.Tensor], levels: int | None = None
    ) -> list[torch.Tensor]:
        """The reconstruction at each resolution, the finest first.

        Returns:
            L tensors (B, C, H / 2^l, W / 2^l).
        """
        return [self.output(image) for image in self.logit_pyramid(z, levels)]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Reconstruction and codes: (B, C, H, W) -> (B, C, H, W), L tensors (B, k)."""
        z = self.encode(x)
        return self.decode(z), z
