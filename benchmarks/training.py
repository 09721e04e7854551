"""One training step, and one pass over 60,000 images of 28 x 28: `fit` beside the loop that everyone writes, Lightning, and plain products.

    python benchmarks/training.py

The images are the digits of the course, repeated to the number of MNIST, as bytes, which the common loop turns into
tensors one by one as torchvision's MNIST does.
"""
import contextlib
import importlib.util
import logging
import os
import warnings

import measure
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from aecourse.losses import mse
from aecourse.models import Autoencoder
from aecourse.training import fit

COMMON, WORKERS, LIGHTNING, OURS = "the common loop", "the common loop, two workers", "Lightning", "fit"
N = 60_000


class Pictures(Dataset):
    """Bytes, turned into a picture and then into a tensor each time, as torchvision's MNIST with ToTensor does."""

    def __init__(self, images):
        self.bytes, self.transform = (images[:, 0] * 255).byte(), ToTensor()

    def __len__(self):
        return len(self.bytes)

    def __getitem__(self, i):
        return self.transform(Image.fromarray(self.bytes[i].numpy())), 0


def model():
    torch.manual_seed(0)
    return Autoencoder()


def objective(model, x, generator):
    return {"error": mse(model(x)[0], x)}


def common(data, steps, batch, device, workers=0):
    """What a tutorial shows."""
    net, losses = model().to(device), []
    update = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x, _ in DataLoader(data, batch_size=batch, shuffle=True, num_workers=workers, drop_last=True):
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
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_steps=steps, accelerator="gpu" if device.startswith("cuda") else "cpu", devices=1, **quiet)
    trainer.fit(Module(), DataLoader(data, batch_size=batch, shuffle=True))


def ours(images, steps, batch, device):
    fit(model(), images, objective, steps=steps, batch_size=batch, device=device, progress=False)


def product_rate(device, side=2048):
    """Floating-point operations a second of a product of two square matrices, the best of ten."""
    a, b = torch.randn(2, side, side, device=device)
    return 2 * side**3 / min(measure.seconds(lambda: a @ b, device) for _ in range(10))


def operations(batch):
    """Of one step: each weight multiplies forwards, to its gradient, and to its input's gradient, but for the first layer."""
    weights = [p.numel() for p in model().parameters() if p.dim() == 2]
    return batch * (6 * sum(weights) - 2 * weights[0])


def main():
    chosen = measure.options(__doc__)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    digits = measure.images("digits").train
    images = digits.repeat(N // len(digits) + 1, 1, 1, 1)[:N]
    pictures, device = Pictures(images), chosen.device
    on_device = images.to(device)
    print(measure.machine(device))
    rate = product_rate(device)
    print(f"products of 2048 x 2048 matrices: {rate / 1e9:.0f} billion operations a second")
    for batch in (128, 512):
        steps = N // batch
        forms = {COMMON: lambda: common(pictures, steps, batch, device),
                 WORKERS: lambda: common(pictures, steps, batch, device, workers=2),
                 LIGHTNING: lambda: lightning(pictures, steps, batch, device),
                 OURS: lambda: ours(on_device, steps, batch, device)}
        if not importlib.util.find_spec("lightning"):
            print(f"{LIGHTNING} is not installed: pip install -r benchmarks/requirements.txt")
            del forms[LIGHTNING]
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            measured = measure.compare(forms, device, chosen.repeats, warm=0)
        measure.show(measured, COMMON, f"one pass over {N} images, {steps} steps of {batch}")
        twice = measure.compare({OURS: lambda: ours(on_device, 2 * steps, batch, device)}, device, chosen.repeats, warm=0)
        step = (twice[OURS][0] - measured[OURS][0]) / steps / 1000  # without what a call does once
        print(f"a step of fit takes {1000 * step:.2f} ms, {operations(batch) / step / rate:.0%} of the rate of plain products")


if __name__ == "__main__":
    main()
