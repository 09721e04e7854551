"""Look up the nearest code of a vector-quantized autoencoder, in three forms.

python benchmarks/codebook.py
"""

import measure
import torch

from aecourse.models.codebook import nearest

ONE_HOT = "all distances, one-hot product"
CDIST = "cdist, index"
PRODUCTS = "one product, index"


def by_one_hot(z, codebook):
    """As in published code: all squared distances, then a product of one-hot rows and codes."""
    distances = (
        z.square().sum(1, keepdim=True) + codebook.square().sum(1) - 2 * z @ codebook.T
    )  # (N, K)
    indices = distances.argmin(1)
    chosen = torch.zeros_like(distances).scatter_(1, indices[:, None], 1)
    return chosen @ codebook, indices


def by_cdist(z, codebook):
    indices = torch.cdist(z, codebook).argmin(1)
    return codebook[indices], indices


def by_one_product(z, codebook):
    indices = nearest(z, codebook)
    return codebook[indices], indices


FORMS = {ONE_HOT: by_one_hot, CDIST: by_cdist, PRODUCTS: by_one_product}


def vectors(n, codes, dim, device):
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(rows, dim, generator=generator).to(device) for rows in (n, codes))


@torch.no_grad()
def measured(n, codes, dim, device, repeats):
    """Time each form, without gradients: the index of the nearest code has none."""
    z, codebook = vectors(n, codes, dim, device)
    return measure.compare(
        {name: lambda f=form: f(z, codebook) for name, form in FORMS.items()}, device, repeats
    )


def main():
    chosen = measure.options(__doc__)
    print(measure.machine(chosen.device))
    z, codebook = vectors(6272, 512, 64, chosen.device)
    wanted = torch.cdist(z.double(), codebook.double()).argmin(1)
    print(
        "codes that differ from those in double precision: "
        + ", ".join(
            f"{name} {(form(z, codebook)[1] != wanted).sum().item()}"
            for name, form in FORMS.items()
        )
    )
    measure.show(
        measured(6272, 512, 64, chosen.device, chosen.repeats),
        ONE_HOT,
        "6272 vectors (128 grids of 7 x 7), 512 codes of 64",
    )
    few = max(3, chosen.repeats // 4)
    growing = {
        "codes": {k: (6272, k, 64) for k in (16, 64, 256, 1024, 4096)},
        "vectors": {n: (n, 512, 64) for n in (49, 392, 3136, 25088)},
    }
    for what, settings in growing.items():
        measure.curve(
            {size: measured(*setting, chosen.device, few) for size, setting in settings.items()},
            ONE_HOT,
            what,
        )


if __name__ == "__main__":
    main()
