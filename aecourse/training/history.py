"""The history of a training run: the value of every loss term at every step."""

import math
from typing import Any

import torch


class NonFinite(ArithmeticError):
    """A loss term became infinite or nan."""


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C (or any KeyboardInterrupt).

    Attributes:
        history: :class:`History` of the steps that were made.
    """

    def __init__(self, message: str, history: "History"):
        super().__init__(message)
        self.history = history


class History:
    """The values of a training run.

    Attributes:
        terms: one list for each loss term, with a value for each step; ``terms["loss"]`` is the
            total loss, the sum of the others.
        validation_losses: (step, loss on the validation data), one for each check; empty without
            validation.
    """

    terms: dict[str, list[float]]
    validation_losses: list[tuple[int, float]]

    def __init__(self) -> None:
        self.terms = {}
        self.validation_losses = []

    @property
    def steps(self) -> list[int]:
        """The step of each value: 1, 2, ..."""
        return list(range(1, len(self.terms.get("loss", [])) + 1))

    @property
    def best_step(self) -> int | None:
        """The step with the lowest finite loss on the validation data; None if there is none."""
        finite = [(loss, step) for step, loss in self.validation_losses if math.isfinite(loss)]
        return min(finite)[1] if finite else None

    def append(self, names: list[str], values: torch.Tensor) -> None:
        """Append `values`, (steps, terms), whose columns are called `names`."""
        for name, column in zip(names, values.T.tolist(), strict=True):
            self.terms.setdefault(name, []).extend(column)


def check_terms(terms: Any, names: list[str] | None) -> list[str]:
    """Check that an objective returned named scalars, and return their names.

    From the second step on, `names` are those of the first, and must be the same.
    """
    good = (
        isinstance(terms, dict)
        and terms
        and all(isinstance(t, torch.Tensor) and t.dim() == 0 for t in terms.values())
    )
    if not good or "loss" in terms or names and terms.keys() != set(names):
        seen = type(terms).__name__
        if isinstance(terms, dict):
            seen = {
                name: tuple(t.shape) if isinstance(t, torch.Tensor) else type(t).__name__
                for name, t in terms.items()
            }
        raise ValueError(
            f"objective returned {seen}; expected a dictionary of named scalar tensors, the same "
            "names at every step, none of them 'loss' (the name of their sum): reduce each term "
            "with .mean(), and return a zero for a term that is switched off"
        )
    return names or list(terms)


def check_finite(names: list[str], values: torch.Tensor, last_step: int, lr: float) -> None:
    """Check that `values`, (steps, terms), the last of them from `last_step`, are finite."""
    wrong = (~values.isfinite()).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        step = last_step - len(values) + row + 1
        raise NonFinite(
            f"{names[column]} became {values[row, column].item()} at step {step}, with a learning "
            f"rate of {lr:g}: lower it, lower the weight of this term, or look for a logarithm "
            "or a division of zero in it"
        )
