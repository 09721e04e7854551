"""Sweeps: every way of training agrees with `fit`, and nothing is run twice."""

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from aecourse import corruption, models, objectives
from aecourse.losses import bce, mse
from aecourse.search import grid as grid_module
from aecourse.search import summarize, sweep
from aecourse.search.ensemble import fit_ensemble
from aecourse.search.grid import settings_of
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "search.sweep": (
        "`fit` alone, one model at a time",
        "exact; with vmap 1e-5; float32",
        "no",
    ),
    "search.grid.settings_of": (
        "by hand",
        "exact",
        "takes no tensor",
    ),
    "search.fit_ensemble": (
        "`fit` alone, every term and weight at every step",
        "1e-5, float32",
        "no",
    ),
}

ROOT = Path(__file__).resolve().parents[2]
DATA = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(1))
STEPS = 50


def build(setting):
    return models.Autoencoder((1, 8, 8), (12,), setting["k"], setting.get("act", "relu"))


def objective(setting):
    return objectives.sparse_l1(setting["weight"])


def measure(model, setting):
    assert not torch.is_grad_enabled() and not model.training
    x = DATA.to(next(model.parameters()).device)
    return {"mse": mse(model(x)[0], x), "units": setting["k"]}


GRID = {"k": [2, 3], "weight": [0.0, 0.1]}


def run(
    grid=GRID,
    build=build,
    objective=objective,
    measure=measure,
    **options,
):
    return sweep(
        grid,
        build,
        objective,
        DATA,
        measure,
        **{
            "seeds": 2,
            "steps": STEPS,
            "batch_size": 16,
            "how": "sequential",
            "device": "cpu",
            **options,
        },
    )


