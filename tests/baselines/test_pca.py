"""The smallest error of a linear code, against scikit-learn's PCA."""

import pytest
import torch
from sklearn.decomposition import PCA

from aecourse.baselines.pca import pca_error
from tests.helpers import correlated

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "baselines.pca_error": (
        'the error of `PCA(k, svd_solver="full")`',
        "absolute 1e-12",
        "yes",
        "test_smooth.py",
    ),
}


@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_the_error_is_that_of_scikit_learns_reconstruction(k):
    x = correlated()
    pca = PCA(k, svd_solver="full").fit(x)
    x_hat = torch.from_numpy(pca.inverse_transform(pca.transform(x)))
    wanted = (x_hat - x).square().sum(1).mean().item()
    assert pca_error(x, k).item() == pytest.approx(wanted, abs=1e-12)
