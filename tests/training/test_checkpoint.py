"""Checkpoints: a run that was killed at any point ends bit for bit like one that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from aecourse.losses import mse
from aecourse.models import VQVAE, Autoencoder
from aecourse.objectives import vq_vae
from aecourse.training import checkpoint, cosine, fit
from aecourse.training.checkpoint import CheckpointError

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "training.CheckpointError": (
        "by hand: raised for other settings, other data and corrupted files",
        "exact",
        "an error",
    ),
    "training.checkpoint.load": (
        "through `fit`: killed at any call, a run ends as the one that was not",
        "exact, float32",
        "no",
    ),
    "training.checkpoint.save": (
        "through `fit`, as for `load`; killed while it writes, the old file is kept",
        "exact, float32",
        "no",
    ),
}

DATA = torch.rand(50, 6, generator=torch.Generator().manual_seed(1))
STEPS = 24


class Killed(BaseException):
    """An exception that no handler of the package catches."""


def noisy(model, x, generator):
    return {"fit": mse(model(x + 0.1 * torch.randn(x.shape, generator=generator))[0], x)}


def start():
    torch.manual_seed(0)
    model = Autoencoder(6, (4,), 2)
    model.encoder.append(nn.Dropout(0.2))  # draws from PyTorch's own generator
    return model


def run(model=None, objective=noisy, **options):
    model = model or start()
    history = fit(
        model,
        DATA,
        objective,
        **{"steps": STEPS, "batch_size": 16, "device": "cpu", "save_every": 5, **options},
    )
    return model, history


def killed_in(call, objective):
    """`objective`, killed in its `call`-th call."""
    calls = iter(range(1, 10**6))

    def deadly(*given):
        if next(calls) == call:
            raise Killed
        return objective(*given)

    return deadly


def alike(one, other):
    (model, history), (twin, twins) = one, other
    assert history.terms == twins.terms and history.validation_losses == twins.validation_losses
    ours, theirs = model.state_dict(), twin.state_dict()
    assert ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


EVERYTHING = {
    "schedule": cosine(0.2),
    "max_grad_norm": 0.05,
    "validation": DATA[:20],
    "validate_every": 3,
    "patience": 40,
    "optimizer": torch.optim.RMSprop,
}


@pytest.mark.parametrize(
    "options, calls", [({}, STEPS), (EVERYTHING, STEPS + 8 * 2)], ids=["plain", "everything"]
)
def test_a_run_killed_at_any_call_ends_the_same(tmp_path, options, calls):
    """With everything there are eight checks of two batches each."""
    whole = run(**options)
    for call in range(1, calls + 1):
        path = tmp_path / f"{call}.pt"
        with pytest.raises(Killed):
            run(objective=killed_in(call, noisy), save_to=path, **options)
        torch.manual_seed(99)  # what the new process has drawn meanwhile
        alike(run(save_to=path, **options), whole)


def test_a_quantized_model_continues_too(tmp_path):
    def build():
        torch.manual_seed(0)
        return VQVAE(6, codes=5, dim=2, width=4, grid=(3,))

    whole = run(build(), vq_vae(), steps=20)
    with pytest.raises(Killed):
        run(build(), killed_in(13, vq_vae()), steps=20, save_to=tmp_path / "run.pt")
    alike(run(build(), vq_vae(), steps=20, save_to=tmp_path / "run.pt"), whole)


def test_killed_while_writing_it_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    whole = run()
    path = tmp_path / "run.pt"
    write = torch.save
    with pytest.raises(Killed):
        run(objective=killed_in(8, noisy), save_to=path)
    before = path.read_bytes()

    def half(state, file):
        write(state, file)
        file.truncate(file.tell() // 2)
        raise Killed

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(Killed):
        run(save_to=path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    alike(run(save_to=path), whole)
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"], (
        "the partial file is overwritten"
    )


PROGRAM = """
import os, sys, time, torch
sys.path[:0] = [{root!r}, {tests!r}]
from test_checkpoint import noisy, run, start
def slow(*given):
    time.sleep(0.01)
    return noisy(*given)
model, history = run(objective=slow if {slow} else noisy, steps=200, save_to={path!r})
torch.save([model.state_dict(), history.terms], {path!r} + ".end")
"""


def test_a_process_that_is_killed_repeatedly_ends_the_same(tmp_path):
    path, here = tmp_path / "run.pt", Path(__file__).resolve().parent
    source = {"root": str(here.parent), "tests": str(here), "path": str(path)}
    reached = 0
    for seconds in (0.1, 0.43):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM.format(slow=True, **source)])
        while process.poll() is None and (not path.exists() or torch.load(path)["step"] == reached):
            time.sleep(0.02)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert reached < torch.load(path)["step"] < 200, "it was killed on its way"
        reached = torch.load(path)["step"]
    subprocess.run(
        [sys.executable, "-c", PROGRAM.format(slow=False, **source)],
        check=True,
        capture_output=True,
    )
    state, terms = torch.load(f"{path}.end")
    model, history = run(steps=200)
    assert terms == history.terms and all(
        torch.equal(state[name], value) for name, value in model.state_dict().items()
    )


DETERMINISTIC = """
import sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
from test_checkpoint import *
torch.use_deterministic_algorithms(True)
def build():
    torch.manual_seed(0)
    return VQVAE(6, codes=5, dim=2, width=4, grid=(3,))
