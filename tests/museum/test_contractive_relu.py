"""Found in public code: the derivative h (1 - h) of a sigmoid on ReLU units; detached weights."""

import pytest
import torch

from aecourse.models import Autoencoder
from aecourse.regularizers import (
    contractive_penalty,
    contractive_penalty_by_jacobian,
    contractive_penalty_of_sigmoid_layer,
)


def encoder_and_data(code):
    torch.manual_seed(0)
    return Autoencoder(6, (), 4, code_activation=code).encoder.double(), 2 * torch.randn(
        16, 6, dtype=torch.float64
    )


def sigmoid_derivative_and_detached_weights(encoder, x):
    """The bug, both halves."""
    h, weight = encoder(x), encoder[0][0].weight.detach()
    return ((h * (1 - h)).square() @ weight.square().sum(1)).mean()


def sigmoid_derivative(encoder, x):
    """The first half alone."""
    h, weight = encoder(x), encoder[0][0].weight
    return ((h * (1 - h)).square() @ weight.square().sum(1)).mean()


def is_the_penalty(candidate, code):
    """Whether its value, and its gradient, equal those of the automatic Jacobian."""
    encoder, x = encoder_and_data(code)
    seen, wanted = candidate(encoder, x), contractive_penalty_by_jacobian(encoder, x)
    pairs = zip(
        *(
            torch.autograd.grad(
                value, list(encoder.parameters()), allow_unused=True, materialize_grads=True
            )
            for value in (seen, wanted)
        ),
        strict=True,
    )
    return seen.item() == pytest.approx(wanted.item(), rel=1e-12), all(
        torch.allclose(*pair, rtol=1e-10) for pair in pairs
    )


@pytest.mark.parametrize("code", ["relu", "sigmoid", "tanh"])
def test_ours_is_the_penalty_for_any_units(code):
    assert is_the_penalty(contractive_penalty, code) == (True, True)


def test_slopes_of_a_sigmoid_are_wrong_on_relu_units_and_right_on_sigmoid_units():
    assert is_the_penalty(sigmoid_derivative, "relu") == (False, False)
    assert is_the_penalty(sigmoid_derivative, "sigmoid") == (True, True)


def test_weights_out_of_the_graph_give_the_value_and_half_of_the_gradient():
    assert is_the_penalty(sigmoid_derivative_and_detached_weights, "sigmoid") == (True, False)
    assert is_the_penalty(sigmoid_derivative_and_detached_weights, "relu") == (False, False)
    assert is_the_penalty(
        lambda encoder, x: contractive_penalty_of_sigmoid_layer(encoder(x), encoder[0][0].weight),
        "sigmoid",
    ) == (True, True)


def test_codes_of_relu_units_are_refused_by_the_closed_form():
    encoder, x = encoder_and_data("relu")
    with pytest.raises(ValueError, match="z runs from 0 to"):
        contractive_penalty_of_sigmoid_layer(encoder(x), encoder[0][0].weight)
