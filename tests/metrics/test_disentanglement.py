"""Mutual information against scikit-learn; codes of known disentanglement."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from aecourse.metrics.disentanglement import binned, invariances, mig, mutual_information

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.invariances": (
        "codes that are disentangled, entangled and blind by construction",
        "exact",
        "counts",
    ),
    "metrics.mutual_information": (
        "`sklearn.metrics.mutual_info_score(v, np.digitize(z, np.histogram(z, "
        "bins)[1][:-1]))`; the bias of counting",
        "absolute 2e-15; bias 5 %",
        "counts",
    ),
}

GENERATOR = torch.Generator().manual_seed(0)
FACTORS = torch.stack(
    [
        torch.randint(4, (2000,), generator=GENERATOR),
        torch.randint(3, (2000,), generator=GENERATOR),
    ],
    1,
)
NOISE = torch.randn(2000, 3, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("bins", [5, 20])
def test_against_scikit_learn(bins):
    z = NOISE.clone()
    z[:, 0] += FACTORS[:, 0]
    cut = [np.digitize(column, np.histogram(column, bins)[1][:-1]) for column in z.T.numpy()]
    expected = [
        [mutual_info_score(factor, column) for factor in FACTORS.T.numpy()] for column in cut
    ]
    np.testing.assert_allclose(mutual_information(z, FACTORS, bins), expected, atol=2e-15)


def test_a_constant_coordinate_falls_into_one_bin():
    assert binned(torch.ones(5, 1)).unique().tolist() == [0]
    assert mutual_information(torch.ones(2000, 1), FACTORS).abs().max() < 1e-6


def test_the_gap_is_one_for_a_code_that_is_the_factors_and_zero_for_a_copy():
    z = FACTORS.double()
    torch.testing.assert_close(
        mig(z, FACTORS), torch.ones(2, dtype=torch.float64), atol=2e-3, rtol=0
    )
    assert mig(torch.cat([z, z], 1), FACTORS).abs().max() < 1e-12


def test_the_correction_removes_the_bias():
    """Independent codes: the estimate averages (B - 1)(K - 1) / 2N nats.

    2N times it is chi-squared, so that the mean of 240 estimates is within 1.5 %.
    """
    generator = torch.Generator().manual_seed(1)
    plain = []
    corrected = []
    for _ in range(40):
        z = torch.rand(2000, 6, generator=generator, dtype=torch.float64)
        plain.append(mutual_information(z, FACTORS))
        corrected.append(mutual_information(z, FACTORS, correct=True))
    expected = torch.tensor([19 * 3, 19 * 2], dtype=torch.float64) / 4000
    torch.testing.assert_close(torch.cat(plain).mean(0), expected, rtol=0.05, atol=0)
    left = (
        torch.cat(corrected).mean(0) / expected
    )  # the clamp at zero leaves about sqrt(1 / (pi df)): 0.075 and 0.092
    assert ((0.04 < left) & (left < 0.12)).all()


def test_invariance_is_not_disentanglement():
    first, second = FACTORS.T.double()
    z = torch.stack(
        [first, first + 4 * second, NOISE[:, 0]], 1
    )  # disentangled, entangled, independent of both
    invariant, disentangled = invariances(z, FACTORS)
    assert invariant.tolist() == [[False, True], [False, False], [True, True]]
    assert disentangled.tolist() == [True, False, False]


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expected integers"):
        mutual_information(NOISE, FACTORS.double())
    with pytest.raises(ValueError, match="one row for each sample"):
        mutual_information(NOISE[:5], FACTORS)
    with pytest.raises(ValueError, match="at least two"):
        mig(NOISE[:, :1], FACTORS)


def test_only_which_values_are_equal_matters():
    """Large numbers, in any order, with gaps: the same information, gap and invariances."""
    z = NOISE.clone()
    z[:, 0] += FACTORS[:, 0]
    renamed = torch.tensor([7, 3, 2**62, 1_700_000_000])[FACTORS]
    for function in (mutual_information, mig, lambda *given: invariances(*given)[0]):
        assert torch.equal(function(z, FACTORS), function(z, renamed))


def test_a_factor_that_is_different_for_every_sample_fits_into_memory():
    """A table of samples by values would have 10^10 entries."""
    n = 100_000
    z = torch.rand(n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = mutual_information(z, torch.arange(n)[:, None])
    shares = [np.histogram(column, 20)[0] / n for column in z.T.numpy()]
    wanted = [[-(share * np.log(share)).sum()] for share in shares]
    np.testing.assert_allclose(seen, wanted, rtol=1e-10)


def test_chance_is_not_information():
    """200 samples in 20 bins: counting alone gives about 0.14 nats, a tenth of the entropy."""
    z, factors = NOISE[:200], FACTORS[:200, :1]
    assert mutual_information(z, factors).min() > 0.05 * math.log(4)
    assert invariances(z, factors)[0].all()


@pytest.mark.parametrize("values", [2, 16])
def test_the_threshold_is_a_share_of_the_entropy(values):
    """A coordinate that follows the factor for every third sample, held to what it knows."""
    factor = torch.arange(6000) % values
    z = torch.where(torch.rand(6000, generator=torch.Generator().manual_seed(0)) < 1 / 3, factor, 0)
    z = z.double()[:, None]
    known = mutual_information(z, factor[:, None], correct=True).item() / math.log(values)
    assert 0.1 < known < 0.9 and abs(math.log(values) - 1) > 0.3
    assert invariances(z, factor[:, None], threshold=1.01 * known)[0].item()
    assert not invariances(z, factor[:, None], threshold=0.99 * known)[0].item()


def test_every_coordinate_is_invariant_to_a_factor_that_does_not_vary():
    """Its addition changes neither the other factors nor which coordinates are disentangled."""
    z = torch.stack([FACTORS[:, 0].double(), FACTORS[:, 1].double(), NOISE[:, 0]], 1)
    constant = torch.full((2000, 1), 5)
    invariant, disentangled = invariances(z, torch.cat([FACTORS, constant], 1))
    assert invariant.tolist() == [[False, True, True], [True, False, True], [True, True, True]]
    assert disentangled.tolist() == [True, True, False]
    assert mig(z, constant).isnan().all()


def test_codes_that_are_not_finite_are_refused():
    z = NOISE.clone()
    z[5, 1] = float("nan")
    for function in (mutual_information, mig, invariances):
        with pytest.raises(ValueError, match="z contains nan or infinity"):
            function(z, FACTORS)
