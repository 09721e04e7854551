"""Compare every autoencoder with the best linear method of its kind, over several seeds.

    python benchmarks/floors.py --data mnist --out _build/floors --page book/floors.md

Each comparison is a sweep whose rows are saved in `--out` as they come: the same command continues
after an interruption.
"""

import argparse
import datetime
import functools
import math
import os
import time
from pathlib import Path

import measure as machine
import torch
from measure import images

from aecourse import corruption
from aecourse.baselines import LinearDenoiser, TransformCoder, linear_inpaint, reverse_water_filling
from aecourse.intervals import interval
from aecourse.losses import mse
from aecourse.metrics import active_units, anomaly_score, auroc, psnr
from aecourse.models import (
    VAE,
    VQVAE,
    WAE,
    AdversarialAutoencoder,
    Autoencoder,
    ConvAutoencoder,
    LinearAutoencoder,
    LinearVAE,
    MaskedAutoencoder,
)
from aecourse.objectives import (
    adversarial,
    beta_vae,
    denoising,
    masked_error,
    masked_reconstruction,
    reconstruction,
    vq_vae,
    wasserstein,
)
from aecourse.patches import as_mask, patchify, random_mask, unpatchify
from aecourse.search import sweep
from aecourse.training import evaluate

SHAPE = (1, 28, 28)
UNITS = (2, 8, 16, 32)


def through(model, x, batch_size=1000):
    """The reconstructions of `x`."""
    return torch.cat([model(batch)[0] for batch in x.split(batch_size)])


def against(floor, values, lower=True):
    """By how much each of `values` is better than `floor`, as a fraction of it."""
    return [(floor - value) / abs(floor) * (1 if lower else -1) for value in values]


# Each comparison: the grid, how to build and train a model, the metric of a run, and the linear
# method's value for a setting. The docstring becomes the text on the page.


def squared_error(data, steps):
    """Squared error on the test images: deterministic autoencoders and PCA with as many units."""
    builds = {
        "MLP": lambda k: Autoencoder(SHAPE, (256, 128), k),
        "MLP, tied": lambda k: Autoencoder(SHAPE, (256, 128), k, tied=True),
        "convolutional": lambda k: ConvAutoencoder(SHAPE, (8, 16), k, output="linear"),
        "Wasserstein": lambda k: WAE(SHAPE, (256, 128), k),
        "adversarial": lambda k: AdversarialAutoencoder(SHAPE, (256, 128), k),
    }
    goals = {"Wasserstein": wasserstein(), "adversarial": adversarial()}

    @functools.lru_cache
    def floor(k):
        test = images(data).test
        return mse(LinearAutoencoder(SHAPE, k).solve(images(data).train)(test)[0], test).item()

    return {
        "grid": {"model": list(builds), "k": UNITS},
        "steps": steps(1500),
        "lr": 2e-3,
        "build": lambda s: builds[s["model"]](s["k"]),
        "objective": lambda s: goals.get(s["model"], reconstruction()),
        "figure": "squared error",
        "linear": "PCA",
        "measure": lambda model, s: {
            "value": mse(through(model, images(data).test), images(data).test)
        },
        "floor": lambda s: floor(s["k"]),
        "lower": True,
    }


def likelihood(data, steps):
    """A VAE's bound and the exact ln p(x) of probabilistic PCA, with as many units, each with its
    own best noise, in nats per image.
    """

    @functools.lru_cache
    def linear(k):
        model = LinearVAE(SHAPE, k).solve(images(data).train)
        return model.true_log_likelihood(images(data).test).mean().item()

    return {
        "grid": {"model": ["VAE"], "k": UNITS},
        "steps": steps(1500),
        "lr": 1e-3,
        "objective": lambda s: beta_vae(1.0),
        "build": lambda s: VAE(SHAPE, (256, 128), s["k"], likelihood="gaussian"),
        "measure": lambda model, s: {
            "value": -evaluate(model, images(data).test, beta_vae(1.0))["loss"]
        },
        "figure": "ELBO",
        "linear": "probabilistic PCA",
        "floor": lambda s: linear(s["k"]),
        "lower": False,
    }


def active(data, steps):
    """Squared error: the means of a VAE and PCA with as many units as are active in the VAE."""
    same = likelihood(data, steps)

    def measure(model, s):
        train, test = images(data).train, images(data).test
        units = active_units(model.encode(test))  # if none is, only the mean image remains
        linear = (
            LinearAutoencoder(SHAPE, units).solve(train)(test)[0]
            if units
            else train.mean(0).expand_as(test)
        )
        return {
            "value": mse(through(model, test), test),
            "units": units,
            "floor": mse(linear, test),
        }

    return same | {
        "grid": {"model": ["VAE"], "k": (8, 32)},
        "measure": measure,
        "figure": "squared error at as many active units",
        "linear": "PCA",
        "floor": None,
        "lower": True,
    }


