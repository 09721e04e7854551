"""SSIM against scikit-image, pytorch-msssim and torchmetrics; its parts, scales and errors."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aecourse.data import load_images
from aecourse.losses.structural_similarity import (
    SCALE_WEIGHTS,
    band_matrix,
    local_means,
    local_means_by_convolution,
    ms_ssim,
    ssim,
    ssim_by_convolution,
    ssim_comparisons,
    ssim_loss,
    ssim_per_image,
    two_factors,
    window,
)

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.ms_ssim": (
        "`pytorch_msssim.ms_ssim(data_range=1, size_average=False)` with a float64 window, "
        "sides 176 and 112; in NumPy, in a loop over windows, at small sides",
        "absolute 1e-12; float32 6e-7",
        "yes",
    ),
    "losses.ssim": (
        "`skimage.metrics.structural_similarity(data_range=1, gaussian_weights=True, "
        "sigma=1.5, use_sample_covariance=False)`; `pytorch_msssim.ssim` with a float64 "
        "window; the map of torchmetrics, cropped by 5",
        "absolute 1e-12; float32 6e-7",
        "yes, twice",
    ),
    "losses.ssim_comparisons": (
        "luminance, contrast and structure in a loop over windows, weighted moments by NumPy; "
        "their product is the map of `ssim`",
        "absolute 1e-10, float64",
        "yes",
        "test_smooth.py",
    ),
    "losses.ssim_loss": (
        "by hand: a black and a white image",
        "absolute 1e-9",
        "yes",
    ),
}

FLOATS = pytest.mark.parametrize(
    "dtype, atol", [(torch.float32, 6e-7), (torch.float64, 1e-12)]
)  # 4e-7 was the worst of 400 pairs
SHAPES = [(3, 1, 28, 28), (2, 3, 11, 17), (1, 2, 11, 11), (2, 1, 33, 20)]
SCALED = [
    ((2, 1, 28, 28), None, 11),
    ((2, 3, 28, 28), 3, 7),
    ((2, 1, 28, 30), 4, 3),
    ((1, 2, 23, 24), 2, 11),
    ((1, 1, 11, 11), 1, 11),
]


def pair(shape=(3, 1, 28, 28), dtype=torch.float64, noise=0.15, seed=0):
    """Smooth images from 0 to 1, flat in places, and noisy copies of them."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((*shape[:2], 4, 4), generator=generator, dtype=torch.float64)
    x = F.interpolate((3 * coarse - 1).clamp(0, 1), shape[2:], mode="bilinear")
    return (x + noise * torch.randn(shape, generator=generator, dtype=torch.float64)).clamp(
        0, 1
    ).to(dtype), x.to(dtype)


def rounding(dtype):
    """Largest error of a map: variances are differences of squares up to 1, over C2 >= 9e-4."""
    return 2 * torch.finfo(dtype).eps / 9e-4


@FLOATS
@pytest.mark.parametrize("shape", SHAPES)
def test_it_agrees_with_scikit_image(shape, dtype, atol, library):
    x_hat, x = pair(shape, dtype)
    theirs = library("skimage.metrics").structural_similarity
    wanted = [
        theirs(
            a,
            b,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            channel_axis=0,
            use_sample_covariance=False,
        )
        for a, b in zip(x_hat.double().numpy(), x.double().numpy(), strict=True)
    ]
    np.testing.assert_allclose(ssim(x_hat, x, "none"), wanted, rtol=0, atol=atol)


@FLOATS
@pytest.mark.parametrize("data_range", [1.0, 255])
def test_it_agrees_with_pytorch_msssim(dtype, atol, data_range, library):
    x_hat, x = (data_range * t for t in pair((3, 2, 28, 28), dtype))
    win = window(11, 1.5, x.double()).repeat(2, 1, 1, 1)  # theirs is single precision
    wanted = library("pytorch_msssim").ssim(
        x_hat.double(), x.double(), data_range=data_range, size_average=False, win=win
    )
    torch.testing.assert_close(
        ssim(x_hat, x, "none", data_range).double(), wanted, rtol=0, atol=atol
    )


