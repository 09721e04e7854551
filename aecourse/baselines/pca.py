"""The error of PCA: a lower bound for every linear autoencoder with as many units."""

import torch

from aecourse.linalg import principal_axes


def pca_error(data: torch.Tensor, latent_dim: int) -> torch.Tensor:
    """The squared error of the best linear autoencoder: the sum of the discarded eigenvalues.

    Args:
        data: (N, ...), floating point.
        latent_dim: number of units of the code.

    Returns:
        A scalar, in squared units of the data: summed over pixels, averaged over `data`.

    Source:
        Baldi and Hornik (1989).
    """
    return principal_axes(data)[2][latent_dim:].sum()
