"""The maximum mean discrepancy over seven scales, by matrix products and by all differences.

python benchmarks/mmd.py
"""

import measure
import torch

from aecourse.losses.maximum_mean_discrepancy import mmd, mmd_by_differences

DIFFERENCES, PRODUCTS = "differences", "matrix products"
FORMS = {DIFFERENCES: mmd_by_differences, PRODUCTS: mmd}


def samples(n, dim, device):
    """Codes, and noise to compare them with: two tensors (n, dim)."""
    generator = torch.Generator().manual_seed(0)
    z, noise = torch.randn(2, n, dim, generator=generator).to(device)
    return z.requires_grad_(), noise


def measured(n, dim, device, repeats, forward_only=False):
    """Time each form, with the gradient of the codes or without."""
    z, noise = samples(n, dim, device)

    def step(form):
        z.grad = None
        with torch.set_grad_enabled(not forward_only):
            value = form(z, noise)
        if not forward_only:
            value.backward()

    return measure.compare(
        {name: lambda f=form: step(f) for name, form in FORMS.items()}, device, repeats
    )


def main():
    chosen = measure.options(__doc__)
    print(measure.machine(chosen.device))
    wanted = mmd_by_differences(
        *(sample.double() for sample in samples(512, 64, chosen.device))
    ).item()
    print(
        "value: "
        + ", ".join(
            f"{name} {form(*samples(512, 64, chosen.device)).item():.7f}"
            for name, form in FORMS.items()
        )
        + f", in double precision {wanted:.7f}"
    )
    for what, forward_only in (("forward and backward", False), ("forward alone", True)):
        measure.show(
            measured(512, 64, chosen.device, chosen.repeats, forward_only),
            DIFFERENCES,
            f"512 codes of 64 numbers, {what}",
        )
    few = max(3, chosen.repeats // 4)
    growing = {
        "N of 64": {n: (n, 64) for n in (64, 128, 256, 512)},
        "512 of d": {dim: (512, dim) for dim in (2, 8, 32, 64)},
    }
    for what, settings in growing.items():
        measure.curve(
            {size: measured(*setting, chosen.device, few) for size, setting in settings.items()},
            DIFFERENCES,
            what,
        )


if __name__ == "__main__":
    main()
