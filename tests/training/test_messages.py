"""Errors and progress of the loop: which term failed and when, and what is rejected."""

import io
import itertools
import math
import re
import sys

import pytest
import torch

from aecourse.losses import mse
from aecourse.models import Autoencoder
from aecourse.training import NonFinite, fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "training.NonFinite": (
        "by hand: raised at the planted step",
        "exact",
        "an error",
    ),
}

DATA = torch.rand(40, 6, generator=torch.Generator().manual_seed(1))


def start(output="sigmoid"):
    torch.manual_seed(0)
    return Autoencoder(6, (4,), 2, output=output)


def squared(model, x, generator):
    return {"fit": mse(model(x)[0], x)}


def run(objective=squared, model=None, data=DATA, **options):
    return fit(
        model or start(),
        data,
        objective,
        **{"steps": 20, "batch_size": 16, "device": "cpu", **options},
    )


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "bad, steps, order",
    [
        (1, 1, 1),
        (1, 60, -1),
        (50, 60, 1),
        (51, 120, -1),
        (73, 120, 1),
        (73, 120, -1),
        (117, 117, 1),
    ],
)
def test_the_first_term_that_is_not_finite_is_named_with_its_step(bad, steps, order, value):
    count = itertools.count(1)

    def objective(model, x, generator):
        penalty = (value if next(count) == bad else 1) * model.encode(x).square().mean()
        return dict(list({**squared(model, x, generator), "penalty": penalty}.items())[::order])

    with pytest.raises(
        NonFinite,
        match=rf"^penalty became {value} at step {bad}, with a learning rate of 0\.02: lower it",
    ):
        run(objective, steps=steps, lr=0.02)


@pytest.mark.parametrize(
    "output, low, high", [("sigmoid", 0, 1), ("tanh", -1, 1), ("linear", -50, 50)]
)
def test_data_outside_the_range_of_the_output_are_refused(output, low, high):
    data = low + (high - low) * DATA
    data[0, 0], data[1, 1] = low, high
    run(model=start(output), data=data, steps=1)
    for wrong in [data - 0.01, data + 0.01] if output != "linear" else []:
        with pytest.raises(
            ValueError, match=rf"data runs from .*; expected values in \[{low}, {high}\]"
        ):
            run(model=start(output), data=wrong, steps=1)


@pytest.mark.parametrize("model", [start("linear"), torch.nn.Linear(6, 6)])
@pytest.mark.parametrize(
    "data, error, words",
    [
        (torch.full((4, 6), math.nan), ValueError, "data contains nan"),
        (torch.full((4, 6), math.inf), ValueError, "data contains nan or infinity"),
        (torch.zeros(0, 6), ValueError, "data is empty"),
        (DATA.byte(), TypeError, r"data has dtype torch.uint8.*data\.float\(\)"),
        (DATA.tolist(), TypeError, "data is a list"),
    ],
)
def test_invalid_data_are_refused(model, data, error, words):
    with pytest.raises(error, match=words):
        run(model=model, data=data)


@pytest.mark.parametrize(
    "wrong, seen",
    [
        (lambda loss: loss, "Tensor"),
        (lambda loss: {}, "{}"),
        (lambda loss: None, "NoneType"),
        (lambda loss: [loss], "list"),
        (lambda loss: {"loss": loss}, r"{'loss': \(\)}"),
        (lambda loss: {"fit": loss, "loss": loss}, r"{'fit': \(\), 'loss': \(\)}"),
        (lambda loss: {"fit": loss.item()}, "{'fit': 'float'}"),
        (lambda loss: {"fit": loss, "map": loss.repeat(3)}, r"{'fit': \(\), 'map': \(3,\)}"),
    ],
)
def test_an_objective_returns_named_scalars_or_is_refused(wrong, seen):
    with pytest.raises(
        ValueError,
        match=f"objective returned {seen}; expected a dictionary of named scalar tensors",
    ):
        run(lambda *given: wrong(squared(*given)["fit"]))


def test_an_objective_that_changes_its_names_is_refused():
    count = itertools.count(1)
    with pytest.raises(ValueError, match="objective returned .*'late'"):
        run(
            lambda *given: {"fit" if next(count) < 51 else "late": squared(*given)["fit"]}, steps=60
        )


@pytest.mark.parametrize("name", ["steps", "batch_size", "lr"])
@pytest.mark.parametrize("value", [0, -1, True, "1", math.nan])
def test_a_number_that_is_not_positive_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*; expected a positive"):
        run(**{name: value})


@pytest.mark.parametrize(
    "variable, progress, tty, shown",
    [
        (None, None, True, True),
        ("1", None, True, True),
        ("0", None, True, False),
        ("0", True, True, True),
        ("1", False, True, False),
        ("1", None, False, False),
    ],
)
def test_progress_is_one_line_in_a_terminal(monkeypatch, capsys, variable, progress, tty, shown):
    monkeypatch.setenv("AECOURSE_PROGRESS", variable) if variable else monkeypatch.delenv(
        "AECOURSE_PROGRESS", raising=False
    )
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    sys.stdout.isatty = lambda: tty
    last = run(steps=120, progress=progress).terms["loss"][-1]
    before, *lines = sys.stdout.getvalue().split("\r")
    assert before == capsys.readouterr().err == ""
    assert [re.match(r"step (\d+) of 120, loss ", line)[1] for line in lines] == (
        ["50", "100", "120"] if shown else []
    )
    if shown:
        assert (
            lines[-1].endswith("\n")
            and "\n" not in "".join(lines)[:-1]
            and f"{last:.4g}" in lines[-1]
        )
        assert len({len(line.rstrip("\n")) for line in lines}) == 1, "each covers the one before"


def test_progress_in_a_notebook_updates_one_display(monkeypatch, capsys):
    shown = []
    handle = type(
        "Handle", (), {"update": lambda self, data, raw: shown.append(data["text/plain"])}
    )()
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, **given: shown.append("new") or handle.update(data, True) or handle,
    )
    run(steps=120, progress=True)
    assert [line.split(",")[0] for line in shown] == [
        "new",
        "step 50 of 120",
        "step 100 of 120",
        "step 120 of 120",
    ]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "validation, error, message",
    [
        (DATA[:, :5], ValueError, r"^validation has shape \(40, 5\); expected \(B, 6\)"),
        (DATA * 3, ValueError, "^validation runs from"),
        (DATA.double(), TypeError, "^validation has dtype torch.float64"),
        (DATA.numpy(), TypeError, "^validation is a ndarray"),
        (DATA[:0], ValueError, "^validation is empty"),
    ],
)
def test_bad_validation_data_are_named_before_training(validation, error, message):
    with pytest.raises(error, match=message):
        run(lambda *given: pytest.fail("it trained"), validation=validation)


def test_an_error_on_the_validation_data_says_so():
    """A model that does not tell its shape meets them first when the loss is computed."""
    model = torch.nn.Linear(6, 6)

    def objective(model, x, generator):
        return {"fit": mse(model(x), x)}

    with pytest.raises(RuntimeError) as caught:
        run(objective, model, validation=torch.rand(9, 5), validate_every=2)
    assert caught.value.__notes__ == ["It was raised on the data given as validation, at step 2."]
