"""Weight decay against ridge regression, the shrunken principal subspace and PyTorch's SGD."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from aecourse.models import Autoencoder
from aecourse.regularizers import l2_penalty, prior_weight, weight_matrices

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "regularizers.prior_weight": (
        "the same minimum as `sklearn.linear_model.Ridge(alpha=sigma**2 / sigma_p**2)`; "
        "`torch.distributions.Normal`",
        "ridge 1e-6; densities `assert_close`",
        "takes no tensor",
    ),
    "regularizers.l2_penalty": (
        "`sklearn.linear_model.Ridge`; the shrunken subspace of Kunin et al. (2019); "
        "`torch.optim.SGD(weight_decay=2 * lam)`",
        "ridge 1e-6; subspace 1.1e-5; step 1e-14",
        "yes",
    ),
    "regularizers.weight_matrices": (
        "by hand: which tensors count",
        "exact",
        "returns parameters",
    ),
}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def minimised(objective, parameters):
    """The values of `parameters` that minimise `objective`, by L-BFGS."""
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=2000,
        tolerance_grad=1e-12,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = objective()
        loss.backward()
        return loss

    optimizer.step(closure)
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_sum_of_squares_by_hand(dtype):
    weights = [torch.tensor([[1.0, 2.0]], dtype=dtype), torch.tensor([3.0], dtype=dtype)]
    value = l2_penalty(weights)
    assert value.item() == 14 and value.shape == () and value.dtype == dtype
    assert l2_penalty(weight for weight in weights).item() == 14, "any iterable"


@pytest.mark.parametrize(
    "sigma, sigma_p, elements, value",
    [(1.0, 1.0, 1, 1), (0.1, 2.0, 1, 0.0025), (2, 1, 1, 4), (0.1, 2.0, 50, 0.00005)],
)
def test_the_weight_of_the_prior_by_hand(sigma, sigma_p, elements, value):
    assert prior_weight(sigma, sigma_p, elements) == pytest.approx(value)


@pytest.mark.parametrize("reduce, elements", [(torch.sum, 1), (torch.mean, 150)])
def test_a_linear_decoder_with_a_gaussian_prior_is_ridge_regression(reduce, elements):
    """Maximum a posteriori, with an unpenalised bias: for summed errors and for their mean."""
    z = normal(30, 4)
    x = normal(30, 5, seed=1)
    sigma = 0.5
    sigma_p = 0.8
    ridge = Ridge(alpha=sigma**2 / sigma_p**2, tol=1e-12).fit(z.numpy(), x.numpy())
    decoder = nn.Linear(4, 5).double()
    lam = prior_weight(sigma, sigma_p, elements)
    minimised(
        lambda: reduce((decoder(z) - x).square()) + lam * l2_penalty(weight_matrices(decoder)),
        list(decoder.parameters()),
    )
    np.testing.assert_allclose(decoder.weight.detach(), ridge.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(decoder.bias.detach(), ridge.intercept_, rtol=1e-6, atol=1e-8)


def test_it_is_the_prior_of_scipy_up_to_a_constant():
    """2 sigma^2 times the negative log-posterior, as a difference: its constant cancels."""
    z = normal(30, 4)
    x = normal(30, 5, seed=1)
    sigma = 0.5
    sigma_p = 0.8

    def twice(w):
        likelihood = torch.distributions.Normal(z @ w, sigma).log_prob(x).sum()
        return (
            -2 * sigma**2 * (likelihood + torch.distributions.Normal(0, sigma_p).log_prob(w).sum())
        )

    def ours(w):
        return (z @ w - x).square().sum() + prior_weight(sigma, sigma_p) * l2_penalty([w])

    a, b = normal(4, 5, seed=2), normal(4, 5, seed=3)
    torch.testing.assert_close(ours(a) - ours(b), twice(a) - twice(b))


@pytest.mark.parametrize("lam", [0.0, 5.0, 30.0])
def test_a_linear_autoencoder_becomes_the_shrunken_principal_subspace(lam):
    """W2 W1 = U diag((1 - lambda / s^2)_+) U' for the summed error (Kunin et al., 2019)."""
    x = normal(40, 6) * torch.tensor([3.0, 2.0, 1.0, 0.6, 0.4, 0.2])
    encode, decode = normal(3, 6, seed=1).requires_grad_(), normal(6, 3, seed=2).requires_grad_()
    minimised(
        lambda: (x @ encode.T @ decode.T - x).square().sum() + lam * l2_penalty([encode, decode]),
        [encode, decode],
    )
    _, s, v = np.linalg.svd(x.numpy(), full_matrices=False)
    wanted = v[:3].T @ np.diag(np.maximum(1 - lam / s[:3] ** 2, 0)) @ v[:3]
    np.testing.assert_allclose((decode @ encode).detach(), wanted, rtol=0, atol=1.1e-5)


@pytest.mark.parametrize("lam", [0.01, 0.3])
def test_the_weight_decay_of_pytorch_is_twice_the_weight(lam):
    steps = []
    for penalised in (True, False):
        w = normal(3, 4).requires_grad_()
        optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0 if penalised else 2 * lam)
        (w.sin().sum() + (lam * l2_penalty([w]) if penalised else 0)).backward()
        optimizer.step()
        steps.append(w.detach())
    torch.testing.assert_close(*steps, rtol=1e-14, atol=0)


def test_matrices_and_kernels_count_and_biases_and_gains_do_not():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3), nn.LayerNorm(3)
    )
    assert [tuple(w.shape) for w in weight_matrices(model)] == [(2, 1, 3, 3), (3, 8)]
    assert len(weight_matrices(Autoencoder((1, 4, 4), (5,), 2))) == 4


def test_a_shared_matrix_counts_once():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    assert l2_penalty(weight_matrices(nn.Sequential(first, second))).item() == pytest.approx(
        first.weight.square().sum().item()
    )


def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation():
    w = normal(3, 2, 2)
    assert torch.autograd.gradcheck(lambda a: l2_penalty([a]), w.clone().requires_grad_())
    torch.testing.assert_close(torch.vmap(lambda a: l2_penalty([a]))(w), w.square().sum((1, 2)))
    torch.testing.assert_close(
        torch.compile(l2_penalty, backend="eager", fullgraph=True)([w]), l2_penalty([w])
    )


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: l2_penalty([]), ValueError, "weights is empty; .* weight_matrices"),
        (
            lambda: l2_penalty([torch.ones(2, dtype=torch.int64)]),
            TypeError,
            "a weight has dtype torch.int64",
        ),
        (
            lambda: weight_matrices([torch.ones(2)]),
            TypeError,
            "model is a list; expected a torch.nn.Module",
        ),
        (lambda: prior_weight(0.0, 1.0), ValueError, "sigma is 0.0; expected a positive float"),
        (lambda: prior_weight(1.0, -1), ValueError, "sigma_p is -1"),
        (
            lambda: prior_weight(1.0, 1.0, 2.5),
            ValueError,
            "elements is 2.5; expected a positive int",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
