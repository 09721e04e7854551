"""The command line: every model trains, is continued and is evaluated; an error is one line."""

import csv
import importlib
import itertools
import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from aecourse import models, objectives, search
from aecourse.data import load_images
from aecourse.losses import mse, ssim
from aecourse.metrics import active_units, psnr
from aecourse.training import adam, evaluate, fit

# Its figures come from aecourse.pages, which needs IPython; a machine for training may lack it.
pytest.importorskip("IPython", reason="IPython is missing: python3 -m tools environment")
cli = importlib.import_module("aecourse.cli")
ROOT = Path(__file__).resolve().parents[1]
IMAGES = load_images("digits", device="cpu", quiet=True)


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    """A few digits, so that metrics take no time."""
    few = type(IMAGES)(
        "digits",
        IMAGES.train[:100],
        IMAGES.train_labels[:100],
        IMAGES.test[:30],
        IMAGES.test_labels[:30],
    )
    monkeypatch.setattr(cli.data, "load_images", lambda name, device: print("loaded", name) or few)
    yield few
    assert plt.get_fignums() == []


def run(*words):
    cli.main([str(word) for word in (*words, "--device", "cpu")])


def train(out, *more, model="autoencoder", steps=2):
    run(
        "train",
        "--model",
        model,
        "--out",
        out,
        "--latent-dim",
        4,
        "--batch-size",
        16,
        "--steps",
        steps,
        *more,
    )


def number(folder, name):
    return json.loads((folder / "metrics.json").read_text())[name]


@pytest.mark.parametrize("model", cli.KINDS)
def test_every_model_trains_and_is_evaluated(model, tmp_path, capsys, monkeypatch):
    out = tmp_path / "runs" / model
    train(out, model=model)
    printed = capsys.readouterr()
    assert printed.err == "loaded None\n"  # which is no result
    names, line = printed.out.splitlines()
    shown = dict(zip(names.split(), line.split(), strict=True))
    found = json.loads((out / "metrics.json").read_text())
    assert (
        shown["model"] == model
        and shown["data"] == "digits"
        and shown["steps"] == "2"
        and shown["latent_dim"] == "4"
    )
    assert {"mse", "psnr", "ssim", "loss"} <= set(found) <= set(shown)
    assert all(
        math.isfinite(value) and shown[name] == f"{value:.4g}" for name, value in found.items()
    )
    assert ({"rate", "distortion", "active_units"} <= set(found)) == (
        model in ("vae", "ladder-vae")
    )
    assert ("perplexity" in found) == (model == "vq-vae")
    with open(out / "history.csv") as file:
        rows = list(csv.DictReader(file))
    terms = [name for name in rows[0] if name not in ("step", "loss")]
    assert [row["step"] for row in rows] == ["1", "2"]
    assert all(
        math.isclose(sum(float(row[name]) for name in terms), float(row["loss"]), rel_tol=1e-6)
        for row in rows
    )
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(before) == {
        "checkpoint.pt",
        "run.json",
        "history.csv",
        "metrics.json",
        "loss.png",
        "reconstructions.png",
    }
    assert all(before[name].startswith(b"\x89PNG") for name in before if name.endswith("png"))
    (out / "history.csv").unlink()
    (out / "metrics.json").unlink()
    if model != "vae":  # one draws its figures again, which takes time
        monkeypatch.setattr(cli, "figures", lambda *given: None)
    run("evaluate", out)
    assert capsys.readouterr().out == printed.out
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("beta", [0.0, 2.0])
def test_the_numbers_are_those_of_fit_by_hand(beta, tmp_path, few_images):
    train(tmp_path, "--weight", beta, "--seed", 3, "--lr", 0.01, model="vae", steps=5)
    torch.manual_seed(3)
    model = models.VAE((1, 28, 28), latent_dim=4)
    history = fit(
        model,
        few_images.train,
        objectives.beta_vae(beta),
        steps=5,
        batch_size=16,
        lr=0.01,
        seed=3,
        device="cpu",
    )
    with open(tmp_path / "history.csv") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == history.terms["loss"]
    x = few_images.test
    with torch.no_grad():
        x_hat, z = model(x)
    by_hand = {
        "mse": mse(x_hat, x),
        "psnr": psnr(x_hat, x).mean(),
        "ssim": ssim(x_hat, x),
        "active_units": active_units(z),
        "rate": model.negative_elbo_terms(x)["kl"].detach(),
        "loss": evaluate(model, x, objectives.beta_vae(beta))["loss"],
    }
    for name, value in by_hand.items():
        assert number(tmp_path, name) == pytest.approx(float(value), rel=1e-6)
    # The distortion is estimated from samples: it agrees up to its spread over seeds.
    drawn = torch.tensor(
        [
            model.negative_elbo_terms(x, torch.Generator().manual_seed(seed))[
                "reconstruction"
            ].item()
            for seed in range(10)
        ]
    )
    assert abs(number(tmp_path, "distortion") - drawn.mean()) < 6 * drawn.std()


