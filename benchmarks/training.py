"""Training time of `fit`, of a loop as in tutorials, of Lightning, and of a plain matrix product.

    python benchmarks/training.py

They are compared over a few steps and over one pass. The 60,000 images of 28 x 28 are the digits of
the course, repeated to the size of MNIST. The common loop reads them one by one from torchvision's
MNIST.
"""

import contextlib
import importlib.util
import logging
import os
import warnings

import measure
import torch
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from aecourse.losses import mse
from aecourse.models import Autoencoder
from aecourse.training import fit

COMMON = "the common loop"
WORKERS = "the common loop, two workers"
LIGHTNING = "Lightning"
OURS = "fit"
SIDE = 2048
PRODUCT = f"one product of {SIDE} x {SIDE} matrices"
N, FEW = 60_000, 100


class FakeMNIST(MNIST):
    """Images as torchvision's MNIST stores and returns them.

    They are stored as bytes; each is converted to a PIL image, then to a tensor, when it is read.
    """

    def __init__(self, images):
        self.data = (images[:, 0] * 255).byte()
        self.targets = torch.zeros(len(images), dtype=torch.long)
        self.transform = ToTensor()
        self.target_transform = None


def model():
    torch.manual_seed(0)
    return Autoencoder()


def objective(model, x, generator):
    return {"error": mse(model(x)[0], x)}


def common(data, steps, batch, device, workers=0):
    """The loop of a tutorial."""
    net = model().to(device)
    losses = []
    update = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x, _ in DataLoader(
        data, batch_size=batch, shuffle=True, num_workers=workers, drop_last=True
    ):
        x = x.to(device)
        loss = torch.nn.functional.mse_loss(net(x)[0], x)
        update.zero_grad()
        loss.backward()
        update.step()
        losses.append(loss.item())
    assert len(losses) == steps


def lightning(data, steps, batch, device):
    """The same in Lightning, with its displays and files switched off."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = model()

        def training_step(self, batch, index):
            loss = torch.nn.functional.mse_loss(self.net(batch[0])[0], batch[0])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(
        max_steps=steps,
        accelerator="gpu" if device.startswith("cuda") else "cpu",
        devices=1,
        **quiet,
    )
    trainer.fit(Module(), DataLoader(data, batch_size=batch, shuffle=True))


def ours(images, steps, batch, device):
    fit(model(), images, objective, steps=steps, batch_size=batch, device=device, progress=False)


def operations(batch):
    """Arithmetic operations of one step.

    Each weight takes part in three products: forward, for its own gradient, and for the gradient of
    its input, which the first layer does not need.
    """
    weights = [p.numel() for p in model().parameters() if p.dim() == 2]
    return batch * (6 * sum(weights) - 2 * weights[0])


def one_pass(images, on_device, batch, device, repeats):
    """Time each loop over all images, including its set-up."""
    dataset = FakeMNIST(images)
    steps = N // batch
    forms = {
        COMMON: lambda: common(dataset, steps, batch, device),
        WORKERS: lambda: common(dataset, steps, batch, device, workers=2),
        LIGHTNING: lambda: lightning(dataset, steps, batch, device),
        OURS: lambda: ours(on_device, steps, batch, device),
    }
    if not importlib.util.find_spec("lightning"):
        print(f"{LIGHTNING} is not installed: pip install -r benchmarks/requirements.txt")
        del forms[LIGHTNING]
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        measured = measure.compare(forms, device, repeats, warm=0)
    measure.show(measured, COMMON, f"one pass over {N} images, {steps} steps of {batch}")


def few_steps(images, on_device, batch, device, repeats):
    """Time FEW steps and a plain matrix product by turns.

    Turns are short, so that some of them find the machine idle.
    """
    few = FEW * batch
    a, b = torch.randn(2, SIDE, SIDE, device=device)
    dataset = FakeMNIST(images[:few])
    some = on_device[:few]
    measured = measure.compare(
        {
            COMMON: lambda: common(dataset, FEW, batch, device),
            OURS: lambda: ours(some, FEW, batch, device),
            PRODUCT: lambda: a @ b,
        },
        device,
        repeats,
        warm=1,
    )
    measure.show(measured, COMMON, f"{FEW} steps of {batch}")
    rate = 2 * SIDE**3 / measured[PRODUCT][0]  # operations per millisecond
    step = measured[OURS][0] / FEW  # milliseconds
    print(
        f"a step of fit takes {step:.2f} ms, at {operations(batch) / step / rate:.0%} of the speed "
        f"of the product ({rate / 1e6:.0f} billion operations per second)"
    )


def main():
    chosen = measure.options(__doc__)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    digits = measure.images("digits").train
    images = digits.repeat(N // len(digits) + 1, 1, 1, 1)[:N]
    on_device = images.to(chosen.device)
    print(measure.machine(chosen.device))
    for batch in (128, 512):
        few_steps(images, on_device, batch, chosen.device, 4 * chosen.repeats)
        one_pass(images, on_device, batch, chosen.device, chosen.repeats)


if __name__ == "__main__":
    main()
