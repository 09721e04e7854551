"""Squares, ellipses and triangles drawn from known factors, at any image size.

They are used for metrics of disentanglement. The factors are those of dSprites (Matthey and others,
2017): shape, scale, rotation, x and y, independent, each on a grid. Three choices differ. A
triangle replaces their heart. All shapes of one scale have the same area, so that the number of
white pixels depends only on the scale. A rotation covers one period of its shape's symmetry, so
that no two of its values draw the same image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.device import as_generator, pick_device

NAMES = ("shape", "scale", "rotation", "x", "y")
KINDS = ("square", "ellipse", "triangle")
PERIODS = (math.pi / 2, math.pi, 2 * math.pi / 3)  # of each kind's rotation, radians
COUNTS = (3, 4, 6, 8, 8)  # values of each factor
SCALES = (0.18, 0.33)  # from, to: square root of the area, in sides of the image
PLACES = (0.36, 0.64)  # from, to: centre, in sides of the image; the largest shape fits, edge too
SMALLEST = 16  # pixels


@dataclass(frozen=True, eq=False, repr=False)
class Shapes:
    """Images of shapes and the factors that generated them.

    Attributes:
        images: (N, 1, side, side) float32 in [0, 1].
        factors: (N, 5) int64: which value each factor has, counted from 0, as
            :func:`aecourse.metrics.mig` expects.
        values: (N, 5) float32: the values themselves, as :func:`draw_shapes` expects.
        names: of the columns.
    """

    images: torch.Tensor
    factors: torch.Tensor
    values: torch.Tensor
    names: tuple[str, ...] = NAMES

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.images.shape[1:]))
        return (
            f"shapes: {len(self.images)} images, {shape}, of {', '.join(self.names)}, "
            f"on {self.images.device}"
        )


def make_shapes(
    n: int | None = None,
    side: int = 28,
    seed: int | torch.Generator = 0,
    counts: Sequence[int] = COUNTS,
    device: str | torch.device = "cpu",
) -> Shapes:
    """Images of one shape each, and their factors, which are independent and uniform.

    Args:
        n: number of images with random factors; None for the full grid, every combination once
            (4608 images; the last factor changes fastest).
        side: of an image in pixels, 16 or more.
        seed: an integer, or a ``torch.Generator`` on the CPU; unused for the full grid.
        counts: number of values of each factor: shape (3 or fewer), scale, rotation, x, y. A factor
            with a count of 1 stays at its first value.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`Shapes`.

    Raises:
        ValueError: If a size or a count is out of range.
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Matthey, Higgins, Hassabis and Lerchner (2017).
    """
    counts = validation.sizes("counts", counts)
    if len(counts) != len(NAMES) or counts[0] > len(KINDS):
        raise ValueError(
            f"counts is {counts}; expected five, of {', '.join(NAMES)}, as in {COUNTS}: "
            f"there are {len(KINDS)} shapes"
        )
    if n is None:
        factors = torch.cartesian_prod(*map(torch.arange, counts))  # (N, 5)
    else:
        generator = as_generator(seed, torch.empty(0))
        validation.positive("n", n)
        columns = [torch.randint(count, (n,), generator=generator) for count in counts]
        factors = torch.stack(columns, 1)  # (n, 5)
    values = factor_values(factors, counts)
    parts = values.split(4096)  # to limit memory
    images = torch.cat([draw_shapes(part, side) for part in parts])
    device = pick_device(device)
    return Shapes(images.to(device), factors.to(device), values.to(device))


def factor_values(factors: torch.Tensor, counts: Sequence[int] = COUNTS) -> torch.Tensor:
    """The values of the factors (N, 5), given as integers: (N, 5), for :func:`draw_shapes`."""
    kind = factors[:, 0]
    scale = torch.linspace(*SCALES, counts[1])[factors[:, 1]]
    rotation = factors[:, 2] / counts[2] * torch.tensor(PERIODS)[kind]
    x = torch.linspace(*PLACES, counts[3])[factors[:, 3]]
    y = torch.linspace(*PLACES, counts[4])[factors[:, 4]]
    return torch.stack([kind.float(), scale, rotation, x, y], 1)


def draw_shapes(values: torch.Tensor, side: int = 28) -> torch.Tensor:
    r"""Draw one white shape on each black image, with soft edges one pixel wide.

    An edge at signed distance :math:`d` pixels from the centre of a pixel covers
    :math:`\min(1, \max(0, 1/2 - d))` of it, and a polygon the product over its edges. For an edge
    parallel to an axis this is the exact fraction of the pixel that is covered.

    Args:
        values: (N, 5), floating point. Shape: 0 square, 1 ellipse (axes 2 to 1), 2 triangle
            (equilateral). Scale: the square root of the area, in sides of the image, 2 pixels or
            more. Rotation: radians, from the x axis towards the y axis (clockwise as seen). x and
            y: of the centroid, in sides of the image, from the left and from the top. Parts outside
            the image are cut off.
        side: of an image in pixels, 16 or more.

    Returns:
        Images (N, 1, side, side) in [0, 1], with the dtype and device of `values`; differentiable
        except at the ends of an edge's ramp.

    Raises:
        TypeError: If `values` is not floating point.
        ValueError: If `values` has another shape, or a shape, scale or `side` is out of range.
    """
    validation.samples("values", values, (len(NAMES),))
    large_enough(side)
    kind, scale, rotation, x, y = (column[:, None, None] for column in values.T)  # (N, 1, 1) each
    validation.within("shape", kind, 0, len(KINDS) - 1)
    validation.within("scale", scale, 2 / side, 1)
    right, down = pixels(side, values)
    place = (right - x, down - y, rotation, scale)
    square = polygon(*place, 4, side)
    triangle = polygon(*place, 3, side)
    image = torch.where(kind == 0, square, torch.where(kind == 1, ellipse(*place, side), triangle))
    return image[:, None]  # (N, 1, side, side)


def large_enough(side: int) -> None:
    """Check the side of an image, in pixels."""
    if validation.positive("side", side) < SMALLEST:
        raise ValueError(
            f"side is {side}; expected {SMALLEST} pixels or more: "
            "on fewer pixels a small shape is a blot"
        )


def pixels(side: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The centres of pixels, in sides of the image: (1, side) from the left, (side, 1) from above.

    They have the dtype and device of `like`.
    """
    at = (torch.arange(side, dtype=like.dtype, device=like.device) + 0.5) / side
    return at[None], at[:, None]


