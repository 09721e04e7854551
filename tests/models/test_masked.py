"""The masked autoencoder: what is hidden stays hidden, patches are PyTorch's, the error is the reference's."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aecourse.models.masked import MaskedAutoencoder
from aecourse.objectives.masking import masked_error, masked_reconstruction
from aecourse.patches import as_mask, normalize_patches, patchify, random_mask, unpatchify
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "patches.normalize_patches": (
        "mean 0 and unbiased variance 1; constant patches are 0",
        "absolute 1e-12",
        "no",
    ),
    "models.MaskedAutoencoder": (
        "the gradient to hidden pixels is 0; a decoder that copies puts each patch in its place",
        "exact",
        "no",
    ),
    "patches.as_mask": (
        "by counting: as many places as are hidden; the gradient to them is 0",
        "exact",
        "no",
    ),
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
    "patches.patchify": (
        "a loop over patches; `F.unfold(stride=size)`",
        "exact",
        "no",
    ),
    "patches.random_mask": (
        "by counting: a fixed number a row, every patch equally often",
        "count exact; 5 standard errors",
        "draws",
    ),
    "patches.unpatchify": (
        "it undoes `patchify`",
        "exact",
        "no",
    ),
}

SHAPES = pytest.mark.parametrize(
    "shape, size", [((1, 8, 8), 4), ((3, 6, 4), 2), ((2, 5, 10), 5), ((1, 4, 4), 1)]
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def start(shape=(1, 8, 8), patch=2, seed=0, **options):
    torch.manual_seed(seed)
    model = MaskedAutoencoder(
        shape,
        patch,
        **{"width": 8, "depth": 2, "decoder_width": 4, "decoder_depth": 1, "heads": 2, **options},
    ).double()
    for parameter in (model.positions, model.decoder_positions, model.token):
        parameter.data.mul_(20)
    return model


def data(n=3, shape=(1, 8, 8), seed=1):
    return torch.rand(n, *shape, generator=seeded(seed), dtype=torch.float64)


@SHAPES
def test_patches_hold_the_pixels_that_a_loop_would_take(shape, size):
    x, columns = data(2, shape), shape[2] // size
    patches = patchify(x, size)
    assert patches.shape == (2, shape[1] * shape[2] // size**2, size * size * shape[0])
    for i, patch in enumerate(patches[1]):
        top, left = size * (i // columns), size * (i % columns)
        assert torch.equal(
            patch, x[1, :, top : top + size, left : left + size].movedim(0, -1).flatten()
        )
    assert torch.equal(unpatchify(patches, shape), x)
    assert torch.equal(
        patches.unflatten(2, (-1, shape[0])).transpose(2, 3).flatten(2),
        F.unfold(x, size, stride=size).transpose(1, 2),
    )


@pytest.mark.parametrize(
    "patches, ratio, count", [(16, 0.75, 12), (49, 0.75, 36), (4, 0.99, 3), (4, 0.25, 1)]
)
def test_each_row_hides_as_many_patches_and_every_patch_has_its_turn(patches, ratio, count):
    hidden = random_mask(4000, patches, ratio, seeded())
    mask = as_mask(hidden, patches)
    assert (
        hidden.shape == (4000, count)
        and mask.shape == (4000, patches)
        and (mask.sum(1) == count).all()
    )
    share = count / patches
    assert (mask.double().mean(0) - share).abs().max() < 5 * (share * (1 - share) / 4000) ** 0.5
    assert torch.equal(hidden, random_mask(4000, patches, ratio, seeded()))
    assert not torch.equal(hidden, random_mask(4000, patches, ratio, seeded(1)))


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.5, 0.1, "half"])
def test_a_ratio_that_hides_nothing_or_everything_is_refused(ratio):
    with pytest.raises(ValueError, match="hide at least one and leave at least one"):
        random_mask(2, 4, ratio)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape, patch", [((1, 8, 8), 2), ((2, 6, 9), 3)])
def test_the_gradient_of_the_code_to_hidden_pixels_is_exactly_zero(shape, patch, training):
    model = start(shape, patch).train(training)
    x, hidden = data(4, shape).requires_grad_(), random_mask(4, model.patches, 0.5, seeded())
    z = model.encode(x, hidden)
    (gradient,) = torch.autograd.grad(
        (z * torch.randn(z.shape, generator=seeded(), dtype=z.dtype)).sum(), x
    )
    sizes, mask = patchify(gradient, patch).abs().amax(2), as_mask(hidden, model.patches)
    assert (sizes[mask] == 0).all() and (sizes[~mask] > 0).all()


def test_the_reconstruction_does_not_know_hidden_pixels_and_knows_which_are_hidden():
    model, x = start().eval(), data()
    hidden = random_mask(3, 16, 0.5, seeded())
    mask = as_mask(hidden, 16)
    patches = patchify(x, 2)
    other = unpatchify(torch.where(mask[:, :, None], torch.rand_like(patches), patches), (1, 8, 8))
    assert torch.equal(model(x, hidden)[0], model(other, hidden)[0])
    assert not torch.allclose(model(x, hidden)[0], model(other)[0])


def test_the_code_stands_in_its_places_and_tokens_in_the_others():
    """A decoder that copies: each visible patch comes back where it was, each hidden one as the token says."""
    model, x = start(width=4, decoder_width=4), data()
    model.encoder = model.decoder = torch.nn.Identity()
    with torch.no_grad():
        model.positions.zero_()
        model.decoder_positions.zero_()
        model.token.fill_(7)
        for layer in (model.embed, model.bridge, model.predict):
            layer.weight.copy_(torch.eye(4))
            layer.bias.zero_()
    hidden = random_mask(3, 16, 0.75, seeded())
    wanted = torch.where(as_mask(hidden, 16)[:, :, None], 7.0, patchify(x, 2))
    assert torch.equal(model(x, hidden)[0], unpatchify(wanted, (1, 8, 8)))
    assert torch.equal(model(x)[0], x) and model(x, hidden)[1].shape == (3, 4, 4)


def test_a_patch_is_known_by_its_position_and_not_by_its_order():
    """Two images with swapped patches have other codes; a mask drawn in another order has the same."""
    model, x = start().eval(), data()
    hidden = random_mask(3, 16, 0.5, seeded())
    torch.testing.assert_close(
        model.encode(x, hidden), model.encode(x, hidden.flip(1)), rtol=0, atol=0
    )
    swapped = unpatchify(patchify(x, 2).flip(1), (1, 8, 8))
    assert not torch.allclose(model.encode(x).sum(1), model.encode(swapped).sum(1))
    model.embed.weight.data.zero_()
    model.embed.bias.data.zero_()
    model.encoder = torch.nn.Identity()
    wanted = [model.positions[~row].tolist() for row in as_mask(hidden, 16)]
    assert model.encode(x, hidden).tolist() == wanted


def by_loop(predictions, patches, hidden, normalized):
    """The error of He and others, one patch at a time, in NumPy."""
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
    patches = patchify(data(), 4)
    predictions = patchify(data(seed=2), 4)
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
    """He and others' model as Hugging Face keeps it, of random weights, told by its noise what to hide; in single precision."""
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


