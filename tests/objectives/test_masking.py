"""The error on hidden patches, patch by patch in NumPy and by the reference implementation."""

import numpy as np
import pytest
import torch

from aecourse.models.masked import MaskedAutoencoder
from aecourse.objectives.masking import masked_error, masked_reconstruction
from aecourse.patches import as_mask, normalize_patches, patchify, random_mask
from aecourse.training import fit
from tests.helpers import seeded, uniform
from tests.small_models import small_masked

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.masked_reconstruction": (
        "patch by patch in NumPy, `var(ddof=1)`",
        "1e-12",
        "yes",
        "test_smooth.py",
    ),
    "objectives.masked_error": (
        "patch by patch in NumPy, `var(ddof=1)`; `transformers.ViTMAEForPreTraining` with "
        "given noise",
        "1e-13; float32 1e-6",
        "yes",
    ),
}


def by_loop(predictions, patches, hidden, normalized):
    """The error of He and others in NumPy, one patch at a time."""
    rows = []
    for i, row in enumerate(hidden.tolist()):
        for place in row:
            target = patches[i, place].numpy()
            if normalized:
                target = (target - target.mean()) / np.sqrt(target.var(ddof=1) + 1e-6)
            rows.append(((predictions[i, place].numpy() - target) ** 2).mean())
    return np.mean(rows)


@pytest.mark.parametrize("normalized", [False, True])
def test_the_error_is_a_mean_over_pixels_then_over_hidden_patches(normalized):
    patches = patchify(uniform(3, 1, 8, 8), 4)
    predictions = patchify(uniform(3, 1, 8, 8, seed=2), 4)
    hidden = random_mask(3, 4, 0.5, seeded())
    ours = masked_error(predictions, patches, hidden, normalized)
    assert ours.item() == pytest.approx(
        by_loop(predictions, patches, hidden, normalized), rel=1e-13
    )
    mask = as_mask(hidden, 4).double()  # as the reference writes it
    errors = (
        (predictions - (normalize_patches(patches) if normalized else patches))
        .square()
        .mean(dim=-1)
    )
    torch.testing.assert_close(ours, (errors * mask).sum() / mask.sum())
    moved = predictions + 5 * (1 - mask)[:, :, None]
    assert masked_error(moved, patches, hidden, normalized).item() == ours.item(), (
        "visible patches do not count"
    )


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_error_is_that_of_the_reference(channels, normalized, library):
    """The model of Hugging Face with random weights; its noise determines what is hidden."""
    vit, small = (
        library("transformers"),
        {
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
        },
    )
    torch.manual_seed(0)
    model = vit.ViTMAEForPreTraining(
        vit.ViTMAEConfig(
            image_size=12,
            patch_size=4,
            num_channels=channels,
            mask_ratio=0.75,
            norm_pix_loss=normalized,
            **small,
            **{f"decoder_{name}": value for name, value in small.items()},
        )
    ).eval()
    x, noise = torch.rand(5, channels, 12, 12), torch.rand(5, 9)
    with torch.no_grad():
        theirs = model(x, noise=noise)
    hidden = theirs.mask.nonzero()[:, 1].unflatten(0, (5, -1))  # (B, M)
    assert torch.equal(patchify(x, 4), model.patchify(x)) and hidden.shape == (5, 7)
    assert masked_error(theirs.logits, patchify(x, 4), hidden, normalized).item() == pytest.approx(
        theirs.loss.item(), rel=1e-6
    )


@pytest.mark.parametrize("normalized", [False, True])
def test_the_objective_by_hand(normalized):
    model, x = small_masked(patch=4), uniform(3, 1, 8, 8)
    terms = masked_reconstruction(0.5, normalized)(model, x, seeded(3))
    hidden = random_mask(3, 4, 0.5, seeded(3))
    predictions = patchify(model(x, hidden)[0].detach(), 4)
    wanted = by_loop(predictions, patchify(x, 4), hidden, normalized)
    assert list(terms) == ["hidden"] and terms["hidden"].item() == pytest.approx(wanted, rel=1e-12)
    terms["hidden"].backward()
    assert all(
        parameter.grad is not None and parameter.grad.any() for parameter in model.parameters()
    )


def test_the_error_has_the_gradient_of_its_value():
    patches, predictions = (
        patchify(uniform(2, 1, 8, 8), 4),
        patchify(uniform(2, 1, 8, 8, seed=2), 4).requires_grad_(),
    )
    assert torch.autograd.gradcheck(
        lambda p: masked_error(p, patches, random_mask(2, 4, 0.5, seeded()), True), predictions
    )


def test_it_learns_to_predict_hidden_patches_from_the_visible_ones():
    """Images of a single gray level, which any visible patch shows; against the mean image."""
    x = torch.rand(300, 1, 1, 1, generator=seeded()).expand(-1, 1, 4, 4).contiguous()
    torch.manual_seed(0)
    model = MaskedAutoencoder((1, 4, 4), 2, width=8, depth=1, decoder_width=8, heads=2)
    fit(
        model, x[:200], masked_reconstruction(0.5), steps=200, batch_size=100, lr=0.01, device="cpu"
    )
    hidden = random_mask(100, 4, 0.5, seeded())
    with torch.no_grad():
        error = masked_error(
            model.predictions(model.encode(x[200:], hidden), hidden), patchify(x[200:], 2), hidden
        )
    assert error.item() < 0.1 * x.var().item()