def covered(distance: torch.Tensor) -> torch.Tensor:
    """The fraction of a pixel inside a straight edge.

    `distance` is that of the pixel's centre from the edge, in pixels, negative inside.
    """
    return (0.5 - distance).clamp(0, 1)


def polygon(
    right: torch.Tensor,
    down: torch.Tensor,
    rotation: torch.Tensor,
    scale: torch.Tensor,
    corners: int,
    side: int,
) -> torch.Tensor:
    """Coverage by a regular polygon of area `scale` squared, (N, side, side).

    At rotation 0 an edge faces right.
    """
    inner = scale / math.sqrt(
        corners * math.tan(math.pi / corners)
    )  # radius of the inscribed circle
    image = 1
    for k in range(corners):
        facing = rotation + 2 * math.pi * k / corners
        distance = facing.cos() * right + facing.sin() * down - inner
        image = image * covered(distance * side)
    return image


def ellipse(
    right: torch.Tensor,
    down: torch.Tensor,
    rotation: torch.Tensor,
    scale: torch.Tensor,
    side: int,
) -> torch.Tensor:
    """Coverage by an ellipse of area `scale` squared, (N, side, side).

    At rotation 0 its long axis is horizontal. The distance is (q^2 - 1) / 2, divided by the norm of
    the gradient of q on the edge, where q is 1: the area of its level sets grows linearly.
    """
    cos = rotation.cos()
    sin = rotation.sin()
    u = cos * right + sin * down
    v = cos * down - sin * right
    b = scale / math.sqrt(2 * math.pi)
    a = 2 * b
    tiny = 1e-12  # keeps the quotient finite at the centre
    q2 = (u / a) ** 2 + (v / b) ** 2
    gradient2 = (u / a**2) ** 2 + (v / b**2) ** 2  # squared norm of the gradient of q, times q2
    return covered((q2 - 1) / 2 * ((q2 + tiny) / (gradient2 + tiny)).sqrt() * side)
