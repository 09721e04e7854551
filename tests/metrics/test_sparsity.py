"""Shares of active units, counted by hand and against NumPy."""

import numpy as np
import pytest
import torch

from aecourse.metrics.sparsity import dead_units, lifetime_sparsity, population_sparsity

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.dead_units": (
        "by hand",
        "exact",
        "counts",
    ),
    "metrics.lifetime_sparsity": (
        "shares counted in NumPy",
        "1e-6, float32 too",
        "counts",
    ),
    "metrics.population_sparsity": (
        "shares counted in NumPy",
        "1e-6, float32 too",
        "counts",
    ),
}

Z = torch.tensor([[0.0, 0.1, -0.5, 2.0], [0.0, 0.3, 0.0, 0.05]])


def test_shares_counted_by_hand():
    assert population_sparsity(Z).tolist() == [0.5, 0.25], (
        "0.1 itself is not above the threshold; -0.5 is"
    )
    assert lifetime_sparsity(Z).tolist() == [0, 0.5, 0.5, 0.5]
    assert dead_units(Z) == 1 and dead_units(Z, 0.4) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_against_numpy(dtype):
    z = torch.randn(50, 12, generator=torch.Generator().manual_seed(0), dtype=dtype)
    on = np.abs(z.numpy()) > 0.7
    np.testing.assert_allclose(population_sparsity(z, 0.7), on.mean(1), rtol=1e-6)
    np.testing.assert_allclose(lifetime_sparsity(z, 0.7), on.mean(0), rtol=1e-6)
    assert population_sparsity(z, 0.7).dtype == dtype


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"z has shape \(2, 2, 2\).*flatten"):
        population_sparsity(torch.zeros(2, 2, 2))
    with pytest.raises(ValueError, match="threshold is -1"):
        dead_units(Z, -1)


@pytest.mark.parametrize("function", [population_sparsity, lifetime_sparsity, dead_units])
def test_nan_is_neither_active_nor_inactive(function):
    z = Z.clone()
    z[0, 3] = float("nan")
    with pytest.raises(ValueError, match="z contains nan or infinity"):
        function(z)
