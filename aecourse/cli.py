"""Train, sweep and evaluate models from the command line.

For example: ``python -m aecourse train --model vae --out runs/vae``.
"""

import argparse
import contextlib
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from aecourse import data, metrics, models, patches, validation
from aecourse.device import make_generator, pick_device
from aecourse.losses import mse, ssim
from aecourse.objectives.register import KINDS
from aecourse.pages import plot_history, plot_images, subplots
from aecourse.search import HOW, sweep
from aecourse.search.grid import built
from aecourse.search.summary import as_text, summarize
from aecourse.training import (
    PRECISIONS,
    History,
    Interrupted,
    NonFinite,
    checkpoint,
    distributed,
    evaluate,
    fit,
)
from aecourse.types import Objective

# Settings that must not change when a run is continued.
SAME = ("model", "data", "latent_dim", "weight", "batch_size", "lr", "seed", "precision")


def load(name: str | None, device: str) -> data.Images:
    """The data set `name`; its messages go to stderr, so that stdout has only the results."""
    with contextlib.redirect_stdout(sys.stderr):
        return data.load_images(name, device=device)


def reconstruct(model: nn.Module, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Reconstructions of `x`, clipped to [0, 1].

    A masked autoencoder receives a quarter of the patches.
    """
    if isinstance(model, models.MaskedAutoencoder):
        hidden = patches.random_mask(len(x), model.patches, 0.75, generator, x.device)
        return model(x, hidden)[0].clamp(0, 1)
    return model(x)[0].clamp(0, 1)


@torch.no_grad()
def computed(
    model: nn.Module, x: torch.Tensor, objective: Objective, seed: int = 0
) -> dict[str, float]:
    """The metrics of `model` on the images `x`, (N, 1, H, W).

    These are means over images; variational models and codebooks have metrics of their own.
    """
    x = x.to(next(model.parameters()).device)
    generator = make_generator(x.device, seed)
    parts = x.split(500)
    x_hats = [reconstruct(model, part, generator) for part in parts]
    similarities = [ssim(*pair, "none") for pair in zip(x_hats, parts, strict=True)]
    x_hat = torch.cat(x_hats)
    found = {
        "loss": evaluate(model, x, objective, seed=seed)["loss"],
        "mse": mse(x_hat, x),
        "psnr": metrics.psnr(x_hat, x).mean(),
        "ssim": torch.cat(similarities).mean(),
    }
    if hasattr(model, "negative_elbo_terms"):
        rate, distortion = metrics.rate_distortion(model, x, generator)
        levels = (
            zip(model.posterior(x), model.priors(x), strict=True)
            if hasattr(model, "priors")
            else [(model.posterior(x), None)]
        )
        active = [
            metrics.collapse_report(*posterior, prior=prior).active_by_variance.sum()
            for posterior, prior in levels
        ]
        found |= {"rate": rate, "distortion": distortion, "active_units": sum(active)}
    if hasattr(model, "codebook"):
        found["perplexity"] = metrics.codebook_usage(model, x).perplexity
    return {name: float(value) for name, value in found.items()}


def figures(model: nn.Module, history: History, x: torch.Tensor, folder: Path, seed: int) -> None:
    """Write ``loss.png`` and ``reconstructions.png``, with samples if the model can draw them."""
    x = x[:8].to(next(model.parameters()).device)
    with torch.no_grad():
        rows = {"data": x, "model": reconstruct(model, x, make_generator(x.device, seed))}
        if hasattr(model, "sample"):
            rows["new"] = model.sample(8, make_generator(x.device, seed))
    loss = plot_history({"": history}, log=min(history.terms["loss"]) > 0)
    for name, fig in (("loss", loss), ("reconstructions", plot_images(rows))):
        fig.savefig(folder / f"{name}.png", dpi=200)


def report(
    settings: dict[str, Any], model: nn.Module, history: History, images: data.Images, folder: Path
) -> None:
    """Compute the metrics of a run on the test images, write its files, and print a table."""
    found = computed(model, images.test, KINDS[settings["model"]].objective(settings["weight"]))
    figures(model, history, images.test, folder, settings["seed"])
    (folder / "metrics.json").write_text(json.dumps(found, indent=1) + "\n")
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        rows = zip(history.steps, *history.terms.values(), strict=True)
        csv.writer(file).writerows([["step", *history.terms], *rows])
    named = {name: settings[name] for name in ("model", "data", "latent_dim", "weight")} | {
        "steps": len(history.steps)
    }
    print(pd.DataFrame([named | found]).to_string(index=False, float_format="{:.4g}".format))


def build(settings: dict[str, Any]) -> nn.Module:
    """The untrained model of `settings`."""
    return KINDS[settings["model"]].build((1, 28, 28), latent_dim=settings["latent_dim"])


def train(args: argparse.Namespace) -> None:
    """Train a model, or continue its training."""
    distributed.start(args.device)
    images = load(args.data, args.device)
    kind = KINDS[args.model]
    folder = made(args.out)
    weight = kind.weight if args.weight is None else args.weight
    settings = {name: getattr(args, name) for name in SAME} | {
        "data": images.name,
        "weight": weight,
    }
    if (folder / "checkpoint.pt").exists():
        different = [
            f"--{name.replace('_', '-')} was {was} and is {settings.get(name)}"
            for name, was in read(folder).items()
            if was != settings.get(name)
        ]
        if different:
            raise ValueError(
                f"--out is {args.out!r}, which holds another run: {', '.join(different)}; "
                "name another folder, or remove it"
            )
    model, objective = built(build, settings, args.seed), kind.objective(weight)
    (folder / "run.json").write_text(json.dumps(settings, indent=1) + "\n")
    history = fit(
        model,
        images.train,
        objective,
        steps=args.steps,
        batch_size=args.batch_size,
        lr=args.lr,
        optimizer=kind.optimizer,
        precision=args.precision,
        compiled=args.compiled,
        save_to=folder / "checkpoint.pt",
        seed=args.seed,
        device=args.device,
    )
    if distributed.place()[0] == 0:
        report(settings, model, history, images, folder)


def made(out: str) -> Path:
    """The folder `out`, created if it is absent."""
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--out is {out!r}; expected a folder that exists or can be created ({error.strerror})"
        ) from None
    return Path(out)


def read(folder: Path) -> dict[str, Any]:
    """The settings of the run in `folder`."""
    try:
        return json.loads((folder / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{str(folder)!r} has no run.json that can be read ({error}); "
            "expected the folder of a run, as train --out creates it"
        ) from None


def evaluate_run(args: argparse.Namespace) -> None:
    """Compute the metrics of a run again, and draw its figures again."""
    folder = Path(args.run)
    settings = read(folder)
    state = checkpoint.load(folder / "checkpoint.pt", {})
    if state is None:
        raise ValueError(f"RUN is {args.run!r}, which holds no checkpoint; train it first")
    model, history = build(settings), History()
    model.load_state_dict(state["model"])
    history.terms = state["terms"]
    report(
        settings,
        model.to(pick_device(args.device)).eval(),
        history,
        load(settings["data"], args.device),
        folder,
    )


def sweep_models(args: argparse.Namespace) -> None:
    """Train a model for each setting and seed; write a table, and a figure with intervals."""
    images = load(args.data, args.device)
    kind = KINDS[args.model]
    folder = made(args.out)
    validation.positive("seeds", args.seeds)
    grid = {
        "model": [args.model],
        "latent_dim": args.latent_dim,
        "weight": args.weight or [kind.weight],
    }

    def objective(setting):
        return kind.objective(setting["weight"])

    def measure(model, setting):
        return computed(model, images.test, objective(setting))

    table = sweep(
        grid,
        build,
        objective,
        images.train,
        measure,
        seeds=args.seeds,
        steps=args.steps,
        batch_size=args.batch_size,
        lr=args.lr,
        optimizer=kind.optimizer,
        how=args.how or kind.how,
        workers=args.workers,
        path=folder / "rows.jsonl",
        device=args.device,
    )
    table.to_csv(folder / "table.csv", index=False)
    print(as_text(table, list(grid)))
    validation.one_of("metric", args.metric, table.columns)
    fig = intervals(table, args.metric)
    fig.savefig(folder / "figure.png", dpi=200)


def intervals(runs: pd.DataFrame, metric: str) -> Figure:
    """A figure of the mean of `metric` against the units of the code: one line for each weight.

    Bars are 95 % intervals over seeds.
    """
    summary = summarize(runs, ["latent_dim", "weight"], metric)
    fig, ax = subplots()
    for weight, own in summary.groupby("weight", sort=False):
        spread = [own["mean"] - own["low"], own["high"] - own["mean"]]
        ax.errorbar(
            own["latent_dim"].astype(str), own["mean"], spread, capsize=3, label=f"{weight:g}"
        )
    ax.set(xlabel="latent_dim", ylabel=metric)
    ax.legend(title="weight")
    return fig


def device(text: str) -> str:
    """Check that `text` names a device of this machine, and return it."""
    try:
        torch.empty(0, device=pick_device(text))
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no device of this machine ({str(error).splitlines()[0]})"
        ) from None
    return text


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    weights = "\n".join(
        f"  {name:14} {kind.weight:<6g} {kind.meaning}" for name, kind in KINDS.items()
    )
    top = argparse.ArgumentParser("aecourse", description=__doc__.partition("\n")[0])
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function) -> argparse.ArgumentParser:
        """A parser for the command `name`, which `function` runs."""
        made = commands.add_parser(
            name,
            help=function.__doc__,
            description=function.__doc__,
            epilog=f"weights, by default:\n{weights}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run_command=function, parser=made)
        made.add_argument(
            "--device",
            type=device,
            default="auto",
            help="auto (CUDA, then MPS, then CPU), or a device",
        )
        if function is not evaluate_run:
            made.add_argument("--model", choices=KINDS, required=True)
            made.add_argument(
                "--data",
                choices=data.NAMES,
                help="downloaded if absent; by default the one in AECOURSE_DATASET, or digits",
            )
            made.add_argument("--steps", type=int, default=1000, help="updates (%(default)s)")
            made.add_argument(
                "--batch-size", type=int, default=128, help="images in an update (%(default)s)"
            )
            made.add_argument("--lr", type=float, default=1e-3, help="learning rate (%(default)s)")
            made.add_argument(
                "--out",
                required=True,
                metavar="FOLDER",
                help="of the results; a run that it has already is continued, not repeated",
            )
        return made

    one = command("train", train)
    one.add_argument("--latent-dim", type=int, default=16, help="units of the code (%(default)s)")
    one.add_argument("--weight", type=float, help="of the second loss term; see below")
    one.add_argument("--seed", type=int, default=0, help="of all random numbers (%(default)s)")
    one.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of matrix products"
    )
    one.add_argument("--compiled", action="store_true", help="use torch.compile")
    many = command("sweep", sweep_models)
    many.add_argument("--latent-dim", type=int, nargs="+", default=[16], help="units of the code")
    many.add_argument("--weight", type=float, nargs="+", help="of the second loss term; see below")
    many.add_argument("--seeds", type=int, default=3, help="models for each setting (%(default)s)")
    many.add_argument("--metric", default="mse", help="shown in the figure (%(default)s)")
    many.add_argument(
        "--how",
        choices=HOW,
        help="to train the models; by default vmap on CUDA, else processes",
    )
    many.add_argument("--workers", type=int, help="processes; by default one for each core")
    command("evaluate", evaluate_run).add_argument("run", metavar="RUN", help="the folder of a run")
    return top


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command in `argv`, by default that of the process.

    An error is printed on one line, and the status is 2.
    """
    args = parser().parse_args(argv)
    try:
        args.run_command(args)
    except (ValueError, data.DataError, checkpoint.CheckpointError, NonFinite) as error:
        args.parser.error(str(error))
    except KeyboardInterrupt as stop:
        said = "interrupted: the same command continues from what was saved, if anything was"
        if args.run_command is train and isinstance(stop, Interrupted):
            said = str(stop)
        args.parser.exit(130, f"\n{said}\n")
