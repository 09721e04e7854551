"""One training step, and one pass over 60,000 images of 28 x 28: `fit` beside the loop that everyone writes, Lightning, and a plain product.

    python benchmarks/training.py

The images are the digits of the course, repeated to the number of MNIST. The common loop gets them from torchvision's
MNIST, one by one.
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


class Pictures(MNIST):
    """Images as torchvision's MNIST keeps them and gives them out: bytes, each made a picture and then a tensor when asked for."""

    def __init__(self, images):
        self.data, self.targets = (
            (images[:, 0] * 255).byte(),
            torch.zeros(len(images), dtype=torch.long),
        )
        self.transform, self.target_transform = ToTensor(), None


def model():
    torch.manual_seed(0)
    return Autoencoder()


def objective(model, x, generator):
    return {"error": mse(model(x)[0], x)}


def common(data, steps, batch, device, workers=0):
    """What a tutorial shows."""
    net, losses = model().to(device), []
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
    """The same in Lightning, its displays and files off."""
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
    """Of one step: each weight multiplies forwards, to its gradient, and to its input's gradient, but for the first layer."""
    weights = [p.numel() for p in model().parameters() if p.dim() == 2]
    return batch * (6 * sum(weights) - 2 * weights[0])


def one_pass(images, on_device, batch, device, repeats):
    """What each loop needs for all images, with what a call does once."""
    pictures, steps = Pictures(images), N // batch
    forms = {
        COMMON: lambda: common(pictures, steps, batch, device),
        WORKERS: lambda: common(pictures, steps, batch, device, workers=2),
        LIGHTNING: lambda: lightning(pictures, steps, batch, device),
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
    """The same by FEW steps a turn, so that some turns find the machine undisturbed, beside a plain product in the same turns."""
    few, (a, b) = FEW * batch, torch.randn(2, SIDE, SIDE, device=device)
    pictures, some = Pictures(images[:few]), on_device[:few]
    measured = measure.compare(
        {
            COMMON: lambda: common(pictures, FEW, batch, device),
            OURS: lambda: ours(some, FEW, batch, device),
            PRODUCT: lambda: a @ b,
        },
        device,
        repeats,
        warm=1,
    )
    measure.show(measured, COMMON, f"{FEW} steps of {batch}")
    rate, step = (
        2 * SIDE**3 / measured[PRODUCT][0],
        measured[OURS][0] / FEW,
    )  # operations a millisecond, milliseconds
    print(
        f"a step of fit takes {step:.2f} ms, {operations(batch) / step / rate:.0%} of the rate of the product "
        f"({rate / 1e6:.0f} billion operations a second)"
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
