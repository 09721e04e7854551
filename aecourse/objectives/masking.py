"""The objective of a masked autoencoder: the error on hidden patches alone (He and others, 2022)."""

from aecourse import validation
from aecourse.patches import normalize_patches, patchify, random_mask


def masked_error(predictions, patches, hidden, normalized=False):
    """Squared error over the pixels of a patch, then over the hidden patches alone: a mean of means.

    Args:
        predictions, patches: (B, P, pixels).
        hidden: (B, M) places of the patches that count.
        normalized: compare with :func:`normalize_patches` of the patches: the shape of a patch counts, not its contrast.

    Returns:
        A scalar, in squared units of the data, or without unit where normalized.
    """
    validation.same("predictions", predictions, "patches", patches)
    errors = (
        (predictions - (normalize_patches(patches) if normalized else patches)).square().mean(2)
    )  # (B, P)
    return errors.gather(1, hidden).mean()


def masked_reconstruction(ratio=0.75, normalized=False):
    """The objective of a masked autoencoder: the error on hidden patches, newly drawn at each step.

    Args:
        ratio: share of patches to hide, a plain number: it settles shapes.
        normalized: normalise each patch of the target. Many patches of handwriting are constant: try both.

    Returns:
        An objective with the term ``"hidden"``.

    Source:
        He and others (2022), section 3.
    """

    def objective(model, x, generator):
        validation.requires(model, "patches", "a MaskedAutoencoder")
        hidden = random_mask(len(x), model.patches, ratio, generator, x.device)
        predictions = model.predictions(model.encode(x, hidden), hidden)
        return {"hidden": masked_error(predictions, patchify(x, model.patch), hidden, normalized)}

    return objective