@FLOATS
def test_its_map_is_that_of_torchmetrics_inside_the_border(dtype, atol, library):
    x_hat, x = pair((3, 1, 28, 28), dtype)
    theirs = library("torchmetrics.functional.image").structural_similarity_index_measure
    wanted = theirs(x_hat.double(), x.double(), data_range=1.0, return_full_image=True)[1][
        ..., 5:-5, 5:-5
    ]
    luminance, contrast_structure = two_factors(x_hat, x, 1.0, 11, 1.5)
    assert (luminance * contrast_structure - wanted).abs().max() < rounding(dtype)
    assert ssim(x_hat, x).item() == pytest.approx(wanted.mean().item(), abs=atol)


@FLOATS
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size, sigma", [(11, 1.5), (7, 1.0), (1, 1.5)])
def test_the_fast_form_is_the_readable_one(shape, dtype, atol, size, sigma):
    x = pair(shape, dtype)[0].flatten(0, 1)
    weights = window(size, sigma, x)
    means = local_means(x, band_matrix(weights, shape[2]), band_matrix(weights, shape[3]))
    torch.testing.assert_close(means, local_means_by_convolution(x, weights), rtol=0, atol=atol)
    readable = ssim_comparisons(*pair(shape, dtype), 1.0, size, sigma)
    luminance, contrast_structure = two_factors(*pair(shape, dtype), 1.0, size, sigma)
    torch.testing.assert_close(luminance, readable.luminance, rtol=0, atol=atol)
    torch.testing.assert_close(
        contrast_structure, readable.contrast * readable.structure, rtol=0, atol=rounding(dtype)
    )
    torch.testing.assert_close(
        ssim(*pair(shape, dtype), "none", 1.0, size, sigma),
        ssim_by_convolution(*pair(shape, dtype), 1.0, size, sigma),
        rtol=0,
        atol=rounding(dtype),
    )


@pytest.fixture(scope="module")
def hard_pairs():
    """Pairs, (32, 1, 28, 28): variances that are small differences of squares, or near images."""
    generator, shape = torch.Generator().manual_seed(0), (32, 1, 28, 28)
    noise, level = (
        torch.randn(shape, generator=generator),
        torch.rand((2, 32, 1, 1, 1), generator=generator),
    )
    patches, written = (
        pair(shape, torch.float32, noise=0)[1],
        load_images("digits", device="cpu", quiet=True).train[:32],
    )
    half = (torch.arange(28) >= 14).float().expand(shape)
    return {
        "noise": (noise + 0.2 * noise.roll(1, 0), noise),
        "flat": (level[0].expand(shape), level[1].expand(shape)),
        "white": (1 + 0.03 * noise, torch.ones(shape)),
        "black": (0.03 * noise, torch.zeros(shape)),
        "nearly equal": (patches + 1e-4 * noise, patches),
        "others": (patches.roll(1, 0), patches),
        "digits": ((written + 0.1 * noise).clamp(0, 1), written),
        "other digits": (written.roll(1, 0), written),
        "negatives": (1 - written, written),
        "pale digits": (1 - written + 0.03 * noise, 1 - written),
        "half white": (half + 0.03 * noise, half),
    }


@pytest.mark.parametrize(
    "name, atol",
    [
        (name, 6e-7)
        for name in (
            "noise",
            "flat",
            "white",
            "black",
            "nearly equal",
            "others",
            "digits",
            "other digits",
            "negatives",
            "pale digits",
        )
    ]
    + [("half white", 4e-6)],
)
def test_single_precision_is_near_double(name, atol, hard_pairs):
    """Flat, dark, bright or equal images lose no digits; noise near a sharp edge loses some."""
    x_hat, x = hard_pairs[name]
    torch.testing.assert_close(
        ssim(x_hat, x, "none").double(), ssim(x_hat.double(), x.double(), "none"), rtol=0, atol=atol
    )
    gradients = [
        torch.autograd.grad(ssim(t.requires_grad_(), x.to(t.dtype), "sum"), t)[0].double()
        for t in (x_hat.clone(), x_hat.double())
    ]
    single, double = gradients
    # 2e-5 for the flat images, whose gradients are tiny
    assert (single - double).norm() < 1e-4 * double.norm()


