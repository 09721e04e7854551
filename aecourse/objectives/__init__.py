"""Objectives for `fit`: `(model, x, generator) -> {name: scalar}`, which minimizes their sum.

The weights of the terms are arguments of the objectives, and nowhere else.
"""

from aecourse.objectives.masking import masked_error, masked_reconstruction
from aecourse.objectives.multi_scale import hierarchical
from aecourse.objectives.prior_matching import adam_for_gans, adversarial, wasserstein
from aecourse.objectives.quantization import vq_vae
from aecourse.objectives.regularization import (
    contractive,
    denoising,
    penalized,
    reconstruction,
    regularized,
    sparse_kl,
    sparse_l0,
    sparse_l1,
    weight_decayed,
)
from aecourse.objectives.variational import beta_vae, importance_weighted, normalized_beta

__all__ = [
    "adam_for_gans",
    "adversarial",
    "beta_vae",
    "contractive",
    "denoising",
    "hierarchical",
    "importance_weighted",
    "masked_error",
    "masked_reconstruction",
    "normalized_beta",
    "penalized",
    "reconstruction",
    "regularized",
    "sparse_kl",
    "sparse_l0",
    "sparse_l1",
    "vq_vae",
    "wasserstein",
    "weight_decayed",
]
