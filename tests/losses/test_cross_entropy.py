"""Cross entropy against SciPy's entropies, PyTorch, its known gradient, and at large logits."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import optimize, special, stats

from aecourse.losses import bce, bce_from_probabilities

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "losses.bce": (
        "`F.binary_cross_entropy_with_logits`; `scipy.special.entr` + `rel_entr`; the gradient "
        "is `scipy.special.expit(a) - x`",
        "1e-12; float32 2e-6; entropies 1e-10",
        "yes",
        "losses/test_reduction.py",
    ),
    "losses.bce_from_probabilities": (
        "`F.binary_cross_entropy_with_logits` at the logits of the same probabilities; at 0 "
        "and 1 `F.binary_cross_entropy`",
        "20 × 1e-12; float32 20 × 2e-6; exact at 0 and 1",
        "yes",
        "losses/test_reduction.py",
    ),
}

BOTH = pytest.mark.parametrize("loss", [bce, bce_from_probabilities])
FLOATS = pytest.mark.parametrize("dtype, rtol", [(torch.float32, 2e-6), (torch.float64, 1e-12)])


def logits_and_data(dtype=torch.float64, shape=(4, 3, 5, 7)):
    generator = torch.Generator().manual_seed(0)
    a = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return a.to(dtype), torch.rand(shape, generator=generator, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize(
    "reduction, nats",
    [("mean", math.log(2)), ("sum", 6 * math.log(2)), ("batchmean", 3 * math.log(2))],
)
def test_a_probability_of_one_half_costs_ln_2_for_any_data(reduction, nats):
    x = torch.tensor([[0.0, 1.0, 0.3], [0.5, 0.9, 1.0]])
    assert bce(torch.zeros(2, 3), x, reduction).item() == pytest.approx(nats, rel=1e-6)
    assert bce_from_probabilities(torch.full((2, 3), 0.5), x, reduction).item() == pytest.approx(
        nats, rel=1e-6
    )


@pytest.mark.parametrize("data", ["grey", "binary"])
def test_cross_entropy_is_entropy_plus_divergence(data):
    a, x = logits_and_data()
    x = x.round() if data == "binary" else x
    p = special.expit(a.numpy())
    q = x.numpy()
    nats = bce(a, x, "none")
    entropy = special.entr(q) + special.entr(1 - q)
    np.testing.assert_allclose(
        nats, entropy + special.rel_entr(q, p) + special.rel_entr(1 - q, 1 - p), rtol=1e-10
    )
    np.testing.assert_allclose(nats, -special.xlogy(q, p) - special.xlog1py(1 - q, -p), rtol=1e-10)
    if data == "binary":
        np.testing.assert_allclose(nats, -stats.bernoulli(p).logpmf(q), rtol=1e-10)
        torch.testing.assert_close(nats, -torch.distributions.Bernoulli(logits=a).log_prob(x))


@FLOATS
@pytest.mark.parametrize("shape", [(9,), (5, 12), (1, 1, 1, 1), (2, 3, 2, 3, 2)])
def test_cross_entropy_agrees_with_pytorch(dtype, rtol, shape):
    a, x = logits_and_data(dtype, shape)
    wanted = F.binary_cross_entropy_with_logits(a, x, reduction="none")
    torch.testing.assert_close(bce(a, x, "none"), wanted, rtol=rtol, atol=rtol)
    torch.testing.assert_close(
        bce_from_probabilities(a.sigmoid(), x, "none"), wanted, rtol=20 * rtol, atol=rtol
    )


@FLOATS
def test_the_gradient_is_the_reconstruction_minus_the_data(dtype, rtol):
    x = torch.linspace(0, 1, 5, dtype=dtype).repeat(7, 1)
    a = (
        torch.tensor([-1e4, -20, -1, 0, 1, 20, 1e4], dtype=dtype)[:, None]
        .repeat(1, 5)
        .requires_grad_()
    )
    bce(a, x, "sum").backward()
    np.testing.assert_allclose(
        a.grad, special.expit(a.detach().numpy()) - x.numpy(), rtol=rtol, atol=rtol
    )


def test_its_second_derivative_is_the_derivative_of_the_sigmoid():
    a, x = torch.tensor([[-2.0, 0.0, 0.5], [0.0, 0.3, 1.0]], dtype=torch.float64)
    curvature = torch.vmap(torch.func.grad(torch.func.grad(bce)))(a, x)
    np.testing.assert_allclose(curvature, stats.logistic.pdf(a), rtol=1e-12)


@FLOATS
@pytest.mark.parametrize(
    "a, x, nats",
    [(1e4, 0.0, 1e4), (1e4, 1.0, 0), (-1e4, 1.0, 1e4), (-1e4, 0.0, 0), (1e4, 0.25, 7500)],
)
def test_it_is_finite_at_large_logits(dtype, rtol, a, x, nats):
    assert bce(
        torch.tensor([a], dtype=dtype), torch.tensor([x], dtype=dtype)
    ).item() == pytest.approx(nats, rel=rtol)


def test_it_is_smallest_where_the_reconstruction_equals_the_data():
    x = torch.tensor([0.3], dtype=torch.float64)
    best = optimize.minimize_scalar(lambda a: bce(x.new_tensor([a]), x).item())
    assert special.expit(best.x) == pytest.approx(0.3, rel=1e-6)
    assert best.fun == pytest.approx(stats.bernoulli(0.3).entropy(), rel=1e-9)


@FLOATS
def test_a_rounded_probability_costs_no_more_than_100_nats(dtype, rtol):
    p, x = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 0]], dtype=dtype)
    assert bce_from_probabilities(p, x, "none").tolist() == [0, 0, 100, 100]
    assert F.binary_cross_entropy(p, x, reduction="none").tolist() == [0, 0, 100, 100]


@BOTH
@pytest.mark.parametrize(
    "values, words",
    [
        (
            [0.0, 1.5],
            [
                "x runs from 0 to 1.5",
                "[0, 1]",
                "(x - x.min()) / (x.max() - x.min())",
                "squared error",
            ],
        ),
        ([-0.42, 2.8], ["from -0.42 to 2.8"]),
        ([0.5, math.nan], ["nan or infinity", "torch.nan_to_num(x)"]),
        ([0.5, math.inf], ["nan or infinity"]),
    ],
)
def test_data_outside_the_unit_interval_are_refused(loss, values, words):
    with pytest.raises(ValueError) as caught:
        loss(torch.full((2,), 0.5), torch.tensor(values))
    assert all(word in str(caught.value) for word in words)


def test_a_probability_outside_the_unit_interval_is_refused_and_a_logit_is_not():
    with pytest.raises(ValueError, match="x_hat runs from -2 to 3"):
        bce_from_probabilities(torch.tensor([-2.0, 3.0]), torch.tensor([0.0, 1.0]))
    assert bce(torch.tensor([-2.0, 3.0]), torch.tensor([0.0, 1.0])).isfinite()


def test_under_autocast_logits_in_half_precision_are_compared_in_single():
    x = torch.rand(50, generator=torch.Generator().manual_seed(0))
    logits = torch.linspace(-9, 9, 50).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value = bce(logits, x, "none")
    assert value.dtype == torch.float32
    torch.testing.assert_close(
        value,
        torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), x, reduction="none"),
    )
