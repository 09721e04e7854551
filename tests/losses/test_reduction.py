"""What all losses share: reductions, shapes, dtypes, transforms and errors."""

import math

import pytest
import torch

from aecourse.losses import bce, bce_from_probabilities, mae, mse
from aecourse.losses.reduction import reduce

LOSSES = pytest.mark.parametrize("loss", [mse, mae, bce, bce_from_probabilities])
FLOATS = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
SHAPES = [(1,), (7,), (1, 1), (5, 12), (4, 3, 5, 7), (2, 1, 1, 1), (2, 3, 2, 3, 2)]


def pair(shape, seed=0, dtype=torch.float32):
    """A reconstruction inside (0, 1), which every loss accepts, and data in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    x_hat, x = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    return (0.01 + 0.98 * x_hat).to(dtype), x.to(dtype)


def random_shape(seed):
    """One to five axes of length one to six."""
    generator = torch.Generator().manual_seed(seed)
    axes = int(torch.randint(1, 6, (), generator=generator))
    return tuple(torch.randint(1, 7, (axes,), generator=generator).tolist())


@pytest.mark.parametrize("reduction, value", [("mean", 3.5), ("sum", 21.0), ("batchmean", 10.5)])
def test_a_reduction_by_hand(reduction, value):
    assert reduce(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), reduction).item() == value
    assert reduce(torch.tensor([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]), reduction).item() == value


def test_no_reduction_keeps_the_errors():
    errors = torch.rand(2, 3)
    assert reduce(errors, "none") is errors


@LOSSES
@pytest.mark.parametrize("word", ["average", "Mean", "", None])
def test_an_unknown_reduction_is_refused_with_the_four_words(loss, word):
    with pytest.raises(
        ValueError,
        match=f"reduction is {word!r}; expected one of 'none', 'mean', 'sum', 'batchmean'",
    ):
        loss(*pair((2, 3)), word)


@LOSSES
@FLOATS
@pytest.mark.parametrize("shape", SHAPES + [random_shape(seed) for seed in range(24)])
def test_reductions_agree_with_the_errors_and_with_a_doubled_batch(loss, shape, dtype):
    x_hat, x = pair(shape, sum(shape), dtype)
    errors = loss(x_hat, x, "none")
    assert errors.shape == x.shape and errors.dtype == dtype and (errors >= 0).all()
    total, doubled = (
        math.fsum(errors.flatten().tolist()),
        [torch.cat([x_hat, x_hat]), torch.cat([x, x])],
    )
    for reduction, parts in (("mean", math.prod(shape)), ("sum", 1), ("batchmean", shape[0])):
        value = loss(x_hat, x, reduction)
        assert value.shape == () and value.dtype == dtype
        assert value.item() == pytest.approx(
            total / parts, rel=1e-5 if dtype == torch.float32 else 1e-12
        )
        factor = 2 if reduction == "sum" else 1
        assert loss(*doubled, reduction).item() == pytest.approx(factor * value.item(), rel=1e-5)
    assert loss(x_hat, x).item() == loss(x_hat, x, "mean").item()


@LOSSES
def test_a_loss_runs_under_vmap_and_grad(loss):
    x_hat, x = pair((6, 2, 3), dtype=torch.float64)
    rows = torch.stack([loss(*row) for row in zip(x_hat, x, strict=True)])
    torch.testing.assert_close(torch.vmap(loss)(x_hat, x), rows)
    leaf = x_hat.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(
        rows.new_tensor(0) + sum(loss(*row) for row in zip(leaf, x, strict=True)), leaf
    )
    torch.testing.assert_close(torch.vmap(torch.func.grad(loss))(x_hat, x), gradient)
    torch.testing.assert_close(torch.func.grad(loss)(x_hat[0], x[0]), gradient[0])


@LOSSES
def test_a_loss_compiles_in_one_graph(loss):
    x_hat, x = pair((3, 4))
    torch.testing.assert_close(
        torch.compile(loss, backend="eager", fullgraph=True)(x_hat, x), loss(x_hat, x)
    )


@LOSSES
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
def test_a_loss_has_the_gradient_of_its_value(loss, reduction):
    x_hat, x = pair((2, 3), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a: loss(a, x, reduction), x_hat.requires_grad_())


@LOSSES
@pytest.mark.parametrize(
    "x, error, words",
    [
        ([[0.5] * 3] * 2, TypeError, ["x is a list", "torch.as_tensor(x)"]),
        (torch.ones(2, 3, dtype=torch.int64), TypeError, ["x has dtype torch.int64", "x.float()"]),
        (torch.ones(2, 3, dtype=torch.float64), TypeError, ["torch.float32", "x torch.float64"]),
        (torch.ones(1, 3), ValueError, ["(2, 3)", "x (1, 3)", "broadcasting"]),
        (torch.ones(2, 1), ValueError, ["x (2, 1)"]),
        (torch.ones(6), ValueError, ["x (6,)"]),
        (torch.ones(2, 3, device="meta"), ValueError, ["x on meta"]),
    ],
)
def test_a_loss_refuses_what_does_not_match(loss, x, error, words):
    for arguments in ((torch.full((2, 3), 0.5), x), (x, torch.full((2, 3), 0.5))):
        with pytest.raises(error):
            loss(*arguments)
    with pytest.raises(error) as caught:
        loss(torch.full((2, 3), 0.5), x)
    assert all(word in str(caught.value) for word in words)


@LOSSES
def test_an_empty_batch_has_no_loss(loss):
    with pytest.raises(ValueError, match=r"is empty, of shape \(0, 3\)"):
        loss(torch.zeros(0, 3), torch.zeros(0, 3))
