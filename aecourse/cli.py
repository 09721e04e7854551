"""Train, sweep and evaluate from the command line: ``python -m aecourse train --model vae --out runs/vae``."""

import argparse
import contextlib
import csv
import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch

from aecourse import data, metrics, models, patches, validation
from aecourse.device import make_generator, pick_device
from aecourse.losses import mse, ssim
from aecourse.objectives.register import KINDS
from aecourse.pages import plot_history, plot_images
from aecourse.search import HOW, sweep
from aecourse.search.grid import built
from aecourse.search.summary import as_text, summarize
from aecourse.training import (
    PRECISIONS,
    History,
    NonFinite,
    checkpoint,
    distributed,
    evaluate,
    fit,
)

# Settings that must not change when a run is continued.
SAME = ("model", "data", "latent_dim", "weight", "batch_size", "lr", "seed", "precision")


def load(name, device):
    """The data set `name`; its messages go to stderr, so that stdout holds the results alone."""
    with contextlib.redirect_stdout(sys.stderr):
        return data.load_images(name, device=device)


def reconstruct(model, x, generator):
    """Reconstructions of `x`, clipped to [0, 1]; a masked autoencoder sees a quarter of the patches."""
    if isinstance(model, models.MaskedAutoencoder):
        hidden = patches.random_mask(len(x), model.patches, 0.75, generator, x.device)
        return model(x, hidden)[0].clamp(0, 1)
    return model(x)[0].clamp(0, 1)


@torch.no_grad()
def computed(model, x, objective, seed=0):
    """{metric: number} of `model` on the images `x`, (N, 1, H, W): means over images, and what its kind adds."""
    x = x.to(next(model.parameters()).device)
    generator = make_generator(x.device, seed)
    x_hat = torch.cat([reconstruct(model, part, generator) for part in x.split(500)])
    found = {
        "loss": evaluate(model, x, objective, seed=seed)["loss"],
        "mse": mse(x_hat, x),
        "psnr": metrics.psnr(x_hat, x).mean(),
        "ssim": torch.cat(
            [ssim(*pair, "none") for pair in zip(x_hat.split(500), x.split(500))]
        ).mean(),
    }
    if hasattr(model, "negative_elbo_terms"):
        rate, distortion = metrics.rate_distortion(model, x, generator)
        levels = (
            zip(model.posterior(x), model.priors(x))
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


def figures(model, history, x, folder, seed):
    """Write ``loss.png`` and ``reconstructions.png``, with new samples if the model draws some."""
    x = x[:8].to(next(model.parameters()).device)
    with torch.no_grad():
        rows = {"data": x, "model": reconstruct(model, x, make_generator(x.device, seed))}
        if hasattr(model, "sample"):
            rows["new"] = model.sample(8, make_generator(x.device, seed))
    loss = plot_history({"": history}, log=min(history.terms["loss"]) > 0)
    for name, fig in (("loss", loss), ("reconstructions", plot_images(rows))):
        fig.savefig(folder / f"{name}.png", dpi=200)
        plt.close(fig)


def report(settings, model, history, images, folder):
    """Compute the metrics of a run on the test images; write its files; print a table."""
    found = computed(model, images.test, KINDS[settings["model"]].objective(settings["weight"]))
    figures(model, history, images.test, folder, settings["seed"])
    (folder / "metrics.json").write_text(json.dumps(found, indent=1) + "\n")
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["step", *history.terms], *zip(history.steps, *history.terms.values())]
        )
    named = {name: settings[name] for name in ("model", "data", "latent_dim", "weight")} | {
        "steps": len(history.steps)
    }
    print(pd.DataFrame([named | found]).to_string(index=False, float_format="{:.4g}".format))


def build(settings):
    return KINDS[settings["model"]].build((1, 28, 28), latent_dim=settings["latent_dim"])