def test_a_grid_is_every_combination_in_order():
    assert settings_of({"a": [1, 2], "b": "xy"}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_a_row_is_what_fit_gives_alone():
    table = run(seeds=[3, 5])
    assert [(row["k"], row["weight"], row["seed"]) for row in table.to_dict("records")] == [
        (k, w, s) for k in (2, 3) for w in (0.0, 0.1) for s in (3, 5)
    ]
    for row in table.to_dict("records"):
        torch.manual_seed(row["seed"])
        model = build(row)
        history = fit(
            model, DATA, objective(row), seed=row["seed"], steps=STEPS, batch_size=16, device="cpu"
        )
        assert row["loss"] == history.terms["loss"][-1]
        assert (
            row["mse"] == mse(model(DATA)[0], DATA).item()
            and row["units"] == row["k"]
            and row["seconds"] > 0
        )
    summary = summarize(table, ["k", "weight"], "mse")
    assert summary.loc[summary["mean"].idxmin(), "weight"] == 0.0 and list(table)[:2] == [
        "k",
        "weight",
    ]


def test_the_global_generator_is_left_alone():
    torch.manual_seed(4)
    wanted = torch.rand(3)
    for how in ("sequential", "vmap"):
        torch.manual_seed(4)
        run(how=how, steps=2)
        assert torch.equal(torch.rand(3), wanted)


def noisy(setting):
    return objectives.denoising(
        lambda x, generator: corruption.gaussian(x, setting["weight"], generator)
    )


FAMILY = {
    "sparse": (build, objective),
    "noisy": (build, noisy),
    "masked out": (
        build,
        lambda s: objectives.denoising(lambda x, g: corruption.masking(x, s["weight"], g)),
    ),
    "contractive": (build, lambda s: objectives.contractive(s["weight"])),
    "vae": (
        lambda s: models.VAE((1, 8, 8), (12,), s["k"]),
        lambda s: objectives.beta_vae(s["weight"]),
    ),
    "wae": (
        lambda s: models.WAE((1, 8, 8), (12,), s["k"]),
        lambda s: objectives.wasserstein(s["weight"]),
    ),
    "adversarial": (
        lambda s: models.AdversarialAutoencoder((1, 8, 8), (12,), s["k"]),
        lambda s: objectives.adversarial(s["weight"]),
    ),
    "quantized": (
        lambda s: models.VQVAE((1, 8, 8), codes=6, dim=s["k"], width=6),
        lambda s: objectives.vq_vae(s["weight"]),
    ),
}


@pytest.mark.filterwarnings("error::UserWarning")  # such as a form that vmap runs one by one
@pytest.mark.parametrize("name", FAMILY)
def test_vmap_trains_each_member_as_if_it_were_alone(name, device, exact):
    """50 steps in float32; sums are in another order."""
    build, objective = FAMILY[name]
    grid = {"k": [2, 3], "weight": [0.1, 0.4]}
    together, alone = (
        run(grid, build, objective, how=how, device=device) for how in ("vmap", "sequential")
    )
    for ours, theirs in zip(together.to_dict("records"), alone.to_dict("records"), strict=True):
        assert ours.keys() == theirs.keys()
        for column in ("loss", "mse"):
            assert ours[column] == pytest.approx(theirs[column], rel=1e-5)
    assert len({row["mse"] for row in alone.to_dict("records")}) == len(alone.to_dict("records")), (
        "the members differ"
    )


def test_with_vmap_every_term_agrees_at_every_step_and_every_weight_at_the_end():
    seeds = [0, 1, 0]
    weights = [0.0, 0.1, 0.2]
    built = []
    for seed in seeds:
        torch.manual_seed(seed)
        built.append(build({"k": 3}))
    terms = fit_ensemble(
        built,
        lambda numbers: noisy(numbers),
        {"weight": weights},
        seeds,
        DATA,
        steps=STEPS,
        batch_size=16,
    )
    for i, (seed, weight) in enumerate(zip(seeds, weights, strict=True)):
        torch.manual_seed(seed)
        model = build({"k": 3})
        history = fit(
            model,
            DATA,
            noisy({"weight": weight}),
            seed=seed,
            steps=STEPS,
            batch_size=16,
            device="cpu",
        )
        assert terms["loss"].shape == (3, STEPS)
        torch.testing.assert_close(
            terms["loss"][i], torch.tensor(history.terms["loss"]), rtol=1e-5, atol=1e-7
        )
        for ours, theirs in zip(built[i].parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_members_of_different_kinds_are_trained_in_groups():
    table = run({"k": [2], "act": ["relu", "tanh"], "weight": [0.0, 0.1]}, how="vmap")
    assert [row["mse"] for row in table.to_dict("records")] == pytest.approx(
        [
            row["mse"]
            for row in run({"k": [2], "act": ["relu", "tanh"], "weight": [0.0, 0.1]}).to_dict(
                "records"
            )
        ],
        rel=1e-5,
    )


class Scaled(torch.nn.Module):
    """A linear autoencoder with a factor that is no parameter, kept in one of several ways."""

    def __init__(self, k, factor, kept):
        super().__init__()
        self.first = torch.nn.Linear(64, k)
        self.last = torch.nn.Linear(k, 64)
        self.again = self.last  # under a second name
        self.tied = torch.nn.Linear(64, k)
        self.tied.weight = self.first.weight
        self.register_buffer("zero", torch.zeros(1), persistent=False)
        self.factor = {
            "number": factor,
            "tensor": torch.tensor(factor),
            "function": lambda x: x * factor,
            "part": {"of a dictionary": [factor]},
        }[kept]

    def forward(self, x):
        factor = self.factor["of a dictionary"][0] if isinstance(self.factor, dict) else self.factor
        z = self.first(x.flatten(1)) + self.tied(x.flatten(1))
        z = factor(z) if callable(factor) else factor * z
        return self.again(z).unflatten(1, (1, 8, 8)), z


OWN = {
    "decay": (
        lambda s: models.VQVAE((1, 8, 8), codes=6, dim=s["k"], width=6, decay=s["own"]),
        lambda s: objectives.vq_vae(),
        2,
    ),
    "restart": (
        lambda s: models.VQVAE((1, 8, 8), codes=6, dim=s["k"], width=6, restart=s["own"]),
        lambda s: objectives.vq_vae(s["weight"]),
        2,
    ),
    **{
        kept: (
            lambda s, kept=kept: Scaled(s["k"], s["own"], kept),
            lambda s: lambda model, x, generator: {"fit": mse(model(x)[0], x)},
            groups,
        )
        for kept, groups in {"number": 2, "tensor": 2, "function": 4, "part": 2}.items()
    },
}


@pytest.mark.parametrize("name", OWN)
def test_a_number_that_a_model_keeps_as_its_own_is_that_of_each_member(name, monkeypatch):
    """`build` may keep a setting outside parameters and buffers, where vmap can't map it."""
    build, objective, groups = OWN[name]
    calls = []

    def counted(*args, **options):
        calls.append(1)
        return fit_ensemble(*args, **options)

    monkeypatch.setattr(grid_module, "fit_ensemble", counted)
    grid = {"k": [2], "weight": [0.1], "own": [0.1, 0.9]}
    together, alone = (
        run(grid, build, objective, how=how).to_dict("records") for how in ("vmap", "sequential")
    )
    assert [row["mse"] for row in together] == pytest.approx(
        [row["mse"] for row in alone], rel=1e-5
    )
    assert alone[0]["loss"] != alone[2]["loss"], "the factor matters"
    assert len(calls) == groups, "what is alike is trained in one group"


def test_members_that_differ_outside_their_weights_are_refused():
    with pytest.raises(ValueError, match="models of class VQVAE differ in more than the values"):
        fit_ensemble(
            [models.VQVAE((1, 8, 8), codes=6, dim=2, decay=decay) for decay in (0.1, 0.9)],
            lambda numbers: objectives.vq_vae(),
            {},
            [0, 1],
            DATA,
        )


class Unbounded(models.Autoencoder):
    """It has a sigmoid output, but does not say so."""

    def __init__(self):
        super().__init__((1, 8, 8), (12,), 2)
        self.output_range = (-math.inf, math.inf)


REFUSED = {
    "data above 1": ({}, DATA * 3, "data runs from"),
    "data above 1, seen by the loss": ({"build": lambda s: Unbounded()}, DATA * 3, "x runs from"),
    "nan": ({}, DATA.clone().index_fill_(0, torch.tensor([3]), math.nan), "data contains nan"),
    "float64": ({}, DATA.double(), "data has dtype torch.float64"),
    "a negative weight": ({"grid": {"k": [2], "weight": [-0.1, 0.1]}}, DATA, "weight .*is -0.1"),
    "no steps": ({"steps": 0}, DATA, "steps is 0"),
    "a rate of 0": ({"lr": 0.0}, DATA, "lr is 0.0"),
    "a seed below 0": ({"seeds": [0, -1]}, DATA, "seed is -1"),
}


@pytest.mark.parametrize("how", ["sequential", "vmap"])
@pytest.mark.parametrize("name", REFUSED)
def test_vmap_refuses_what_fit_refuses(name, how):
    options, data, message = REFUSED[name]

    def cross_entropy(setting):
        return lambda model, x, generator: {
            "bce": bce(model.logits(model.encode(x)), x),
            "l1": objectives.sparse_l1(setting["weight"])(model, x, generator)["l1"],
        }

    given = {"grid": GRID, "seeds": 2, "steps": 2, "lr": 1e-3} | options
    grid, build_ = given.pop("grid"), given.pop("build", build)
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(grid, build_, cross_entropy, data, measure, how=how, device="cpu", **given)


def test_a_member_that_diverges_does_not_disturb_the_others():
    def breaks(setting):
        return lambda model, x, generator: {
            "fit": mse(model(x)[0], x) / setting["weight"]
        }  # 0 / 0 is nan

    grid = {"k": [2], "weight": [0.0, 1.0]}
    for how in ("sequential", "vmap"):
        rows = run(grid, objective=breaks, how=how).to_dict("records")
        assert [row["error"] == "not finite" for row in rows] == [True] * 2 + [False] * 2
        assert all(math.isnan(row["loss"]) and math.isnan(row["mse"]) for row in rows[:2])
        assert all(row["mse"] < 1 for row in rows[2:])


def test_processes_return_the_same_rows_and_accept_lambdas():
    scale = 0.5
    grid = {"k": [2, 3], "weight": [0.0, 0.1]}
    ours, theirs = (
        run(
            grid,
            objective=lambda setting: objectives.sparse_l1(scale * setting["weight"]),
            how=how,
            workers=2,
            seeds=1,
            steps=5,
        ).to_dict("records")
        for how in ("processes", "sequential")
    )
    assert [row | {"seconds": 0} for row in ours] == [row | {"seconds": 0} for row in theirs]


def test_an_interrupted_sweep_continues_and_accepts_more_seeds(tmp_path):
    calls = []

    def counted(model, setting):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return measure(model, setting)

    with pytest.raises(KeyboardInterrupt):
        run(measure=counted, path=tmp_path / "rows", steps=5)
    rows = run(measure=counted, path=tmp_path / "rows", steps=5).to_dict("records")
    assert len(calls) == 3 + 8 - 2
    plain = run(steps=5).to_dict("records")
    assert [row | {"seconds": 0} for row in rows] == [row | {"seconds": 0} for row in plain]
    assert (
        len(run(measure=counted, path=tmp_path / "rows", steps=5, seeds=3).to_dict("records")) == 12
        and len(calls) == 9 + 4
    )
    for change in (
        {"steps": 6},
        {"lr": 0.1},
        {"grid": {"k": [2], "act": ["relu"], "weight": [0.0]}},
    ):
        with pytest.raises(ValueError, match="belongs to another sweep"):
            run(**{"path": tmp_path / "rows", "steps": 5, **change})


PROGRAM = """
import os, sys
sys.path.insert(0, {root!r})
from tests.search.test_grid import run, measure
left = int(sys.argv[1])
def deadly(model, setting):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    return measure(model, setting)
run(measure=deadly, path=sys.argv[2], steps=5)
"""


def test_a_sweep_that_was_killed_keeps_its_rows(tmp_path):
    for count, code in ((3, -9), (100, 0)):
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM.format(root=str(ROOT)),
                str(count),
                str(tmp_path / "rows"),
            ],
            cwd=ROOT,
            capture_output=True,
            env=os.environ | {"AECOURSE_PROGRESS": "0"},
        )
        assert ended.returncode == code, ended.stderr
        if count == 3:
            assert len((tmp_path / "rows").read_text().splitlines()) == 1 + 3
    kept = [json.loads(line)["loss"] for line in (tmp_path / "rows").read_text().splitlines()[1:]]
    assert kept == [row["loss"] for row in run(steps=5).to_dict("records")]


