"""Generators: an independent stream of random numbers for each use, seeded as NumPy does it."""

import numpy as np
import pytest
import torch

from aecourse.device import as_generator, make_generator

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "device.make_generator": (
        "`numpy.random.SeedSequence` of the seed and the use, as the seed of a `torch.Generator`",
        "exact",
        "draws",
    ),
}


def draws(generator):
    return torch.rand(5, generator=generator)


def test_without_a_use_it_is_the_generator_of_the_seed():
    assert torch.equal(draws(make_generator("cpu", 7)), draws(torch.Generator().manual_seed(7)))


def test_each_use_has_its_own_stream():
    state = int(np.random.SeedSequence((7, 1, 2)).generate_state(1)[0])
    wanted = draws(torch.Generator().manual_seed(state))
    assert torch.equal(draws(make_generator("cpu", 7, 1, 2)), wanted)
    streams = [draws(make_generator("cpu", *key)) for key in ((7,), (7, 1), (7, 2), (8, 1))]
    assert len({tuple(stream.tolist()) for stream in streams}) == 4


@pytest.mark.parametrize("wrong", [True, 1.5, None, "0"])
def test_anything_but_a_generator_or_a_seed_is_refused(wrong):
    with pytest.raises(TypeError, match="generator is a .*; expected a torch.Generator or an int"):
        as_generator(wrong, torch.empty(0))
