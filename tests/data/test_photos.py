"""Patches, compared with the bytes of the photographs; training and test share no pixel."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from aecourse.data.photos import photo_patches, photographs

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.photo_patches": (
        "pixels of `sklearn.datasets.load_sample_images`",
        "absolute 3e-7, float32",
        "no",
    ),
    "data.photographs": (
        "through `photo_patches`; shape and contrast",
        "contrast 5e-4, float32",
        "no",
    ),
    "data.Patches": (
        "through `photo_patches`, which returns it",
        "absolute 3e-7, float32",
        "no",
    ),
}


def covered(places, size):
    """The pixels of the two photographs that the patches at `places` cover, (2, 427, 640)."""
    seen = np.zeros((2, 427, 640), bool)
    for photo, row, column in places.tolist():
        seen[photo, row : row + size, column : column + size] = True
    return seen


@pytest.mark.parametrize("grey", [True, False])
def test_patches_are_pixels_of_the_photographs(grey):
    data, photos = photo_patches(7, 50, 30, seed=1, grey=grey), load_sample_images().images
    assert data.train.shape == (50, 1 if grey else 3, 7, 7) and data.test.shape == (
        30,
        1 if grey else 3,
        7,
        7,
    )
    for patches, places in ((data.train, data.train_places), (data.test, data.test_places)):
        for patch, (photo, row, column) in zip(patches, places.tolist(), strict=True):
            wanted = photos[photo][row : row + 7, column : column + 7] / 255  # (7, 7, 3)
            wanted = wanted @ [0.299, 0.587, 0.114] if grey else wanted.transpose(2, 0, 1)
            np.testing.assert_allclose(
                patch.squeeze(0), wanted, rtol=0, atol=3e-7
            )  # a few roundings of numbers up to 1


@pytest.mark.parametrize("size, count", [(1, 20000), (16, 4000), (31, 1000), (128, 200)])
def test_training_and_test_share_no_pixel_and_together_use_nearly_all(size, count):
    data = photo_patches(size, count, count)
    train, test = covered(data.train_places, size), covered(data.test_places, size)
    assert not (train & test).any()
    assert not test[..., :96].any() and not test[..., 224:].any()
    if size <= 16:  # of every column some row, and of every row some column
        assert (train | test).any(1).all() and train.any(2).all() and test.any(2).all()


def test_places_are_uniform():
    """20000 places; each frequency is within five standard deviations of its probability."""
    size, n = 16, 20000
    places = photo_patches(size, n, 1).train_places
    left = (96 - size + 1) / (96 - size + 1 + 640 - 224 - size + 1)
    for share, chance in (
        ((places[:, 0] == 0), 0.5),
        ((places[:, 1] < 103), 103 / 412),
        ((places[:, 2] < 96), left),
    ):
        assert abs(share.double().mean().item() - chance) < 5 * (chance * (1 - chance) / n) ** 0.5


def test_the_test_columns_are_neither_flat_nor_unusual():
    """The contrast of the test columns, 0.075, is about that of the photographs, 0.066."""

    def contrast(x):
        return (
            x.unfold(2, 16, 4)
            .unfold(3, 16, 4)
            .std((4, 5), correction=0)
            .mean((1, 2, 3))
            .mean()
            .item()
        )

    x = photographs()
    assert x.shape == (2, 1, 427, 640) and photographs(grey=False).shape == (2, 3, 427, 640)
    assert contrast(x[..., 96:224]) == pytest.approx(0.075, abs=5e-4) and contrast(
        x
    ) == pytest.approx(0.066, abs=5e-4)


def test_values_cover_nearly_all_of_0_to_1():
    for x in (photo_patches().train, photo_patches(grey=False).train):
        assert 0 <= x.min() < 0.01 and 0.99 < x.max() <= 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"size": 129}, "size is 129; expected 128 or less"),
        ({"size": 0}, "size is 0; expected a positive int"),
        ({"size": 8.0}, "size is 8.0"),
        ({"count": 0}, "count is 0"),
        ({"test_count": -1}, "test_count is -1"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        photo_patches(**change)