@pytest.mark.parametrize("how", ["sequential", "vmap", "processes"])
@pytest.mark.parametrize(
    "name, values", [("lr", [1e-4, 1e-2]), ("batch_size", [8, 32]), ("steps", [3, 20])]
)
def test_a_setting_of_training_is_passed_to_fit(name, values, how):
    table = run({"k": [2], "weight": [0.1], name: values}, how=how, workers=1, steps=5, seeds=[0])
    losses = []
    for value in values:
        torch.manual_seed(0)
        options = {"steps": 5, "batch_size": 16, "device": "cpu", name: value}
        history = fit(build({"k": 2}), DATA, objective({"weight": 0.1}), **options)
        losses.append(history.terms["loss"][-1])
    assert table["loss"].tolist() == pytest.approx(losses, rel=1e-5) and losses[0] != losses[1]


@pytest.mark.parametrize("how", ["sequential", "vmap", "processes"])
def test_a_name_that_nothing_reads_is_refused_before_training(how):
    def untrained(setting):
        return lambda model, x, generator: (
            objective(setting)(model, x, generator)
            | {"steps": torch.zeros(()) * (0 if not model.training else next(few))}
        )

    few = itertools.repeat(1.0, 4)  # a forward pass for each setting, no training
    grid = {"k": [2], "weight": [0.1, 0.2], "learning_rate": [0.1, 0.2]}
    with pytest.raises(
        ValueError, match="grid contains 'learning_rate' with several values, which"
    ):
        run(grid, objective=untrained, how=how)
    run(grid | {"learning_rate": [0.1]}, how=how, steps=1, workers=1)  # a label in every row


