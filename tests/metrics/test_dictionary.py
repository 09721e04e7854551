"""Matched cosines against all pairings, tried one by one."""

import itertools

import numpy as np
import pytest
import torch

from aecourse.metrics import matched_cosines
from tests.helpers import noise

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.matched_cosines": (
        "the best of all pairings, tried by `itertools.permutations`",
        "absolute 1e-12",
        "no",
        "test_precisions.py",
    ),
}


@pytest.mark.parametrize("m", [5, 6, 3])
def test_against_every_pairing(m):
    found, planted = noise(m, 4, seed=1), noise(5, 4)
    a, b = (atoms / atoms.norm(dim=1, keepdim=True) for atoms in (planted, found))
    cosines = np.abs((a @ b.T).numpy())
    if m < 5:
        pairs = [list(zip(p, range(m), strict=True)) for p in itertools.permutations(range(5), m)]
    else:
        pairs = [list(zip(range(5), p, strict=True)) for p in itertools.permutations(range(m), 5)]
    best = max(pairs, key=lambda pair: sum(cosines[i, j] for i, j in pair))
    wanted = np.zeros(5)
    for i, j in best:
        wanted[i] = cosines[i, j]
    np.testing.assert_allclose(matched_cosines(found, planted).numpy(), wanted, atol=1e-12)


def test_order_sign_and_length_do_not_matter():
    planted = noise(6, 4)
    found = -3 * planted[torch.randperm(6)]
    torch.testing.assert_close(matched_cosines(found, planted), torch.ones(6).double())


def test_a_found_atom_is_the_partner_of_one():
    """The greedy choice, 0.99 and 0, is not the best; a copy is no second partner."""
    planted = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    assert matched_cosines(planted[:1].repeat(2, 1), planted).tolist() == pytest.approx([1, 0.8])
    assert matched_cosines(planted[:1], planted).tolist() == pytest.approx([1, 0])


def test_atoms_of_zeros_match_nothing():
    assert matched_cosines(torch.zeros(3, 4), torch.eye(4)).tolist() == [0, 0, 0, 0]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="one atom a row"):
        matched_cosines(torch.zeros(3, 4), torch.zeros(3, 5))
