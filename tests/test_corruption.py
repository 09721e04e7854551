"""The four corruptions against the distributions that they claim; their seeds."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from aecourse.corruption import (
    bernoulli_mask,
    block_mask,
    blocks,
    gaussian,
    masking,
    salt_and_pepper,
)

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "corruption.blocks": (
        "through `block_mask`: its pixels get the value, no others",
        "exact",
        "no",
    ),
    "corruption.bernoulli_mask": (
        "`scipy.stats.binomtest` of the share that `masking` hides",
        "p > 0.01",
        "draws",
    ),
    "corruption.block_mask": (
        "by counting: one square inside each image; `scipy.stats.chisquare` of its positions",
        "exact; p > 0.01",
        "draws",
    ),
    "corruption.gaussian": (
        "`scipy.stats.kstest` to a normal; mean, variance, correlation with the data",
        "p > 0.01; 4 standard errors",
        "no",
    ),
    "corruption.masking": (
        "`scipy.stats.binomtest`; the second moments q² S + q (1 - q) diag S",
        "p > 0.01; moments 2 %",
        "no",
    ),
    "corruption.salt_and_pepper": (
        "`scipy.stats.binomtest` of the share, and of salt against pepper",
        "p > 0.01",
        "no",
    ),
    "device.as_generator": (
        "through `masking` and the others: a seed equals the generator with that seed",
        "exact",
        "draws",
    ),
}

FOUR = {
    "gaussian": functools.partial(gaussian, sigma=0.3),
    "salt_and_pepper": functools.partial(salt_and_pepper, p=0.3),
    "masking": functools.partial(masking, p=0.3),
    "blocks": functools.partial(blocks, size=3),
}
EACH = pytest.mark.parametrize("corrupt", FOUR.values(), ids=FOUR)
ENTRYWISE = pytest.mark.parametrize(
    "corrupt", [FOUR["gaussian"], FOUR["salt_and_pepper"], FOUR["masking"]]
)


def at_share(corrupt, x, generator, p):
    return corrupt(x, p, generator)


def images(shape=(4, 3, 8, 7), dtype=torch.float32):
    return (
        0.1
        + 0.8 * torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ).to(dtype)


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype_stay_and_the_input_is_not_changed(corrupt, dtype):
    x = images(dtype=dtype)
    before, noisy = x.clone(), corrupt(x, generator=0)
    assert (
        noisy.shape == x.shape
        and noisy.dtype == dtype
        and torch.equal(x, before)
        and not torch.equal(noisy, x)
    )


@EACH
def test_draws_depend_on_the_seed_and_not_on_the_global_generator(corrupt):
    x = images()
    torch.manual_seed(5)
    state, first = torch.get_rng_state(), corrupt(x, generator=3)
    assert torch.equal(torch.get_rng_state(), state), "the global generator is not used"
    torch.manual_seed(6)
    assert torch.equal(first, corrupt(x, generator=3)) and torch.equal(
        first, corrupt(x, generator=torch.Generator().manual_seed(3))
    )
    assert not torch.equal(first, corrupt(x, generator=4))
    generator = torch.Generator().manual_seed(3)
    assert torch.equal(first, corrupt(x, generator=generator)) and not torch.equal(
        first, corrupt(x, generator=generator)
    ), "its state advances"


@EACH
def test_the_same_entries_are_corrupted_at_any_precision(corrupt):
    x = images(dtype=torch.float64)
    torch.testing.assert_close(
        corrupt(x.float(), generator=0).double(), corrupt(x, generator=0), rtol=0, atol=1e-6
    )


@ENTRYWISE
@pytest.mark.parametrize("shape", [(1,), (7,), (1, 1), (5, 12), (4, 3, 5, 7), (2, 1, 1, 1)])
def test_any_shape_can_be_corrupted(corrupt, shape):
    assert corrupt(torch.full(shape, 0.5), generator=0).shape == shape


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_gaussian_noise_is_normal_and_independent_of_the_data(sigma):
    x = images((200, 1, 28, 28))
    noise = (gaussian(x, sigma, 0) - x).double().flatten()
    assert stats.kstest(noise[:20000] / sigma, "norm").pvalue > 0.01
    n = len(noise)
    assert abs(noise.mean()) < 4 * sigma / math.sqrt(n) and abs(
        noise.var() / sigma**2 - 1
    ) < 4 * math.sqrt(2 / n)
    assert abs(np.corrcoef(noise, x.flatten())[0, 1]) < 4 / math.sqrt(n)


def test_gaussian_noise_leaves_the_unit_interval_unless_clipped():
    x = images((20, 1, 28, 28))
    noisy, clipped = gaussian(x, 0.5, 0), gaussian(x, 0.5, 0, clip=True)
    assert noisy.min() < 0 and noisy.max() > 1
    assert torch.equal(clipped, noisy.clamp(0, 1))


def test_sigma_may_differ_between_samples():
    x = torch.zeros(3, 1000)
    deviations = gaussian(x, torch.tensor([[0.0], [1.0], [2.0]]), 0).std(1)
    assert deviations[0] == 0 and deviations[1:].tolist() == pytest.approx([1, 2], rel=0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_of_any_dtype_may_be_sigma(dtype):
    x = torch.zeros(3, 4, dtype=dtype)
    for wide in (torch.float32, torch.float64):
        noisy = gaussian(x, torch.full((3, 1), 0.5, dtype=wide), 0)
        assert noisy.dtype == dtype
        torch.testing.assert_close(noisy, gaussian(x, 0.5, 0), rtol=2e-3, atol=0)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.75, 1.0])
def test_masking_hides_a_share_p_and_does_not_rescale_the_rest(p):
    x = images((100, 1, 28, 28))
    masked = masking(x, p, 0)
    hidden = bernoulli_mask(x, p, 0)
    assert (masked[hidden] == 0).all() and torch.equal(masked[~hidden], x[~hidden])
    assert stats.binomtest(int(hidden.sum()), hidden.numel(), p).pvalue > 0.01


def test_a_probability_may_be_a_tensor_that_a_sweep_maps_over():
    """The same entries as for a number, in a loop and under `vmap`; a column: one share a row."""
    x, shares = images(), torch.tensor([0.0, 0.3, 1.0])
    for corrupt in (masking, salt_and_pepper):
        wanted = torch.stack([corrupt(x, p, 3) for p in shares.tolist()])
        assert torch.equal(torch.stack([corrupt(x, p, 3) for p in shares]), wanted)
        assert torch.equal(torch.stack([corrupt(x, p, 3) for p in shares.double()]), wanted), (
            "of any dtype"
        )
        generator = torch.Generator().manual_seed(3)
        assert torch.equal(
            torch.vmap(functools.partial(at_share, corrupt, x, generator), randomness="same")(
                shares
            ),
            wanted,
        )
    hidden = bernoulli_mask(torch.zeros(3, 5000), shares[:, None], 0)
    assert hidden.float().mean(1).tolist() == pytest.approx(
        [0, 0.3, 1], abs=4 * math.sqrt(0.21 / 5000)
    )


def test_masking_makes_the_second_moments_of_the_linear_denoiser():
    """Q = q^2 S + q (1 - q) diag S for the kept share q; a mask of whole rows would violate it."""
    q, x = 0.7, images((1, 6), torch.float64).expand(200000, 6)
    masked, moments = masking(x, 1 - q, 0), x[0].outer(x[0])
    wanted = q**2 * moments + q * (1 - q) * moments.diag().diag()
    torch.testing.assert_close(masked.T @ masked / len(x), wanted, rtol=0.02, atol=0)


@pytest.mark.parametrize("p, low, high", [(0.3, 0.0, 1.0), (0.05, -1.0, 1.0)])
def test_salt_and_pepper_replaces_a_share_p_by_two_equally_likely_values(p, low, high):
    x = images((100, 1, 28, 28))
    noisy = salt_and_pepper(x, p, 0, low, high)
    pepper = noisy == low
    salt = noisy == high
    left = noisy == x
    assert (pepper.int() + salt.int() + left.int() == 1).all()
    changed = int((~left).sum())
    assert stats.binomtest(changed, x.numel(), p).pvalue > 0.01
    assert stats.binomtest(int(salt.sum()), changed, 0.5).pvalue > 0.01


@pytest.mark.parametrize("p, values", [(0.0, None), (1.0, [0.0, 1.0])])
def test_salt_and_pepper_replaces_nothing_at_p_0_and_everything_at_p_1(p, values):
    x = images()
    noisy = salt_and_pepper(x, p, 0)
    assert torch.equal(noisy, x) if values is None else noisy.unique().tolist() == values


@pytest.mark.parametrize(
    "shape, size",
    [((300, 1, 8, 8), 3), ((300, 3, 6, 9), 6), ((300, 1, 5, 5), 5), ((300, 2, 4, 4), 1)],
)
def test_a_block_is_one_square_inside_each_image_in_every_channel(shape, size):
    x = images(shape)
    hidden = block_mask(x, size, 0)
    assert hidden.shape == (shape[0], 1, *shape[2:]) and (hidden.sum((1, 2, 3)) == size**2).all()
    rows, columns = hidden.any(3)[:, 0], hidden.any(2)[:, 0]
    for side in (rows, columns):
        first = side.int().argmax(1)
        assert (side.sum(1) == size).all() and all(
            side[i, f : f + size].all() for i, f in enumerate(first)
        ), "its pixels are adjacent"
    corrupted = blocks(x, size, 0)
    assert torch.equal(corrupted, x.where(~hidden, 0)) and torch.equal(
        blocks(x, size, 0, value=0.5), x.where(~hidden, 0.5)
    )


def test_every_position_of_a_block_is_equally_likely():
    hidden = block_mask(torch.zeros(6000, 1, 6, 5), 3, 0)
    rows, columns = hidden.any(3)[:, 0].int().argmax(1), hidden.any(2)[:, 0].int().argmax(1)
    counts = torch.bincount(3 * rows + columns)
    assert len(counts) == 12 and stats.chisquare(counts).pvalue > 0.01


def test_more_blocks_hide_more_and_may_overlap():
    areas = block_mask(torch.zeros(400, 1, 8, 8), 3, 0, count=2).sum((1, 2, 3))
    assert areas.max() == 18 and areas.min() < 18 and (areas >= 9).all()


@EACH
@pytest.mark.parametrize("generator, words", [(None, "NoneType"), (0.5, "float"), (True, "bool")])
def test_anything_but_a_generator_or_a_seed_is_refused(corrupt, generator, words):
    with pytest.raises(
        TypeError, match=f"generator is a {words}; expected a torch.Generator or an integer seed"
    ):
        corrupt(images(), generator=generator)


@EACH
def test_bytes_are_refused(corrupt):
    with pytest.raises(TypeError, match=r"x has dtype torch.uint8; .* divide by 255"):
        corrupt(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), generator=0)


@EACH
def test_a_generator_on_another_device_is_refused(corrupt):
    with pytest.raises(ValueError, match="generator is on cpu and x on meta"):
        corrupt(torch.zeros(2, 1, 8, 8, device="meta"), generator=torch.Generator())


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda x: gaussian(x, -0.1, 0),
            "sigma is -0.1; expected a standard deviation of zero or more",
        ),
        (lambda x: gaussian(x, math.nan, 0), "sigma is nan"),
        (lambda x: masking(x, 1.5, 0), r"p is 1.5; expected a probability in \[0, 1\]"),
        (lambda x: salt_and_pepper(x, -0.5, 0), "p is -0.5"),
        (
            lambda x: blocks(x, 8, 0),
            "size is 8 and x has images of 8 x 7; expected a square that fits: at most 7",
        ),
        (lambda x: blocks(x, 0, 0), "size is 0; expected a positive int"),
        (lambda x: blocks(x, 3, 0, count=0), "count is 0"),
        (lambda x: blocks(x.flatten(1), 3, 0), r"x has shape \(4, 168\); expected images"),
    ],
)
def test_values_out_of_range_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(images())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@EACH
def test_it_draws_on_the_device(corrupt):
    x = images().cuda()
    noisy = corrupt(x, generator=0)
    assert noisy.device == x.device and torch.equal(
        noisy, corrupt(x, generator=torch.Generator("cuda").manual_seed(0))
    )
