r"""Pictures of a swinging pendulum, whose state they hide. For asking whether a code finds angle and velocity.

A bob on a stiff rod without friction: :math:`\ddot\theta = -(g / l) \sin\theta`. One picture shows the angle; it takes two to show the
velocity. Units: seconds, metres, radians. The integrator is velocity Verlet (Swope and others, 1982).
"""

import math
from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.data.shapes import covered, large_enough, pixels
from aecourse.device import as_generator, pick_device

GRAVITY, LENGTH = 9.81, 1.0  # m/s^2, m
STEP = 0.005  # of the integrator, s, at most
ROD = 0.36
HALF_WIDTH = 0.02
BOB = 0.09  # length and half width of the rod, radius of the bob, in sides of the picture


@dataclass(frozen=True, eq=False, repr=False)
class Pendulum:
    """Pictures (N, frames, side, side) float32 in [0, 1]; states (N, 2): angle in rad, velocity in rad/s, at the first frame."""

    images: torch.Tensor
    states: torch.Tensor
    interval: float
    names: tuple = ("angle", "velocity")

    def __repr__(self):
        frames, height, width = self.images.shape[1:]
        return (
            f"pendulum: {len(self.images)} samples of {frames} frames, {height} x {width}, {self.interval:g} s apart, "
            f"on {self.images.device}"
        )


def make_pendulum(
    n=4096, side=28, seed=0, frames=2, interval=0.05, max_angle=2.0, max_velocity=4.0, device="cpu"
):
    """Short films of a pendulum, each from a state of its own, and these states.

    States are drawn evenly: the angle from -max_angle to max_angle, the velocity from -max_velocity to max_velocity. With a
    `max_angle` of pi the angle fills a circle, which no single unit of a code can hold.

    Args:
        n: films.
        side: of a picture in pixels, 16 or more.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        frames: pictures in a film, as channels; with 1 the velocity can't be seen.
        interval: between frames, in seconds. At 0.05 s, 1 rad/s and 28 pixels the bob moves by half a pixel.
        max_angle: in radians; 0 hangs, pi stands.
        max_velocity: in rad/s; from 6.26 on it goes over the top from below.
        device: where the tensors go; "auto" takes the fastest.

    Returns:
        :class:`Pendulum`.

    Raises:
        ValueError: where a size, a count or an interval is out of range.
        TypeError: where `seed` is neither an integer nor a generator.
    """
    validation.positive("n", n)
    validation.positive("frames", frames)
    validation.positive("interval", validation.weight("interval", interval), float)
    if validation.weight("max_angle", max_angle) > math.pi:
        raise ValueError(f"max_angle is {max_angle!r}; expected radians, at most pi")
    ends = torch.tensor(
        [max_angle, validation.weight("max_velocity", max_velocity)], dtype=torch.float64
    )
    states = ends * (
        2 * torch.rand(n, 2, generator=as_generator(seed, torch.empty(0)), dtype=torch.float64) - 1
    )  # (n, 2)
    steps = math.ceil(interval / STEP)  # a frame
    film = simulate_pendulum(states, (frames - 1) * steps, interval / steps)[
        :, ::steps
    ]  # (n, frames, 2)
    images = torch.cat(
        [render_pendulum(angles, side) for angles in film[..., 0].float().split(4096)]
    )  # in parts, for memory
    device = pick_device(device)
    return Pendulum(images.to(device), states.float().to(device), interval)


def simulate_pendulum(states, steps, step):
    r"""Follow the pendulum by velocity Verlet.

    Its error is of second order in the step. It is reversible in time and symplectic: the energy errs by less than
    :math:`(\omega h)^2` of its size, for steps of :math:`h` and :math:`\omega = \sqrt{g / l} = 3.13` rad/s, and does not drift.

    Args:
        states: (N, 2) floating point: angle in rad, velocity in rad/s.
        steps: how many.
        step: in seconds; below 0 it runs backwards.

    Returns:
        (N, steps + 1, 2), the first of them `states`; an angle beyond pi has gone over the top and is not wrapped.

    Raises:
        TypeError, ValueError: where `states` is of another kind or shape.

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


def pendulum_energy(states):
    """Kinetic and potential energy per mass, J/kg, of states (..., 2): zero where the pendulum hangs at rest."""
    angle, velocity = states.unbind(-1)
    return (LENGTH * velocity) ** 2 / 2 + GRAVITY * LENGTH * (1 - angle.cos())


def render_pendulum(angles, side=28):
    """Draw a white bob on a grey rod that hangs from the middle of the picture, with soft edges one pixel wide.

    Args:
        angles: any shape, floating point, radians; 0 points down, pi / 2 right.
        side: of a picture in pixels, 16 or more.

    Returns:
        Pictures (..., side, side) in [0, 1], with the dtype and device of `angles`.

    Raises:
        TypeError, ValueError: where `angles` is not floating point, or `side` too small.
    """
    validation.floating("angles", angles)
    large_enough(side)
    right, down = pixels(side, angles)
    sin, cos = angles.sin()[..., None, None], angles.cos()[..., None, None]
    along = (right - 0.5) * sin + (
        down - 0.5
    ) * cos  # (..., side, side), from the pivot towards the bob
    across = (right - 0.5) * cos - (down - 0.5) * sin
    rod, bob = (
        (past**2 + across**2 + 1e-12).sqrt() for past in (along - along.clamp(0, ROD), along - ROD)
    )  # distances
    return torch.maximum(covered((rod - HALF_WIDTH) * side) / 2, covered((bob - BOB) * side))
