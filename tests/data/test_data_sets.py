"""What all generated data sets share: the seed decides everything, and `repr` describes them."""

import dataclasses

import numpy as np
import pytest
import torch

from aecourse.data import cell_nuclei, manifolds, pendulum, photos, shapes
from aecourse.data.cell_nuclei import load_cell_nuclei
from aecourse.data.manifolds import sphere, swiss_roll
from aecourse.data.pendulum import make_pendulum
from aecourse.data.photos import photo_patches
from aecourse.data.shapes import make_shapes

SETS = {
    "photos: 20 training and 10 test patches, 1 x 16 x 16, on cpu": lambda **o: photo_patches(
        count=20, test_count=10, **o
    ),
    "shapes: 20 images, 1 x 28 x 28, of shape, scale, rotation, x, y, on cpu": lambda **o: (
        make_shapes(20, **o)
    ),
    "sphere: 20 points, 3 features of 2 coordinates, on cpu": lambda **o: sphere(20, **o),
    "cap: 20 points, 3 features of 2 coordinates, on cpu": lambda **o: sphere(
        20, cap=1.0, noise=0.1, **o
    ),
    "swiss_roll: 20 points, 3 features of 2 coordinates, on cpu": lambda **o: swiss_roll(
        20, noise=0.1, **o
    ),
    "cell_nuclei: 427 training and 142 test rows of 30 features, benign or malignant, on cpu": (
        load_cell_nuclei
    ),
    "pendulum: 20 samples of 2 frames, 28 x 28, 0.05 s apart, on cpu": lambda **o: make_pendulum(
        20, **o
    ),
}
EACH = pytest.mark.parametrize("make", SETS.values(), ids=[said.split(":")[0] for said in SETS])


def tensors(data):
    """The tensors of a data set, by name."""
    return {
        field.name: value
        for field in dataclasses.fields(data)
        if isinstance(value := getattr(data, field.name), torch.Tensor)
    }


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(tensors(a).values(), tensors(b).values(), strict=True)
    )


@pytest.mark.parametrize("text", SETS)
def test_repr_describes_the_data_set(text):
    assert repr(SETS[text]()) == text


@EACH
def test_tensors_are_float32_or_int64_finite_and_on_the_cpu(make):
    for name, tensor in tensors(make()).items():
        assert tensor.dtype == (
            torch.int64 if name.endswith(("labels", "places", "factors")) else torch.float32
        )
        assert tensor.device.type == "cpu" and not tensor.requires_grad and tensor.isfinite().all()


@EACH
def test_a_seed_decides_it_and_no_other_generator_moves(make):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, other = make(seed=3), make(seed=4)
    torch.rand(5)
    np.random.rand(5)
    moved = torch.get_rng_state(), np.random.get_state()[1:3]
    assert same(make(seed=3), first) and not same(other, first)
    assert torch.equal(moved[0], torch.get_rng_state()) and all(
        map(np.array_equal, moved[1], np.random.get_state()[1:3])
    )
    torch.set_rng_state(before[0])


@EACH
def test_a_generator_goes_on_where_it_was(make):
    generator = torch.Generator().manual_seed(3)
    assert same(make(seed=generator), make(seed=3)) and not same(make(seed=generator), make(seed=3))


@EACH
@pytest.mark.parametrize("seed", [0.5, None, True])
def test_a_seed_is_an_integer_or_a_generator(make, seed):
    with pytest.raises(TypeError, match="expected a torch.Generator or an integer seed"):
        make(seed=seed)


@EACH
def test_all_of_it_goes_to_the_device_that_pick_device_chooses(make, monkeypatch):
    asked = []

    def pick_device(device):
        asked.append(device)
        return torch.device("meta")

    for module in (cell_nuclei, manifolds, pendulum, photos, shapes):
        monkeypatch.setattr(module, "pick_device", pick_device)
    data = make(device="auto")
    assert asked == ["auto"] and {tensor.device.type for tensor in tensors(data).values()} == {
        "meta"
    }
    assert repr(data).endswith("on meta")
