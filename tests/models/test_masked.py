"""The masked autoencoder: hidden pixels never reach the code, and every patch keeps its place."""

import pytest
import torch

from aecourse.models.masked import MaskedAutoencoder
from aecourse.patches import as_mask, patchify, random_mask, unpatchify
from tests.helpers import seeded, uniform
from tests.small_models import small_masked

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.MaskedAutoencoder": (
        "the gradient to hidden pixels is 0; a decoder that copies puts each patch in its place",
        "exact",
        "no",
    ),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape, patch", [((1, 8, 8), 2), ((2, 6, 9), 3)])
def test_the_gradient_of_the_code_to_hidden_pixels_is_exactly_zero(shape, patch, training):
    model = small_masked(shape, patch).train(training)
    x, hidden = uniform(4, *shape).requires_grad_(), random_mask(4, model.patches, 0.5, seeded())
    z = model.encode(x, hidden)
    (gradient,) = torch.autograd.grad(
        (z * torch.randn(z.shape, generator=seeded(), dtype=z.dtype)).sum(), x
    )
    sizes, mask = patchify(gradient, patch).abs().amax(2), as_mask(hidden, model.patches)
    assert (sizes[mask] == 0).all() and (sizes[~mask] > 0).all()


def test_the_reconstruction_depends_on_the_mask_and_not_on_hidden_pixels():
    model, x = small_masked().eval(), uniform(3, 1, 8, 8)
    hidden = random_mask(3, 16, 0.5, seeded())
    mask = as_mask(hidden, 16)
    patches = patchify(x, 2)
    other = unpatchify(torch.where(mask[:, :, None], torch.rand_like(patches), patches), (1, 8, 8))
    assert torch.equal(model(x, hidden)[0], model(other, hidden)[0])
    assert not torch.allclose(model(x, hidden)[0], model(other)[0])


def test_codes_and_tokens_reach_the_positions_of_their_patches():
    """With a decoder that copies, visible patches come back in place, hidden ones as the token."""
    model, x = small_masked(width=4, decoder_width=4), uniform(3, 1, 8, 8)
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


def test_positions_and_token_start_small():
    """Normal, with the standard deviation of 0.02 of the reference code."""
    torch.manual_seed(0)
    model = MaskedAutoencoder((1, 32, 32), 2, width=64, decoder_width=64)
    for start in (model.positions, model.decoder_positions, model.token):
        spread = 0.02 / (2 * start.numel()) ** 0.5
        assert start.std().item() == pytest.approx(0.02, abs=4 * spread)
        assert abs(start.mean().item()) < 4 * 0.02 / start.numel() ** 0.5


def test_a_patch_is_known_by_its_position_and_not_by_its_order():
    """Swapped patches change the code; the order of the hidden indices does not."""
    model, x = small_masked().eval(), uniform(3, 1, 8, 8)
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
def test_an_invalid_option_is_refused(options, words):
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
            "hidden has shape .* torch.bool; expected the indices",
        ),
        (torch.rand(2, 1, 8, 8), torch.zeros(3, 4, dtype=torch.long), r"\(2, M\)"),
        (torch.rand(2, 1, 8, 8), torch.zeros(2, 16, dtype=torch.long), "M below 16"),
    ],
)
def test_a_wrong_input_is_refused(x, hidden, words):
    with pytest.raises(ValueError, match=words):
        small_masked().float()(x, hidden)
