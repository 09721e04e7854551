"""The pyramid against means of blocks in NumPy and scikit-image; what coarse levels can't see."""

import numpy as np
import pytest
import torch

from aecourse.losses.multi_scale import multi_scale_levels, multi_scale_loss, pyramid
from aecourse.losses.squared_error import mse

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.multi_scale_loss": (
        "means of blocks in NumPy",
        "10 × 1e-14; float32 10 × 1e-6",
        "yes",
    ),
    "losses.multi_scale_levels": (
        "means of blocks in NumPy, weighted and summed",
        "10 × 1e-14; float32 10 × 1e-6",
        "through `multi_scale_loss`",
    ),
    "losses.pyramid": (
        "`skimage.measure.block_reduce(x, (1, 1, 2**level, 2**level), np.mean)`",
        "1e-14; float32 1e-6",
        "through `multi_scale_loss`",
    ),
}

FLOATS = pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-6), (torch.float64, 1e-14)])
SHAPES = [
    ((2, 1, 28, 28), 3),
    ((3, 2, 8, 12), 3),
    ((1, 1, 1, 1), 1),
    ((2, 3, 5, 7), 1),
    ((1, 1, 32, 16), 5),
]
WEIGHTS = (1.0, 0.5, 2.0, 0.25, 3.0)


def pair(shape, dtype=torch.float64):
    return torch.rand(
        2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).to(dtype)


@FLOATS
@pytest.mark.parametrize("shape, levels", SHAPES)
def test_a_level_is_the_mean_of_blocks(shape, levels, dtype, rtol, library):
    x = pair(shape, dtype)[0]
    images = pyramid(x, levels)
    assert len(images) == levels and images[0] is x
    for level, image in enumerate(images):
        wanted = library("skimage.measure").block_reduce(
            x.numpy(), (1, 1, 2**level, 2**level), np.mean
        )
        assert image.dtype == dtype
        np.testing.assert_allclose(image, wanted, rtol=rtol)


@FLOATS
@pytest.mark.parametrize("shape, levels", SHAPES)
def test_it_is_the_weighted_sum_of_the_levels(shape, levels, dtype, rtol):
    x_hat, x = pair(shape, dtype)
    weights = WEIGHTS[:levels]
    by_numpy = 0
    for level, weight in enumerate(weights):
        step = 2**level
        error = (
            (x_hat - x)
            .numpy()
            .reshape(*shape[:2], shape[2] // step, step, shape[3] // step, step)
            .mean((3, 5))
        )
        by_numpy += weight * (error**2).mean()
    assert multi_scale_loss(x_hat, x, weights).item() == pytest.approx(by_numpy, rel=10 * rtol)
    parts = multi_scale_levels(x_hat, x, levels)
    assert sum(w * part.item() for w, part in zip(weights, parts, strict=True)) == pytest.approx(
        by_numpy, rel=10 * rtol
    )
    assert multi_scale_loss(x_hat, x, weights).dtype == dtype


@pytest.mark.parametrize("reduction, value", [("mean", 5.0), ("sum", 40.0), ("batchmean", 20.0)])
def test_two_levels_by_hand(reduction, value):
    """Errors 1, 3, -1, 1: mean square 3, squared mean 1. In the second image 2: 4 and 4."""
    x_hat = torch.tensor([[[[1.0, 3.0], [-1.0, 1.0]]], [[[2.0, 2.0], [2.0, 2.0]]]])
    x = torch.zeros_like(x_hat)
    assert [part.tolist() for part in multi_scale_levels(x_hat, x, 2)] == [3.5, 2.5]
    assert multi_scale_loss(x_hat, x, (1.0, 0.6), "none")[:, 0].flatten(
        1
    ).tolist() == pytest.approx(torch.tensor([[1.6, 9.6, 1.6, 1.6], [6.4, 6.4, 6.4, 6.4]]))
    assert multi_scale_loss(x_hat, x, (1.0, 0.6), reduction).item() == pytest.approx(value)


def test_one_level_is_the_squared_error():
    x_hat, x = pair((3, 2, 5, 7))
    for reduction in ("none", "mean", "sum", "batchmean"):
        torch.testing.assert_close(
            multi_scale_loss(x_hat, x, (1.0,), reduction),
            mse(x_hat, x, reduction),
            rtol=1e-14,
            atol=0,
        )


def test_a_coarser_level_never_has_more_error_and_none_on_a_checkerboard():
    x_hat, x = pair((4, 2, 16, 16))
    parts = torch.stack(
        [error.flatten(1).mean(1) for error in multi_scale_levels(x_hat, x, 5, "none")]
    )  # (levels, B)
    assert (parts.diff(dim=0) <= 0).all()
    board = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).double()[None, None] - 0.5
    assert [part.item() for part in multi_scale_levels(board, 0 * board, 3)] == [0.25, 0, 0]
    assert [part.item() for part in multi_scale_levels(board * 0 + 0.5, 0 * board, 3)] == [
        0.25
    ] * 3, "a constant error is the same at every level"


