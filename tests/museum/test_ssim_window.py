"""Found in public code: a "Gaussian" window of SSIM without the minus sign in its exponent."""

import sys

import pytest
import torch

from aecourse.losses.structural_similarity import ssim, window


def upside_down(size, sigma, like):
    """The bug: weights that are largest at the edges."""
    distance = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    weights = ((distance / sigma).square() / 2).exp()
    return weights / weights.sum()


def is_a_window(weights):
    """Whether weights decrease from the middle, with the variance of the (truncated) Gaussian."""
    places = torch.arange(-5.0, 6)
    falls = (weights[5:].diff() < 0).all() and torch.allclose(weights, weights.flip(0))
    return bool(falls) and (weights * places.square()).sum().item() == pytest.approx(
        1.5**2, rel=0.02
    )


def test_the_window_is_heaviest_in_the_middle():
    assert is_a_window(window(11, 1.5, torch.zeros(1))) and not is_a_window(
        upside_down(11, 1.5, torch.zeros(1))
    )
    assert upside_down(11, 1.5, torch.zeros(1))[0].item() == pytest.approx(0.45, abs=0.05), (
        "the weight at each end"
    )


def test_the_oracle_tells_the_two_apart(monkeypatch, library):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 1, 28, 28, generator=generator)
    x_hat = (x + 0.2 * torch.randn(x.shape, generator=generator)).clamp(0, 1)
    theirs = library("skimage.metrics").structural_similarity
    wanted = pytest.approx(
        theirs(
            x_hat[0, 0].numpy(),
            x[0, 0].numpy(),
            data_range=1.0,
            sigma=1.5,
            gaussian_weights=True,
            use_sample_covariance=False,
        ),
        abs=2e-6,
    )
    assert ssim(x_hat, x).item() == wanted
    monkeypatch.setattr(sys.modules["aecourse.losses.structural_similarity"], "window", upside_down)
    assert ssim(x_hat, x).item() != wanted