def train(args):
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
        other = [
            f"--{name.replace('_', '-')} was {was} and is {settings.get(name)}"
            for name, was in read(folder).items()
            if was != settings.get(name)
        ]
        if other:
            raise ValueError(
                f"--out is {args.out!r}, which holds another run: {', '.join(other)}; name another folder, or remove it"
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


def made(out):
    """The folder `out`, made where it is absent."""
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--out is {out!r}; expected a folder that is there or can be made ({error.strerror})"
        ) from None
    return Path(out)


def read(folder):
    """The settings of the run in `folder`."""
    try:
        return json.loads((folder / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{str(folder)!r} has no run.json that can be read ({error}); "
            "expected the folder of a run, as train --out makes it"
        ) from None


def evaluate_run(args):
    """Measure a run again, and draw its figures again."""
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


def sweep_models(args):
    """Train a model for each setting and seed: a table, and a figure with intervals."""
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
    plt.close(fig)


def intervals(runs, metric):
    """A figure of the mean of `metric` over the units of the code, with its interval over seeds; one line a weight."""
    summary, (fig, ax) = summarize(runs, ["latent_dim", "weight"], metric), plt.subplots()
    for weight, own in summary.groupby("weight", sort=False):
        spread = [own["mean"] - own["low"], own["high"] - own["mean"]]
        ax.errorbar(
            own["latent_dim"].astype(str), own["mean"], spread, capsize=3, label=f"{weight:g}"
        )
    ax.set(xlabel="latent_dim", ylabel=metric)
    ax.legend(title="weight")
    return fig


def device(text):
    """`text`, where it names a device of this machine."""
    try:
        torch.empty(0, device=pick_device(text))
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no device of this machine ({str(error).splitlines()[0]})"
        ) from None
    return text


def parser():
    """The commands and their arguments."""
    weights = "\n".join(
        f"  {name:14} {kind.weight:<6g} {kind.meaning}" for name, kind in KINDS.items()
    )
    top = argparse.ArgumentParser("aecourse", description=__doc__.partition(":")[0] + ".")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function):
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
                help="fetched where it is absent; else what AECOURSE_DATASET names, or digits",
            )
            made.add_argument("--steps", type=int, default=1000, help="updates (%(default)s)")
            made.add_argument(
                "--batch-size", type=int, default=128, help="images an update (%(default)s)"
            )
            made.add_argument("--lr", type=float, default=1e-3, help="learning rate (%(default)s)")
            made.add_argument(
                "--out",
                required=True,
                metavar="FOLDER",
                help="what is there already is not done again",
            )
        return made

    one = command("train", train)
    one.add_argument("--latent-dim", type=int, default=16, help="units of the code (%(default)s)")
    one.add_argument("--weight", type=float, help="of the second term; below")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--precision", choices=PRECISIONS, default="float32")
    one.add_argument("--compiled", action="store_true", help="with torch.compile")
    many = command("sweep", sweep_models)
    many.add_argument("--latent-dim", type=int, nargs="+", default=[16], help="units of the code")
    many.add_argument("--weight", type=float, nargs="+", help="of the second term; below")
    many.add_argument("--seeds", type=int, default=3, help="models for each setting (%(default)s)")
    many.add_argument("--metric", default="mse", help="shown by the figure (%(default)s)")
    many.add_argument(
        "--how",
        choices=HOW,
        help="of training; by default vmap on CUDA, else processes",
    )
    many.add_argument("--workers", type=int, help="processes; one a core by default")
    command("evaluate", evaluate_run).add_argument("run", metavar="RUN", help="the folder of a run")
    return top


def main(argv=None):
    """Run the command in `argv`, by default that of the process; what is wrong with it is said in one line, with status 2."""
    args = parser().parse_args(argv)
    try:
        args.run_command(args)
    except (ValueError, data.DataError, checkpoint.CheckpointError, NonFinite) as error:
        args.parser.error(str(error))
    except KeyboardInterrupt:
        args.parser.exit(130, "\ninterrupted: the same command goes on from what was saved\n")