@pytest.mark.parametrize("shape, levels", SHAPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
def test_reductions_agree_and_a_doubled_batch_does_not_move_a_mean(shape, levels, reduction):
    x_hat, x = pair(shape)
    weights = WEIGHTS[:levels]
    errors, value = (
        multi_scale_loss(x_hat, x, weights, "none"),
        multi_scale_loss(x_hat, x, weights, reduction),
    )
    assert errors.shape == x.shape and value.shape == ()
    assert value.item() == pytest.approx(
        errors.sum().item() / {"mean": errors.numel(), "sum": 1, "batchmean": shape[0]}[reduction]
    )
    doubled = multi_scale_loss(torch.cat([x_hat, x_hat]), torch.cat([x, x]), weights, reduction)
    assert doubled.item() == pytest.approx((2 if reduction == "sum" else 1) * value.item())


def test_each_pixel_carries_the_error_of_its_blocks():
    x_hat, x = pair((2, 1, 8, 4))
    fine, middle, coarse = multi_scale_levels(x_hat, x, 3, "none")
    wanted = (
        fine.numpy() + 0.5 * np.kron(middle, np.ones((2, 2))) + 2 * np.kron(coarse, np.ones((4, 4)))
    )
    np.testing.assert_allclose(
        multi_scale_loss(x_hat, x, (1.0, 0.5, 2.0), "none"), wanted, rtol=1e-14
    )


def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation():
    x_hat, x = pair((3, 1, 4, 4))
    assert torch.autograd.gradcheck(
        lambda a: multi_scale_loss(a, x), x_hat.clone().requires_grad_()
    )
    rows = torch.vmap(lambda a, b: multi_scale_loss(a[None], b[None]))(x_hat, x)
    torch.testing.assert_close(
        rows, multi_scale_loss(x_hat, x, reduction="none").flatten(1).mean(1)
    )
    torch.testing.assert_close(
        torch.compile(multi_scale_loss, backend="eager", fullgraph=True)(x_hat, x),
        multi_scale_loss(x_hat, x),
    )


@pytest.mark.parametrize(
    "sides, levels, words",
    [
        (
            (30, 30),
            3,
            "images of 30 x 30; expected sides divisible by 4 for 3 levels: "
            "use at most 2, or pad them to 32 x 32",
        ),
        (
            (27, 28),
            2,
            "images of 27 x 28; expected sides divisible by 2 for 2 levels: "
            "use at most 1, or pad them to 28 x 28",
        ),
        ((28, 28), 4, "divisible by 8 for 4 levels: use at most 3, or pad them to 32 x 32"),
    ],
)
def test_a_side_that_cannot_be_halved_is_refused_with_sizes_that_can(sides, levels, words):
    x = torch.zeros(1, 1, *sides)
    for call in (
        lambda: pyramid(x, levels),
        lambda: multi_scale_loss(x, x, (1.0,) * levels),
        lambda: multi_scale_levels(x, x, levels),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize(
    "x_hat, x, weights, error, words",
    [
        (torch.zeros(2, 1, 4, 4), torch.zeros(1, 1, 4, 4), (1.0,), ValueError, "broadcasting"),
        (torch.zeros(4, 4), torch.zeros(4, 4), (1.0,), ValueError, "expected images"),
        (
            torch.zeros(2, 1, 4, 4),
            torch.zeros(2, 1, 4, 4),
            (),
            ValueError,
            "weights is empty; expected one number a level",
        ),
        (
            torch.zeros(2, 1, 4, 4, dtype=torch.int64),
            torch.zeros(2, 1, 4, 4),
            (1.0,),
            TypeError,
            "x_hat has dtype torch.int64",
        ),
    ],
)
def test_what_does_not_fit_is_refused(x_hat, x, weights, error, words):
    with pytest.raises(error, match=words):
        multi_scale_loss(x_hat, x, weights)


@pytest.mark.parametrize("levels", [0, -1, 1.5, True])
def test_levels_are_a_positive_integer(levels):
    with pytest.raises(ValueError, match=f"levels is {levels}; expected a positive int"):
        pyramid(torch.zeros(1, 1, 4, 4), levels)
