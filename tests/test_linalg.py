"""Principal axes against those of scikit-learn."""

import numpy as np
from sklearn.decomposition import PCA

from aecourse.linalg import principal_axes
from tests.helpers import correlated


def test_principal_axes_are_those_of_scikit_learn():
    x = correlated()
    pca, (mean, axes, values) = PCA(svd_solver="full").fit(x), principal_axes(x.reshape(200, 2, 3))
    np.testing.assert_allclose(mean, pca.mean_, rtol=1e-12)
    np.testing.assert_allclose(values, pca.explained_variance_ * 199 / 200, rtol=1e-10)
    np.testing.assert_allclose(np.abs(axes.T.numpy() @ pca.components_.T), np.eye(6), atol=1e-9)
