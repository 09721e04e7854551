"""PSNR against scikit-image, image by image."""

import math

import numpy as np
import pytest
import torch

from aecourse.metrics import psnr

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.psnr": (
        "`skimage.metrics.peak_signal_noise_ratio`, per image",
        "1e-12; float32 1e-3 dB",
        "yes",
    ),
}


def pair(shape=(6, 1, 28, 28), dtype=torch.float64):
    """Images with errors of very different sizes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    scale = torch.logspace(-3, 0, shape[0], dtype=torch.float64).reshape(
        -1, *[1] * (len(shape) - 1)
    )
    return (x + scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(
        dtype
    ), x.to(dtype)


@pytest.mark.parametrize(
    "shape", [(6, 1, 28, 28), (4, 3, 5, 7), (3, 12), (2, 1, 1, 1), (3, 2, 3, 2, 3)]
)
@pytest.mark.parametrize("data_range", [1, 2.0, 255])
def test_psnr_equals_that_of_scikit_image_for_each_image(library, shape, data_range):
    oracle = library("skimage.metrics").peak_signal_noise_ratio
    x_hat, x = pair(shape)
    wanted = [
        oracle(a, b, data_range=data_range) for a, b in zip(x.numpy(), x_hat.numpy(), strict=True)
    ]
    np.testing.assert_allclose(psnr(x_hat, x, data_range), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "error, data_range, decibels",
    [(0.1, 1, 20), (0.01, 1, 40), (1, 1, 0), (1, 10, 20), (2, 1, -6.0205999)],
)
def test_psnr_by_hand(error, data_range, decibels):
    x = torch.zeros(2, 1, 3, 3, dtype=torch.float64)
    assert psnr(x + error, x, data_range).tolist() == pytest.approx([decibels] * 2, abs=1e-7)
    assert psnr(x - error, x, data_range).tolist() == pytest.approx([decibels] * 2, abs=1e-7)


def test_an_exact_image_has_an_infinite_psnr():
    x_hat, x = pair()
    x_hat[2] = x[2]
    assert psnr(x_hat, x).isinf().nonzero().tolist() == [[2]] and psnr(x_hat, x)[2] > 0


def test_the_pooled_error_gives_a_lower_number():
    x_hat, x = pair()
    pooled = -10 * math.log10((x_hat - x).square().mean().item())
    assert psnr(x_hat, x).mean().item() > pooled + 3
    assert psnr(x_hat[:1], x[:1]).item() == pytest.approx(
        -10 * math.log10((x_hat - x)[0].square().mean().item())
    )


def test_float32_is_enough():
    torch.testing.assert_close(
        psnr(*pair(dtype=torch.float32)).double(), psnr(*pair()), rtol=0, atol=1e-3
    )


def test_psnr_has_a_gradient_and_runs_under_vmap():
    x_hat, x = pair((3, 1, 4, 4))
    assert torch.autograd.gradcheck(lambda a: psnr(a, x), x_hat.requires_grad_())
    torch.testing.assert_close(torch.vmap(psnr)(x_hat[:, None], x[:, None])[:, 0], psnr(x_hat, x))


@pytest.mark.parametrize("data_range", [0, -1, True, "1", None, math.nan])
def test_a_range_that_is_not_positive_is_refused(data_range):
    with pytest.raises(ValueError, match="data_range is .*; expected a positive float"):
        psnr(*pair(), data_range)


def test_psnr_refuses_what_does_not_match():
    x_hat, x = pair()
    for wrong, error, words in (
        (x[:1], ValueError, "broadcasting"),
        (x.float(), TypeError, "32"),
        ([0.0], TypeError, "list"),
    ):
        with pytest.raises(error, match=words):
            psnr(x_hat, wrong)
    with pytest.raises(ValueError, match=r"x_hat has shape \(4,\); expected \(B, \.\.\.\)"):
        psnr(torch.zeros(4), torch.ones(4))


def test_an_exact_image_has_the_gradient_zero_and_leaves_the_others_theirs():
    x_hat, x = pair((3, 1, 4, 4))
    x_hat[1] = x[1]
    x_hat.requires_grad_()
    (gradient,) = torch.autograd.grad(psnr(x_hat, x)[[0, 2]].sum() + psnr(x_hat, x)[1], x_hat)
    assert not gradient[1].any()
    alone = x_hat.detach()[[0, 2]].requires_grad_()
    torch.testing.assert_close(
        gradient[[0, 2]], torch.autograd.grad(psnr(alone, x[[0, 2]]).sum(), alone)[0]
    )
