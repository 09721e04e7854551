"""Points on two curved surfaces with known coordinates: a sphere and a Swiss roll.

They show whether a code unfolds a surface. Two numbers describe each point; an autoencoder receives
three (or, after :func:`embed`, many). A Swiss roll and a cap of a sphere can be unfolded by two
units; a whole sphere cannot, since no continuous map from it to the plane is one to one.
The roll: Tenenbaum, de Silva and Langford (2000). The map of the sphere: Lambert's, equal in area
(Snyder, 1987).
"""

import math
from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.corruption import gaussian
from aecourse.device import as_generator, pick_device

ANGLES = (1.5 * math.pi, 4.5 * math.pi)  # at the ends of the roll, radians
HEIGHT = 1.5  # of the roll, in outer radii


@dataclass(frozen=True, eq=False, repr=False)
class Points:
    """Points on a surface, and their true coordinates.

    Attributes:
        name: of the surface.
        x: points (N, 3) float32.
        clean: the same points without noise.
        coordinates: (N, 2), on the surface.
    """

    name: str
    x: torch.Tensor
    clean: torch.Tensor
    coordinates: torch.Tensor

    def __repr__(self) -> str:
        return (
            f"{self.name}: {len(self.x)} points, {self.x.shape[1]} features "
            f"of {self.coordinates.shape[1]} coordinates, on {self.x.device}"
        )


def sphere(
    n: int = 2000,
    seed: int | torch.Generator = 0,
    noise: float = 0.0,
    cap: float = math.pi,
    device: str | torch.device = "cpu",
) -> Points:
    r"""Points distributed uniformly over a sphere of radius 1, or over a cap around its north pole.

    The coordinates are Lambert's map, which is equal in area: a point at polar angle
    :math:`\theta` and longitude :math:`\varphi` lies at
    :math:`2 \sin(\theta / 2) (\cos\varphi, \sin\varphi)`. They fill a disc uniformly. For the whole
    sphere all points on the rim of the disc, at radius 2, are one point: there the map tears.

    Args:
        n: number of points.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        noise: standard deviation of Gaussian noise on each of the three features, in radii.
        cap: polar angle of its edge in radians, above 0; pi is the whole sphere.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`Points`.

    Raises:
        ValueError: If `n`, `noise` or `cap` is out of range.
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Lambert's map: Snyder (1987), section 24.
    """
    if not 0 < validation.positive("cap", cap, float) <= math.pi:
        raise ValueError(
            f"cap is {cap!r}; expected an angle in radians, pi (the whole sphere) or less"
        )
    generator, u = uniform(n, seed)
    radius = 2 * math.sin(cap / 2) * u[:, :1].sqrt()
    longitude = 2 * math.pi * u[:, 1:]
    plane = radius * torch.cat([longitude.cos(), longitude.sin()], 1)  # (n, 2)
    x = torch.cat([plane * (1 - radius**2 / 4).sqrt(), 1 - radius**2 / 2], 1)  # (n, 3)
    return points("sphere" if cap == math.pi else "cap", x, plane, noise, generator, device)


def swiss_roll(
    n: int = 2000,
    seed: int | torch.Generator = 0,
    noise: float = 0.0,
    device: str | torch.device = "cpu",
) -> Points:
    r"""Points distributed uniformly over a rolled-up strip with an outer radius of 1.

    At angle :math:`t`, from 1.5 to 4.5 pi, the radius is :math:`t / 4.5 \pi`. Coordinates are the
    arc length from the inner end, from 0 to 6.32, and the height, from 0 to 1.5: distances along
    the roll are straight-line distances between coordinates. The usual recipe draws the angle
    uniformly, which crowds the inner turns; here the arc length is uniform.

    Args:
        n: number of points.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        noise: standard deviation of Gaussian noise on each of the three features; neighbouring
            turns are 0.44 apart.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`Points`; the roll's axis is the second feature.

    Raises:
        ValueError: If `n` or `noise` is out of range.
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Tenenbaum, de Silva and Langford (2000); arc length of the spiral in closed form.
    """
    generator, u = uniform(n, seed)
    ends = arc_length(torch.tensor(ANGLES, dtype=torch.float64))
    arc = (ends[1] - ends[0]) * u[:, 0]
    height = HEIGHT * u[:, 1]
    outer = ANGLES[1]
    t = angle_at(ends[0] + arc)
    x = torch.stack([t * t.cos() / outer, height, t * t.sin() / outer], 1)  # (n, 3)
    return points("swiss_roll", x, torch.stack([arc / outer, height], 1), noise, generator, device)


def embed(x: torch.Tensor, dimension: int, seed: int | torch.Generator = 0) -> torch.Tensor:
    """Embed points in a space of higher dimension, in a random direction; distances are preserved.

    Args:
        x: points, (N, k).
        dimension: of the new space, k or more.
        seed: an integer, or a ``torch.Generator`` on the CPU.

    Returns:
        (N, dimension), with the dtype and device of `x`.

    Raises:
        ValueError: If `dimension` is below that of `x`.
        TypeError: If `x` is not floating point, or `seed` neither an integer nor a generator.
    """
    if validation.positive("dimension", dimension) < validation.floating("x", x).shape[1]:
        raise ValueError(
            f"dimension is {dimension} and x has shape {tuple(x.shape)}; "
            f"expected at least {x.shape[1]}"
        )
    generator = as_generator(seed, torch.empty(0))
    axes, _ = torch.linalg.qr(
        torch.randn(dimension, x.shape[1], generator=generator, dtype=torch.float64)
    )
    return x @ axes.T.to(x)  # (N, k) @ (k, dimension)


def arc_length(t: torch.Tensor) -> torch.Tensor:
    """Arc length of the spiral of radius `t` at angle `t`, from its centre."""
    return (t * (1 + t**2).sqrt() + t.asinh()) / 2


def angle_at(length: torch.Tensor) -> torch.Tensor:
    """The angle at which the spiral has arc length `length`.

    Newton's method, exact to rounding in float64 at the roll's angles: each step squares an error
    below 0.1, and the derivative of the arc length is sqrt(1 + t^2).
    """
    t = (2 * length).sqrt()
    for _ in range(4):
        t = t - (arc_length(t) - length) / (1 + t**2).sqrt()
    return t


def uniform(n: int, seed: int | torch.Generator) -> tuple[torch.Generator, torch.Tensor]:
    """A generator, and pairs of numbers from 0 to 1 from it, (n, 2) float64."""
    generator = as_generator(seed, torch.empty(0))
    validation.positive("n", n)
    return generator, torch.rand(n, 2, generator=generator, dtype=torch.float64)


def points(
    name: str,
    x: torch.Tensor,
    coordinates: torch.Tensor,
    noise: float,
    generator: torch.Generator,
    device: str | torch.device,
) -> Points:
    """`Points` on `device`, with Gaussian noise added."""
    device = pick_device(device)
    clean = x.float()
    noisy = gaussian(clean, validation.weight("noise", noise), generator)
    return Points(name, noisy.to(device), clean.to(device), coordinates.float().to(device))