def codes(data, steps):
    """VQ-VAEs and rounded principal components, each component with levels of its own, at as many
    bits per image.
    """
    builds = {
        "VQ-VAE, 8 symbols of 256": (
            64,
            lambda: VQVAE(SHAPE, codes=256, dim=8, width=256, grid=(8,)),
        ),
        "VQ-VAE, 16 symbols of 256": (
            128,
            lambda: VQVAE(SHAPE, codes=256, dim=8, width=256, grid=(16,)),
        ),
        "VQ-VAE, 7 x 7 symbols of 64": (
            294,
            lambda: VQVAE(SHAPE, codes=64, dim=16, width=24, output="linear"),
        ),
    }

    @functools.lru_cache
    def floor(bits):
        test = images(data).test
        return mse(TransformCoder(images(data).train, bits)(test), test).item()

    def limit(bits):
        return reverse_water_filling(images(data).test, bits).item() / math.prod(SHAPE)

    return {
        "grid": {"model": list(builds)},
        "steps": steps(1500),
        "lr": 2e-3,
        "build": lambda s: builds[s["model"]][1](),
        "objective": lambda s: vq_vae(),
        "figure": "squared error at as many bits",
        "linear": "rounded components",
        "measure": lambda model, s: {
            "value": mse(through(model, images(data).test), images(data).test)
        },
        "floor": lambda s: floor(builds[s["model"]][0]),
        "lower": True,
        "note": lambda s: (
            f"{builds[s['model']][0]} bits; the limit for Gaussian data is "
            f"{limit(builds[s['model']][0]):.4f}"
        ),
    }


def denoisers(data, steps):
    """Denoising autoencoders and the best linear denoiser, both clipped to [0, 1]: PSNR in dB, mean
    over images.
    """
    noises = {
        "Gaussian, 0.25": lambda x, g: corruption.gaussian(x, 0.25, g),
        "Gaussian, 0.5": lambda x, g: corruption.gaussian(x, 0.5, g),
        "masking, 0.5": lambda x, g: corruption.masking(x, 0.5, g),
    }

    @functools.lru_cache
    def floor(noise):
        model, test = LinearDenoiser(images(data).train), images(data).test
        model = (
            model.masking(0.5)
            if noise.startswith("masking")
            else model.gaussian(float(noise.split()[1]))
        )
        return psnr(model(noises[noise](test, 1)).clamp(0, 1), test).mean().item()

    def value(model, s):
        test = images(data).test
        return {"value": psnr(through(model, noises[s["noise"]](test, 1)), test).mean()}

    return {
        "grid": {"model": ["denoising MLP"], "noise": list(noises)},
        "steps": steps(1500),
        "lr": 1e-3,
        "build": lambda s: Autoencoder(SHAPE, (512,), 128),
        "objective": lambda s: denoising(noises[s["noise"]]),
        "measure": value,
        "figure": "denoising",
        "linear": "linear",
        "floor": lambda s: floor(s["noise"]),
        "lower": False,
    }


def inpainters(data, steps):
    """A masked autoencoder and the best linear inpainting: squared error on the hidden patches of
    the same 1,000 images.
    """

    def places():
        test = images(data).test[:1000]
        return test, random_mask(len(test), 16, 0.75, torch.Generator().manual_seed(0))

    def value(model, s):
        test, hidden = places()
        predictions = model.predictions(model.encode(test, hidden), hidden).clamp(0, 1)
        return {"value": masked_error(predictions, patchify(test, 7), hidden)}

    @functools.lru_cache
    def floor():
        test, hidden = places()
        mask = unpatchify(as_mask(hidden, 16).float()[:, :, None].expand(-1, -1, 49), SHAPE).bool()
        return min(
            mse(
                linear_inpaint(images(data).train, test, mask, ridge)[mask].clamp(0, 1), test[mask]
            ).item()
            for ridge in (1e-3, 1e-2)
        )

    return {
        "grid": {"model": ["masked autoencoder"]},
        "steps": steps(2000),
        "lr": 1e-3,
        "measure": value,
        "build": lambda s: MaskedAutoencoder(
            SHAPE, patch=7, width=128, depth=2, decoder_width=128, decoder_depth=1
        ),
        "objective": lambda s: masked_reconstruction(0.75),
        "figure": "inpainting",
        "linear": "linear",
        "floor": lambda s: floor(),
        "lower": True,
    }


def anomalies(data, steps):
    """One class is normal, the other nine are anomalies: AUROC of the reconstruction error, for an
    autoencoder and for PCA, each with 32 units.
    """

    def value(model, s):
        return {
            "value": auroc(
                anomaly_score(through(model, images(data).test), images(data).test),
                images(data).test_labels != s["digit"],
            )
        }

    @functools.lru_cache
    def floor(digit):
        known = images(data)
        model = LinearAutoencoder(SHAPE, 32).solve(known.train[known.train_labels == digit])
        return auroc(
            anomaly_score(model(known.test)[0], known.test), known.test_labels != digit
        ).item()

    return {
        "grid": {"model": ["MLP"], "digit": range(10)},
        "steps": steps(1500),
        "lr": 1e-3,
        "build": lambda s: Autoencoder(SHAPE, (256, 128), 32),
        "objective": lambda s: reconstruction(),
        "measure": value,
        "figure": "anomaly detection",
        "linear": "PCA",
        "floor": lambda s: floor(s["digit"]),
        "lower": False,
        "rows": lambda digit: images(data).train[images(data).train_labels == digit],
    }


