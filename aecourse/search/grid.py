"""Parameter sweeps: train a model for each setting and seed, and collect one table of results."""

import itertools
import math
import numbers
import os
import time
import warnings
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import joblib
import numpy as np
import pandas as pd
import torch
from torch import nn

from aecourse import validation
from aecourse.device import make_generator, pick_device
from aecourse.search.ensemble import fit_ensemble, structure
from aecourse.search.rows import Rows
from aecourse.training import NonFinite, adam, fit
from aecourse.training.checkpoint import fingerprint
from aecourse.training.progress import Progress
from aecourse.types import Objective

SAME = ("steps", "batch_size", "lr")  # settings of training: in a grid, or the same in all rows
HOW = ("auto", "vmap", "processes", "sequential")
Setting = dict[str, Any]  # such as {"latent_dim": 8, "weight": 0.1}
Member = tuple[Setting, int]  # with its seed


def sweep(
    grid: dict[str, Sequence],
    build: Callable[[Setting], nn.Module],
    objective: Callable[[Setting], Objective],
    data: torch.Tensor,
    measure: Callable[[nn.Module, Setting], Mapping[str, Any]],
    *,
    seeds: int | Iterable[int] = 3,
    steps: int = 1000,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
    how: Literal["auto", "vmap", "processes", "sequential"] = "auto",
    workers: int | None = None,
    path: str | os.PathLike | None = None,
    device: str | torch.device = "auto",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train and evaluate a model for every setting of `grid` and every seed: one row for each run.

    A setting is a dictionary, such as ``{"latent_dim": 8, "weight": 0.1}``. Runs with the same seed
    share their initialisation, batches and noise, so that settings can be compared pair by pair.

    Args:
        grid: {name: values to try}; every combination is run. Values are numbers, strings or
            booleans. ``"steps"``, ``"batch_size"`` and ``"lr"`` are passed to
            :func:`~aecourse.training.fit`; the other names are those that `build`, `objective` or
            `measure` read.
        build: ``setting -> model``.
        objective: ``setting -> objective`` for :func:`~aecourse.training.fit`.
        data: tensor (N, ...) to train on.
        measure: ``(model, setting) -> {metric: number}``, called without gradients on the trained
            model.
        seeds: their number, counted from 0, or the seeds themselves.
        steps, batch_size, lr, optimizer: as for :func:`~aecourse.training.fit`, for the names that
            are not in `grid`.
        how: ``"vmap"`` trains models that differ only in their weights in one vectorized job (one
            for each other number that `build` gives them, such as a decay); the floating-point
            settings (a weight, a noise level) are then tensors, which the objective must not
            compare or pass to ``math``. ``"processes"`` trains each model in a worker process,
            ``"sequential"`` one after the other in this process. ``"auto"`` is ``"vmap"`` on CUDA
            and ``"processes"`` elsewhere.
        workers: number of processes; by default one for each core.
        path: file to which each row is written as soon as it is known. Rows that it has already
            are not run again: call it again after an interruption, or with more seeds. It can't
            detect that `build`, `objective` or `measure` changed.
        device: as for :func:`~aecourse.training.fit`.
        progress: as for :func:`~aecourse.training.fit`.

    Returns:
        A :class:`pandas.DataFrame` with the settings, ``seed``, the last ``loss``, ``seconds`` (of
        training; with vmap an equal share of the group's time), the metrics, and ``error`` if a run
        became infinite or nan.

    Raises:
        ValueError: If an argument is out of range, nothing reads a name of `grid` that has several
            values, or `path` belongs to another sweep.
    """
    settings = settings_of(grid)
    seeds = range(seeds) if isinstance(seeds, numbers.Integral) else seeds
    seeds = [validation.non_negative("seed", seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is 0 or empty; expected their number, 1 or more, or a list of them")
    validation.one_of("how", how, HOW)
    validation.floating("data", data)
    check_names(grid, settings, build, objective, data, measure)
    device = pick_device(device)
    if how == "auto":
        how = "vmap" if device.type == "cuda" else "processes"
    training = {"steps": steps, "batch_size": batch_size, "lr": lr, "optimizer": optimizer}
    members = [(setting, seed) for setting in settings for seed in seeds]
    rows = None
    done = {}
    if path is not None:
        header = {"settings": list(grid)} | {name: training[name] for name in SAME}
        rows = Rows(path, header | {"data": fingerprint(data)})
        done = {member_of(row, grid): row for row in rows.read()}
    left = [member for member in members if key(*member) not in done]
    if len(left) <= 1:
        how = "sequential"
    run = {"vmap": vectorized, "processes": processes, "sequential": sequential}[how]
    report = Progress(len(members), progress, "run")
    workers = workers or os.cpu_count()
    for row in run(left, build, objective, data, measure, training, device, workers):
        done[member_of(row, grid)] = row
        if rows:
            rows.add(row)
        report(len(done), row["loss"])
    return pd.DataFrame([done[key(*member)] for member in members])


def settings_of(grid: dict[str, Sequence]) -> list[Setting]:
    """Every combination of the values in `grid`, {name: values}; the last name changes fastest."""
    if not isinstance(grid, dict) or not grid or any(len(values) == 0 for values in grid.values()):
        raise ValueError(
            f"grid is {grid!r}; expected names with values to try, "
            "as in {'latent_dim': [2, 8], 'weight': [0.0, 0.1]}"
        )
    if "seed" in grid:
        raise ValueError("grid contains 'seed'; expected settings only: pass seeds=")
    plain = [  # a number of NumPy can't be written to a file of rows
        [value.item() if isinstance(value, np.generic) else value for value in values]
        for values in grid.values()
    ]
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*plain)]


class Noted(UserDict):
    """A setting that notes which of its names are read."""

    def __init__(self, setting: Setting):
        self.read = set()
        super().__init__(setting)

    def __getitem__(self, name: str) -> Any:  # all that reads a value comes here
        self.read.add(name)
        return super().__getitem__(name)

    def __or__(self, other: Setting) -> Setting:
        return dict(self) | other

    def __ror__(self, other: Setting) -> Setting:
        return other | dict(self)


def check_names(
    grid: dict[str, Sequence],
    settings: list[Setting],
    build: Callable,
    objective: Callable,
    data: torch.Tensor,
    measure: Callable,
) -> None:
    """Check that each name of `grid` with several values is read; else its rows would be alike.

    An objective may read a name only when it is called, and `measure` may be the one that reads it:
    both are tried with untrained models, as long as a name is left. If that fails, nothing is said
    here: training will.
    """
    left = {name for name, values in grid.items() if len(values) > 1} - set(SAME)
    with torch.random.fork_rng(devices=[]):
        for setting in settings:
            if not left:
                return
            noted = Noted(setting)
            try:
                model = built(build, noted, 0)
                computed = objective(noted)
                if left - noted.read:
                    computed(model, data[:8].cpu(), make_generator("cpu", 0))
                if left - noted.read:
                    with torch.no_grad():
                        measure(model.eval(), noted)
            except Exception:
                return
            left -= noted.read
    if left:
        names = ", ".join(map(repr, sorted(left)))
        raise ValueError(
            f"grid contains {names} with several values, which neither build nor objective nor "
            f"measure reads: the rows would be alike; expected names that they read, or one of "
            f"{', '.join(SAME)}, which fit reads: read setting[{names.split(', ')[0]}] in one of "
            "them, or remove it"
        )


def trained_with(training: dict[str, Any], setting: Setting) -> dict[str, Any]:
    """The arguments of training of one member: those in its setting in place of the common ones."""
    return training | {name: setting[name] for name in SAME if name in setting}


def built(build: Callable[[Any], nn.Module], setting: Any, seed: int) -> nn.Module:
    """The model of `setting`, initialised from `seed`; PyTorch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(setting)


def row_of(
    setting: Setting, seed: int, model: nn.Module, measure: Callable, seconds: float, loss: float
) -> dict[str, Any]:
    """The row of a trained model: its metrics, or an error if its loss is not finite."""
    row = setting | {"seed": seed, "loss": loss, "seconds": seconds}
    if not math.isfinite(loss):
        return row | {"error": "not finite"}
    with torch.no_grad():
        return row | {name: float(value) for name, value in measure(model, setting).items()}


def train_one(setting, seed, build, objective, data, measure, training, device) -> dict[str, Any]:
    """Train and evaluate the model of `setting` and `seed`; return its row."""
    if not isinstance(data, torch.Tensor):
        with warnings.catch_warnings():
            # Processes share the array, so that it can't be written; nothing writes to it.
            warnings.simplefilter("ignore", UserWarning)
            data = torch.from_numpy(data)
    model = built(build, setting, seed)
    options = {"seed": seed, "device": device, "progress": False}
    options |= trained_with(training, setting)
    start = time.perf_counter()
    try:
        loss = fit(model, data, objective(setting), **options).terms["loss"][-1]
    except NonFinite:
        loss = math.nan
    return row_of(setting, seed, model, measure, time.perf_counter() - start, loss)


def sequential(
    members: Iterable[Member], build, objective, data, measure, training, device, workers
) -> Iterator[dict[str, Any]]:
    """Rows of models that are trained one after the other."""
    for setting, seed in members:
        yield train_one(setting, seed, build, objective, data, measure, training, device)


def processes(
    members: Iterable[Member], build, objective, data, measure, training, device, workers
) -> Iterator[dict[str, Any]]:
    """Rows of models that are trained in `workers` processes, in the order in which they end."""
    array = data.cpu().numpy()  # shared by the processes
    jobs = (
        joblib.delayed(train_one)(*member, build, objective, array, measure, training, device)
        for member in members
    )
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        yield from joblib.Parallel(workers, return_as="generator_unordered")(jobs)


def vectorized(
    members: Iterable[Member], build, objective, data, measure, training, device, workers
) -> Iterator[dict[str, Any]]:
    """Rows of models that are trained in groups, by vmap.

    The members of a group differ only in the values of their parameters and buffers, and in
    floating-point settings that only the objective reads.
    """
    data = data.to(device)
    groups = {}
    for setting, seed in members:
        model = built(build, setting, seed).to(device).train()
        fixed = {
            name: value
            for name, value in setting.items()
            if name in SAME or not isinstance(value, float)
        }
        group = groups.setdefault((repr(fixed), structure(model)), [])
        group.append((setting, seed, model))
    for group in groups.values():
        settings, seeds, models = zip(*group, strict=True)
        common = settings[0]
        numbers = {
            name: [setting[name] for setting in settings]
            for name, value in common.items()
            if isinstance(value, float) and name not in SAME
        }

        def objective_of(own, common=common):
            """The objective of one member, whose floating-point settings are `own`."""
            return objective(common | own)

        start = time.perf_counter()
        options = trained_with(training, common)
        losses = fit_ensemble(models, objective_of, numbers, seeds, data, **options)["loss"]
        losses = losses.where(losses.isfinite().all(1, keepdim=True), math.nan)[:, -1].tolist()
        share = (time.perf_counter() - start) / len(models)
        for member, loss in zip(group, losses, strict=True):
            yield row_of(*member, measure, share, loss)


def key(setting: Setting, seed: int) -> tuple:
    """A member as a dictionary's key; 1 and 1.0 are the same value, as in Python."""
    return *setting.values(), seed


def member_of(row: Mapping[str, Any], grid: dict[str, Sequence]) -> tuple:
    """The key of a `row`."""
    return key({name: row[name] for name in grid}, row["seed"])