READERS = {
    "build": (lambda s: build(dict(s)), objective, measure),
    "build, by name": (
        lambda s: (lambda k, weight, own: build({"k": k}))(**s),
        objective,
        measure,
    ),
    "build, of a copy": (lambda s: build({"k": s.copy()["own"]}), objective, measure),
    "build, joined to another": (lambda s: build({"k": ({"k": 1} | s)["own"]}), objective, measure),
    "build, of one setting only": (
        lambda s: build({"k": s["own"]} if s["weight"] == 0.2 else s),
        objective,
        measure,
    ),
    "objective": (build, lambda s: objectives.sparse_l1(s.get("own") * s["weight"]), measure),
    "objective, when it is called": (
        build,
        lambda s: lambda model, x, g: objectives.sparse_l1(s["own"] * s["weight"])(model, x, g),
        measure,
    ),
    "measure": (build, objective, lambda model, s: {"mse": s["own"]}),
    "fails here": (build, lambda s: objectives.vq_vae(s["weight"]), measure),
}


@pytest.mark.parametrize("name", READERS)
def test_a_name_that_is_read_anywhere_is_accepted(name):
    given = READERS[name]
    torch.manual_seed(4)
    wanted = torch.rand(3)
    torch.manual_seed(4)
    grid = {"k": [2], "weight": [0.1, 0.2], "own": [2, 3]}
    if name == "fails here":
        with pytest.raises(TypeError, match="no codebook"):
            run(grid, *given, steps=1)
    else:
        assert len(run(grid, *given, steps=1)) == 8
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"grid": {}}, "grid is {}"),
        ({"grid": {"k": []}}, "grid is"),
        ({"grid": {"k": [1], "seed": [0]}}, "grid contains 'seed'"),
        ({"how": "quickly"}, "how is 'quickly'"),
    ],
)
def test_what_is_out_of_range_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


