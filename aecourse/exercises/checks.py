"""The visible checks of the exercises, which run wherever a notebook does. For a wrong answer they
say which idea was missed.
"""

import torch

NEXT = "It is none of the usual slips: compute one element by hand, and open the next hint."


def expect(name, answer, right, ideas, rtol=1e-5, atol=1e-7):
    """Assert that `answer` equals `right`; if it is a known wrong answer, say which idea was
    missed.

    Args:
        name: what gave the answer, in the learner's words: ``"mse(x_hat, x)"``.
        answer: what the learner's code returned: a tensor or a number, a string or a truth value.
        right: what it should be, of the same shape.
        ideas: what was missed, in a sentence -> the wrong answer that shows it, or a function that
            recognises it.
        rtol: relative tolerance of numbers: right formulas differ by some 1e-7 in float32, the
            nearest wrong answers by 1e-3.
        atol: absolute tolerance.

    Raises:
        AssertionError: If they differ; the message holds both, and the idea.
    """
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
        raise AssertionError(f"{name} gives nothing: is a `return` missing?")
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
    """Assert that a tensor can be differentiated: a plain number teaches a network nothing."""
    if not (isinstance(answer, torch.Tensor) and answer.requires_grad):
        raise AssertionError(
            f"{name} has the right value and carries no gradient: .item(), .detach(), float() and "
            f"numpy cut it off. "
            "Stay with tensors from the first line to the last."
        )
