"""SSIM as a loss, forward and backward, compared with two libraries.

python benchmarks/ssim.py
"""

import measure
import pytorch_msssim
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from aecourse.losses.structural_similarity import ssim, ssim_comparisons

METRICS = "torchmetrics"
MSSSIM = "pytorch-msssim"
READABLE = "readable form, conv2d"
FAST = "matrix products"


def readable(x_hat, x):
    luminance, contrast, structure = ssim_comparisons(x_hat, x)
    return (luminance * contrast * structure).mean()


# The mean of torchmetrics includes a padded border: its value differs, the work is the same.
FORMS = {
    METRICS: lambda x_hat, x: structural_similarity_index_measure(x_hat, x, data_range=1.0),
    MSSSIM: lambda x_hat, x: pytorch_msssim.ssim(x_hat, x, data_range=1.0),
    READABLE: readable,
    FAST: ssim,
}


def pair(batch, side, device):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, 1, side, side, generator=generator)
    x_hat = (x + 0.2 * torch.randn(x.shape, generator=generator)).clamp(0, 1)
    return x_hat.to(device).requires_grad_(), x.to(device)


def measured(batch, side, device, repeats):
    """Time each form, with the gradient of the reconstruction."""
    x_hat, x = pair(batch, side, device)

    def step(form):
        x_hat.grad = None
        (1 - form(x_hat, x)).backward()

    return measure.compare(
        {name: lambda f=form: step(f) for name, form in FORMS.items()}, device, repeats
    )


def main():
    chosen = measure.options(__doc__)
    print(measure.machine(chosen.device))
    values = {name: form(*pair(128, 28, chosen.device)).item() for name, form in FORMS.items()}
    values["in double precision"] = ssim(
        *(images.double() for images in pair(128, 28, chosen.device))
    ).item()
    print("value: " + ", ".join(f"{name} {value:.7f}" for name, value in values.items()))
    measure.show(measured(128, 28, chosen.device, chosen.repeats), MSSSIM, "128 images of 28 x 28")
    growing = {
        "batch": {b: (b, 28) for b in (8, 32, 128, 512)},
        "side": {side: (16, side) for side in (28, 64, 128, 256, 512)},
    }
    for what, settings in growing.items():
        results = {
            size: measured(*setting, chosen.device, max(3, chosen.repeats // 4))
            for size, setting in settings.items()
        }
        measure.curve(results, MSSSIM, what)


if __name__ == "__main__":
    main()
