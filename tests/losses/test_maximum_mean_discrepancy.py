"""Maximum mean discrepancy against its formula and its closed form for Gaussians."""

import math

import pytest
import torch
from sklearn.gaussian_process.kernels import RationalQuadratic

from aecourse.losses.maximum_mean_discrepancy import (
    SCALES,
    gaussian_kernel,
    inverse_multiquadric,
    mmd,
    mmd_by_differences,
    squared_distances,
    squared_distances_by_differences,
)
from tests.helpers import noise

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.inverse_multiquadric": (
        "`sklearn.gaussian_process.kernels.RationalQuadratic(alpha=1)`, summed over seven scales",
        "1e-12",
        "through `mmd`",
    ),
    "losses.gaussian_kernel": (
        "by hand, in the MMD of two pairs",
        "1e-6",
        "through `mmd`",
    ),
    "losses.mmd": (
        "`sklearn.gaussian_process.kernels.RationalQuadratic(alpha=1)`; a loop over pairs; the "
        "closed form of two Gaussians, mean of 3000 draws",
        "kernel 1e-12; pairs 1e-11, float32 1e-5; 4 standard errors",
        "yes",
    ),
}


KERNELS = pytest.mark.parametrize("kernel", [inverse_multiquadric, gaussian_kernel])


def test_the_kernel_equals_that_of_scikit_learn_summed_over_seven_scales():
    """The rational quadratic with exponent 1 is 1 / (1 + r^2 / (2 l^2)), so l^2 = C / 2."""
    x = noise(5, 3)
    y = noise(4, 3, seed=1)
    d = 3
    sigma = 0.7
    kernels = [
        RationalQuadratic(length_scale=math.sqrt(d * sigma**2 * scale), alpha=1.0)
        for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10)
    ]
    ours = inverse_multiquadric(squared_distances_by_differences(x, y), d, sigma)
    torch.testing.assert_close(
        ours, torch.as_tensor(sum(kernel(x, y) for kernel in kernels)), rtol=1e-12, atol=0
    )
    assert inverse_multiquadric(torch.zeros(()), 3).item() == 7 == len(SCALES)


@pytest.mark.parametrize("d", [1, 3, 8])
def test_by_default_the_gaussian_kernel_is_as_wide_as_two_draws_of_the_prior_are_apart(d):
    """The mean squared distance of two draws from N(0, I) is 2 d: there it is 1 / e."""
    assert gaussian_kernel(torch.tensor(2.0 * d), d).item() == pytest.approx(math.exp(-1))
    assert gaussian_kernel(torch.tensor(3.0), d, 1.5).item() == pytest.approx(math.exp(-2))


def test_the_constant_is_the_mean_squared_distance_of_two_draws_of_the_prior():
    x, y = noise(100_000, 5), noise(100_000, 5, seed=1)
    squares = (x - y).square().sum(1)
    assert squares.mean().item() == pytest.approx(10, abs=4 * squares.std().item() / 100_000**0.5)
    assert inverse_multiquadric(torch.tensor(10.0), 5).item() == pytest.approx(
        sum(s / (1 + s) for s in SCALES)
    )


@KERNELS
@pytest.mark.parametrize("n, m, d", [(2, 2, 1), (7, 7, 3), (5, 12, 2), (30, 2, 8)])
def test_distances_by_products_agree_with_differences(kernel, n, m, d):
    x, y = noise(n, d), noise(m, d, seed=1) + 0.5
    torch.testing.assert_close(
        mmd(x, y, kernel), mmd_by_differences(x, y, kernel), rtol=1e-11, atol=1e-13
    )
    torch.testing.assert_close(squared_distances(x, y), squared_distances_by_differences(x, y))
    single = mmd(x.float(), y.float(), kernel)
    assert single.dtype == torch.float32 and single.item() == pytest.approx(
        mmd(x, y, kernel).item(), abs=1e-5
    )


def test_no_squared_distance_is_negative():
    x = 100 + noise(50, 3, dtype=torch.float32)
    assert (squared_distances(x, x) >= 0).all()


def test_two_pairs_by_hand():
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [3.0]])
    k = lambda square: math.exp(-square / 2)  # noqa: E731
    assert mmd(x, y, gaussian_kernel).item() == pytest.approx(
        k(1) + k(9) - 2 * (k(0) + k(9) + k(1) + k(4)) / 4, rel=1e-6
    )


