"""The Gabor function closest to a feature: where it lies, how fine it is, and how it is turned."""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import least_squares

from aecourse import validation

WIDTHS = (0.1, 0.2)  # of the envelope at the start, in sides of the feature
LEAST = 0.5  # width in pixels: a narrower envelope lies between the pixels


class Gabor(NamedTuple):
    r"""A fit for each feature: :math:`A \, e^{-u^2 / 2 s_u^2 - v^2 / 2 s_v^2} \cos(2\pi f u + p)`.

    :math:`u` and :math:`v` are distances from the centre, across the stripes and along them.
    """

    frequency: torch.Tensor  #: f, in cycles a pixel, (N,); 0 for a blob without stripes
    orientation: torch.Tensor  #: of u, in [0, pi), (N,): 0 points along a row, pi / 2 down a column
    centre: torch.Tensor  #: row and column, (N, 2), in pixels from the first
    widths: torch.Tensor  #: s_u and s_v in pixels, (N, 2)
    explained: torch.Tensor  #: 1 minus the squared error over the sum of squares, (N,)
    fit: torch.Tensor  #: the function itself, (N, H, W)


def fit_gabor(features: torch.Tensor) -> Gabor:
    """Fit a Gabor function to each feature by least squares.

    The search starts at the largest peak of the Fourier spectrum and at the centre of the squared
    values, with two widths, and keeps the better end. Amplitude and phase are solved exactly at
    each step.

    Args:
        features: (N, H, W) with sides of at least 4, floating point, finite, none of zeros alone,
            such as the atoms of a dictionary of patches.

    Returns:
        :class:`Gabor`, on the CPU in double precision. A low ``explained`` means that the feature
        is no Gabor function; its other numbers then mean little.

    Raises:
        TypeError: If `features` is not a floating-point tensor.
        ValueError: If it is not (N, H, W), a side is below 4, or a feature is zero everywhere.

    Source:
        Jones and Palmer (1987), for cells of the visual cortex.
    """
    validation.finite("features", features)
    if features.dim() != 3 or min(features.shape[1:]) < 4:
        raise ValueError(
            f"features has shape {tuple(features.shape)}; expected (N, H, W) with sides of at "
            "least 4: reshape each atom to its patch, without a channel axis"
        )
    arrays = features.detach().cpu().double().numpy()
    if not all(array.any() for array in arrays):
        raise ValueError(
            "features has one that is zero everywhere; expected a pattern in each: leave out atoms "
            "of dead units"
        )
    fits = [best_fit(array) for array in arrays]
    columns = map(np.array, zip(*fits, strict=True))
    return Gabor(*(torch.as_tensor(column) for column in columns))


def best_fit(y: np.ndarray) -> tuple:
    """The numbers of :class:`Gabor` for one feature (H, W)."""
    grid = np.mgrid[: y.shape[0], : y.shape[1]].astype(float)  # rows and columns, (2, H, W)
    scale = np.abs(y).max()
    y = y / scale
    side = min(y.shape)
    low = [-1, -1, LEAST, LEAST, -np.inf, 0]
    high = [y.shape[0], y.shape[1], 2 * side, 2 * side, np.inf, 0.75]
    ends = [
        least_squares(
            lambda p: (y - nearest(p, grid, y)).ravel(),
            np.clip(start(y, grid, share * side), low, high),
            bounds=(low, high),
            x_scale=[1, 1, 1, 1, 0.3, 0.1],
            max_nfev=100,
        )
        for share in WIDTHS
    ]
    row, column, across, along, angle, frequency = best = min(ends, key=lambda end: end.cost).x
    fit = nearest(best, grid, y)
    explained = 1 - ((y - fit) ** 2).sum() / (y**2).sum()
    return frequency, angle % math.pi, (row, column), (across, along), explained, scale * fit


def start(y: np.ndarray, grid: np.ndarray, width: float) -> list[float]:
    """Where the search starts: centre (row, column), widths, angle, frequency."""
    power = y**2 / (y**2).sum()
    row, column = (grid * power).sum((1, 2))
    n = 4 * max(y.shape)  # padded with zeros, for a fine grid of frequencies
    spectrum = np.abs(np.fft.rfft2(y, (n, n)))
    i, j = np.unravel_index(spectrum.argmax(), spectrum.shape)
    down, right = np.fft.fftfreq(n)[i], np.fft.rfftfreq(n)[j]
    return [
        row,
        column,
        max(width, LEAST),
        max(width, LEAST),
        math.atan2(down, right),
        math.hypot(down, right),
    ]


def nearest(p: np.ndarray, grid: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The Gabor function with the numbers `p` and the best amplitude and phase: (H, W)."""
    row, column, across, along, angle, frequency = p
    down, right = grid[0] - row, grid[1] - column
    u = right * math.cos(angle) + down * math.sin(angle)
    v = down * math.cos(angle) - right * math.sin(angle)
    envelope = np.exp(-((u / across) ** 2) / 2 - (v / along) ** 2 / 2)
    wave = 2 * math.pi * frequency * u
    a, b = (envelope * np.cos(wave)).ravel(), (envelope * np.sin(wave)).ravel()
    waves = np.stack([a, b], 1)  # (H W, 2)
    products = waves.T @ waves
    if np.linalg.det(products) < 1e-9 * products[0, 0] ** 2:  # no sine at frequency 0
        waves = waves[:, :1]
    weights = np.linalg.solve(waves.T @ waves, waves.T @ y.ravel())
    return (waves @ weights).reshape(y.shape)
