"""A pendulum, compared with closed forms and SciPy's integrator; its images and its state."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import ellipk
from scipy.stats import kstest

from aecourse.data.pendulum import (
    GRAVITY,
    LENGTH,
    make_pendulum,
    pendulum_energy,
    render_pendulum,
    simulate_pendulum,
)

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.simulate_pendulum": (
        '`scipy.integrate.solve_ivp(method="DOP853", rtol=1e-11, atol=1e-12)`; the period of '
        "`scipy.special.ellipk`",
        "error falls with the square of the step within 2 %; period 5e-6",
        "no",
    ),
    "data.pendulum_energy": (
        "by hand",
        "`approx`",
        "no",
    ),
    "data.render_pendulum": (
        "the centroid of the light lies at the angle",
        "0.0015 rad at 64 pixels; float32 1e-5",
        "yes",
    ),
    "data.make_pendulum": (
        "frames at the angles of `solve_ivp`; `scipy.stats.kstest` of the states",
        "pixels 3e-3, float32; p > 1e-3",
        "draws",
    ),
    "data.Pendulum": (
        "through `make_pendulum`, which returns it",
        "pixels 3e-3, float32",
        "no",
    ),
}

OMEGA = math.sqrt(9.81)


def state(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def by_scipy(start, times):
    """Angle and velocity at `times`, by an eighth-order Runge-Kutta method."""
    return solve_ivp(
        lambda _, y: [y[1], -9.81 * math.sin(y[0])],
        (0, times[-1] + 1e-9),
        start,
        "DOP853",
        times,
        rtol=1e-11,
        atol=1e-12,
    ).y.T


def period(amplitude, step=0.001):
    """Four times the time from rest at `amplitude` to zero, interpolated between two steps."""
    angle = simulate_pendulum(state([amplitude, 0.0]), 2500, step)[0, :, 0]
    last = int((angle > 0).long().cumprod(0).sum()) - 1
    return 4 * step * (last + (angle[last] / (angle[last] - angle[last + 1])).item())


def centroid(images):
    """Centroid of the light, in sides of the image from its middle: right, down."""
    at = (torch.arange(images.shape[-1], dtype=torch.float64) + 0.5) / images.shape[-1] - 0.5
    light = images.double()
    return (
        torch.stack([(light * at).sum((-2, -1)), (light * at[:, None]).sum((-2, -1))], -1)
        / light.sum((-2, -1))[..., None]
    )


# The motion


def test_units():
    assert (GRAVITY, LENGTH) == (9.81, 1.0)


@pytest.mark.parametrize("start", [(2.0, 1.0), (0.5, -3.0), (1.0, 7.0)])
def test_it_follows_the_equation_of_motion(start):
    """Second order: a tenth of the step leaves a hundredth of the error."""
    wanted = by_scipy(start, np.linspace(0, 2, 21))
    errors = [
        abs(
            simulate_pendulum(state(start), 20 * fine, 0.1 / fine)[0, ::fine].numpy() - wanted
        ).max()
        for fine in (20, 200)
    ]
    assert errors[0] < 0.02 and errors[0] / errors[1] == pytest.approx(100, rel=0.02)


def test_a_small_swing_has_the_harmonic_period():
    """Errors: amplitude^2 / 16 = 6e-8, the method's (omega h)^2 / 24 = 4e-7, interpolation less."""
    assert period(1e-3) == pytest.approx(2 * math.pi / OMEGA, rel=1e-6)


@pytest.mark.parametrize("amplitude", [0.5, 1.5, 2.5, 3.0])
def test_a_large_swing_has_the_period_of_the_elliptic_integral(amplitude):
    wanted = 4 * ellipk(math.sin(amplitude / 2) ** 2) / OMEGA
    assert period(amplitude) == pytest.approx(wanted, rel=5e-6)


