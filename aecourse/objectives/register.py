"""The register of objectives: each name with a model and the objective that trains it.

The command line, its page, and the tests of precision, smoothness and ensembles read it.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aecourse import corruption, models
from aecourse.objectives.masking import masked_reconstruction
from aecourse.objectives.multi_scale import hierarchical
from aecourse.objectives.prior_matching import adam_for_gans, adversarial, wasserstein
from aecourse.objectives.quantization import vq_vae
from aecourse.objectives.regularization import (
    contractive,
    denoising,
    penalized,
    sparse_kl,
    sparse_l0,
    weight_decayed,
)
from aecourse.objectives.variational import beta_vae
from aecourse.regularizers import PENALTIES
from aecourse.training import adam
from aecourse.types import Objective


class Kind(NamedTuple):
    """A model with its objective."""

    build: Callable  #: (shape, latent_dim=) -> model
    objective: Callable  #: weight -> objective
    weight: float  #: by default
    meaning: str  #: of the weight
    optimizer: Callable = adam
    how: str = "auto"  #: how a sweep trains several of them, by default


def noisy(weight: float) -> Objective:
    """The denoising objective with Gaussian noise of standard deviation `weight`."""
    return denoising(lambda x, generator: corruption.gaussian(x, weight, generator))


def halves(latent_dim: int, levels: int) -> tuple[int, ...]:
    """Units of each level of a hierarchy: half as many from level to level, rounded up."""
    return tuple(-(-latent_dim // 2**level) for level in range(levels))


KINDS = {
    "autoencoder": Kind(models.Autoencoder, weight_decayed, 0.0, "of the squared weights"),
    "convolutional": Kind(models.ConvAutoencoder, weight_decayed, 0.0, "of the squared weights"),
    "tied": Kind(
        partial(models.Autoencoder, tied=True),
        weight_decayed,
        0.0,
        "of the squared weights",
    ),
    "sparse-l0": Kind(
        partial(models.SparseAutoencoder, activation="jump_relu"),
        sparse_l0,
        1e-2,
        "of the share of active units",
    ),
    "sparse-kl": Kind(
        partial(models.Autoencoder, code_activation="sigmoid"),
        sparse_kl,
        1e-3,
        "of the divergence from 0.05",
    ),
    "contractive": Kind(models.Autoencoder, contractive, 1e-4, "of the encoder's squared Jacobian"),
    "denoising": Kind(models.Autoencoder, noisy, 0.3, "standard deviation of the noise"),
    "vae": Kind(models.VAE, beta_vae, 1.0, "beta, of the divergence from the prior"),
    "ladder-vae": Kind(
        lambda shape, latent_dim: models.LadderVAE(shape, latent_dims=halves(latent_dim, 2)),
        beta_vae,
        1.0,
        "beta, of the divergences of both levels",
    ),
    "vq-vae": Kind(
        lambda shape, latent_dim: models.VQVAE(shape, dim=latent_dim),
        vq_vae,
        0.25,
        "beta, of the commitment to the codes",
    ),
    "wae": Kind(models.WAE, wasserstein, 10.0, "of the discrepancy from the prior"),
    "adversarial": Kind(
        models.AdversarialAutoencoder,
        adversarial,
        0.5,
        "of the generator's loss",
        adam_for_gans,
    ),
    "masked": Kind(
        lambda shape, latent_dim: models.MaskedAutoencoder(
            shape, width=latent_dim, heads=math.gcd(latent_dim, 4)
        ),
        masked_reconstruction,
        0.75,
        "share of hidden patches",
        how="processes",
    ),  # the shapes depend on the share: it cannot be a tensor
    "multi-scale": Kind(
        lambda shape, latent_dim: models.MultiScaleAutoencoder(
            shape, latent_dims=halves(latent_dim, 3)
        ),
        lambda weight: hierarchical((1.0, weight, weight)),
        1.0,
        "of each of the two coarser levels",
    ),
} | {
    name: Kind(
        partial(models.Autoencoder, code_activation=penalty.code_activation),
        partial(penalized, name),
        penalty.weight,
        penalty.meaning,
    )
    for name, penalty in PENALTIES.items()
}
