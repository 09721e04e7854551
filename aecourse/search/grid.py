"""Search and sweep: a model for each setting and seed, and one table of what came out."""

import itertools
import math
import os
import time
import warnings

import joblib
import pandas as pd
import torch

from aecourse import validation
from aecourse.device import pick_device
from aecourse.search.ensemble import fit_ensemble
from aecourse.search.rows import Rows
from aecourse.training import NonFinite, adam, fit
from aecourse.training.loop import fingerprint
from aecourse.training.progress import Progress

HOW = ("auto", "vmap", "processes", "sequential")


def settings_of(grid):
    """Every combination of the values in `grid`, {name: values}: a list of {name: value}, the last name changing fastest."""
    if not isinstance(grid, dict) or not grid or any(len(values) == 0 for values in grid.values()):
        raise ValueError(
            f"grid is {grid!r}; expected names with values to try, as in {{'latent_dim': [2, 8], 'weight': [0.0, 0.1]}}"
        )
    if "seed" in grid:
        raise ValueError("grid holds 'seed'; expected settings alone: pass seeds=")
    return [dict(zip(grid, values)) for values in itertools.product(*grid.values())]


def built(build, setting, seed):
    """The model of `setting`, its start drawn from `seed`; the caller's draws are left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(setting)


def row_of(setting, seed, model, measure, seconds, loss):
    """What the table says of a model that was trained; without measures, and with the error, where its loss is not finite."""
    row = setting | {"seed": seed, "loss": loss, "seconds": seconds}
    if not math.isfinite(loss):
        return row | {"error": "not finite"}
    with torch.no_grad():
        return row | {name: float(value) for name, value in measure(model, setting).items()}


def train_one(setting, seed, build, objective, data, measure, training, device):
    """A row: the model of `setting` and `seed`, trained and measured."""
    if not isinstance(data, torch.Tensor):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # shared by the processes, and so not writable; nothing writes
            data = torch.from_numpy(data)
    model, start = built(build, setting, seed), time.perf_counter()
    try:
        losses = fit(
            model, data, objective(setting), seed=seed, device=device, progress=False, **training
        ).terms["loss"]
    except NonFinite:
        losses = [math.nan]
    return row_of(setting, seed, model, measure, time.perf_counter() - start, losses[-1])


def sequential(members, build, objective, data, measure, training, device, workers):
    """Rows, as they come."""
    for setting, seed in members:
        yield train_one(setting, seed, build, objective, data, measure, training, device)


def processes(members, build, objective, data, measure, training, device, workers):
    """Rows, as they come, of `workers` processes that share the data."""
    jobs = (
        joblib.delayed(train_one)(
            *member, build, objective, data.cpu().numpy(), measure, training, device
        )
        for member in members
    )
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        yield from joblib.Parallel(workers, return_as="generator_unordered")(jobs)


def vectorized(members, build, objective, data, measure, training, device, workers):
    """Rows of members that differ in weights and in floating-point settings alone, group by group."""
    data, groups = data.to(device), {}
    for setting, seed in members:
        model = built(build, setting, seed)
        fixed = {name: value for name, value in setting.items() if not isinstance(value, float)}
        shapes = [tuple(value.shape) for value in model.state_dict().values()]
        groups.setdefault(repr((fixed, shapes, model)), []).append(
            (setting, seed, model.to(device))
        )
    for group in groups.values():
        settings, seeds, models = zip(*group)
        numbers = {
            name: [setting[name] for setting in settings]
            for name, value in settings[0].items()
            if isinstance(value, float)
        }
        start = time.perf_counter()
        losses = fit_ensemble(
            models, lambda given: objective(settings[0] | given), numbers, seeds, data, **training
        )["loss"]
        losses = losses.where(losses.isfinite().all(1, keepdim=True), math.nan)[:, -1].tolist()
        share = (time.perf_counter() - start) / len(models)
        for member, loss in zip(group, losses):
            yield row_of(*member, measure, share, loss)


def sweep(
    grid,
    build,
    objective,
    data,
    measure,
    *,
    seeds=3,
    steps=1000,
    batch_size=128,
    lr=1e-3,
    optimizer=adam,
    how="auto",
    workers=None,
    path=None,
    device="auto",
    progress=None,
):
    """Train a model for every setting of `grid` and every seed, and measure each: a table, one row a run.

    A setting is a dictionary, such as ``{"latent_dim": 8, "weight": 0.1}``. Runs with the same seed share their start,
    their batches and their noise, so that settings are compared pair by pair.

    Args:
        grid: {name: values to try}; every combination is run. Values are numbers, strings or truth values.
        build: ``setting -> model``.
        objective: ``setting -> objective`` for :func:`~aecourse.training.fit`.
        data: tensor (N, ...) to train on.
        measure: ``(model, setting) -> {name: number}``, called without gradients on the trained model.
        seeds: how many, from 0; or which.
        steps, batch_size, lr, optimizer: as for :func:`~aecourse.training.fit`.
        how: ``"vmap"`` trains models of one shape in one vectorised job, the floating-point settings (a weight,
            a noise level) as tensors, which must not be compared or passed to ``math``; ``"processes"`` trains each in a
            process of its own; ``"sequential"`` here. ``"auto"`` is the first on CUDA, the second elsewhere.
        workers: number of processes; by default one a core.
        path: file that keeps each row as it comes. Where it exists, its rows are not run again: call it again after
            an interruption, or with more seeds. It can't know that `build`, `objective` or `measure` changed.
        device: as for :func:`~aecourse.training.fit`.
        progress: as for :func:`~aecourse.training.fit`.

    Returns:
        a :class:`pandas.DataFrame` with the settings, ``seed``, the last ``loss``, ``seconds`` (of training; the
        share of a group), what was measured, and ``error`` where a run was not finite.

    Raises:
        ValueError: where an argument is out of range, or `path` belongs to another sweep.
    """
    settings, seeds = settings_of(grid), list(range(seeds) if isinstance(seeds, int) else seeds)
    if not seeds:
        raise ValueError("seeds is 0 or empty; expected how many, at least one, or which")
    validation.one_of("how", how, HOW)
    validation.floating("data", data)
    device = pick_device(device)
    if how == "auto":
        how = "vmap" if device.type == "cuda" else "processes"
    training = {"steps": steps, "batch_size": batch_size, "lr": lr, "optimizer": optimizer}
    members = [(setting, seed) for setting in settings for seed in seeds]
    header = {
        "settings": list(grid),
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "data": fingerprint(data),
    }
    rows = Rows(path, header) if path is not None else None
    done = {member_of(row, grid): row for row in (rows.read() if rows else [])}
    left = [member for member in members if key(*member) not in done]
    run = {"vmap": vectorized, "processes": processes, "sequential": sequential}[
        how if len(left) > 1 else "sequential"
    ]
    report = Progress(len(members), progress, "run")
    for row in run(
        left, build, objective, data, measure, training, device, workers or os.cpu_count()
    ):
        done[member_of(row, grid)] = row
        if rows:
            rows.add(row)
        report(len(done), row["loss"])
    return pd.DataFrame([done[key(*member)] for member in members])


def key(setting, seed):
    """A member as a dictionary's key; 1 and 1.0 are one value, as they are for Python."""
    return *setting.values(), seed


def member_of(row, grid):
    """The key of a `row`."""
    return key({name: row[name] for name in grid}, row["seed"])