def test_an_objective_that_reads_the_value_of_a_setting_is_refused_by_vmap():
    def branches(setting):
        return objectives.sparse_l1(0.1) if setting["weight"] > 0 else objectives.reconstruction()

    with pytest.raises(
        ValueError,
        match="objective can't be mapped over members, each with its own weight .*data-dependent"
        ".*train with how='processes' or 'sequential'",
    ):
        run(objective=branches, how="vmap")


def test_random_numbers_drawn_into_a_tensor_are_refused_by_vmap():
    def into(setting):
        return lambda model, x, generator: {
            "fit": mse(model(x + torch.empty_like(x).normal_(generator=generator))[0], x)
        }

    with pytest.raises(ValueError, match="draws with normal_ into a tensor"):
        run({"k": [2, 3]}, objective=into, how="vmap")


def test_a_run_that_was_not_finite_once_is_an_error_even_if_it_recovered():
    def once(setting):
        def objective(model, x, generator):
            broken = math.inf if next(calls) % STEPS == 2 else 0.0  # the weights stay finite
            return {"fit": mse(model(x)[0], x) + broken + 0 * setting["weight"]}

        return objective

    for how in ("sequential", "vmap"):
        calls = itertools.count(1)
        assert [
            row.get("error")
            for row in run({"k": [2], "weight": [0.0]}, objective=once, how=how).to_dict("records")
        ] == ["not finite"] * 2


def test_numbers_of_numpy_are_settings_and_seeds(tmp_path):
    grid = {"k": np.array([2, 3]), "weight": np.array([0.0, 0.1])}
    options = {"steps": 2, "how": "sequential"}
    wanted = run(seeds=2, **options).drop(columns="seconds")
    for seeds in (np.int64(2), np.arange(2)):
        rows = run(grid, seeds=seeds, path=tmp_path / f"{type(seeds).__name__}", **options)
        assert rows.drop(columns="seconds").equals(wanted)