def test_an_inactive_level_of_a_ladder_counts_no_units(few_images):
    model = models.LadderVAE((1, 28, 28), latent_dims=(5, 3))
    with torch.no_grad():
        low = model.evidence[0]
        low.weight.zero_()
        low.bias.zero_()[5:].fill_(1e6)
        model.prior[0].weight.mul_(20)
        model.evidence[1].weight.mul_(20)
    assert active_units(model.posterior(few_images.test)[0][0]) > 0, (
        "they follow a prior that moves"
    )
    assert cli.computed(model, few_images.test, objectives.beta_vae(1.0))["active_units"] == 3


def test_adversarial_models_are_trained_with_adam_for_gans(tmp_path, few_images):
    train(tmp_path, model="adversarial", steps=3)
    torch.manual_seed(0)
    model = models.AdversarialAutoencoder((1, 28, 28), latent_dim=4)
    fit(
        model,
        few_images.train,
        objectives.adversarial(),
        steps=3,
        batch_size=16,
        optimizer=objectives.adam_for_gans,
        device="cpu",
    )
    saved = torch.load(tmp_path / "checkpoint.pt")["model"]
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())


def test_a_continued_run_equals_one_without_interruption(tmp_path):
    for steps in (3, 7):
        train(tmp_path / "parts", model="vae", steps=steps)
    train(tmp_path / "whole", model="vae", steps=7)
    for name in ("history.csv", "metrics.json", "loss.png", "reconstructions.png"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_folder_keeps_its_run(tmp_path, capsys):
    train(tmp_path, model="vae")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for words, expected in [
        ("--latent-dim 5", "4 and is 5"),
        ("--weight 0.5", "1.0 and is 0.5"),
        ("--seed 1", "0 and is 1"),
        ("--lr 1", "0.001 and is 1.0"),
        ("--model wae --weight 1", "vae and is wae"),
        ("--batch-size 9", "16 and is 9"),
        ("--precision bfloat16", "float32 and is bfloat16"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            train(tmp_path, *words.split(), model="vae", steps=9)
        assert (
            f"which holds another run: {words.split()[0]} was {expected}; name"
            in capsys.readouterr().err
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "words, expected",
    [
        ("train --model vae", "--out"),
        ("train --out x", "--model"),
        ("train --model bae --out x", "argument --model: invalid choice: 'bae'"),
        ("train --model vae --out x --data cats", "argument --data"),
        ("train --model vae --out x --steps many", "argument --steps"),
        ("train --model vae --out x --steps 0", "steps is 0; expected a positive int"),
        ("train --model vae --out x --lr -1", "lr is -1"),
        ("train --model vae --out x --latent-dim 0", "latent_dim is 0"),
        ("train --model vae --out x --weight -1", "beta is -1"),
        ("train --model vae --out x --batch-size 0", "batch_size is 0"),
        ("train --model vae --out x --seed -1", "seed is -1"),
        ("train --model masked --out x --weight 2", "ratio is 2.0"),
        ("train --model vae --out file", "--out is 'file'; expected a folder"),
        (
            "train --model vae --out x --device abacus",
            "argument --device: 'abacus' is no device of this machine",
        ),
        ("train --model vae --out x --lr 1e30 --steps 9", "became nan"),
        ("evaluate nowhere", "'nowhere' has no run.json"),
        ("evaluate begun", "holds no checkpoint; train it first"),
        ("evaluate broken", "no checkpoint that can be read"),
        ("sweep --model vae --out x --seeds 0", "seeds is 0"),
        ("sweep --model vae --out file", "--out is 'file'"),
        (
            "sweep --model vae --out x --how vmap --latent-dim 2 --steps 1 --metric beauty",
            "metric is 'beauty'; expected one of 'model', 'latent_dim'",
        ),
        ("", "COMMAND"),
        ("praise", "praise"),
    ],
)
def test_an_error_is_one_line(words, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    for name in ("begun", "broken"):
        Path(name).mkdir()
        Path(name, "run.json").write_text(
            '{"model": "vae", "data": "digits", "latent_dim": 4, "weight": 1.0, "seed": 0}'
        )
    Path("broken/checkpoint.pt").write_bytes(b"no")
    with pytest.raises(SystemExit, match="2"):
        cli.main(shlex.split(words))
    *_, line = capsys.readouterr().err.splitlines()
    assert ": error: " in line and expected in line


def test_a_failed_run_can_be_repeated(tmp_path):
    with pytest.raises(SystemExit, match="2"):
        train(tmp_path, "--lr", -1)
    train(tmp_path)
    assert (tmp_path / "metrics.json").is_file()


def test_data_that_cannot_be_loaded_are_an_error(monkeypatch, tmp_path, capsys):
    def load_images(name, device):
        raise cli.data.DataError("could not download mnist: there is no network")

    monkeypatch.setattr(cli.data, "load_images", load_images)
    with pytest.raises(SystemExit, match="2"):
        train(tmp_path, "--data", "mnist")
    assert "error: could not download mnist" in capsys.readouterr().err


def test_an_interrupted_run_says_how_to_continue(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "fit", lambda *given, **more: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(SystemExit, match="130"):
        train(tmp_path)
    assert "the same command continues" in capsys.readouterr().err


def test_a_training_run_that_is_interrupted_says_what_was_saved(monkeypatch, tmp_path, capsys):
    kind = cli.KINDS["autoencoder"]

    def stopping(weight):
        calls = itertools.count(1)

        def objective(model, x, generator):
            if next(calls) == 3:
                raise KeyboardInterrupt
            return kind.objective(weight)(model, x, generator)

        return objective

    monkeypatch.setitem(cli.KINDS, "autoencoder", kind._replace(objective=stopping))
    with pytest.raises(SystemExit, match="130"):
        train(tmp_path, steps=5)
    said = capsys.readouterr().err
    assert "stopped after step 2 of" in said and "nothing was saved to" in said


def sweep(out, *more):
    run(
        "sweep",
        "--model",
        "sparse-l1",
        "--latent-dim",
        2,
        8,
        "--weight",
        0,
        0.1,
        "--out",
        out,
        "--steps",
        3,
        "--how",
        "sequential",
        *more,
    )


def test_a_sweep_is_a_table_and_a_figure(tmp_path, capsys, few_images):
    sweep(tmp_path, "--seeds", 2)
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 5 and table.split()[:4] == [
        "model",
        "latent_dim",
        "weight",
        "runs",
    ]
    with open(tmp_path / "table.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["latent_dim"], row["weight"], row["seed"]) for row in rows] == list(
        itertools.product("28", ("0.0", "0.1"), "01")
    )
    torch.manual_seed(1)
    model = models.Autoencoder((1, 28, 28), latent_dim=8, code_activation="relu")
    fit(model, few_images.train, objectives.sparse_l1(0.1), steps=3, seed=1, device="cpu")
    with torch.no_grad():
        assert float(rows[-1]["mse"]) == pytest.approx(
            mse(model(few_images.test)[0], few_images.test).item(), rel=1e-6
        )
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("model", cli.KINDS)
def test_every_model_can_be_swept_by_vmap_or_names_another_way(model, tmp_path, monkeypatch):
    """As on CUDA, where this is the default."""
    ways = []

    def swept(*given, how, **more):
        ways.append((how, more["optimizer"]))
        return search.sweep(*given, how={"auto": "vmap", "processes": "sequential"}[how], **more)

    monkeypatch.setattr(cli, "intervals", lambda table, metric: Figure())
    monkeypatch.setattr(cli, "sweep", swept)
    run("sweep", "--model", model, "--latent-dim", 4, "--seeds", 2, "--steps", 1, "--out", tmp_path)
    assert ways == [
        (
            "processes" if model == "masked" else "auto",
            objectives.adam_for_gans if model == "adversarial" else adam,
        )
    ]
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 3


def test_a_sweep_continues_where_it_stopped(tmp_path, capsys, monkeypatch):
    sweep(tmp_path, "--seeds", 1)
    first = (tmp_path / "rows.jsonl").read_text()
    sweep(tmp_path, "--seeds", 2)
    second, printed = (tmp_path / "rows.jsonl").read_text(), capsys.readouterr().out
    assert second.startswith(first) and len(second.splitlines()) == 1 + 8
    monkeypatch.setattr("aecourse.search.grid.train_one", None)  # nothing is left to train
    sweep(tmp_path, "--seeds", 2)
    assert capsys.readouterr().out.splitlines() == printed.splitlines()[-5:]


def test_the_figure_of_a_sweep_has_a_line_for_each_weight_and_intervals():
    rows = [
        {"latent_dim": k, "weight": w, "seed": s, "mse": k + w + s}
        for k in (2, 8)
        for w in (0.0, 0.5)
        for s in (0, 1)
    ]
    fig = cli.intervals(pd.DataFrame(rows), "mse")
    ax = fig.axes[0]
    plt.close(fig)
    assert (
        ax.get_xlabel() == "latent_dim"
        and ax.get_ylabel() == "mse"
        and [t.get_text() for t in ax.get_xticklabels()] == ["2", "8"]
    )
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["0", "0.5"] and len(
        ax.containers
    ) == 2
    for weight, (line, _, (bars,)) in zip((0.0, 0.5), ax.containers, strict=True):
        means = [2.5 + weight, 8.5 + weight]
        assert list(line.get_ydata()) == means
        half = (
            12.7062047 * 0.5
        )  # Student's t with one degree of freedom, times 1 / sqrt(2) / sqrt(2)
        assert [list(bar[:, 1]) for bar in bars.get_segments()] == [
            pytest.approx([mean - half, mean + half], rel=1e-6) for mean in means
        ]


def test_a_run_from_a_shell(tmp_path):
    words = "train --model tied --data digits --latent-dim 2 --steps 2 --device cpu --out"
    done = subprocess.run(
        [sys.executable, "-m", "aecourse", *words.split(), "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (
        done.returncode == 0
        and done.stdout.split()[0] == "model"
        and "1437 training" in done.stderr
    ), done.stderr
    assert (tmp_path / "run" / "reconstructions.png").is_file()


def test_the_page_shows_existing_commands():
    page = (ROOT / "book" / "api" / "command_line.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python -m aecourse (.+)$", page, re.M)
    assert {words.split()[0] for words in commands} == {"train", "sweep", "evaluate"}
    for words in commands:
        cli.parser().parse_args(shlex.split(words))
    assert "{kinds}" in page, "the register fills in the table of models"
