"""Patches of images against a loop and PyTorch's `unfold`; masks by counting."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aecourse.patches import as_mask, normalize_patches, patchify, random_mask, unpatchify
from tests.helpers import seeded, uniform

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "patches.normalize_patches": (
        "mean 0 and unbiased variance 1; constant patches are 0",
        "absolute 1e-12",
        "no",
    ),
    "patches.as_mask": (
        "by counting: as many places as are hidden; the gradient to them is 0",
        "exact",
        "no",
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


@SHAPES
def test_patches_have_the_pixels_of_a_loop(shape, size):
    x, columns = uniform(2, *shape), shape[2] // size
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
    "patches, ratio, count",
    [(16, 0.75, 12), (49, 0.75, 36), (4, 0.99, 3), (4, 0.25, 1), (100, 0.29, 29), (100, 0.57, 57)],
)
def test_each_row_hides_equally_many_patches_and_each_patch_equally_often(patches, ratio, count):
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


def test_every_share_in_hundredths_is_exact():
    seen = [random_mask(1, 100, hidden / 100).shape[1] for hidden in range(1, 100)]
    assert seen == list(range(1, 100))


def test_normalized_patches_have_mean_0_and_unbiased_variance_1_and_constant_ones_are_0():
    patches = patchify(uniform(3, 1, 8, 8), 4)
    np.testing.assert_allclose(normalize_patches(patches).mean(2), 0, atol=1e-12)
    np.testing.assert_allclose(normalize_patches(patches).numpy().var(2, ddof=1), 1, rtol=1e-4)
    assert normalize_patches(torch.full((1, 2, 9), 0.3).double()).abs().max() < 1e-12
    tiny = 1e-3 * torch.tensor([[[1.0, -1.0]]], dtype=torch.float64)  # of variance 2e-6, unbiased
    assert normalize_patches(tiny)[0, 0, 0].item() == pytest.approx(1e-3 / 3e-6**0.5, rel=1e-12)
    with pytest.raises(ValueError, match="patches have 1 value each"):
        normalize_patches(torch.rand(2, 4, 1))


@pytest.mark.parametrize("shape, size", [((1, 30, 30), 4), ((1, 28, 30), 4), ((3, 6, 4), 5)])
def test_no_pixel_is_dropped(shape, size):
    with pytest.raises(
        ValueError, match=f"x has images of {shape[1]} x {shape[2]}; expected sides divisible.*pad"
    ):
        patchify(torch.rand(2, *shape), size)
    with pytest.raises(ValueError, match="size is 0; expected a positive int"):
        patchify(torch.rand(2, *shape), 0)


@pytest.mark.parametrize(
    "patches, shape",
    [
        ((2, 4, 12), (1, 4, 4)),
        ((2, 5, 16), (1, 8, 8)),
        ((2, 4, 4), (3, 4, 4)),
        ((4, 16), (1, 8, 8)),
        ((2, 4, 48), (1, 8, 8)),
        ((2, 4, 9), (1, 7, 7)),
    ],
)
def test_patches_of_other_images_are_refused(patches, shape):
    with pytest.raises(ValueError, match=r"patches has shape .*; expected \(B, P, size"):
        unpatchify(torch.rand(patches), shape)


@pytest.mark.parametrize(
    "hidden, error, words",
    [
        (torch.tensor([[0, -1]]), ValueError, "hidden contains -1"),
        (torch.tensor([[0, 9]]), ValueError, "hidden contains 9; expected integers from 0 to 8"),
        (torch.tensor([[3, 3]]), ValueError, "hidden contains a patch of an image more than once"),
        (torch.tensor([0, 3]), ValueError, r"hidden has shape \(2,\); expected \(B, M\)"),
        (torch.tensor([[0.0]]), TypeError, "hidden has dtype torch.float32"),
    ],
)
def test_a_mask_hides_different_patches_that_exist(hidden, error, words):
    with pytest.raises(error, match=words):
        as_mask(hidden, 9)
