"""Drawn shapes, compared with areas, centroids and another rasterizer; factors, counted."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.path import Path
from scipy.stats import chi2_contingency, chisquare

from aecourse.data.shapes import COUNTS, PERIODS, draw_shapes, factor_values, make_shapes
from aecourse.metrics import mig

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.make_shapes": (
        "`numpy.unravel_index`; `scipy.stats.chisquare` and `chi2_contingency` of drawn factors",
        "grid exact; p > 1e-4",
        "draws",
    ),
    "data.draw_shapes": (
        "`matplotlib.path.Path.contains_points` at 12 × 12 points a pixel; the exact share of "
        "an upright square",
        "0.01 root mean square; square 1e-13, float32 5e-6",
        "yes",
    ),
    "data.factor_values": (
        "the same sums in NumPy",
        "absolute 3e-7, float32",
        "no",
    ),
    "data.Shapes": (
        "through `make_shapes`, which returns it",
        "exact",
        "no",
    ),
}

KINDS = pytest.mark.parametrize("kind", [0, 1, 2], ids=["square", "ellipse", "triangle"])


def anywhere(kind, n=100, seed=0):
    """Values of `n` shapes of one kind, between those of the grid too: (n, 5) float64."""
    low, high = (
        torch.tensor([0.18, 0.0, 0.36, 0.36], dtype=torch.float64),
        torch.tensor([0.33, 7.0, 0.64, 0.64], dtype=torch.float64),
    )
    u = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.cat(
        [torch.full((n, 1), float(kind), dtype=torch.float64), low + (high - low) * u], 1
    )


def outline(kind, scale, rotation, x, y):
    """Corners of the shape, or 400 points of the ellipse, in sides of the image: (corners, 2)."""
    corners = [4, 400, 3][kind]
    turn = 2 * math.pi * (np.arange(corners) + [0.5, 0, 0.5][kind]) / corners
    points = np.stack([np.cos(turn), np.sin(turn)], 1) * ([1, 1], [2, 1], [1, 1])[kind]
    area = 0.5 * abs(
        np.sum(points[:, 0] * np.roll(points[:, 1], -1) - points[:, 1] * np.roll(points[:, 0], -1))
    )  # shoelace
    turned = [[math.cos(rotation), math.sin(rotation)], [-math.sin(rotation), math.cos(rotation)]]
    return scale * points / math.sqrt(area) @ turned + [x, y]


def by_counting(value, side, fine=12):
    """The same image, from the fraction of 12 x 12 points of each pixel inside the outline."""
    at = (np.arange(side * fine) + 0.5) / (side * fine)
    grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)  # x, y; rows from the top
    inside = Path(outline(int(value[0]), *value[1:].tolist())).contains_points(grid)
    return inside.reshape(side, fine, side, fine).mean((1, 3))


@KINDS
@pytest.mark.parametrize("side", [28, 37])
def test_it_agrees_with_counting_points_inside_the_outline(kind, side):
    """They differ along diagonal edges, whose ramp of one pixel approximates the covered fraction.

    By up to 1/2 (sqrt(2) - 1)^2 = 0.09, and more at the corners of a triangle.
    """
    for value in anywhere(kind, 8):
        error = draw_shapes(value[None], side)[0, 0].numpy() - by_counting(value, side)
        assert abs(error).max() < 0.2 and np.sqrt((error**2).mean()) < 0.01


@pytest.mark.parametrize("dtype, atol", [(torch.float32, 5e-6), (torch.float64, 1e-13)])
def test_an_upright_square_covers_its_exact_share_of_each_pixel(dtype, atol):
    values = anywhere(0, 50).to(dtype)
    values[:, 2] = 0
    edges = np.arange(29) / 28
    drawn = zip(draw_shapes(values)[:, 0], values.double().numpy(), strict=True)
    for image, (_, scale, _, x, y) in drawn:
        share = [
            28
            * np.clip(
                np.minimum(edges[1:], c + scale / 2) - np.maximum(edges[:-1], c - scale / 2),
                0,
                None,
            )
            for c in (x, y)
        ]
        np.testing.assert_allclose(image, share[1][:, None] * share[0], rtol=0, atol=atol)


@KINDS
@pytest.mark.parametrize(
    "side, atol, rtol", [(28, 0.1, 0.025), (64, 0.1, 0.014), (150, 0.1, 0.008)]
)
def test_the_centroid_is_the_place_and_the_area_the_scale_squared(kind, side, atol, rtol):
    """`atol` is in pixels, `rtol` a fraction of the area.

    The largest errors of 3000 drawings are 0.063 pixels and, at side 28, 0.018 of the area: for a
    square on its corner, whose edges cross all rows of pixels at the same phase. There is no bias.
    """
    values = anywhere(kind)
    images = draw_shapes(values, side)[:, 0]
    ink, at = images.sum((1, 2)), (torch.arange(side, dtype=torch.float64) + 0.5) / side
    x, y = (images * at).sum((1, 2)) / ink, (images * at[:, None]).sum((1, 2)) / ink
    assert (torch.stack([x, y], 1) - values[:, 3:]).abs().max() * side < atol
    share = ink / (values[:, 1] * side) ** 2
    assert (share - 1).abs().max() < rtol and share.mean().item() == pytest.approx(1, abs=0.005)


@KINDS
def test_a_rotation_by_the_period_gives_the_same_image_and_a_smaller_one_another(kind):
    values = anywhere(kind, 40)

    def turned(angle):
        return (
            (draw_shapes(values + torch.tensor([0, 0, angle, 0, 0])) - draw_shapes(values))
            .square()
            .sum((1, 2, 3))
        )

    assert turned(PERIODS[kind]).max() < 1e-10  # the angle itself is rounded to 2e-7
    for part in (2, 3, 6):
        assert turned(PERIODS[kind] / part).min() > 0.1


def test_all_images_of_the_grid_differ():
    """The nearest two rotations differ by more than two nearly full pixels; all others too."""
    grid = make_shapes().images.reshape(3, 4, 6, 64, 784)
    apart = torch.cdist(grid.transpose(2, 3), grid.transpose(2, 3)) + 99 * torch.eye(
        6
    )  # (3, 4, 64, 6, 6)
    assert apart.min() > 0.5
    assert len(torch.unique(make_shapes(side=16).images.flatten(1), dim=0)) == 4608


@KINDS
def test_double_size_averages_to_the_same_image(kind):
    values = anywhere(kind)
    difference = F.avg_pool2d(draw_shapes(values, 56), 2) - draw_shapes(values, 28)
    assert difference.abs().max() < 0.15 and difference.square().mean().sqrt() < 0.007


@pytest.mark.parametrize("side", [16, 28])
def test_shapes_of_the_grid_lie_inside_the_image(side):
    """On a canvas twice as wide, with the same pixels, there is no light around the image."""
    data = make_shapes(side=side)
    assert (
        data.images.shape == (4608, 1, side, side)
        and data.images.min() == 0
        and data.images.max() <= 1
    )
    wide = draw_shapes(
        data.values * torch.tensor([1, 0.5, 1, 0.5, 0.5]) + torch.tensor([0, 0, 0, 0.25, 0.25]),
        2 * side,
    )
    torch.testing.assert_close(F.pad(data.images, [side // 2] * 4), wide, rtol=0, atol=5e-5)


def test_float32_agrees_with_float64():
    for kind in range(3):
        values = anywhere(kind, 50)
        single = draw_shapes(values.float(), 64)
        assert (
            single.dtype == torch.float32 and (single - draw_shapes(values, 64)).abs().max() < 1e-4
        )  # 64 pixels x some 10 eps


@KINDS
def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation(kind):
    values, numbers = anywhere(kind, 2), torch.full((2, 1), float(kind), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda rest: draw_shapes(torch.cat([numbers, rest], 1), 16),
        values[:, 1:].clone().requires_grad_(),
    )
    torch.testing.assert_close(
        torch.vmap(lambda value: draw_shapes(value[None])[0])(values), draw_shapes(values)
    )
    torch.testing.assert_close(
        torch.compile(draw_shapes, backend="eager", fullgraph=True)(values), draw_shapes(values)
    )


def test_a_pixel_at_the_centre_has_a_finite_gradient():
    values = torch.tensor([[1.0, 0.3, 0.0, 0.5, 0.5]], requires_grad=True)
    draw_shapes(values, 29).sum().backward()
    assert values.grad.isfinite().all() and values.grad[0, 1] > 0


# The factors


def test_the_grid_has_every_combination_once_the_last_factor_changing_fastest():
    data = make_shapes(side=16)
    assert data.names == ("shape", "scale", "rotation", "x", "y") and COUNTS == (3, 4, 6, 8, 8)
    np.testing.assert_array_equal(
        data.factors, np.stack(np.unravel_index(np.arange(4608), COUNTS), 1)
    )
    small = make_shapes(side=16, counts=(2, 1, 3, 2, 1))
    assert len(small.factors.unique(dim=0)) == len(small.images) == 12 and small.factors.max(
        0
    ).values.tolist() == [1, 0, 2, 1, 0]
    assert torch.equal(small.values[:, 1], torch.full((12,), 0.18))


def test_values_are_those_of_the_numbers():
    data = make_shapes(500, side=16)
    kind, scale, rotation, x, y = data.factors.double().numpy().T
    period = np.array([90, 180, 120])[data.factors[:, 0]]
    wanted = np.stack(
        [
            kind,
            0.18 + 0.05 * scale,
            np.radians(rotation * period / 6),
            0.36 + 0.04 * x,
            0.36 + 0.04 * y,
        ],
        1,
    )
    np.testing.assert_allclose(data.values, wanted, rtol=0, atol=3e-7)
    assert torch.equal(draw_shapes(data.values, 16), data.images) and torch.equal(
        factor_values(data.factors), data.values
    )


def test_random_factors_are_uniform_and_independent():
    """20 tests of 6000 samples; the least p-value is below 1e-4 for one seed in 500."""
    factors = make_shapes(6000, side=16, seed=5).factors
    for i in range(5):
        assert chisquare(factors[:, i].bincount(minlength=COUNTS[i])).pvalue > 1e-4
        for j in range(i):
            table = np.histogram2d(*factors[:, (i, j)].T.numpy(), bins=(COUNTS[i], COUNTS[j]))[0]
            assert chi2_contingency(table).pvalue > 1e-4


def test_a_code_that_is_the_factors_has_a_full_gap():
    factors = make_shapes(side=16).factors
    torch.testing.assert_close(mig(factors.double(), factors), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: make_shapes(0), ValueError, "n is 0"),
        (lambda: make_shapes(5, side=12), ValueError, "side is 12; expected 16 pixels or more"),
        (
            lambda: make_shapes(5, counts=(3, 4, 6, 8)),
            ValueError,
            r"counts is \(3, 4, 6, 8\); expected five, of shape, scale, rotation, x, y",
        ),
        (lambda: make_shapes(5, counts=(4, 4, 6, 8, 8)), ValueError, "there are 3 shapes"),
        (lambda: make_shapes(5, counts=(3, 0, 6, 8, 8)), ValueError, "counts is 0"),
        (
            lambda: draw_shapes(torch.zeros(2, 4)),
            ValueError,
            r"values has shape \(2, 4\); expected \(B, 5\)",
        ),
        (
            lambda: draw_shapes(torch.zeros(2, 5, dtype=torch.int64)),
            TypeError,
            "values has dtype torch.int64",
        ),
        (
            lambda: draw_shapes(torch.tensor([[3, 0.2, 0, 0.5, 0.5]])),
            ValueError,
            "shape runs from 3 to 3",
        ),
        (
            lambda: draw_shapes(torch.tensor([[0, 0.0, 0, 0.5, 0.5]])),
            ValueError,
            "scale runs from 0 to 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
