"""A planted dictionary: its data are what it says."""

import pytest
import torch
from scipy.stats import chisquare, kstest

from aecourse.data import make_planted_dictionary

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.make_planted_dictionary": (
        "the product of codes and atoms; `scipy.stats.chisquare` of the units, `kstest` of the "
        "amplitudes",
        "1e-6, float32; p > 1e-4",
        "draws",
    ),
    "data.PlantedDictionary": (
        "through `make_planted_dictionary`, which returns it",
        "1e-6",
        "no",
    ),
}


def test_the_data_are_sums_of_a_few_atoms_of_norm_1():
    made = make_planted_dictionary(3000, 10, 15, active=4, seed=3)
    assert made.x.shape == (3000, 10) and made.x.dtype == torch.float32
    torch.testing.assert_close(made.x, made.codes @ made.atoms, atol=1e-6, rtol=0)
    torch.testing.assert_close(made.atoms.norm(dim=1), torch.ones(15))
    assert ((made.codes > 0).sum(1) == 4).all()
    assert chisquare((made.codes > 0).sum(0).numpy()).pvalue > 1e-4
    amplitudes = made.codes[made.codes > 0]
    assert kstest(amplitudes.numpy(), "uniform", (0.5, 1)).pvalue > 1e-4
    assert repr(made) == (
        "planted dictionary: 3000 samples, 10 features, 15 atoms, 4 active a sample, on cpu"
    )


def test_noise_is_added_to_the_features():
    made = make_planted_dictionary(3000, 10, 15, noise=0.3, seed=3)
    residual = (made.x - made.codes @ made.atoms) / 0.3
    assert kstest(residual.flatten().numpy(), "norm").pvalue > 1e-4


def test_new_samples_of_the_same_dictionary():
    first = make_planted_dictionary(10, 6, 8, seed=0)
    new = make_planted_dictionary(20, 6, first.atoms, seed=1)
    assert torch.equal(new.atoms, first.atoms) and new.x.shape == (20, 6)
    again = make_planted_dictionary(20, 6, first.atoms, seed=1)
    assert torch.equal(new.x, again.x) and not torch.equal(new.x[:10], first.x)


def test_wrong_arguments():
    for wrong, words in [
        ({"n": 0}, "n is 0"),
        ({"active": 9, "atoms": 8}, "active is 9; expected at most the number of atoms, 8"),
        ({"features": 5, "atoms": torch.eye(4)}, r"expected \(k, 5\)"),
        ({"noise": -0.1}, "noise is -0.1"),
    ]:
        with pytest.raises(ValueError, match=words):
            make_planted_dictionary(**wrong)