def test_the_similarity_of_equal_images_is_exactly_one():
    x = pair((8, 1, 28, 28), torch.float32)[1]
    assert (ssim(x, x, "none") == 1).all()


def test_the_window_is_a_gaussian_that_sums_to_one():
    weights = window(11, 1.5, torch.zeros(1, dtype=torch.float64))
    places = np.arange(-5, 6)
    np.testing.assert_allclose(
        weights, np.exp(-(places**2) / 4.5) / np.exp(-(places**2) / 4.5).sum(), rtol=1e-14
    )
    assert band_matrix(weights, 13).shape == (3, 13) and torch.equal(
        band_matrix(weights, 13)[1], F.pad(weights, (1, 1))
    )


@pytest.mark.parametrize(
    "reduction, value",
    [("none", [1.0, 1e-4 / 1.0001]), ("mean", 0.5 + 0.5e-4 / 1.0001), ("sum", 1 + 1e-4 / 1.0001)],
)
def test_a_black_and_a_white_image_by_hand(reduction, value):
    """Flat images have no contrast and no structure: the similarity is C1 / (1 + C1), C1 = 1e-4."""
    x_hat, x = (
        torch.ones(2, 1, 11, 12, dtype=torch.float64),
        torch.ones(2, 1, 11, 12, dtype=torch.float64),
    )
    x_hat[1] = 0
    assert ssim(x_hat, x, reduction).tolist() == pytest.approx(value, rel=1e-9)
    loss = (
        [1 - v for v in value]
        if reduction == "none"
        else 2 * (reduction == "sum") + (reduction == "mean") - value
    )
    assert ssim_loss(x_hat, x, reduction).tolist() == pytest.approx(loss, abs=1e-9)


def test_one_window_by_hand():
    """A window of one pixel has no variance: only luminance, (2 ab + C1) / (a^2 + b^2 + C1)."""
    a, b = torch.tensor([[[[0.2]]]]), torch.tensor([[[[0.6]]]])
    assert ssim(a, b, window_size=1).item() == pytest.approx((0.24 + 1e-4) / (0.4 + 1e-4), rel=1e-5)
    assert ssim(2 * a, 2 * b, data_range=2.0, window_size=1).item() == pytest.approx(
        (0.24 + 1e-4) / (0.4 + 1e-4), rel=1e-5
    )


def test_equal_images_have_one_and_a_photographic_negative_is_below_zero():
    x = pair()[1]
    torch.testing.assert_close(ssim(x, x, "none"), torch.ones(3, dtype=torch.float64))
    grey = 0.5 + 0.1 * torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert ssim(1 - grey, grey).item() < -0.5


def test_it_is_symmetric_and_invariant_to_flips_and_transposes():
    x_hat, x = pair((3, 2, 19, 28))
    for changed in (
        (x, x_hat),
        (x_hat.mT, x.mT),
        (x_hat.flip(-1), x.flip(-1)),
        (x_hat.flip(1), x.flip(1)),
    ):
        torch.testing.assert_close(ssim(*changed, "none"), ssim(x_hat, x, "none"))


def test_the_three_comparisons_multiply_to_the_map():
    x_hat, x = pair((3, 2, 28, 20))
    parts = ssim_comparisons(x_hat, x)
    luminance, contrast_structure = two_factors(x_hat, x, 1.0, 11, 1.5)
    torch.testing.assert_close(
        parts.luminance * parts.contrast * parts.structure, luminance * contrast_structure
    )
    assert all(part.shape == (3, 2, 18, 10) and part.max() <= 1 + 1e-12 for part in parts)


