"""Patches of two photographs: texture and edges, where a digit is ink on paper. For sparse and denoising codes of natural images.

The photographs, a pagoda and a flower, 427 x 640 pixels, come with scikit-learn (their README there names the
photographers and the licence, CC BY 2.0). Patches as data: Olshausen and Field (1996).
"""

from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.device import as_generator, pick_device

TEST_COLUMNS = (
    96,
    224,
)  # the pagoda's left part, the flower's left edge: contrast about that of the whole
LUMA = (0.299, 0.587, 0.114)  # grey from red, green and blue as stored (ITU-R BT.601)


@dataclass(frozen=True, eq=False, repr=False)
class Patches:
    """Patches (N, C, size, size) float32 in [0, 1]; places (N, 3) int64: photograph, top row and left column of each."""

    train: torch.Tensor
    train_places: torch.Tensor
    test: torch.Tensor
    test_places: torch.Tensor

    def __repr__(self):
        shape = " x ".join(map(str, self.train.shape[1:]))
        return f"photos: {len(self.train)} training and {len(self.test)} test patches, {shape}, on {self.train.device}"


def photographs(grey=True):
    """Both photographs whole, (2, 1, 427, 640), or (2, 3, 427, 640) in colour: float32 in [0, 1], as stored (sRGB)."""
    from sklearn.datasets import load_sample_images

    x = (
        torch.stack([torch.tensor(photo) for photo in load_sample_images().images]) / 255
    )  # (2, 427, 640, 3)
    x = x.movedim(3, 1)  # (2, 3, 427, 640)
    return torch.einsum("nchw,c->nhw", x, torch.tensor(LUMA))[:, None].clamp(0, 1) if grey else x


def photo_patches(size=16, count=4096, test_count=1024, seed=0, grey=True, device="cpu"):
    """Square patches at random places of two photographs; training and test patches share no pixel.

    Test patches lie wholly within columns 96 to 223 of a photograph, training patches wholly left or right of them.
    Patches of one part are drawn independently, so that they may overlap. Not standardised: the contrast of sky is
    near zero, that of roofs is large.

    Args:
        size: side of a patch in pixels, at most 128.
        count, test_count: training and test patches.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        grey: one channel, brightness; else three, red, green and blue.
        device: where the tensors go; "auto" takes the fastest.

    Returns:
        :class:`Patches`, (N, 1 or 3, size, size) in [0, 1].

    Raises:
        ValueError: where a patch does not fit, or a count is not a positive integer.
        TypeError: where `seed` is neither an integer nor a generator.

    Source:
        Patches as data for a sparse code: Olshausen and Field (1996).
    """
    validation.positive("size", size)
    validation.positive("count", count)
    validation.positive("test_count", test_count)
    first, last = TEST_COLUMNS
    if size > last - first:
        raise ValueError(
            f"size is {size}; expected at most {last - first}: test patches lie within {last - first} columns"
        )
    generator, x = as_generator(seed, torch.empty(0)), photographs(grey)
    left = torch.arange(x.shape[3] - size + 1)
    parts = []
    for columns, n in (
        (left[(left + size <= first) | (left >= last)], count),
        (left[(left >= first) & (left + size <= last)], test_count),
    ):
        photo, row, column = (
            torch.randint(high, (n,), generator=generator)
            for high in (len(x), x.shape[2] - size + 1, len(columns))
        )
        places = torch.stack([photo, row, columns[column]], 1)  # (n, 3)
        parts += [cut(x, places, size), places]
    device = pick_device(device)
    return Patches(*(part.to(device) for part in parts))


def cut(x, places, size):
    """The patches of images `x`, (P, C, H, W), whose image, top row and left column are `places`, (N, 3): (N, C, size, size)."""
    windows = (
        x.unfold(2, size, 1).unfold(3, size, 1).movedim(1, 3)
    )  # (P, H - size + 1, W - size + 1, C, size, size), no copy
    return windows[tuple(places.T)]
