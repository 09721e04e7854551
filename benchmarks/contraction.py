"""The contractive penalty, forward and backward, in four forms.

python benchmarks/contraction.py
"""

import measure
import torch

from aecourse.models import Autoencoder
from aecourse.regularizers import (
    contractive_penalty_by_jacobian,
    contractive_penalty_by_probes,
    contractive_penalty_of_mlp,
)

LOOP = "one backward pass per output"
JACREV = "vmap(jacrev)"
EXACT = "layer product, Gram (exact)"
PROBE = "one probe (estimate)"


def by_a_loop(encoder, x):
    """The usual form: a backward pass for each unit of the code."""
    x = x.clone().requires_grad_()
    rows = [torch.autograd.grad(unit.sum(), x, create_graph=True)[0] for unit in encoder(x).T]
    return sum(row.square().sum(1) for row in rows).mean()


def penalties(device):
    """The four forms, (encoder, x) -> scalar."""
    generator = torch.Generator(device).manual_seed(0)
    return {
        LOOP: by_a_loop,
        JACREV: contractive_penalty_by_jacobian,
        EXACT: contractive_penalty_of_mlp,
        PROBE: lambda encoder, x: contractive_penalty_by_probes(encoder, x, generator),
    }


def setting(hidden, latent_dim, batch, device):
    torch.manual_seed(0)
    encoder = Autoencoder((1, 28, 28), hidden, latent_dim).encoder.to(device)
    return encoder, torch.rand(batch, 784, generator=torch.Generator().manual_seed(0)).to(device)


def measured(hidden, latent_dim, batch, device, repeats):
    """Time each form, with the gradient of every weight."""
    encoder, x = setting(hidden, latent_dim, batch, device)

    def step(penalty):
        encoder.zero_grad()
        penalty(encoder, x).backward()

    return measure.compare(
        {name: lambda p=penalty: step(p) for name, penalty in penalties(device).items()},
        device,
        repeats,
    )


def main():
    chosen = measure.options(__doc__)
    print(measure.machine(chosen.device))
    encoder, x = setting((256, 128), 64, 128, chosen.device)
    values = {
        name: penalty(encoder, x).item() for name, penalty in penalties(chosen.device).items()
    }
    print(
        "value, divided by that of the loop: "
        + ", ".join(f"{name} {value / values[LOOP]:.7f}" for name, value in values.items())
    )
    measure.show(
        measured((256, 128), 64, 128, chosen.device, chosen.repeats),
        LOOP,
        "784-256-128-64, batch 128",
    )
    growing = {
        "code": {k: ((256, 128), k, 128) for k in (4, 16, 64, 256)},
        "batch": {b: ((256, 128), 64, b) for b in (8, 32, 128, 512)},
    }
    for what, settings in growing.items():
        results = {
            size: measured(*setting, chosen.device, max(3, chosen.repeats // 4))
            for size, setting in settings.items()
        }
        measure.curve(results, LOOP, what)


if __name__ == "__main__":
    main()
