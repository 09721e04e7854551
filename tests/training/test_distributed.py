"""Several processes train like one: two processes on the CPU, started by PyTorch's launcher."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aecourse.losses import mse
from aecourse.models import VQVAE, AdversarialAutoencoder, Autoencoder, LinearVAE
from aecourse.objectives import adversarial, vq_vae
from aecourse.training import distributed, fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "training.distributed.start": (
        "through `fit`: two processes of `torch.distributed.run` against one",
        "losses 1e-5, weights 1e-4; float32",
        "no",
    ),
    "training.distributed.place": (
        "by hand: alone, and one of two",
        "exact",
        "takes no tensor",
    ),
}

ROOT = Path(__file__).resolve().parents[2]
DATA = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def squared(model, x, generator):
    return {"fit": mse(model(x)[0], x)}


def without_draws(model, x, generator):
    """An adversarial objective whose prior is a fixed grid, the same in all processes."""
    terms = adversarial()(model, x, generator)
    z = model.encode(x)
    discriminator = model.discriminator(z.detach())
    return {
        "reconstruction": terms["reconstruction"],
        "discriminator": torch.nn.functional.softplus(discriminator).mean(),
    }


def exact_elbo(model, x, generator):
    return {"elbo": -model.true_elbo(x).mean()}


class Unused(Autoencoder):
    """A model with a layer that the objective does not use."""

    def __init__(self):
        super().__init__((1, 8, 8), (16,), 4)
        self.spare = torch.nn.Linear(2, 2)


def cases():
    """{name: (how to build the model, objective, options of fit)}."""
    return {
        "mlp": (lambda: Autoencoder((1, 8, 8), (16,), 4), squared, {}),
        "unused": (Unused, squared, {}),
        "max_grad_norm": (
            lambda: Autoencoder((1, 8, 8), (16,), 4),
            squared,
            {"max_grad_norm": 0.01, "validation": DATA[:20], "validate_every": 10},
        ),
        "adversarial": (lambda: AdversarialAutoencoder((1, 8, 8), (16,), 4), without_draws, {}),
        "codebook": (
            lambda: VQVAE((1, 8, 8), codes=6, dim=3, width=4, decay=0.9, restart=0),
            vq_vae(),
            {},
        ),
        "sigma": (lambda: LinearVAE((1, 8, 8), 4), exact_elbo, {}),
        "last": (lambda: Autoencoder((1, 8, 8), (16,), 4), squared, {"batch_size": 51}),
    }


def trained(name, **options):
    build, objective, more = cases()[name]
    torch.manual_seed(7 * distributed.place()[0])  # the first process's start counts
    model = build()
    history = fit(
        model,
        DATA,
        objective,
        **{"steps": 60, "batch_size": 20, "lr": 1e-2, "device": "cpu", **more, **options},
    )
    return {
        "terms": history.terms,
        "checks": history.validation_losses,
        "weights": {name: value.flatten().tolist() for name, value in model.state_dict().items()},
    }


def main(folder):
    """The program of each process."""
    torch.set_num_threads(1)
    distributed.start("cpu")
    rank, world = distributed.place()
    assert world == 2
    for name in cases():
        (Path(folder) / f"{name}-{rank}.json").write_text(json.dumps(trained(name)))
    trained("mlp", steps=30, save_to=f"{folder}/run.pt", save_every=30)
    (Path(folder) / f"resumed-{rank}.json").write_text(
        json.dumps(trained("mlp", save_to=f"{folder}/run.pt", save_every=30))
    )
    with open(Path(folder) / f"small-{rank}.json", "w") as file:
        try:
            fit(cases()["mlp"][0](), DATA, squared, steps=1, batch_size=1, device="cpu")
        except ValueError as error:
            json.dump(str(error), file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    run = subprocess.run(
        [*launcher, __file__, str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Warning" not in run.stderr, run.stderr
    return folder


def result(folder, name):
    return [json.loads((folder / f"{name}-{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize(
    "name", ["mlp", "unused", "max_grad_norm", "adversarial", "codebook", "sigma"]
)
def test_two_processes_agree_with_one(folder, name):
    """Sums in another order differ by about 1e-7 a step in float32, after training by 2e-6."""
    alone, (first, second) = trained(name), result(folder, name)
    assert first == second, "the processes agree with each other to the last bit"
    assert first["terms"].keys() == alone["terms"].keys()
    for term, values in alone["terms"].items():
        assert first["terms"][term] == pytest.approx(values, rel=1e-5, abs=1e-6)
    for weight, values in alone["weights"].items():
        assert first["weights"][weight] == pytest.approx(values, rel=1e-4, abs=2e-5)
    assert [step for step, _ in first["checks"]] == [step for step, _ in alone["checks"]]
    assert [loss for _, loss in first["checks"]] == pytest.approx(
        [loss for _, loss in alone["checks"]], rel=1e-5
    )


def test_a_batch_that_does_not_divide_leaves_a_sample_out(folder):
    assert result(folder, "last")[0]["terms"]["loss"] == pytest.approx(
        trained("last", batch_size=50)["terms"]["loss"], rel=1e-5
    )


def test_two_processes_go_on_from_one_checkpoint(folder):
    assert result(folder, "resumed")[0] == result(folder, "mlp")[0]


def test_a_batch_smaller_than_the_processes_is_refused(folder):
    assert "batch_size is 1 for 2 processes" in result(folder, "small")[1]


def test_alone_nothing_is_shared():
    x = torch.ones(2)
    assert (
        distributed.place() == (0, 1)
        and distributed.summed(x) is x
        and distributed.from_first(x) is x
        and x.tolist() == [1, 1]
    )


if __name__ == "__main__":
    main(sys.argv[1])
