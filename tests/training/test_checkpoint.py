"""Checkpoints: a run that was killed at any point ends bit for bit like one that was not."""

import itertools
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from aecourse.losses import mse
from aecourse.models import VAE, VQVAE, Autoencoder
from aecourse.objectives import beta_vae, vq_vae
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
    return {
        "fit": mse(
            model(x + 0.1 * torch.randn(x.shape, generator=generator, device=x.device))[0], x
        )
    }


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


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
def test_a_run_killed_at_any_call_ends_the_same(tmp_path, options):
    """Calls of a step, of a check on validation data, and of what recognises the objective."""
    calls = itertools.count()
    whole = run(objective=lambda *given: (next(calls), noisy(*given))[1], **options)
    run(objective=lambda *given: (next(calls), noisy(*given))[1], save_to=tmp_path / "0", **options)
    both = next(calls)
    assert both >= 2 * STEPS + 5, "each of five files needs one"
    for call in range(1, both - (both - 5) // 2 + 1):
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
        run(build(), killed_in(15, vq_vae()), steps=20, save_to=tmp_path / "run.pt")
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
    alike(run(objective=killed_in(2, noisy), save_to=path), first)  # one call recognises it
    alike(run(steps=40, save_to=path), run(steps=40))


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    def rising(model, x, generator):
        if model.training or torch.equal(x, DATA):
            return {"fit": mse(model(x)[0], x)}
        return {"fit": next(losses)}

    options = {
        "validation": DATA.flip(0),
        "validate_every": 2,
        "patience": 3,
        "batch_size": 50,
        "save_to": tmp_path / "run.pt",
        "save_every": 100,
    }
    losses = (torch.tensor(float(value)) for value in (5, 4, 6, 4, 7))
    stopped = run(objective=rising, **options)
    assert stopped[1].validation_losses == [(2, 5.0), (4, 4.0), (6, 6.0), (8, 4.0), (10, 7.0)]
    alike(run(objective=rising, **options), stopped)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"lr": 0.1}, "lr was 0.001 and is 0.1"),
        ({"seed": 4}, "seed was 0 and is 4"),
        ({"batch_size": 8}, "batch_size was 16"),
        ({"precision": "bfloat16"}, "precision was"),
        ({"optimizer": torch.optim.SGD}, "optimizer class was 'Adam' and is 'SGD'"),
        ({"optimizer": torch.optim.RMSprop, "lr": 0.1}, "optimizer class was 'Adam' and is 'RMSp"),
        (
            {"optimizer": partial(torch.optim.Adam, betas=(0.5, 0.9))},
            r"optimizer 0 betas was 0\.9 and is 0\.5",
        ),
        (
            {
                "optimizer": lambda parameters, lr: torch.optim.Adam(
                    [{"params": parameters, "lr": 1}]
                )
            },
            "optimizer 0 lr was 0.001 and is 1",
        ),
        ({"schedule": cosine()}, "schedule was None and is"),
        ({"validation": DATA}, "validation was None"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    run(save_to=tmp_path / "run.pt")
    with pytest.raises(
        CheckpointError, match=f"belongs to another run: .*{message}.*Use the former"
    ):
        run(save_to=tmp_path / "run.pt", **change)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"schedule": None}, "schedule was .* and is None"),
        ({"schedule": cosine(0.3)}, "schedule was 0.5 and is 0.333333333"),
        ({"steps": 40}, "schedule was 24 and is 40"),
        ({"lr": 0.1}, "optimizer 0 lr was 0.001 and is 0.1"),
    ],
)
def test_another_schedule_is_another_run(tmp_path, change, message):
    run(save_to=tmp_path / "run.pt", schedule=cosine(0.2))
    with pytest.raises(CheckpointError, match=message):
        run(save_to=tmp_path / "run.pt", **{"schedule": cosine(0.2)} | change)


def test_how_an_optimizer_computes_its_update_may_change(tmp_path):
    run(save_to=tmp_path / "run.pt", steps=10)
    run(save_to=tmp_path / "run.pt", steps=20, optimizer=torch.optim.Adam)  # not fused


def absolute(model, x, generator):
    noise = 0.1 * torch.randn(x.shape, generator=generator, device=x.device)
    return {"fit": (model(x + noise)[0] - x).abs().mean()}


def heavier(model, x, generator):
    return {"fit": 1.01 * noisy(model, x, generator)["fit"]}


def renamed(model, x, generator):
    return {"error": noisy(model, x, generator)["fit"]}


def clean(model, x, generator):
    return {"fit": mse(model(x)[0], x)}


@pytest.mark.parametrize("other", [absolute, heavier, renamed, clean])
def test_another_objective_is_another_run(tmp_path, other):
    path = tmp_path / "run.pt"
    run(save_to=path)
    before = path.read_bytes()
    with pytest.raises(
        CheckpointError, match="the terms of the objective were {'fit': .*} and are"
    ):
        run(save_to=path, objective=other)
    assert path.read_bytes() == before


@pytest.mark.parametrize("beta", [0.99, 4.0])
def test_another_beta_is_another_run(tmp_path, beta):
    def vae():
        torch.manual_seed(0)
        return VAE(6, (4,), 2)

    run(vae(), beta_vae(1.0), save_to=tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match="terms of the objective were"):
        run(vae(), beta_vae(beta), save_to=tmp_path / "run.pt")
    run(vae(), beta_vae(1.0), save_to=tmp_path / "run.pt", steps=30)


def test_an_objective_that_draws_elsewhere_or_cannot_be_evaluated_continues(tmp_path):
    def sloppy(model, x, generator):
        return {"fit": mse(model(x + 0.1 * torch.randn(x.shape))[0], x)}

    def in_training_only(model, x, generator):
        assert model.training
        return noisy(model, x, generator)

    for name, objective in (("sloppy", sloppy), ("training", in_training_only)):
        torch.manual_seed(3)
        whole = run(objective=objective)
        torch.manual_seed(3)
        with pytest.raises(Killed):
            run(objective=killed_in(13, objective), save_to=tmp_path / name)
        torch.manual_seed(99)
        alike(run(objective=objective, save_to=tmp_path / name), whole)


def test_another_activation_is_another_run(tmp_path):
    path = tmp_path / "run.pt"
    run(Autoencoder(6, (4,), 2, "relu"), save_to=path)
    with pytest.raises(CheckpointError, match=r"model was .*ReLU.* and is .*Tanh"):
        run(Autoencoder(6, (4,), 2, "tanh"), save_to=path)


@pytest.mark.parametrize(
    "other", [DATA.flip(0), DATA.flip(1), DATA[torch.randperm(50)], DATA.double()], ids=range(4)
)
def test_data_of_the_same_sum_in_another_order_are_other_data(other):
    assert checkpoint.fingerprint(DATA) == checkpoint.fingerprint(DATA.clone().T.contiguous().T)
    assert checkpoint.fingerprint(DATA) != checkpoint.fingerprint(other)


def test_another_model_and_other_data_are_another_run(tmp_path):
    run(save_to=tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match=r"model was .*=4.* and is .*=5.*; weights encoder"):
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
        return {
            "fit": mse(model(x)[0], x) * (float("nan") if next(count) >= 8 else 1)
        }  # a call for a file

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