for name, build, objective in (("dropout", start, noisy), ("codes", build, vq_vae())):
    whole = run(build(), objective, device={device!r})
    for call in (1, 13):
        path = Path({path!r}, name + str(call))
        try:
            run(build(), killed_in(call, objective), device={device!r}, save_to=path)
        except Killed:
            torch.manual_seed(99)
        alike(run(build(), objective, device={device!r}, save_to=path), whole)
"""


def test_with_deterministic_algorithms_a_device_ends_the_same(tmp_path, device):
    """In a process of its own: cuBLAS reads its setting when it starts."""
    here = Path(__file__).resolve().parent
    source = DETERMINISTIC.format(
        root=str(here.parent), tests=str(here), path=str(tmp_path), device=device
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env=os.environ | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
    )
    assert done.returncode == 0, done.stderr


def test_a_finished_run_is_not_repeated_and_can_be_extended(tmp_path):
    path = tmp_path / "run.pt"
    first = run(save_to=path)
    alike(run(objective=killed_in(1, noisy), save_to=path), first)
    alike(run(steps=40, save_to=path), run(steps=40))


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    def rising(model, x, generator):
        return {"fit": mse(model(x)[0], x) if model.training else next(losses)}

    options = {
        "validation": DATA,
        "validate_every": 2,
        "patience": 3,
        "batch_size": 50,
        "save_to": tmp_path / "run.pt",
        "save_every": 100,
    }
    losses = (torch.tensor(float(value)) for value in (5, 4, 6, 4, 7))
    stopped = run(objective=rising, **options)
    assert stopped[1].validation_losses == [(2, 5.0), (4, 4.0), (6, 6.0), (8, 4.0), (10, 7.0)]
    alike(run(objective=killed_in(1, noisy), **options), stopped)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"lr": 0.1}, "lr was 0.001 and is 0.1"),
        ({"seed": 4}, "seed was 0 and is 4"),
        ({"batch_size": 8}, "batch_size was 16"),
        ({"precision": "bfloat16"}, "precision was"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    run(save_to=tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match=message):
        run(save_to=tmp_path / "run.pt", **change)


def test_another_model_and_other_data_are_another_run(tmp_path):
    run(save_to=tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match="weights was"):
        run(Autoencoder(6, (5,), 2), save_to=tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match="data was"):
        fit(
            start(),
            DATA * 0.5,
            noisy,
            steps=STEPS,
            batch_size=16,
            device="cpu",
            save_to=tmp_path / "run.pt",
        )


@pytest.mark.parametrize(
    "corrupt",
    [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"no archive at all"],
)
def test_a_corrupted_file_is_named(tmp_path, corrupt):
    run(save_to=tmp_path / "run.pt")
    (tmp_path / "run.pt").write_bytes(corrupt((tmp_path / "run.pt").read_bytes()))
    with pytest.raises(
        CheckpointError, match="run.pt holds no checkpoint that can be read .*remove it"
    ):
        run(save_to=tmp_path / "run.pt")


class Bomb:
    def __reduce__(self):
        return os.abort, ()


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"settings": Bomb()}, tmp_path / "run.pt")
    with pytest.raises(CheckpointError):
        checkpoint.load(tmp_path / "run.pt", {})


@pytest.mark.parametrize("name", ["absent/run.pt", "."])
def test_a_path_that_cannot_be_written_is_named_before_training(tmp_path, name):
    with pytest.raises(ValueError, match="save_to is .*folder that exists"):
        run(objective=killed_in(1, noisy), save_to=tmp_path / name)


def test_values_that_are_not_finite_are_never_saved(tmp_path):
    def breaks(model, x, generator):
        return {"fit": mse(model(x)[0], x) * (float("nan") if next(count) >= 7 else 1)}

    count = iter(range(1, 100))
    with pytest.raises(ArithmeticError, match="step 7"):
        run(objective=breaks, save_to=tmp_path / "run.pt")
    assert torch.load(tmp_path / "run.pt")["step"] == 5


def test_killed_before_the_replacement_it_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        run(objective=killed_in(8, noisy), save_to=path)
    before = path.read_bytes()

    def killed(source, target):
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        run(save_to=path)
    assert path.read_bytes() == before