@pytest.mark.parametrize(
    "change, moved",
    [
        (lambda x: x + 0.2, "luminance"),
        (lambda x: 0.25 + x / 2, "contrast"),
        (lambda x: x.flip(-1), "structure"),
    ],
)
def test_each_comparison_is_lowered_by_its_own_change(change, moved):
    """Stripes of four pixels around one half: brighter, paler, or in another phase."""
    x = (
        (0.5 + 0.2 * torch.sin(2 * math.pi * (torch.arange(31) + 1) / 4))[None, None, None]
        .expand(1, 1, 31, 31)
        .double()
    )
    lowest = {
        name: part.mean().item() for name, part in ssim_comparisons(change(x), x)._asdict().items()
    }
    assert (
        min(lowest, key=lowest.get) == moved and sum(value < 0.99 for value in lowest.values()) == 1
    ), lowest


def test_a_shift_of_brightness_and_a_blur_of_equal_squared_error_differ():
    x = pair(noise=0)[1] + 0.1 * torch.randn(
        3, 1, 28, 28, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    shifted = x + (blurred - x).square().mean((1, 2, 3), keepdim=True).sqrt()
    torch.testing.assert_close(
        (shifted - x).square().mean((1, 2, 3)), (blurred - x).square().mean((1, 2, 3))
    )
    assert (ssim(shifted, x, "none") > ssim(blurred, x, "none") + 0.1).all()


@pytest.mark.parametrize("function", [ssim, ssim_loss, ms_ssim])
def test_reductions_agree_and_a_doubled_batch_does_not_move_a_mean(function):
    x_hat, x = pair((3, 2, 28, 28))
    each = function(x_hat, x, "none")
    assert each.shape == (3,)
    assert (
        function(x_hat, x).item()
        == function(x_hat, x, "mean").item()
        == pytest.approx(each.mean().item())
    )
    assert function(x_hat, x, "sum").item() == pytest.approx(each.sum().item())
    assert function(torch.cat([x_hat, x_hat]), torch.cat([x, x])).item() == pytest.approx(
        each.mean().item()
    )


@pytest.mark.parametrize("function", [ssim, ssim_loss, ms_ssim])
def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation(function):
    x_hat, x = pair((2, 1, 13, 12))
    leaf = x_hat.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda a: function(a, x, "none", window_size=5), leaf)
    rows = torch.vmap(lambda a, b: function(a[None], b[None]))(x_hat, x)
    torch.testing.assert_close(rows, function(x_hat, x, "none"))
    torch.testing.assert_close(
        torch.compile(function, backend="eager", fullgraph=True)(x_hat, x), function(x_hat, x)
    )


def test_it_has_a_second_derivative():
    leaves = [images.clone().requires_grad_() for images in pair((1, 1, 5, 4))]
    assert torch.autograd.gradgradcheck(lambda a, b: ssim(a, b, window_size=3), leaves)


