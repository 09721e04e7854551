r"""Images of a swinging pendulum, whose state they do not show directly.

They show whether a code finds angle and velocity. A bob on a stiff rod without friction:
:math:`\ddot\theta = -(g / l) \sin\theta`. One image shows the angle; the velocity takes two. Units:
seconds, metres, radians. The integrator is velocity Verlet (Swope and others, 1982).
"""

import math
from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.data.shapes import covered, large_enough, pixels
from aecourse.device import as_generator, pick_device

GRAVITY = 9.81  # m/s^2
LENGTH = 1.0  # m
STEP = 0.005  # longest step of the integrator, s
ROD = 0.36  # length of the rod in the image, like the next two in sides of the image
HALF_WIDTH = 0.02  # of the rod
BOB = 0.09  # radius


@dataclass(frozen=True, eq=False, repr=False)
class Pendulum:
    """Short films of a pendulum, and the state at their first frame.

    Attributes:
        images: (N, frames, side, side) float32 in [0, 1].
        states: (N, 2): angle in rad, velocity in rad/s.
        interval: between frames, in seconds.
        names: of the columns of `states`.
    """

    images: torch.Tensor
    states: torch.Tensor
    interval: float
    names: tuple[str, ...] = ("angle", "velocity")

    def __repr__(self) -> str:
        frames, height, width = self.images.shape[1:]
        return (
            f"pendulum: {len(self.images)} samples of {frames} frames, {height} x {width}, "
            f"{self.interval:g} s apart, on {self.images.device}"
        )


def make_pendulum(
    n: int = 4096,
    side: int = 28,
    seed: int | torch.Generator = 0,
    frames: int = 2,
    interval: float = 0.05,
    max_angle: float = 2.0,
    max_velocity: float = 4.0,
    device: str | torch.device = "cpu",
) -> Pendulum:
    """Short films of a pendulum, each from a random initial state, and these states.

    Initial states are uniform: the angle from -max_angle to max_angle, the velocity from
    -max_velocity to max_velocity. With a `max_angle` of pi the angle covers a circle, which a
    single unit of a code cannot represent.

    Args:
        n: number of films.
        side: of an image in pixels, 16 or more.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        frames: images in a film, as channels; a single one does not show the velocity.
        interval: between frames, in seconds. At 0.05 s, 1 rad/s and 28 pixels the bob moves by half
            a pixel.
        max_angle: in radians; 0 is straight down, pi straight up.
        max_velocity: in rad/s; from 6.26 on the pendulum goes over the top from below.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`Pendulum`.

    Raises:
        ValueError: If a size, a count or an interval is out of range.
        TypeError: If `seed` is neither an integer nor a generator.
    """
    validation.positive("n", n)
    validation.positive("frames", frames)
    validation.positive("interval", validation.weight("interval", interval), float)
    if validation.weight("max_angle", max_angle) > math.pi:
        raise ValueError(f"max_angle is {max_angle!r}; expected radians, pi or less")
    validation.weight("max_velocity", max_velocity)
    largest = torch.tensor([max_angle, max_velocity], dtype=torch.float64)
    generator = as_generator(seed, torch.empty(0))
    states = largest * (2 * torch.rand(n, 2, generator=generator, dtype=torch.float64) - 1)
    steps = math.ceil(interval / STEP)  # between two frames
    film = simulate_pendulum(states, (frames - 1) * steps, interval / steps)
    film = film[:, ::steps]  # (n, frames, 2)
    parts = film[..., 0].float().split(4096)  # to limit memory
    images = torch.cat([render_pendulum(angles, side) for angles in parts])
    device = pick_device(device)
    return Pendulum(images.to(device), states.float().to(device), interval)


def simulate_pendulum(states: torch.Tensor, steps: int, step: float) -> torch.Tensor:
    r"""Simulate the pendulum by velocity Verlet.

    Its error is of second order in the step. It is reversible in time and symplectic: with steps of
    :math:`h` and :math:`\omega = \sqrt{g / l} = 3.13` rad/s the relative error of the energy stays
    below :math:`(\omega h)^2`, and does not drift.

    Args:
        states: (N, 2) floating point: angle in rad, velocity in rad/s.
        steps: number of steps.
        step: in seconds; a negative step runs backwards in time.

    Returns:
        (N, steps + 1, 2), beginning with `states`; an angle beyond pi has gone over the top and is
        not wrapped.

    Raises:
        TypeError: If `states` is not floating point.
        ValueError: If it has another shape.

    Source:
        Swope, Andersen, Berens and Wilson (1982).
    """
    angle, velocity = validation.samples("states", states, (2,)).unbind(1)
    seen = [states]
    for _ in range(steps):
        halfway = velocity - step / 2 * GRAVITY / LENGTH * angle.sin()
        angle = angle + step * halfway
        velocity = halfway - step / 2 * GRAVITY / LENGTH * angle.sin()
        seen.append(torch.stack([angle, velocity], 1))
    return torch.stack(seen, 1)


def pendulum_energy(states: torch.Tensor) -> torch.Tensor:
    """Kinetic plus potential energy per mass, J/kg, of states (..., 2); zero at rest."""
    angle, velocity = states.unbind(-1)
    return (LENGTH * velocity) ** 2 / 2 + GRAVITY * LENGTH * (1 - angle.cos())


def render_pendulum(angles: torch.Tensor, side: int = 28) -> torch.Tensor:
    """Draw a white bob on a grey rod that hangs from the middle of the image.

    Edges are soft, one pixel wide.

    Args:
        angles: any shape, floating point, radians; 0 points down, pi / 2 right.
        side: of an image in pixels, 16 or more.

    Returns:
        Images (..., side, side) in [0, 1], with the dtype and device of `angles`.

    Raises:
        TypeError: If `angles` is not floating point.
        ValueError: If `side` is too small.
    """
    validation.floating("angles", angles)
    large_enough(side)
    right, down = pixels(side, angles)
    sin = angles.sin()[..., None, None]
    cos = angles.cos()[..., None, None]
    along = (right - 0.5) * sin + (down - 0.5) * cos  # (..., side, side), from pivot to bob
    across = (right - 0.5) * cos - (down - 0.5) * sin
    beyond = along - along.clamp(0, ROD)
    to_rod = (beyond**2 + across**2 + 1e-12).sqrt()  # distances; 1e-12 keeps gradients finite
    to_bob = ((along - ROD) ** 2 + across**2 + 1e-12).sqrt()
    rod = covered((to_rod - HALF_WIDTH) * side) / 2
    bob = covered((to_bob - BOB) * side)
    return torch.maximum(rod, bob)
