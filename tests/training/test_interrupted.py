"""Ctrl-C in `fit`: the history is kept, the model is in evaluation mode, the message is true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sklearn.exceptions import NotFittedError

from aecourse.losses import mse
from aecourse.models import Autoencoder
from aecourse.sklearn import Estimator
from aecourse.training import Interrupted, fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "training.Interrupted": (
        "by hand: its history is that of a run of as many steps",
        "exact, float32",
        "an error",
    ),
}

ROOT = Path(__file__).resolve().parents[2]
DATA = torch.rand(40, 6, generator=torch.Generator().manual_seed(1))


def start():
    torch.manual_seed(0)
    return Autoencoder(6, (4,), 2)


def squared(model, x, generator):
    return {"fit": mse(model(x)[0], x)}


def stopped_in(call, objective=squared):
    """`objective`, stopped by Ctrl-C in its `call`-th call in training mode."""
    calls = iter(range(1, 10**6))

    def stopping(model, x, generator):
        if model.training and next(calls) == call:
            raise KeyboardInterrupt
        return objective(model, x, generator)

    return stopping


def run(model, objective=squared, **options):
    return fit(model, DATA, objective, batch_size=16, device="cpu", **options)


@pytest.mark.parametrize("call", [1, 2, 50, 51, 73])
def test_the_history_and_the_weights_are_those_of_the_steps_that_were_made(call):
    model, twin = start(), start()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(model, stopped_in(call), steps=200)
    assert isinstance(caught.value, Interrupted) and not model.training
    assert f"stopped after step {call - 1} of 200" in str(caught.value)
    assert "nothing was saved: with save_to=" in str(caught.value)
    history = caught.value.history
    if call == 1:
        assert history.terms == {} and history.steps == []
        return
    assert history.terms == run(twin, steps=call - 1).terms
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_it_says_what_was_saved(tmp_path):
    path = tmp_path / "run.pt"
    options = {"steps": 100, "save_to": path, "save_every": 30}
    with pytest.raises(
        Interrupted, match="nothing was saved to .*run.pt yet: with a smaller save_e"
    ):
        run(start(), stopped_in(30), **options)
    assert not path.exists()
    with pytest.raises(Interrupted, match="run.pt has the state after step 60: the same call cont"):
        run(start(), stopped_in(75), **options)
    assert torch.load(path)["step"] == 60
    with pytest.raises(Interrupted, match=r"after step 65 of 100.* has the state after step 60"):
        run(start(), stopped_in(6), **options)
    assert run(start(), **options).terms == run(start(), steps=100).terms


def test_with_patience_it_keeps_the_best_weights():
    def rising(model, x, generator):
        """On validation the second check is the best."""
        return squared(model, x, generator) if model.training else {"fit": next(losses)}

    losses = map(torch.tensor, [3.0, 1.0, 2.0, 4.0])
    model, twin = start(), start()
    options = {"validation": DATA[:8], "validate_every": 5, "patience": 9}
    with pytest.raises(Interrupted, match="with the weights of step 10, the best") as caught:
        run(model, stopped_in(23, rising), steps=200, **options)
    assert [step for step, _ in caught.value.history.validation_losses] == [5, 10, 15, 20]
    run(twin, steps=10)
    assert torch.equal(model.encoder[0][0].weight, twin.encoder[0][0].weight)


def test_a_loss_that_is_not_finite_does_not_hide_the_interruption():
    def breaks(model, x, generator):
        return {"fit": squared(model, x, generator)["fit"] * float("nan")}

    with pytest.raises(Interrupted, match="after step 6 of 200"):
        run(start(), stopped_in(7, breaks), steps=200)


PROGRAM = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.training.test_interrupted import *
def slow(model, x, generator):
    if (step := next(calls)) == 40:
        os.kill(os.getpid(), signal.SIGINT)
    return squared(model, x, generator)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
calls = iter(range(1, 1000))
model = start()
try:
    run(model, slow, steps=500)
except KeyboardInterrupt as stop:
    print(len(stop.history.terms["loss"]), model.training, stop)
"""


def test_the_signal_itself():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(root=str(ROOT))],
        capture_output=True,
        text=True,
        env=os.environ | {"AECOURSE_PROGRESS": "0"},
    )
    assert done.returncode == 0, done.stderr
    steps, training, *said = done.stdout.split()
    assert 39 <= int(steps) <= 40 and training == "False" and steps in said


def test_an_estimator_that_was_stopped_is_not_fitted():
    estimator = Estimator(objective=lambda: stopped_in(7), steps=20, device="cpu")
    with pytest.raises(Interrupted):
        estimator.fit(DATA.numpy())
    with pytest.raises(NotFittedError):
        estimator.transform(DATA.numpy())