def test_energy_errs_by_the_square_of_the_step_and_does_not_drift():
    errors = {}
    for step in (0.02, 0.01):
        seen = pendulum_energy(simulate_pendulum(state([2.0, 1.0]), round(100 / step), step))[
            0
        ]  # some 40 swings
        errors[step] = (seen / seen[0] - 1).abs()
        half = len(seen) // 2
        assert errors[step][half:].max().item() == pytest.approx(
            errors[step][:half].max().item(), rel=0.01
        )
        assert errors[step].max() < (OMEGA * step) ** 2
    assert (errors[0.02].max() / errors[0.01].max()).item() == pytest.approx(4, rel=0.02)


def test_energy_by_hand():
    assert pendulum_energy(
        state([0, 0], [math.pi, 0], [0, 2], [math.pi / 2, 2])
    ).tolist() == pytest.approx([0, 2 * 9.81, 2, 9.81 + 2])


def test_time_runs_backwards():
    start = state([2.0, 1.0], [-1.0, 5.0])
    there = simulate_pendulum(start, 500, 0.01)
    torch.testing.assert_close(
        simulate_pendulum(there[:, -1], 500, -0.01)[:, -1], start, rtol=0, atol=1e-9
    )


def test_at_rest_it_stays():
    still = state([0.0, 0.0])
    assert torch.equal(simulate_pendulum(still, 50, 0.1), still[:, None].expand(1, 51, 2))


# The images


@pytest.mark.parametrize("side, atol", [(16, 0.012), (28, 0.005), (64, 0.0015)])
def test_the_centroid_of_the_light_has_the_angle(side, atol):
    """Largest errors over all angles: 0.009, 0.0034 and 0.0009 rad."""
    angles = torch.linspace(-math.pi, math.pi, 301, dtype=torch.float64)
    right, down = centroid(render_pendulum(angles, side)).unbind(-1)
    off = torch.remainder(torch.atan2(right, down) - angles + math.pi, 2 * math.pi) - math.pi
    assert off.abs().max() < atol


def test_the_bob_is_a_disc_at_the_end_of_the_rod():
    angles = torch.linspace(-3, 3, 61, dtype=torch.float64)
    bob = (2 * render_pendulum(angles, 128) - 1).clamp(min=0)  # brighter than the rod
    wanted = 0.36 * torch.stack([angles.sin(), angles.cos()], -1)
    assert (centroid(bob) - wanted).abs().max() * 128 < 0.1  # pixels
    bright = (bob > 0).double().sum((1, 2)) / 128**2
    assert (bright / (math.pi * 0.09**2) - 1).abs().max() < 0.05
    down = render_pendulum(torch.zeros(1), 127)[0]
    assert (
        down[70, 63] == 0.5
        and down[63:100, 63].min() == 0.5
        and down[55, 63] == 0
        and down[110, 63] == 1
    )


def test_right_and_left_are_mirrored_and_up_is_up():
    x = render_pendulum(torch.tensor([0.0, math.pi / 2, math.pi, -math.pi / 2]))
    torch.testing.assert_close(x[1], x[3].flip(1), rtol=0, atol=1e-5)
    torch.testing.assert_close(x[0], x[2].flip(0), rtol=0, atol=1e-5)
    assert x[1][:, 14:].sum() > 5 * x[1][:, :14].sum() and x[0][14:].sum() > 5 * x[0][:14].sum()


@pytest.mark.parametrize("side", [28, 65])
def test_nothing_is_cut_off(side):
    """The bob ends 0.36 + 0.09 sides and half a pixel from the middle: inside from 10 pixels on."""
    x = render_pendulum(torch.linspace(-math.pi, math.pi, 200), side)
    assert x.min() == 0 and x.max() == 1
    assert x[:, 0].max() == x[:, -1].max() == x[..., 0].max() == x[..., -1].max() == 0