@pytest.mark.parametrize("function", [ssim, ssim_loss])
def test_the_gradient_that_can_be_differentiated_again_is_the_same(function):
    """Two forms of it: one written by hand, one by autograd, each of an unlike pair of images."""
    leaves = [images.requires_grad_() for images in pair((2, 1, 9, 7))]
    value = function(*leaves, window_size=3)
    plain = torch.autograd.grad(value, leaves, retain_graph=True)
    again = torch.autograd.grad(value, leaves, create_graph=True)
    assert (plain[0] - plain[1]).abs().max() > 0.01, "the two slopes differ"
    for ours, theirs in zip(plain, again, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def transformed(x_hat, x, **settings):
    """Computed under a transform, which uses another form."""
    return torch.vmap(lambda a, b: ssim(a[None], b[None], **settings))(x_hat, x)


@pytest.mark.parametrize("function", [ssim, ssim_loss, ms_ssim, transformed, ssim_comparisons])
def test_the_data_range_is_the_unit_of_the_data(function):
    x_hat, x = pair((2, 1, 16, 16))
    seen = function(255 * x_hat, 255 * x, data_range=255, window_size=7)
    wanted = function(x_hat, x, window_size=7)
    torch.testing.assert_close(seen, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("autocast", [False, True])
def test_the_gradient_by_hand_equals_that_of_autograd(autocast):
    """For both images: several channels, not square, weighted unequally; also in autocast."""
    leaves, weights = (
        [images.requires_grad_() for images in pair((3, 2, 15, 12), torch.float32)],
        torch.tensor([1.0, -2.0, 0.5]),
    )
    by_hand = ssim(*leaves, "none") @ weights
    wanted = torch.autograd.grad(ssim_per_image(*leaves, 1.0, 11, 1.5) @ weights, leaves)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        gradients = torch.autograd.grad(by_hand, leaves)
    for gradient, other in zip(gradients, wanted, strict=True):
        assert (gradient - other).norm() < 1e-5 * other.norm()


def test_a_flat_image_has_a_finite_gradient():
    x_hat = torch.full((2, 1, 28, 28), 0.5, requires_grad=True)
    (
        ssim_loss(x_hat, torch.zeros(2, 1, 28, 28)) - ms_ssim(x_hat, torch.zeros(2, 1, 28, 28))
    ).backward()
    assert x_hat.grad.isfinite().all() and x_hat.grad.abs().max() > 0


@pytest.mark.parametrize("function", [ssim, ms_ssim])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single(dtype, function):
    x_hat, x = pair(dtype=dtype)
    assert ssim(x_hat, x).dtype == torch.float32
    torch.testing.assert_close(ssim(x_hat, x), ssim(x_hat.float(), x.float()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = function(x_hat.float(), x.float())
    assert torch.equal(inside, function(x_hat.float(), x.float()))


@FLOATS
@pytest.mark.parametrize("side, size, scales", [(176, 11, 5), (176, 11, 3), (112, 7, 4)])
def test_several_scales_agree_with_pytorch_msssim(dtype, atol, side, size, scales, library):
    x_hat, x = pair((2, 2, side, side), dtype, noise=0.3)
    weights = np.array(SCALE_WEIGHTS[:scales]) / (sum(SCALE_WEIGHTS[:scales]) if scales < 5 else 1)
    wide, win = (x_hat.double(), x.double()), window(size, 1.5, x.double()).repeat(2, 1, 1, 1)
    wanted = library("pytorch_msssim").ms_ssim(
        *wide, data_range=1.0, size_average=False, win=win, weights=weights.tolist()
    )
    torch.testing.assert_close(
        ms_ssim(x_hat, x, "none", scales=scales, window_size=size).double(),
        wanted,
        rtol=0,
        atol=atol,
    )


@FLOATS
@pytest.mark.parametrize("shape, scales, size", SCALED)
def test_several_scales_agree_with_numpy_at_small_sizes(shape, scales, size, dtype, atol):
    x_hat, x = pair(shape, dtype)
    pairs = zip(x_hat.double().numpy(), x.double().numpy(), strict=True)
    wanted = [
        np.mean([by_numpy(a, b, scales or 2, size) for a, b in zip(*images, strict=True)])
        for images in pairs
    ]
    np.testing.assert_allclose(
        ms_ssim(x_hat, x, "none", scales=scales, window_size=size), wanted, rtol=0, atol=atol
    )


def by_numpy(a, b, scales, size):
    """Multi-scale similarity of two planes, in a loop over windows."""
    places = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(places[:, None] ** 2 + places**2) / 4.5)
    weights /= weights.sum()
    exponents, product = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales]), 1.0
    for scale, exponent in enumerate(exponents / exponents.sum(), 1):
        height, width = a.shape
        factors = []
        for i in range(height - size + 1):
            for j in range(width - size + 1):
                p, q = a[i : i + size, j : j + size], b[i : i + size, j : j + size]
                mean_p, mean_q = (weights * p).sum(), (weights * q).sum()
                covariance = (weights * (p - mean_p) * (q - mean_q)).sum()
                variances = (weights * (p - mean_p) ** 2).sum() + (
                    weights * (q - mean_q) ** 2
                ).sum()
                luminance = (2 * mean_p * mean_q + 1e-4) / (mean_p**2 + mean_q**2 + 1e-4)
                factors.append(
                    (2 * covariance + 9e-4)
                    / (variances + 9e-4)
                    * (luminance if scale == scales else 1)
                )
        product *= max(np.mean(factors), 0) ** exponent
        a, b = (
            t[: height // 2 * 2, : width // 2 * 2]
            .reshape(height // 2, 2, width // 2, 2)
            .mean((1, 3))
            for t in (a, b)
        )
    return product


def test_one_scale_is_the_similarity_itself():
    x_hat, x = pair()
    torch.testing.assert_close(ms_ssim(x_hat, x, "none", scales=1), ssim(x_hat, x, "none"))


@pytest.mark.parametrize(
    "sides, size, room",
    [
        ((28, 28), 11, 2),
        ((28, 28), 7, 3),
        ((28, 28), 3, 4),
        ((28, 28), 1, 5),
        ((176, 200), 11, 5),
        ((175, 200), 11, 4),
        ((500, 21), 11, 1),
        ((64, 64), 11, 3),
    ],
)
def test_by_default_there_are_as_many_scales_as_fit(sides, size, room):
    x_hat, x = pair((1, 1, *sides))
    assert (
        ms_ssim(x_hat, x, window_size=size).item()
        == ms_ssim(x_hat, x, scales=room, window_size=size).item()
    )
    if room < 5:
        with pytest.raises(ValueError, match=f"at most {room}: use fewer scales"):
            ms_ssim(x_hat, x, scales=room + 1, window_size=size)


def test_a_negative_scale_makes_zero_and_no_nan():
    grey = 0.5 + 0.1 * torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x_hat = (1 - grey).requires_grad_()
    value = ms_ssim(x_hat, grey)
    value.backward()
    assert value.item() == 0 and (x_hat.grad == 0).all()


def test_a_negative_scale_has_finite_second_derivatives():
    """Of two images one is clipped: its derivatives are zero, those of the other as if alone."""
    x_hat, x = pair((1, 1, 6, 6))
    both = torch.cat([x_hat, 1 - x]).requires_grad_()
    at = torch.cat([x, x])
    assert ms_ssim(both, at, "none", window_size=3)[1] == 0
    assert torch.autograd.gradgradcheck(lambda a: ms_ssim(a, at, window_size=3, scales=2), both)


@pytest.mark.parametrize("function", [ssim, ssim_loss, ssim_comparisons, ms_ssim])
@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"x": torch.zeros(3, 1, 28, 27)}, ValueError, "expected the same"),
        ({"x": torch.zeros(3, 1, 28, 28).double()}, TypeError, "torch.float64"),
        (
            {"x_hat": torch.zeros(28, 28), "x": torch.zeros(28, 28)},
            ValueError,
            r"expected images of shape \(B, C, H, W\)",
        ),
        (
            {"x_hat": torch.zeros(2, 1, 8, 10), "x": torch.zeros(2, 1, 8, 10)},
            ValueError,
            "window_size is 11 .* 8 x 10; expected an odd number, at most 7",
        ),
        (
            {"x_hat": torch.zeros(2, 1, 12, 9), "x": torch.zeros(2, 1, 12, 9)},
            ValueError,
            "12 x 9; expected an odd number, at most 9",
        ),
        (
            {"window_size": 10},
            ValueError,
            "window_size is 10 .* expected an odd number, at most 27",
        ),
        ({"window_size": 0}, ValueError, "window_size is 0; expected a positive int"),
        ({"data_range": 0}, ValueError, "data_range is 0"),
        ({"sigma": -1.0}, ValueError, "sigma is -1.0"),
    ],
)
def test_what_does_not_fit_is_refused(function, change, error, words):
    with pytest.raises(error, match=words):
        function(**{"x_hat": torch.zeros(3, 1, 28, 28), "x": torch.zeros(3, 1, 28, 28), **change})


