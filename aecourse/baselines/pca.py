"""The floor of PCA: no linear autoencoder of k units has a smaller squared error (Baldi and Hornik, 1989)."""

from aecourse.linalg import principal_axes


def pca_error(data, latent_dim):
    """The discarded eigenvalues: the squared error of the best linear autoencoder, summed over pixels, averaged over `data`."""
    return principal_axes(data)[2][latent_dim:].sum()
