"""Edge losses against NumPy's differences and SciPy's Sobel filter; what a gradient can't see."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from aecourse.losses.edges import edge_loss, forward_differences, sobel
from aecourse.losses.squared_error import mse

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.edge_loss": (
        "by hand; the weighted sum of two `mse`, of pixels and of gradients",
        "1e-13",
        "yes",
    ),
    "losses.forward_differences": (
        "`numpy.diff`, the last row or column repeated",
        "absolute 1e-15; float32 1e-6",
        "through `edge_loss`",
    ),
    "losses.sobel": (
        '`scipy.ndimage.sobel(mode="nearest") / 8`, to the border',
        "absolute 1e-15; float32 1e-6",
        "through `edge_loss`",
    ),
}

FLOATS = pytest.mark.parametrize("dtype, atol", [(torch.float32, 1e-6), (torch.float64, 1e-15)])
GRADIENTS = pytest.mark.parametrize("gradient", [forward_differences, sobel])
SHAPES = [(1, 1, 1, 1), (2, 1, 1, 5), (2, 3, 4, 1), (3, 2, 5, 7), (2, 1, 28, 28)]


def pair(shape=(3, 2, 5, 7), dtype=torch.float64):
    return torch.rand(
        2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).to(dtype)


@FLOATS
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_differences_equal_those_of_numpy(shape, dtype, atol):
    x = pair(shape, dtype)[0]
    gradients = forward_differences(x)
    assert gradients.shape == (*shape[:2], 2, *shape[2:]) and gradients.dtype == dtype
    for i, axis in enumerate((2, 3)):
        wanted = np.diff(x.numpy(), axis=axis, append=np.take(x.numpy(), [-1], axis))
        np.testing.assert_allclose(gradients[:, :, i], wanted, rtol=0, atol=atol)


@FLOATS
@pytest.mark.parametrize("shape", SHAPES)
def test_sobel_equals_that_of_scipy_up_to_the_border(shape, dtype, atol):
    x = pair(shape, dtype)[0]
    gradients = sobel(x)
    assert gradients.shape == (*shape[:2], 2, *shape[2:]) and gradients.dtype == dtype
    for i, axis in enumerate((2, 3)):
        wanted = (
            np.stack(
                [
                    [ndimage.sobel(plane, axis - 2, mode="nearest") for plane in image]
                    for image in x.double().numpy()
                ]
            )
            / 8
        )
        np.testing.assert_allclose(gradients[:, :, i], wanted, rtol=0, atol=atol)


@GRADIENTS
def test_the_gradient_of_a_ramp_is_its_slope(gradient):
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing="ij")
    vertical, horizontal = gradient((2 * rows - 3 * columns)[None, None])[0, 0, :, 1:-1, 1:-1]
    assert (vertical == 2).all() and (horizontal == -3).all()


@pytest.mark.parametrize("reduction, value", [("mean", 2.25), ("sum", 18.0), ("batchmean", 9.0)])
def test_the_edge_loss_by_hand(reduction, value):
    """A pixel of 2 in a corner of 2 x 2 has gradient (-2, -2); the second image has no error."""
    x_hat, x = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    x_hat[0, 0, 0, 0] = 2
    assert edge_loss(x_hat, x, 0.0, "none")[0, 0].tolist() == [[4, 0], [0, 0]], "(4 + 4) / 2"
    x_hat[0, 0, 0, 1] = 4
    squares, edges = [[4, 16], [0, 0]], [[(4 + 4) / 2, 16 / 2], [0, 0]]
    wanted = 0.75 * torch.tensor(squares) + 0.25 * torch.tensor(edges)
    torch.testing.assert_close(edge_loss(x_hat, x, 0.75, "none")[0, 0], wanted)
    assert edge_loss(x_hat, x, 0.75, reduction).item() == pytest.approx(value)
    assert edge_loss(x, x_hat, 0.75, reduction).item() == pytest.approx(value)


@GRADIENTS
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_it_is_the_weighted_sum_of_two_squared_errors(gradient, alpha):
    x_hat, x = pair()
    wanted = alpha * mse(x_hat, x) + (1 - alpha) * mse(gradient(x_hat), gradient(x))
    torch.testing.assert_close(
        edge_loss(x_hat, x, alpha, gradient=gradient), wanted, rtol=1e-13, atol=0
    )
    torch.testing.assert_close(
        edge_loss(x_hat, x, 1.0, "none"), mse(x_hat, x, "none"), rtol=0, atol=0
    )


@GRADIENTS
def test_edges_do_not_depend_on_brightness(gradient):
    x = pair()[0]
    assert edge_loss(x + 0.25, x, 0.0, gradient=gradient).item() == pytest.approx(0, abs=1e-30)
    assert edge_loss(x + 0.25, x, 1.0, gradient=gradient).item() == pytest.approx(1 / 16)


def test_sobel_is_zero_on_a_checkerboard_and_differences_are_not():
    board = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2)[None, None].double()
    assert sobel(board)[..., 1:-1, 1:-1].abs().max() == 0
    assert forward_differences(board)[..., :-1, :-1].abs().min() == 1


@GRADIENTS
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
def test_reductions_agree_and_a_doubled_batch_does_not_move_a_mean(gradient, shape, reduction):
    x_hat, x = pair(shape)
    errors, value = (
        edge_loss(x_hat, x, 0.4, "none", gradient),
        edge_loss(x_hat, x, 0.4, reduction, gradient),
    )
    assert errors.shape == x.shape and value.shape == ()
    assert value.item() == pytest.approx(
        errors.sum().item() / {"mean": errors.numel(), "sum": 1, "batchmean": shape[0]}[reduction]
    )
    doubled = edge_loss(torch.cat([x_hat, x_hat]), torch.cat([x, x]), 0.4, reduction, gradient)
    assert doubled.item() == pytest.approx((2 if reduction == "sum" else 1) * value.item())


@GRADIENTS
def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation(gradient):
    x_hat, x = pair((2, 1, 3, 4))
    assert torch.autograd.gradcheck(
        lambda a: edge_loss(a, x, 0.3, gradient=gradient), x_hat.clone().requires_grad_()
    )
    alphas = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    torch.testing.assert_close(
        torch.vmap(lambda alpha: edge_loss(x_hat, x, alpha, gradient=gradient))(alphas),
        torch.stack([edge_loss(x_hat, x, alpha, gradient=gradient) for alpha in alphas.tolist()]),
    )
    rows = torch.vmap(lambda a, b: edge_loss(a[None], b[None], gradient=gradient))(x_hat, x)
    torch.testing.assert_close(
        rows, edge_loss(x_hat, x, reduction="none", gradient=gradient).flatten(1).mean(1)
    )
    compiled = torch.compile(edge_loss, backend="eager", fullgraph=True)
    torch.testing.assert_close(
        compiled(x_hat, x, 0.3, gradient=gradient), edge_loss(x_hat, x, 0.3, gradient=gradient)
    )


@pytest.mark.parametrize(
    "x_hat, x, alpha, error, words",
    [
        (
            torch.zeros(2, 1, 4, 4),
            torch.zeros(2, 1, 4, 5),
            0.5,
            ValueError,
            r"\(2, 1, 4, 5\); expected the same",
        ),
        (
            torch.zeros(4, 4),
            torch.zeros(4, 4),
            0.5,
            ValueError,
            r"x has shape \(4, 4\); expected images",
        ),
        (
            torch.zeros(2, 1, 4, 4),
            torch.zeros(2, 1, 4, 4).double(),
            0.5,
            TypeError,
            "torch.float32 and x torch.float64",
        ),
        (
            torch.zeros(2, 1, 4, 4),
            torch.zeros(2, 1, 4, 4),
            1.5,
            ValueError,
            r"alpha is 1.5; expected a weight in \[0, 1\]",
        ),
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4), -0.1, ValueError, "alpha is -0.1"),
    ],
)
def test_what_does_not_fit_is_refused(x_hat, x, alpha, error, words):
    with pytest.raises(error, match=words):
        edge_loss(x_hat, x, alpha)


@GRADIENTS
def test_a_gradient_needs_images(gradient):
    with pytest.raises(ValueError, match=r"x has shape \(4, 4\); expected images"):
        gradient(torch.zeros(4, 4))
