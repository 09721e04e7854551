"""Squares, ellipses and triangles drawn from known factors, at any image size. For measures of disentanglement.

The factors are those of dSprites (Matthey and others, 2017): shape, scale, rotation, x and y, independent, each on a grid.
Three choices differ. A triangle stands for their heart. All shapes of one scale have one area, so that the amount of ink
tells the scale alone. A rotation runs over the period of its shape's symmetry, so that no two values of it draw the same
picture.
"""

import math
from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.device import as_generator, pick_device

NAMES = ("shape", "scale", "rotation", "x", "y")
KINDS = ("square", "ellipse", "triangle")
PERIODS = (math.pi / 2, math.pi, 2 * math.pi / 3)  # of each kind's rotation, radians
COUNTS = (3, 4, 6, 8, 8)  # values of each factor
SCALES = (0.18, 0.33)  # from, to: the root of the area, in sides of the image
PLACES = (
    0.36,
    0.64,
)  # from, to: of the centre, in sides of the image; so that the largest shape is inside, its soft edge too
SMALLEST = 16  # pixels


@dataclass(frozen=True, eq=False, repr=False)
class Shapes:
    """Pictures (N, 1, side, side) float32 in [0, 1] and what made them: one column for each of `names`.

    `factors` (N, 5) int64 numbers the values of each factor from 0, as :func:`aecourse.metrics.mig` wants. `values`
    (N, 5) float32 holds the values themselves, as :func:`draw_shapes` takes them.
    """

    images: torch.Tensor
    factors: torch.Tensor
    values: torch.Tensor
    names: tuple = NAMES

    def __repr__(self):
        shape = " x ".join(map(str, self.images.shape[1:]))
        return f"shapes: {len(self.images)} images, {shape}, of {', '.join(self.names)}, on {self.images.device}"


def make_shapes(n=None, side=28, seed=0, counts=COUNTS, device="cpu"):
    """Pictures of one shape each, and the factors that made them, which are independent and uniform.

    Args:
        n: how many, each factor drawn with equal chances; None for the full grid, every combination once (4608
            pictures, the last factor moves fastest).
        side: of a picture in pixels, 16 or more.
        seed: an integer, or a ``torch.Generator`` on the CPU; the full grid does not use it.
        counts: how many values each factor takes: shape (at most 3), scale, rotation, x, y. With 1 a factor stays
            at its first value.
        device: where the tensors go; "auto" takes the fastest.

    Returns:
        :class:`Shapes`.

    Raises:
        ValueError: where a size or a count does not fit.
        TypeError: where `seed` is neither an integer nor a generator.

    Source:
        Matthey, Higgins, Hassabis and Lerchner (2017).
    """
    counts = validation.sizes("counts", counts)
    if len(counts) != len(NAMES) or counts[0] > len(KINDS):
        raise ValueError(
            f"counts is {counts}; expected five, of {', '.join(NAMES)}, as in {COUNTS}: there are {len(KINDS)} shapes"
        )
    if n is None:
        factors = torch.cartesian_prod(*map(torch.arange, counts))  # (N, 5)
    else:
        generator = as_generator(seed, torch.empty(0))
        factors = torch.stack(
            [
                torch.randint(count, (validation.positive("n", n),), generator=generator)
                for count in counts
            ],
            1,
        )
    values = factor_values(factors, counts)
    images = torch.cat(
        [draw_shapes(some, side) for some in values.split(4096)]
    )  # in parts, for memory
    device = pick_device(device)
    return Shapes(images.to(device), factors.to(device), values.to(device))


def factor_values(factors, counts=COUNTS):
    """The values that whole numbers `factors`, (N, 5), stand for: (N, 5), as :func:`draw_shapes` takes them."""
    kind = factors[:, 0]
    scale, x, y = (
        torch.linspace(*ends, counts[i])[factors[:, i]]
        for i, ends in ((1, SCALES), (3, PLACES), (4, PLACES))
    )
    rotation = factors[:, 2] / counts[2] * torch.tensor(PERIODS)[kind]
    return torch.stack([kind.float(), scale, rotation, x, y], 1)


def draw_shapes(values, side=28):
    r"""Draw one shape on each picture, white on black, with soft edges one pixel wide.

    An edge at signed distance :math:`d` pixels from a pixel's centre covers :math:`\min(1, \max(0, 1/2 - d))` of it, and a
    polygon the product over its edges. Along an axis this is the covered share of the pixel.

    Args:
        values: (N, 5), floating point. Shape: 0 square, 1 ellipse (axes 2 to 1), 2 triangle (equilateral). Scale: the
            root of the area, in sides of the picture, 2 pixels or more. Rotation: radians, from the x axis towards the y axis
            (clockwise as seen). x and y: of the centroid, in sides, from the left and from the top. What is outside the
            picture is cut off.
        side: of a picture in pixels, 16 or more.

    Returns:
        Pictures (N, 1, side, side) in [0, 1], with the dtype and device of `values`; differentiable but at the ends of an edge.

    Raises:
        TypeError, ValueError: where `values` is of another kind or shape, or a shape or scale is out of range.
    """
    validation.samples("values", values, (len(NAMES),))
    large_enough(side)
    kind, scale, rotation, x, y = (column[:, None, None] for column in values.T)  # (N, 1, 1) each
    validation.within("shape", kind, 0, len(KINDS) - 1)
    validation.within("scale", scale, 2 / side, 1)
    right, down = pixels(side, values)
    place = (right - x, down - y, rotation, scale)
    picture = torch.where(
        kind == 0,
        polygon(*place, 4, side),
        torch.where(kind == 1, ellipse(*place, side), polygon(*place, 3, side)),
    )
    return picture[:, None]  # (N, 1, side, side)


def large_enough(side):
    if validation.positive("side", side) < SMALLEST:
        raise ValueError(
            f"side is {side}; expected {SMALLEST} pixels or more: on fewer a small shape is a blot"
        )


def pixels(side, like):
    """Where the centres of pixels lie, in sides of the picture: (1, side) from the left and (side, 1) from the top."""
    at = (torch.arange(side, dtype=like.dtype, device=like.device) + 0.5) / side
    return at[None], at[:, None]


def covered(distance):
    """The share of a pixel inside a straight edge, at signed `distance` in pixels from its centre, negative inside."""
    return (0.5 - distance).clamp(0, 1)


def polygon(right, down, rotation, scale, corners, side):
    """Coverage by a regular polygon of area `scale` squared; at rotation 0 an edge faces right. (N, side, side)."""
    inner = scale / math.sqrt(corners * math.tan(math.pi / corners))  # radius of the circle inside
    picture = 1
    for k in range(corners):
        facing = rotation + 2 * math.pi * k / corners
        picture = picture * covered((facing.cos() * right + facing.sin() * down - inner) * side)
    return picture


def ellipse(right, down, rotation, scale, side):
    """Coverage by an ellipse of area `scale` squared; at rotation 0 its long axis runs from left to right. (N, side, side).

    The distance is (q^2 - 1) / 2 over the slope of q on the edge, where q is 1: its level sets grow linearly in area.
    """
    cos = rotation.cos()
    sin = rotation.sin()
    b = scale / math.sqrt(2 * math.pi)
    u = cos * right + sin * down
    v = cos * down - sin * right
    a = 2 * b
    tiny = 1e-12  # tiny: finite at the centre
    q2, slope2 = (u / a) ** 2 + (v / b) ** 2, (u / a**2) ** 2 + (v / b**2) ** 2
    return covered((q2 - 1) / 2 * ((q2 + tiny) / (slope2 + tiny)).sqrt() * side)
