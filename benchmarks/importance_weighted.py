"""Reproduce the table of importance-weighted autoencoders (Burda, Grosse and Salakhutdinov, 2016).

    python benchmarks/importance_weighted.py --epochs 100 --page _build/importance_weighted.md

The models have one stochastic layer of 50 units, 784-200-200-50. Pixels are binarized again at each
step, with the data as probabilities. The published models were trained for 3,280 epochs; with fewer
epochs the learning rate falls in the same proportions. Each model is saved in `--out`: the same
command continues after an interruption.
"""

import argparse
import datetime
import math
import time
from pathlib import Path

import measure as machine
import torch
from measure import images

from aecourse.device import pick_device
from aecourse.metrics import active_units, iwae_bound
from aecourse.models import VAE
from aecourse.objectives import beta_vae, importance_weighted
from aecourse.training import fit

SHAPE = (1, 28, 28)
BATCH = 20
LR = 1e-3
MODELS = {
    "VAE": (beta_vae(1.0), 86.76),
    "IWAE, 5 samples": (importance_weighted(5), 85.54),  # objective, published figure
    "IWAE, 50 samples": (importance_weighted(50), 84.78),
}


def binarized(objective):
    """`objective` on pixels of 0 or 1, where each is 1 with its value as the probability."""
    return lambda model, x, generator: objective(
        model, torch.bernoulli(x, generator=generator), generator
    )


def stages(done):
    """The factor of the learning rate: 10^(-i / 7) for 3^i of 3,280 epochs, i = 0, 1, ..., 7."""
    return 10 ** (-min(7, int(math.log(6560 * done + 1, 3) + 1e-9)) / 7)


def trained(name, data, steps, out, device):
    """The model `name` after `steps` steps, in evaluation mode."""
    torch.manual_seed(0)
    model = VAE(SHAPE, (200, 200), 50, activation="tanh")
    fit(
        model,
        data,
        binarized(MODELS[name][0]),
        steps=steps,
        batch_size=BATCH,
        lr=LR,
        schedule=stages,
        device=device,
        save_every=5000,
        save_to=out / f"{name.replace(', ', '-').replace(' ', '-')}-{steps}.pt",
    )
    return model


@torch.no_grad()
def likelihood(model, x, draws):
    """Minus the bound from `draws` samples, in nats, averaged over `x`.

    It is an upper bound of the negative log-likelihood, and close to it.
    """
    generator = torch.Generator(x.device).manual_seed(0)
    bounds = [iwae_bound(model, part, draws, generator) for part in x.split(100)]
    return -torch.cat(bounds).mean().item()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument(
        "--draws", type=int, default=5000, help="samples of the bound that is reported"
    )
    parser.add_argument("--images", type=int, default=10_000, help="of the test set")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("_build/importance_weighted"),
        help="folder of the checkpoints",
    )
    parser.add_argument("--page", type=Path, help="file for the table; printed in any case")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    device, data = pick_device(chosen.device), images(chosen.data)
    test = torch.bernoulli(
        data.test[: chosen.images], generator=torch.Generator().manual_seed(0)
    ).to(device)
    steps = chosen.epochs * (len(data.train) // BATCH)
    text = (
        "| model | negative log-likelihood, nats | published, 3,280 epochs "
        "| active units | seconds |\n"
        "|---|---:|---:|---:|---:|\n"
    )
    for name, (_, published) in MODELS.items():
        start = time.perf_counter()
        model = trained(name, data.train, steps, chosen.out, device)
        spent = time.perf_counter() - start
        with torch.no_grad():
            units = active_units(model.encode(test))
        found = f"{likelihood(model, test, chosen.draws):.2f}"
        text += f"| {name} | {found} | {published} | {units} | {spent:.0f} |\n"
    text += (
        f"\n{chosen.data}, {chosen.epochs} epochs ({steps} steps of {BATCH}), one seed, "
        f"{len(test)} test images, {chosen.draws} samples; "
        f"{datetime.date.today()}, {machine.machine(str(device))}.\n"
    )
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
