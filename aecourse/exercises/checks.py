"""The visible checks of the exercises, which run in the notebook. For a wrong answer they say which
idea is missing.
"""

import contextlib

import numpy as np
import torch

NEXT = "This is not a common mistake: compute one element by hand, and open the next hint."


def expect(name, answer, right, ideas, rtol=1e-5, atol=1e-7):
    """Assert that `answer` equals `right`; if it is a known wrong answer, say which idea is
    missing.

    Args:
        name: what returned the answer, as the learner would write it: ``"mse(x_hat, x)"``.
        answer: what the learner's code returned: a tensor, a number, a string or a truth value.
            NumPy's strings and truth values count as Python's.
        right: the expected value, of the same shape.
        ideas: a sentence about what is missing -> the wrong answer that shows it, or a function
            that recognises it.
        rtol: relative tolerance of numbers: right formulas differ by about 1e-7 in float32, wrong
            ones by at least 1e-3.
        atol: absolute tolerance.

    Raises:
        AssertionError: If they differ; the message contains both, and the idea.
    """
    if isinstance(answer, np.str_ | np.bool_):
        answer = answer.item()
    if isinstance(right, (str, bool)):
        seen, wanted = answer, right

        def same(a, b):
            return type(a) is type(b) and a == b
    else:
        seen, wanted = number(name, answer), number(name, right)

        def same(a, b):
            b = number(name, b)
            return a.shape == b.shape and torch.allclose(a, b, rtol, atol, equal_nan=True)

    if same(seen, wanted):
        return
    missed = [
        idea
        for idea, wrong in ideas.items()
        if (wrong(seen) if callable(wrong) else same(seen, wrong))
    ]
    raise AssertionError(
        f"{name} gives {shown(seen)}; expected {shown(wanted)}. {missed[0] if missed else NEXT}"
    )


def number(name, value):
    """`value` as a tensor of float64 on the CPU, without its gradient."""
    if value is None:
        raise AssertionError(f"{name} returns nothing: is a `return` missing?")
    try:
        return torch.as_tensor(value).detach().to("cpu", torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"{name} gives {value!r}; expected a tensor or a number.") from None


def shown(value):
    """`value` as an error message shows it."""
    if not isinstance(value, torch.Tensor):
        return repr(value)
    return f"{value.item():.6g}" if value.dim() == 0 else f"a tensor of shape {tuple(value.shape)}"


def carries_gradient(name, answer):
    """Assert that `answer` is a tensor with a gradient: a plain number cannot train a network."""
    if not (isinstance(answer, torch.Tensor) and answer.requires_grad):
        raise AssertionError(
            f"{name} has the right value but carries no gradient: .item(), .detach(), float() and "
            "numpy cut it off. Use tensor operations from the first line to the last."
        )


PLACES = {  # what computes gradients
    torch.autograd: ("grad", "backward"),
    torch.Tensor: ("backward",),
    torch.func: ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian"),
    torch.autograd.functional: ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"),
}


@contextlib.contextmanager
def without_autograd():
    """In the block, PyTorch's functions that compute gradients raise an error, and no graph is
    recorded: the step asks for a derivation on paper.
    """

    def refused(*arguments, **settings):
        raise RuntimeError(
            "this step asks for the gradient that you derived on paper: write its formula, without "
            "PyTorch's autograd"
        )

    kept = [(place, name, getattr(place, name)) for place in PLACES for name in PLACES[place]]
    for place, name, _ in kept:
        setattr(place, name, refused)
    try:
        with torch.inference_mode():  # for functions that were imported by name before
            yield
    finally:
        for place, name, function in kept:
            setattr(place, name, function)