@pytest.mark.parametrize("d, shift, g", [(2, 1.0, 4.0), (5, 1.5, 10.0), (3, 2.0, 1.0)])
def test_it_estimates_the_closed_form_of_two_gaussians(d, shift, g):
    """N(mu, I) and N(0, I) with exp(-r^2 / g): the mean of many estimates from small samples."""
    mu = torch.full((d,), shift / d**0.5, dtype=torch.float64)
    wanted = (1 + 4 / g) ** (-d / 2) * 2 * (1 - math.exp(-(shift**2) / (g + 4)))
    draws = torch.stack(
        [
            mmd(
                noise(6, d, seed=2 * i) + mu,
                noise(9, d, seed=2 * i + 1),
                lambda s, d: gaussian_kernel(s, d, g),
            )
            for i in range(3000)
        ]
    )
    assert draws.mean().item() == pytest.approx(wanted, abs=4 * draws.std().item() / 3000**0.5)
    assert draws.std().item() / 3000**0.5 < wanted / 15


def test_for_equal_distributions_it_is_zero_on_average_and_often_negative():
    draws = torch.stack(
        [mmd(noise(6, 2, seed=2 * i), noise(6, 2, seed=2 * i + 1)) for i in range(1000)]
    )
    assert abs(draws.mean().item()) < 4 * draws.std().item() / 1000**0.5
    assert (draws < 0).double().mean() > 0.3


def test_it_separates_distributions_with_equal_mean_and_variance():
    """Two clusters with the mean and variance of the prior."""
    clusters = torch.where(noise(500, 1) > 0, 0.97, -0.97) + 0.24 * noise(500, 1, seed=1)
    assert abs(clusters.std().item() - 1) < 0.05
    assert mmd(clusters, noise(500, 1, seed=2)) > 5 * max(
        abs(mmd(noise(500, 1, seed=i), noise(500, 1, seed=i + 1))) for i in range(3, 9)
    )


@KERNELS
def test_it_has_the_gradient_of_its_value(kernel):
    x, y = noise(4, 2).requires_grad_(), noise(3, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: mmd(x, y, kernel), (x, y))
    one, two = (torch.autograd.grad(form(x, y, kernel), x)[0] for form in (mmd, mmd_by_differences))
    torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


def test_equal_codes_have_a_finite_gradient():
    x = torch.ones(5, 3, requires_grad=True)
    mmd(x, noise(5, 3).float()).backward()
    assert x.grad.isfinite().all() and x.grad.any()


@pytest.mark.parametrize(
    "x, y, error, words",
    [
        (
            torch.rand(1, 3),
            torch.rand(4, 3),
            ValueError,
            r"x has shape \(1, 3\); expected \(N, d\) with N > 1",
        ),
        (torch.rand(4, 3), torch.rand(4, 2), ValueError, r"y has shape \(4, 2\)"),
        (torch.rand(4), torch.rand(4), ValueError, r"x has shape \(4,\)"),
        (torch.rand(4, 2, 2), torch.rand(4, 2), ValueError, r"x has shape \(4, 2, 2\)"),
        (torch.rand(4, 3), [0.0], TypeError, "y is a list"),
        (torch.ones(4, 3).int(), torch.rand(4, 3), TypeError, "x has dtype torch.int32"),
    ],
)
def test_samples_that_do_not_fit_are_refused(x, y, error, words):
    with pytest.raises(error, match=words):
        mmd(x, y)


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e5])
def test_it_does_not_depend_on_the_origin(offset):
    """Samples on a grid that single precision represents at every offset."""
    x, y = ((noise(200, 3, seed=seed) * 8).round() / 8 for seed in (0, 1))
    y = y + 0.5
    moved = mmd((x + offset).float(), (y + offset).float())
    assert moved.item() == pytest.approx(mmd(x, y).item(), rel=1e-4)


def test_samples_far_from_each_other_keep_the_distances_within_each():
    """Between the two every kernel is 0, so the squared discrepancy is the sum of both within."""
    x, y = ((noise(50, 3, seed=seed) * 8).round() / 8 for seed in (0, 1))
    far = mmd(x.float(), (y + 2**17).float(), gaussian_kernel)
    assert far.item() == pytest.approx(mmd_by_differences(x, y + 2**17, gaussian_kernel).item())


def test_a_kernel_of_no_width_is_refused():
    with pytest.raises(ValueError, match="width is 0; expected a positive float"):
        gaussian_kernel(torch.ones(2), 3, 0)
    with pytest.raises(ValueError, match="sigma is -1; expected a positive float"):
        inverse_multiquadric(torch.ones(2), 3, -1)
    with pytest.raises(TypeError, match="x has dtype torch.float32 and y torch.float64"):
        mmd(torch.rand(4, 3), torch.rand(4, 3).double())
