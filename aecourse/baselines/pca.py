"""The error of PCA: a lower bound for every linear autoencoder with as many units."""

import torch

from aecourse import validation
from aecourse.linalg import principal_axes


def pca_error(data: torch.Tensor, latent_dim: int) -> torch.Tensor:
    """The squared error of the best linear autoencoder: the sum of the discarded eigenvalues.

    Args:
        data: (N, ...), floating point.
        latent_dim: number of units of the code; 0 gives the total variance.

    Returns:
        A scalar, in squared units of the data: summed over pixels, averaged over `data`.

    Raises:
        TypeError: If `data` is not a floating-point tensor.
        ValueError: If `latent_dim` is not an integer of at least 0, or `data` has no rows or is not
            finite.

    Source:
        Baldi and Hornik (1989).
    """
    validation.non_negative("latent_dim", latent_dim)
    return principal_axes(data)[2][latent_dim:].sum()
