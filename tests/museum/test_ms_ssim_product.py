"""Found in public code: a product over scales that counts the last one once for each other."""

import pytest
import torch
import torch.nn.functional as F

from aecourse.losses.structural_similarity import SCALE_WEIGHTS, ms_ssim, two_factors


def images():
    generator = torch.Generator().manual_seed(0)
    x = F.interpolate(
        torch.rand(2, 1, 22, 22, generator=generator), scale_factor=8, mode="bilinear"
    )
    return (x + 0.3 * torch.randn(x.shape, generator=generator)).clamp(0, 1).double(), x.double()


def scales(x_hat, x):
    """Contrast times structure at four scales, and the full similarity at the fifth: (5, B)."""
    means = []
    for scale in range(5):
        luminance, factor = two_factors(x_hat, x, 1.0, 11, 1.5)
        means.append((luminance * factor if scale == 4 else factor).mean((1, 2, 3)))
        x_hat, x = F.avg_pool2d(x_hat, 2), F.avg_pool2d(x, 2)
    return torch.stack(means)


def last_counted_four_times(x_hat, x):
    """The bug: the last scale is broadcast into the product of the others."""
    means, weights = scales(x_hat, x), torch.tensor(SCALE_WEIGHTS, dtype=x.dtype)[:, None]
    return torch.prod(means[:-1] ** weights[:-1] * means[-1] ** weights[-1], dim=0)


def each_once(x_hat, x):
    means, weights = scales(x_hat, x), torch.tensor(SCALE_WEIGHTS, dtype=x.dtype)[:, None]
    return torch.prod(means**weights, dim=0)


def test_each_scale_counts_once(library):
    x_hat, x = images()
    wanted = pytest.approx(
        library("pytorch_msssim").ms_ssim(x_hat, x, data_range=1.0, size_average=False).tolist(),
        abs=2e-6,
    )
    assert ms_ssim(x_hat, x, "none").tolist() == wanted
    assert each_once(x_hat, x).tolist() == wanted
    assert last_counted_four_times(x_hat, x).tolist() != wanted


def test_weights_that_sum_to_one_make_a_mean():
    """The weighted geometric mean of five scales that are all one half is one half."""
    halves, weights = torch.full((5, 1), 0.5), torch.tensor(SCALE_WEIGHTS)[:, None]
    assert torch.prod(halves**weights).item() == pytest.approx(0.5, rel=1e-3)
    assert torch.prod(
        halves[:-1] ** weights[:-1] * halves[-1] ** weights[-1]
    ).item() != pytest.approx(0.5, rel=0.1)
