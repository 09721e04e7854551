"""Patches of two photographs: texture and edges, unlike the strokes of a digit.

They are used for sparse coding and denoising of natural images. The photographs, a pagoda and a
flower, 427 x 640 pixels, come with scikit-learn (its README names the photographers and the
licence, CC BY 2.0). Patches as data: Olshausen and Field (1996).
"""

from dataclasses import dataclass

import torch

from aecourse import validation
from aecourse.device import as_generator, pick_device

# Columns of the test patches: the pagoda's left part and the flower's left edge, whose contrast is
# about that of the whole photographs.
TEST_COLUMNS = (96, 224)
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)


@dataclass(frozen=True, eq=False, repr=False)
class Patches:
    """Patches, and where in the photographs they are.

    Attributes:
        train, test: patches (N, C, size, size) float32 in [0, 1].
        train_places, test_places: (N, 3) int64: photograph, top row and left column of each patch.
    """

    train: torch.Tensor
    train_places: torch.Tensor
    test: torch.Tensor
    test_places: torch.Tensor

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.train.shape[1:]))
        return (
            f"photos: {len(self.train)} training and {len(self.test)} test patches, {shape}, "
            f"on {self.train.device}"
        )


def photographs(grey: bool = True) -> torch.Tensor:
    """Both photographs: (2, 1, 427, 640) in grey, or (2, 3, 427, 640) in color.

    float32 in [0, 1], as stored (sRGB).
    """
    from sklearn.datasets import load_sample_images

    x = torch.stack([torch.tensor(photo) for photo in load_sample_images().images]) / 255
    x = x.movedim(3, 1)  # (2, 427, 640, 3) -> (2, 3, 427, 640)
    if not grey:
        return x
    return torch.einsum("nchw,c->nhw", x, torch.tensor(LUMA))[:, None].clamp(0, 1)


def photo_patches(
    size: int = 16,
    count: int = 4096,
    test_count: int = 1024,
    seed: int | torch.Generator = 0,
    grey: bool = True,
    device: str | torch.device = "cpu",
) -> Patches:
    """Square patches at random places of two photographs; training and test data share no pixel.

    Test patches lie entirely within columns 96 to 223 of a photograph, training patches entirely to
    the left or right of them. Patches of one part are drawn independently, and may overlap. They
    are not standardized: the contrast of sky is near zero, that of roofs is large.

    Args:
        size: side of a patch in pixels, 128 or less.
        count, test_count: number of training and test patches.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        grey: one channel, brightness, if True; otherwise three, red, green and blue.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`Patches`, (N, 1 or 3, size, size) in [0, 1].

    Raises:
        ValueError: If a patch does not fit, or a count is not a positive integer.
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Patches as data for a sparse code: Olshausen and Field (1996).
    """
    validation.positive("size", size)
    validation.positive("count", count)
    validation.positive("test_count", test_count)
    first, last = TEST_COLUMNS
    if size > last - first:
        raise ValueError(
            f"size is {size}; expected {last - first} or less: "
            f"test patches lie within {last - first} columns"
        )
    generator = as_generator(seed, torch.empty(0))
    x = photographs(grey)
    left = torch.arange(x.shape[3] - size + 1)  # possible left columns
    beside = (left + size <= first) | (left >= last)
    within = (left >= first) & (left + size <= last)
    parts = []
    for columns, n in ((left[beside], count), (left[within], test_count)):
        photo = torch.randint(len(x), (n,), generator=generator)
        row = torch.randint(x.shape[2] - size + 1, (n,), generator=generator)
        column = torch.randint(len(columns), (n,), generator=generator)
        places = torch.stack([photo, row, columns[column]], 1)  # (n, 3)
        parts += [cut(x, places, size), places]
    device = pick_device(device)
    return Patches(*(part.to(device) for part in parts))


def cut(x: torch.Tensor, places: torch.Tensor, size: int) -> torch.Tensor:
    """The patches of images `x`, (P, C, H, W), at `places`, (N, 3): (N, C, size, size).

    A place is an image, a top row and a left column.
    """
    windows = x.unfold(2, size, 1).unfold(3, size, 1)  # a view, no copy
    windows = windows.movedim(1, 3)  # (P, H - size + 1, W - size + 1, C, size, size)
    return windows[tuple(places.T)]
