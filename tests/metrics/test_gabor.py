"""Gabor functions of another library are found again."""

import math

import numpy as np
import pytest
import torch

from aecourse.metrics import fit_gabor
from tests.helpers import noise

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.fit_gabor": (
        "the real part of `skimage.filters.gabor_kernel`, at random frequencies, angles, widths "
        "and places; by hand: shift, turn, scale",
        "absolute 1e-6",
        "no",
    ),
    "metrics.Gabor": (
        "through `fit_gabor`, which returns it",
        "absolute 1e-6",
        "no",
    ),
}


def planted(n=30, side=16, seed=0):
    """Gabor functions by scikit-image, cut to patches, and their true numbers."""
    kernel = pytest.importorskip("skimage.filters").gabor_kernel
    draw = np.random.default_rng(seed)
    patches, truth = [], []
    for _ in range(n):
        frequency, angle = draw.uniform(0.08, 0.3), draw.uniform(0, math.pi)
        across, along = draw.uniform(1.5, 3), draw.uniform(1.5, 3.5)
        whole = np.real(
            kernel(frequency, angle, 1, across, along, n_stds=8, offset=draw.uniform(0, 6))
        )
        row, column = (length // 2 - side // 2 + draw.integers(-2, 3) for length in whole.shape)
        patches.append(whole[row : row + side, column : column + side])
        centre = whole.shape[0] // 2 - row, whole.shape[1] // 2 - column
        truth.append((frequency, angle, *centre, across, along))
    return torch.tensor(np.array(patches)), np.array(truth)


def test_planted_functions_are_found():
    patches, truth = planted()
    found = fit_gabor(patches)
    np.testing.assert_allclose(found.explained, 1, atol=1e-6)
    np.testing.assert_allclose(found.fit, patches, atol=1e-6)
    np.testing.assert_allclose(found.frequency, truth[:, 0], atol=1e-6)
    turned = np.abs(found.orientation.numpy() - truth[:, 1])
    np.testing.assert_allclose(np.minimum(turned, math.pi - turned), 0, atol=1e-6)
    np.testing.assert_allclose(found.centre, truth[:, 2:4], atol=1e-6)
    np.testing.assert_allclose(found.widths, truth[:, 4:], atol=1e-6)


def test_size_and_sign_do_not_matter():
    patches, _ = planted(5)
    plain, other = fit_gabor(patches), fit_gabor(-1e-4 * patches.float())
    for name in ("frequency", "orientation", "centre", "widths"):
        torch.testing.assert_close(getattr(plain, name), getattr(other, name), atol=1e-3, rtol=1e-3)


def test_the_normal_of_vertical_stripes_points_along_the_rows():
    columns = torch.arange(16.0).expand(16, 16)
    stripes = torch.cos(0.25 * 2 * math.pi * columns)
    stripes = stripes * torch.exp(-((columns - 8) ** 2 + (columns.T - 8) ** 2) / 18)
    found = fit_gabor(torch.stack([stripes, stripes.T]))
    torch.testing.assert_close(found.frequency, torch.tensor([0.25, 0.25]).double())
    angle = found.orientation / math.pi
    assert min(angle[0], 1 - angle[0]) < 1e-6 and angle[1].item() == pytest.approx(0.5)


def test_noise_is_no_gabor_function():
    assert fit_gabor(noise(20, 16, 16)).explained.max() < 0.3


def test_a_blob_has_no_stripes():
    rows = torch.arange(12.0)[:, None]
    blob = torch.exp(-((rows - 5) ** 2) / 8 - (rows.T - 6) ** 2 / 8)
    found = fit_gabor(blob[None])
    assert found.explained.item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(found.centre, torch.tensor([[5.0, 6.0]]).double(), atol=1e-3, rtol=0)


def test_wrong_arguments():
    for wrong, words in [
        (torch.ones(4, 4), r"expected \(N, H, W\)"),
        (torch.ones(2, 3, 8), "sides of at least 4"),
        (torch.stack([torch.eye(5), torch.zeros(5, 5)]), "zero everywhere"),
    ]:
        with pytest.raises(ValueError, match=words):
            fit_gabor(wrong)