def test_normalised_patches_have_mean_0_and_unbiased_variance_1_and_constant_ones_are_0():
    patches = patchify(data(), 4)
    np.testing.assert_allclose(normalize_patches(patches).mean(2), 0, atol=1e-12)
    np.testing.assert_allclose(normalize_patches(patches).numpy().var(2, ddof=1), 1, rtol=1e-4)
    assert normalize_patches(torch.full((1, 2, 9), 0.3).double()).abs().max() < 1e-12
    tiny = 1e-3 * torch.tensor([[[1.0, -1.0]]], dtype=torch.float64)  # of variance 2e-6, unbiased
    assert normalize_patches(tiny)[0, 0, 0].item() == pytest.approx(1e-3 / 3e-6**0.5, rel=1e-12)
    with pytest.raises(ValueError, match="patches have 1 value each"):
        normalize_patches(torch.rand(2, 4, 1))


@pytest.mark.parametrize("normalized", [False, True])
def test_the_objective_by_hand(normalized):
    model, x = start(patch=4), data()
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
    patches, predictions = patchify(data(2), 4), patchify(data(2, seed=2), 4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p: masked_error(p, patches, random_mask(2, 4, 0.5, seeded()), True), predictions
    )


def test_it_learns_to_fill_in_what_the_rest_tells():
    """Images of one grey level: the visible patches tell all. Against the mean image, which knows nothing."""
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


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"shape": (1, 30, 28)},
            r"shape is \(1, 30, 28\) with patches of 4 x 4; expected .* divisible by 4",
        ),
        ({"shape": (28, 28)}, r"shape is \(28, 28\)"),
        ({"patch": 0}, "patch is 0"),
        ({"width": 30}, "width is 30 .* with 4 heads"),
        ({"decoder_width": 30}, "decoder_width 30"),
        ({"depth": 0}, "depth is 0"),
        ({"heads": 0}, "heads is 0"),
        ({"decoder_depth": 0.5}, "decoder_depth is 0.5"),
        ({"shape": (0, 28, 28)}, "shape is 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        MaskedAutoencoder(**options)


@pytest.mark.parametrize(
    "x, hidden, words",
    [
        (torch.rand(2, 64), None, r"x has shape \(2, 64\); expected \(B, 1, "),
        (torch.rand(2, 1, 8, 9), None, r"expected \(B, 1, 8, 8\)"),
        (
            torch.rand(2, 1, 8, 8),
            torch.zeros(2, 16, dtype=torch.bool),
            "hidden has shape .* torch.bool; expected the places",
        ),
        (torch.rand(2, 1, 8, 8), torch.zeros(3, 4, dtype=torch.long), r"\(2, M\)"),
        (torch.rand(2, 1, 8, 8), torch.zeros(2, 16, dtype=torch.long), "M below 16"),
    ],
)
def test_a_wrong_input_is_refused(x, hidden, words):
    with pytest.raises(ValueError, match=words):
        start().float()(x, hidden)
