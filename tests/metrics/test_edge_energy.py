"""Edge energies against the graph of neighbouring pixels and NumPy; limits of sharpness."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.sparse.csgraph import laplacian
from sklearn.feature_extraction.image import grid_to_graph

from aecourse.metrics import gradient_energy, sharpness, total_variation

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.gradient_energy": (
        "the quadratic form of `scipy.sparse.csgraph.laplacian(grid_to_graph(H, W))`; `numpy.diff`",
        "graph 1e-10; differences 1e-12",
        "yes",
    ),
    "metrics.sharpness": (
        "by hand: half the contrast, a soft edge",
        "`assert_close`",
        "yes",
    ),
    "metrics.total_variation": (
        "`numpy.diff`",
        "1e-12",
        "yes, off the kinks",
    ),
}

ENERGIES = pytest.mark.parametrize("energy", [gradient_energy, total_variation])
SHAPES = pytest.mark.parametrize(
    "shape", [(3, 1, 28, 28), (2, 3, 5, 7), (4, 2, 2, 1), (2, 1, 1, 6), (2, 1, 1, 1)]
)


def noise(shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blurred(x, sigma):
    return torch.tensor(ndimage.gaussian_filter(x.numpy(), (0, 0, sigma, sigma)))


def squares(n=4):
    """Bright squares on a dark background, each of a different size."""
    x = torch.zeros(n, 1, 28, 28, dtype=torch.float64)
    for i in range(n):
        x[i, :, 8 : 14 + 2 * i, 8 : 14 + 2 * i] = 1
    return x


@SHAPES
def test_energies_are_sums_over_neighbours(shape):
    x = noise(shape)
    for power, energy in ((2, gradient_energy), (1, total_variation)):
        wanted = [
            sum((np.abs(np.diff(image, axis=axis)) ** power).sum() for axis in (1, 2))
            for image in x.numpy()
        ]
        np.testing.assert_allclose(energy(x), wanted, rtol=1e-12)


@SHAPES
def test_gradient_energy_is_the_quadratic_form_of_the_graph_of_pixels(shape):
    x = noise(shape)
    form = laplacian(grid_to_graph(*shape[2:], return_as=np.ndarray, dtype=float))
    wanted = [
        sum(channel @ form @ channel for channel in image.reshape(len(image), -1))
        for image in x.numpy()
    ]
    np.testing.assert_allclose(gradient_energy(x), wanted, rtol=1e-10, atol=1e-12)


def test_an_edge_by_hand():
    x = torch.tensor([[[[0.0, 3.0], [0.0, 1.0]]]])
    assert gradient_energy(x).tolist() == [3**2 + 1**2 + 2**2] and total_variation(x).tolist() == [
        3 + 1 + 2
    ]


@ENERGIES
def test_a_copy_is_as_sharp_and_a_blurred_one_less(energy):
    x = noise((5, 1, 28, 28))
    assert sharpness(x, x, energy).tolist() == [1] * 5
    ratios = torch.stack(
        [sharpness(blurred(x, sigma), x, energy) for sigma in (0.5, 1, 2)]
    )  # (3, B)
    assert (ratios[0] < 1).all() and (ratios.diff(dim=0) < 0).all(), "the wider the blur, the less"


@ENERGIES
def test_noise_counts_as_sharpness(energy):
    x = squares()
    assert (sharpness(x + 0.1 * noise(x.shape), x, energy) > 1).all()
    assert (sharpness(blurred(x, 1) + 0.6 * noise(x.shape), x, energy) > 1).all(), (
        "even on top of a blur"
    )


def test_a_soft_edge_has_the_variation_of_a_hard_one_and_less_gradient_energy():
    hard, soft = torch.zeros(2, 1, 1, 8, 8).double()
    hard[..., 4:] = 1
    soft[:] = torch.tensor([0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1])
    assert total_variation(soft).item() == pytest.approx(8) and total_variation(
        hard
    ).item() == pytest.approx(8)
    assert gradient_energy(hard).item() == pytest.approx(8) and gradient_energy(
        soft
    ).item() == pytest.approx(8 / 5)
    assert sharpness(soft, hard).item() == pytest.approx(0.2)
    assert sharpness(soft, hard, total_variation).item() == pytest.approx(1)


def test_half_the_contrast_is_a_quarter_of_the_energy_and_half_of_the_variation():
    x = noise((3, 2, 6, 6))
    torch.testing.assert_close(sharpness(x / 2, x), torch.full((3,), 0.25).double())
    torch.testing.assert_close(
        sharpness(x / 2 + 7, x, total_variation), torch.full((3,), 0.5).double()
    )


def test_an_original_without_edges_has_no_sharpness():
    flat = torch.ones(2, 1, 4, 4)
    x_hat = flat.clone()
    x_hat[1, 0, 0, 0] = 0
    ratios = sharpness(x_hat, flat)
    assert ratios[0].isnan() and ratios[1].isinf()


@ENERGIES
def test_energies_have_gradients_and_run_under_vmap(energy):
    x = noise((3, 2, 4, 5))
    assert torch.autograd.gradcheck(energy, x.clone().requires_grad_())
    assert torch.autograd.gradcheck(
        lambda a: sharpness(a, x, energy), noise(x.shape, 1).requires_grad_()
    )
    torch.testing.assert_close(torch.vmap(energy)(x[:, None])[:, 0], energy(x))


@pytest.mark.parametrize(
    "x_hat, error, words",
    [
        (torch.rand(2, 4, 4), ValueError, r"expected images of shape \(B, C, H, W\)"),
        ([[0.0]], TypeError, "list"),
        (torch.rand(2, 16), ValueError, "expected images"),
        (torch.zeros(2, 1, 4, 4).byte(), TypeError, "torch.uint8"),
        (torch.zeros(0, 1, 4, 4), ValueError, "empty"),
    ],
)
def test_energies_refuse_what_is_not_an_image(x_hat, error, words):
    for call in (gradient_energy, total_variation, lambda x: sharpness(x, x)):
        with pytest.raises(error, match=words):
            call(x_hat)


def test_sharpness_refuses_what_does_not_match():
    with pytest.raises(ValueError, match=r"x_hat has shape \(2, 1, 4, 4\) and x \(1, 1, 4, 4\)"):
        sharpness(torch.rand(2, 1, 4, 4), torch.rand(1, 1, 4, 4))