COMPARISONS = {
    name: make
    for name, make in globals().items()
    if name
    in ("squared_error", "likelihood", "active", "codes", "denoisers", "inpainters", "anomalies")
}


def run(name, data, out, seeds, workers, shorten):
    """A comparison, and the rows of its sweep."""
    what = COMPARISONS[name](data, lambda steps: max(2, steps // shorten))
    grids = [(what["grid"], images(data).train, out / f"{name}.jsonl")]
    if "rows" in what:  # each class is a data set of its own
        grids = [
            (
                {"model": ["MLP"], "digit": [digit]},
                what["rows"](digit),
                out / f"{name}_{digit}.jsonl",
            )
            for digit in what["grid"]["digit"]
        ]
    rows = []
    for grid, train, path in grids:
        rows += sweep(
            grid,
            what["build"],
            what["objective"],
            train,
            what["measure"],
            seeds=seeds,
            steps=what["steps"],
            lr=what["lr"],
            how="processes" if workers > 1 else "sequential",
            workers=workers,
            path=path,
            device="cpu",
        ).to_dict("records")
    return what, rows


def lines(what, rows):
    """The table: one line for each setting."""
    settings = {}
    for row in rows:
        settings.setdefault(tuple(row[name] for name in what["grid"]), []).append(row)
    for setting, runs in settings.items():
        chosen = dict(zip(what["grid"], setting, strict=True))
        floors = [row["floor"] if what["floor"] is None else what["floor"](chosen) for row in runs]
        values = [row["value"] for row in runs]
        mean, low, high = interval(values)
        gains = [
            against(floor, [value], what["lower"])[0]
            for floor, value in zip(floors, values, strict=True)
        ]
        gain, least, most = interval(gains)
        label = ", ".join(
            str(value) if name in ("model", "noise") else f"{name} = {value}"
            for name, value in chosen.items()
        )
        if what["floor"] is None:
            units = [row["units"] for row in runs]
            label += f", {min(units):.0f} to {max(units):.0f} active"
        if "note" in what:
            label += f" ({what['note'](chosen)})"
        verdict = "yes" if least > 0 else "no" if most < 0 else "not settled"
        seconds = sum(row["seconds"] for row in runs) / len(runs)
        yield (
            f"| {label} | {sum(floors) / len(floors):.4g} | {mean:.4g} ± {(high - low) / 2:.2g} | "
            f"{100 * gain:+.3g} % | {verdict} | {seconds:.0f} |"
        )


HEAD = """# Against the best linear method

Every autoencoder can be compared with a linear method whose optimum is known exactly. A network
that does not beat it has not earned its cost.

The figure of a network is its mean over {seeds} seeds, with half of its 95 % confidence interval.
It beats the linear method (*yes*) if the whole interval of its gain lies above zero. The seconds
are those of one training run.

Convolutional models have a linear output here: with a sigmoid and the squared error some seeds
never left the black image. Where the output is confidently black the sigmoid is flat, and the
gradient of the error vanishes.
"""
SECTION = """
## {figure}

{about} {steps} steps for each model.

| model | {linear} | network | gain | beats it | seconds |
|---|---:|---:|---:|---|---:|
{lines}
"""
TAIL = """
## How this page was made

Data: {data}. Written on {date} by
`python benchmarks/floors.py --data {data} --out _build/floors --page book/floors.md`:
{minutes:.0f} minutes of training in all, in {workers} processes, on {where}.
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="mnist")
    parser.add_argument(
        "--out", type=Path, default=Path("_build/floors"), help="folder for the rows"
    )
    parser.add_argument("--page", type=Path, help="file for the table; printed in any case")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", nargs="+", choices=list(COMPARISONS), default=list(COMPARISONS))
    parser.add_argument("--shorten", type=int, default=1, help="divide the steps, for a trial")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    text, spent = HEAD.format(seeds=chosen.seeds), 0
    for name in chosen.only:
        start = time.perf_counter()
        what, rows = run(
            name, chosen.data, chosen.out, chosen.seeds, chosen.workers, chosen.shorten
        )
        spent += sum(row["seconds"] for row in rows)
        with torch.no_grad():
            figure = what["figure"][0].upper() + what["figure"][1:]
            added = SECTION.format(
                figure=figure,
                about=" ".join(COMPARISONS[name].__doc__.split()),
                steps=what["steps"],
                linear=what["linear"],
                lines="\n".join(lines(what, rows)),
            )
        print(f"{name}: {time.perf_counter() - start:.0f} s\n{added}", flush=True)
        text += added
    text += TAIL.format(
        data=chosen.data,
        date=datetime.date.today(),
        minutes=spent / 60,
        workers=chosen.workers,
        where=machine.machine("cpu"),
    )
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