@pytest.mark.parametrize("function", [ssim, ssim_loss, ms_ssim])
def test_batchmean_is_refused_because_each_image_has_one_value(function):
    with pytest.raises(
        ValueError, match="reduction is 'batchmean'; expected one of 'mean', 'sum', 'none'"
    ):
        function(*pair(), "batchmean")


@pytest.mark.parametrize(
    "scales, words",
    [
        (
            5,
            "scales is 5 and x has images of 28 x 28; .* at most 2: use fewer scales, "
            "a window_size of at most 1, or images with sides of at least 176",
        ),
        (3, "a window_size of at most 7, or images with sides of at least 44"),
        (6, r"scales is 6; expected one of 1, 2, 3, 4, 5"),
        (0, "scales is 0"),
    ],
)
def test_the_error_of_scales_says_which_sizes_work(scales, words):
    with pytest.raises(ValueError, match=words):
        ms_ssim(*pair(), scales=scales)


def test_the_window_that_would_fit_is_odd():
    with pytest.raises(
        ValueError,
        match="at most 1: use fewer scales, a window_size of at most 13, "
        "or images with sides of at least 30",
    ):
        ms_ssim(*pair(), scales=2, window_size=15)


def test_images_too_small_for_many_scales_are_refused():
    with pytest.raises(
        ValueError, match="at most 3: use fewer scales, or images with sides of at least 16"
    ):
        ms_ssim(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), scales=5, window_size=1)


