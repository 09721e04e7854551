"""What a visible check takes for right, and what it says of an answer of another form."""

import numpy as np
import pytest
import torch

from aecourse.exercises.checks import PLACES, carries_gradient, expect, number, without_autograd


@pytest.mark.parametrize(
    "answer, right",
    [
        (True, True),
        ("mae", "mae"),
        (2, 2.0),
        (torch.tensor(1 / 3), 1 / 3),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        (float("nan"), float("nan")),
        (np.bool_(True), True),
        (np.str_("mae"), "mae"),
    ],
    ids=range(8),
)
def test_what_is_right_passes(answer, right):
    assert expect("f(x)", answer, right, {}) is None


@pytest.mark.parametrize(
    "answer, right, words",
    [
        (1, True, "gives 1; expected True"),
        (torch.tensor(True), True, "expected True"),
        ("MAE", "mae", "gives 'MAE'; expected 'mae'"),
        (None, 2.0, "returns nothing: is a `return` missing"),
        ("2", 2.0, "expected a tensor or a number"),
        (2.001, 2.0, "gives 2.001; expected 2"),
        (
            torch.ones(2, 1),
            torch.ones(2),
            r"a tensor of shape \(2, 1\); expected a tensor of shape \(2,\)",
        ),
        (torch.ones(2), 1.0, r"a tensor of shape \(2,\); expected 1"),
    ],
    ids=range(8),
)
def test_the_message_for_a_wrong_answer_says_what_was_expected(answer, right, words):
    with pytest.raises(AssertionError, match=words):
        expect("f(x)", answer, right, {})


def test_the_first_idea_that_fits_is_named():
    ideas = {"Twice.": 4.0, "Negative.": lambda seen: bool(seen < 0), "Half.": 1.0}
    for answer, words in (
        (4.0, "Twice"),
        (-2.0, "Negative"),
        (1.0, "Half"),
        (3.0, "not a common mistake"),
    ):
        with pytest.raises(AssertionError, match=words):
            expect("f(x)", answer, 2.0, ideas)


def test_a_plain_number_or_a_cut_tensor_carries_no_gradient():
    carries_gradient("f(x)", torch.ones(1, requires_grad=True))
    for answer in (1.0, torch.ones(1), torch.ones(1, requires_grad=True).detach()):
        with pytest.raises(AssertionError, match="carries no gradient"):
            carries_gradient("f(x)", answer)
    assert number("f(x)", torch.ones(1, requires_grad=True)).dtype == torch.float64


def test_of_a_wrong_text_of_numpy_the_idea_is_said():
    with pytest.raises(AssertionError, match="gives 'mse'; expected 'mae'. The other one"):
        expect("f(x)", np.str_("mse"), "mae", {"The other one": "mse"})


def test_without_autograd_gradients_are_refused_and_afterwards_they_are_back():
    x = torch.ones(2, requires_grad=True)
    by_name = torch.autograd.grad
    with without_autograd():
        with pytest.raises(RuntimeError, match="does not require grad"), torch.enable_grad():
            by_name(x.detach().requires_grad_().square().sum(), x)
        for compute in (
            lambda: torch.autograd.grad(x.sum(), x),
            lambda: x.sum().backward(),
            lambda: torch.func.grad(torch.sum)(x),
            lambda: torch.autograd.functional.jacobian(torch.sum, x),
        ):
            with pytest.raises(RuntimeError, match="derived on paper"):
                compute()
    assert torch.equal(torch.autograd.grad(x.sum(), x)[0], torch.ones(2))
    assert all(callable(getattr(place, name)) for place in PLACES for name in PLACES[place])
