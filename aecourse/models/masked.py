"""The masked autoencoder: hide patches, and predict them from the rest (He, Chen, Xie, Li, Dollár and Girshick, 2022)."""

import torch
from torch import nn

from aecourse import validation
from aecourse.patches import as_mask, patchify, unpatchify


def blocks(width, depth, heads):
    """`depth` transformer blocks, normalized first, and a last normalisation: (B, T, width) -> (B, T, width)."""
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)


class MaskedAutoencoder(nn.Module):
    r"""An encoder that sees the visible patches alone, and a smaller decoder that fills in the others.

    Hidden patches are not blanked: they never enter the encoder, so that no gradient of the code reaches their
    pixels. The decoder gets the code in its place and one learned token for every hidden place. Positions are learned
    (the reference takes fixed sines). MAE means absolute error in this package, never this model.

    Args:
        shape: (C, H, W), with H and W divisible by `patch`.
        patch: side of a patch, in pixels.
        width, depth: of the encoder.
        decoder_width, decoder_depth: of the decoder.
        heads: of attention, in both; the widths are multiples of it.

    Raises:
        ValueError: where a size is not a positive integer, or does not divide.

    Source:
        He and others (2022).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        patch=4,
        width=64,
        depth=2,
        decoder_width=32,
        decoder_depth=1,
        heads=4,
    ):
        super().__init__()
        self.shape, self.patch = validation.sizes("shape", shape), patch
        given = {
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "decoder_width": decoder_width,
            "decoder_depth": decoder_depth,
        }
        for name, size in given.items():
            validation.positive(name, size)
        if len(self.shape) != 3 or self.shape[1] % patch or self.shape[2] % patch:
            raise ValueError(
                f"shape is {self.shape} with patches of {patch} x {patch}; expected (C, H, W) with H and W "
                f"divisible by {patch}: pad the images, or take other patches"
            )
        if width % heads or decoder_width % heads:
            raise ValueError(
                f"width is {width} and decoder_width {decoder_width} with {heads} heads; expected "
                f"multiples of {heads}"
            )
        self.patches, pixels = self.shape[1] * self.shape[2] // patch**2, self.shape[0] * patch**2
        self.embed, self.encoder = nn.Linear(pixels, width), blocks(width, depth, heads)
        self.bridge, self.decoder = (
            nn.Linear(width, decoder_width),
            blocks(decoder_width, decoder_depth, heads),
        )
        self.predict = nn.Linear(decoder_width, pixels)
        self.positions = nn.Parameter(0.02 * torch.randn(self.patches, width))
        self.decoder_positions = nn.Parameter(0.02 * torch.randn(self.patches, decoder_width))
        self.token = nn.Parameter(0.02 * torch.randn(decoder_width))
        self.output_range = -float("inf"), float("inf")

    def visible(self, x, hidden):
        """Places of the visible patches, in order: (B, M) -> (B, V). All of them where `hidden` is None."""
        if hidden is None:
            return torch.arange(self.patches, device=x.device).expand(len(x), -1)
        if (
            hidden.dim() != 2
            or len(hidden) != len(x)
            or hidden.dtype != torch.long
            or hidden.shape[1] >= self.patches
        ):
            raise ValueError(
                f"hidden has shape {tuple(hidden.shape)} and dtype {hidden.dtype}; expected the places of hidden "
                f"patches, ({len(x)}, M) of torch.int64 with M below {self.patches}: make them with random_mask"
            )
        return (
            as_mask(hidden, self.patches)
            .int()
            .argsort(dim=1, stable=True)[:, : self.patches - hidden.shape[1]]
        )  # (B, V)

    def encode(self, x, hidden=None):
        """The code of each visible patch: (B, C, H, W), (B, M) -> (B, V, width)."""
        validation.samples("x", x, self.shape)
        places = self.visible(x, hidden)[:, :, None]  # (B, V, 1)
        patches = patchify(x, self.patch)
        seen = patches.gather(1, places.expand(-1, -1, patches.shape[2]))  # (B, V, pixels)
        return self.encoder(self.embed(seen) + self.positions[places[:, :, 0]])

    def predictions(self, z, hidden=None):
        """What the decoder says of every patch: (B, V, width), (B, M) -> (B, P, pixels)."""
        places = self.visible(z, hidden)[:, :, None]  # (B, V, 1)
        if z.dim() != 3 or z.shape[1:] != (places.shape[1], self.bridge.in_features):
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {places.shape[1]}, {self.bridge.in_features}): a code for each "
                "visible patch; pass the places of the hidden ones, as to encode"
            )
        code = self.bridge(z)  # (B, V, decoder_width)
        tokens = self.token.to(code.dtype).expand(len(z), self.patches, -1)
        filled = tokens.scatter(1, places.expand_as(code), code)  # (B, P, decoder_width)
        return self.predict(self.decoder(filled + self.decoder_positions))

    def logits(self, z, hidden=None):
        """The predictions as an image: (B, V, width), (B, M) -> (B, C, H, W). The output is linear."""
        return unpatchify(self.predictions(z, hidden), self.shape)

    def decode(self, z, hidden=None):
        """The same as :meth:`logits`: normalized patches, where the model was trained on those."""
        return self.logits(z, hidden)

    def forward(self, x, hidden=None):
        """Reconstruction and code: (B, C, H, W), (B, M) -> (B, C, H, W), (B, V, width)."""
        z = self.encode(x, hidden)
        return self.decode(z, hidden), z
