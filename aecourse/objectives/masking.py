"""The objective of a masked autoencoder: the error on hidden patches (He and others, 2022)."""

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.reduction import compared
from aecourse.patches import normalize_patches, patchify, random_mask
from aecourse.types import Objective


def masked_error(
    predictions: torch.Tensor,
    patches: torch.Tensor,
    hidden: torch.Tensor,
    normalized: bool = False,
) -> torch.Tensor:
    """Mean squared error over the pixels of each patch, averaged over the hidden patches.

    Args:
        predictions, patches: (B, P, pixels).
        hidden: (B, M) indices of the hidden patches; the visible ones do not count.
        normalized: compare with the normalized patches of :func:`normalize_patches`, so that the
            contrast of a patch does not matter, only its structure.

    Returns:
        A scalar, in squared units of the data, or without a unit if normalized.

    Raises:
        TypeError: If `predictions` or `patches` is not floating point, the dtypes differ, or
            `hidden` are not integers.
        ValueError: If the shapes or devices of `predictions` and `patches` differ, or an index is
            not that of a patch.
    """
    predictions, patches = compared("predictions", predictions, "patches", patches)
    validation.integers("hidden", hidden, below=patches.shape[1])
    target = normalize_patches(patches) if normalized else patches
    errors = (predictions - target).square().mean(2)  # (B, P)
    return errors.gather(1, hidden).mean()


def masked_reconstruction(ratio: float = 0.75, normalized: bool = False) -> Objective:
    """The objective of a masked autoencoder: the error on hidden patches, drawn anew at each step.

    Args:
        ratio: the share of patches to hide. A Python number and not a tensor, since the shapes
            depend on it.
        normalized: normalize each patch of the target. Many patches of handwriting are constant:
            try both.

    Returns:
        An objective with the term ``"hidden"``.

    Source:
        He and others (2022), section 3.
    """

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        validation.requires(model, "patches", "a MaskedAutoencoder")
        hidden = random_mask(len(x), model.patches, ratio, generator, x.device)
        predictions = model.predictions(model.encode(x, hidden), hidden)
        return {"hidden": masked_error(predictions, patchify(x, model.patch), hidden, normalized)}

    return objective