def test_it_draws_any_shape_of_angles_in_either_precision_with_finite_gradients():
    angles = torch.tensor([[0.0, 0.3], [-1.2, 2.0], [3.0, 0.1]], dtype=torch.float64)
    x = render_pendulum(angles, 29)
    assert x.shape == (3, 2, 29, 29) and torch.equal(x[1, 1], render_pendulum(angles[1, 1], 29))
    torch.testing.assert_close(render_pendulum(angles.float(), 29), x.float(), rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.vmap(lambda a: render_pendulum(a, 29))(angles), x)
    torch.testing.assert_close(
        torch.compile(render_pendulum, backend="eager", fullgraph=True)(angles, 29), x
    )
    assert torch.autograd.gradcheck(
        lambda a: render_pendulum(a, 16),
        torch.tensor([0.31, -1.2], dtype=torch.float64, requires_grad=True),
    )
    leaf = torch.zeros(
        1, requires_grad=True
    )  # the rod runs through the centres of a column of pixels
    render_pendulum(leaf, 29)[..., 15:].sum().backward()
    assert leaf.grad.isfinite().all() and leaf.grad > 0


# The data


def test_states_are_uniform():
    states = (
        make_pendulum(5000, side=16, frames=1, max_angle=math.pi, max_velocity=5.0, seed=1)
        .states.double()
        .numpy()
    )
    for column, reach in zip(states.T, (math.pi, 5.0), strict=True):
        assert kstest(column, "uniform", (-reach, 2 * reach)).pvalue > 1e-3
    assert abs(np.corrcoef(states.T)[0, 1]) < 5 / math.sqrt(5000)


@pytest.mark.parametrize("interval", [0.05, 0.123])
def test_frames_show_the_motion_from_the_state(interval):
    """The error of an angle is below 1e-4 rad; a pixel changes by about 64 x 0.45 times that."""
    data = make_pendulum(10, side=64, frames=4, interval=interval)
    assert (
        data.images.shape == (10, 4, 64, 64)
        and data.interval == interval
        and data.names == ("angle", "velocity")
    )
    for film, start in zip(data.images, data.states.double().tolist(), strict=True):
        angles = by_scipy(start, interval * np.arange(4))[:, 0]
        torch.testing.assert_close(
            film, render_pendulum(torch.tensor(angles), 64).float(), rtol=0, atol=3e-3
        )


def test_two_frames_show_the_velocity():
    """The angle between two frames, divided by the interval, is the velocity half-way.

    That is the velocity of the state, plus the acceleration over half an interval. Each angle is
    read with an error of 0.0009 rad, which makes 0.036 rad/s; the next term of the series is
    9.81 x 4 x 0.05^2 / 6.
    """
    data = make_pendulum(500, side=64)
    angles = torch.atan2(*centroid(data.images).unbind(-1))  # (500, 2)
    turned = torch.remainder(angles[:, 1] - angles[:, 0] + math.pi, 2 * math.pi) - math.pi
    angle, velocity = data.states.double().unbind(1)
    assert (turned / 0.05 - (velocity - 0.05 / 2 * 9.81 * angle.sin())).abs().max() < 0.036 + 0.017
    assert (angles[:, 0] - angle).abs().max() < 0.0015


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: make_pendulum(0), ValueError, "n is 0"),
        (lambda: make_pendulum(5, side=15), ValueError, "side is 15; expected 16 pixels or more"),
        (lambda: make_pendulum(5, frames=0), ValueError, "frames is 0"),
        (lambda: make_pendulum(5, interval=0.0), ValueError, "interval is 0.0"),
        (lambda: make_pendulum(5, interval=math.inf), ValueError, "interval is inf"),
        (
            lambda: make_pendulum(5, max_angle=90),
            ValueError,
            "max_angle is 90; expected radians, pi or less",
        ),
        (lambda: make_pendulum(5, max_velocity=-1), ValueError, "max_velocity is -1"),
        (
            lambda: simulate_pendulum(torch.zeros(5, 3), 2, 0.1),
            ValueError,
            r"states has shape \(5, 3\); expected \(B, 2\)",
        ),
        (
            lambda: render_pendulum(torch.zeros(3, dtype=torch.int64)),
            TypeError,
            "angles has dtype torch.int64",
        ),
        (lambda: render_pendulum(torch.zeros(3), 8), ValueError, "side is 8"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
