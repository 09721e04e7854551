"""The masked autoencoder: hide patches of an image, and predict them from the visible ones.

After He, Chen, Xie, Li, Dollár and Girshick (2022).
"""

from collections.abc import Sequence

import torch
from torch import nn

from aecourse import validation
from aecourse.patches import as_mask, patchify, unpatchify


class MaskedAutoencoder(nn.Module):
    r"""An encoder of the visible patches, and a smaller decoder that predicts all patches.

    Hidden patches are not blanked: they never enter the encoder, so the code does not depend on
    their pixels. The decoder receives the codes at the positions of their patches, and one learned
    token at every hidden position. Position embeddings are learned (the reference uses fixed
    sines). In this package MAE means mean absolute error, never this model.

    Args:
        shape: (C, H, W), with H and W divisible by `patch`.
        patch: side of a patch, in pixels.
        width, depth: of the encoder.
        decoder_width, decoder_depth: of the decoder.
        heads: attention heads of both; the widths must be multiples of it.

    Raises:
        ValueError: If a size is not a positive integer, or not divisible.

    Source:
        He and others (2022).
    """

    shape: tuple[int, ...]  #: of one sample, (C, H, W)
    patch: int  #: side of a patch, in pixels
    patches: int  #: P, the number of patches of an image
    output_range: tuple[float, float]  #: the values that a reconstruction can reach

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        patch: int = 4,
        width: int = 64,
        depth: int = 2,
        decoder_width: int = 32,
        decoder_depth: int = 1,
        heads: int = 4,
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        self.patch = patch
        sizes = {
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "decoder_width": decoder_width,
            "decoder_depth": decoder_depth,
        }
        for name, size in sizes.items():
            validation.positive(name, size)
        if len(self.shape) != 3 or self.shape[1] % patch or self.shape[2] % patch:
            raise ValueError(
                f"shape is {self.shape} with patches of {patch} x {patch}; expected (C, H, W) with "
                f"H and W divisible by {patch}: pad the images, or change patch"
            )
        if width % heads or decoder_width % heads:
            raise ValueError(
                f"width is {width} and decoder_width {decoder_width} with {heads} heads; expected "
                f"multiples of {heads}: change the widths or heads"
            )
        self.patches = self.shape[1] * self.shape[2] // patch**2
        pixels = self.shape[0] * patch**2
        self.embed = nn.Linear(pixels, width)
        self.encoder = transformer(width, depth, heads)
        self.bridge = nn.Linear(width, decoder_width)
        self.decoder = transformer(decoder_width, decoder_depth, heads)
        self.predict = nn.Linear(decoder_width, pixels)
        self.positions = nn.Parameter(0.02 * torch.randn(self.patches, width))
        self.decoder_positions = nn.Parameter(0.02 * torch.randn(self.patches, decoder_width))
        self.token = nn.Parameter(0.02 * torch.randn(decoder_width))
        self.output_range = -float("inf"), float("inf")

    def visible(self, x: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
        """Indices of the visible patches, in order: (B, M) -> (B, V); all if `hidden` is None."""
        if hidden is None:
            return torch.arange(self.patches, device=x.device).expand(x.shape[0], -1)
        if (
            hidden.dim() != 2
            or hidden.shape[0] != x.shape[0]
            or hidden.dtype != torch.long
            or hidden.shape[1] >= self.patches
        ):
            raise ValueError(
                f"hidden has shape {tuple(hidden.shape)} and dtype {hidden.dtype}; expected the "
                f"indices of hidden patches, ({x.shape[0]}, M) of torch.int64 with M below "
                f"{self.patches}: make them with random_mask"
            )
        order = as_mask(hidden, self.patches).int().argsort(dim=1, stable=True)  # (B, P)
        return order[:, : self.patches - hidden.shape[1]]  # (B, V)

    def encode(self, x: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """The code of each visible patch: (B, C, H, W), (B, M) -> (B, V, width)."""
        validation.samples("x", x, self.shape, self)
        places = self.visible(x, hidden)[:, :, None]  # (B, V, 1)
        patches = patchify(x, self.patch)  # (B, P, pixels)
        seen = patches.gather(1, places.expand(-1, -1, patches.shape[2]))  # (B, V, pixels)
        return self.encoder(self.embed(seen) + self.positions[places[:, :, 0]])

    def predictions(self, z: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """The prediction of every patch: (B, V, width), (B, M) -> (B, P, pixels)."""
        validation.floating("z", z)
        places = self.visible(z, hidden)[:, :, None]  # (B, V, 1)
        if z.dim() != 3 or z.shape[1:] != (places.shape[1], self.bridge.in_features):
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected "
                f"(B, {places.shape[1]}, {self.bridge.in_features}), a code for each visible "
                "patch: pass the same hidden as to encode"
            )
        z = validation.codes("z", z, self)
        code = self.bridge(z)  # (B, V, decoder_width)
        tokens = self.token.to(code.dtype).expand(z.shape[0], self.patches, -1)
        filled = tokens.scatter(1, places.expand_as(code), code)  # (B, P, decoder_width)
        return self.predict(self.decoder(filled + self.decoder_positions))

    def logits(self, z: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """The predictions as an image: (B, V, width), (B, M) -> (B, C, H, W).

        There is no output activation.
        """
        return unpatchify(self.predictions(z, hidden), self.shape)

    def decode(self, z: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """The same as :meth:`logits`; normalized patches if the model was trained on those."""
        return self.logits(z, hidden)

    def forward(
        self, x: torch.Tensor, hidden: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction and code: (B, C, H, W), (B, M) -> (B, C, H, W), (B, V, width)."""
        z = self.encode(x, hidden)
        return self.decode(z, hidden), z


def transformer(width: int, depth: int, heads: int) -> nn.TransformerEncoder:
    """`depth` transformer blocks with pre-normalization: (B, T, width) -> (B, T, width).

    A last normalization follows them.
    """
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)
