"""Found in public code: the mean of a contractive penalty by ``//``, which has zero gradient.

PyTorch now refuses to differentiate ``//``, but not ``torch.div(..., rounding_mode="floor")``,
which is the same function.
"""

import pytest
import torch

from aecourse.models import Autoencoder
from aecourse.regularizers import (
    contractive_penalty,
    contractive_penalty_by_jacobian,
    contractive_penalty_of_sigmoid_layer,
)


def encoder_and_data():
    torch.manual_seed(0)
    return Autoencoder(6, (), 3, code_activation="sigmoid").encoder.double(), torch.randn(
        8, 6, dtype=torch.float64
    )


def floored(encoder, x):
    """The bug."""
    z, weight = encoder(x), encoder[0][0].weight
    return torch.div(
        ((z * (1 - z)).square() @ weight.square().sum(1)).sum(), len(x), rounding_mode="floor"
    )


def ours(encoder, x):
    return contractive_penalty_of_sigmoid_layer(encoder(x), encoder[0][0].weight)


def learns(penalty):
    """A gradient step lowers the penalty, by step size times squared norm of the gradient."""
    encoder, x = encoder_and_data()
    before = contractive_penalty_by_jacobian(encoder, x).item()
    gradients = torch.autograd.grad(
        penalty(encoder, x), list(encoder.parameters()), allow_unused=True, materialize_grads=True
    )
    with torch.no_grad():
        for parameter, gradient in zip(encoder.parameters(), gradients, strict=True):
            parameter -= 1e-3 * gradient
    fall = 1e-3 * sum(gradient.square().sum().item() for gradient in gradients)
    return fall > 0 and before - contractive_penalty_by_jacobian(
        encoder, x
    ).item() == pytest.approx(fall, rel=0.02)


def test_a_floored_mean_does_not_learn_and_a_mean_does():
    assert learns(ours) and learns(contractive_penalty) and learns(contractive_penalty_by_jacobian)
    assert not learns(floored)


def test_a_floored_mean_is_not_a_mean():
    encoder, x = encoder_and_data()
    wanted = pytest.approx(
        torch.stack([contractive_penalty_by_jacobian(encoder, row[None]) for row in x])
        .mean()
        .item()
    )
    assert ours(encoder, x).item() == contractive_penalty(encoder, x).item() == wanted
    assert floored(encoder, x).item() != wanted