def test_each_of_the_three_maps_equals_its_definition():
    """In a loop over windows, with weighted moments by NumPy."""
    x_hat, x = pair((1, 1, 14, 13))
    distance = np.arange(7) - 3
    weights = np.exp(-(distance**2) / (2 * 1.2**2))
    weights = np.outer(weights, weights) / weights.sum() ** 2
    maps = ssim_comparisons(x_hat, x, 1.0, 7, 1.2)
    for i in range(8):
        for j in range(7):
            a, b = (image[0, 0, i : i + 7, j : j + 7].numpy() for image in (x_hat, x))
            m, n = (weights * a).sum(), (weights * b).sum()
            s, t = (
                math.sqrt((weights * (image - mean) ** 2).sum()) for image, mean in ((a, m), (b, n))
            )
            st = (weights * (a - m) * (b - n)).sum()
            wanted = (
                (2 * m * n + 1e-4) / (m * m + n * n + 1e-4),
                (2 * s * t + 9e-4) / (s * s + t * t + 9e-4),
                (2 * st + 9e-4) / (2 * s * t + 9e-4),
            )
            assert [part[0, 0, i, j].item() for part in maps] == pytest.approx(wanted, abs=1e-10)


def test_comparisons_do_not_depend_on_the_origin_in_contrast_and_structure():
    """At 256 a mean is known to 3e-5, a deviation of 0.1 squared to 1e-5; a square to 8e-3."""
    x_hat, x = (torch.round(t * 64) / 64 for t in pair((2, 1, 14, 14), torch.float32))
    near, far = ssim_comparisons(x_hat, x), ssim_comparisons(x_hat + 256, x + 256)
    torch.testing.assert_close(far.contrast, near.contrast, rtol=0, atol=1e-3)
    torch.testing.assert_close(far.structure, near.structure, rtol=0, atol=1e-3)


@pytest.mark.parametrize("function", [ssim, ssim_loss, ms_ssim, ssim_comparisons])
def test_forward_mode_gives_the_derivative_of_the_value(function):
    """In the direction of either image; the reverse mode in between keeps its fast form."""
    x_hat, x = pair((2, 1, 9, 8), torch.float64)
    assert torch.autograd.gradcheck(
        lambda a, b: function(a, b, window_size=3),
        (x_hat.requires_grad_(), x.requires_grad_()),
        check_forward_ad=True,
        check_backward_ad=False,
    )
    with torch.autograd.forward_ad.dual_level():
        assert ssim(x_hat, x, window_size=3).grad_fn is not None
