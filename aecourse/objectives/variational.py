"""Objectives of variational autoencoders: the beta-VAE and the importance-weighted bound.

After Higgins and others (2017), and Burda, Grosse and Salakhutdinov (2016).
"""

import math

import torch
from torch import nn

from aecourse import validation
from aecourse.metrics.likelihood import log_mean_weight
from aecourse.types import Objective


def beta_vae(beta: float | torch.Tensor = 1.0) -> Objective:
    r"""The objective of a (beta-)VAE, in nats for each image.

    .. math:: -\ln p(x|z) + \beta \, \mathrm{KL}(q(z|x) \| p(z))

    With beta 1 the sum is the negative ELBO; a larger beta makes the code carry less information, a
    smaller one more. Use :func:`normalized_beta` to compare models of different sizes. beta
    multiplies the divergence, never the reconstruction.

    Args:
        beta: the weight of the divergence, at least 0.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"kl"`` (times beta).

    Raises:
        ValueError: If `beta` is not a number of at least 0.

    Source:
        Higgins and others (2017), equation 4.
    """
    validation.weight("beta", beta)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        validation.requires(model, "negative_elbo_terms", "a VAE, LinearVAE or LadderVAE")
        terms = model.negative_elbo_terms(x, generator)
        return terms | {"kl": beta * terms["kl"]}

    return objective


def normalized_beta(model: nn.Module, beta: float) -> float:
    """beta * d_z / d_x: the weight of the divergence if both terms are averages.

    The divergence is then averaged over the d_z units and the reconstruction over the d_x pixels.

    Source:
        Higgins and others (2017).
    """
    return beta * model.latent_dim / math.prod(model.shape)


def importance_weighted(samples: int = 5) -> Objective:
    """The objective of an importance-weighted autoencoder: the negative importance-weighted bound.

    A sigma that is computed for each batch is the best one for the ELBO of the same samples, a
    little larger than the best for this bound; ``sigma="learned"`` follows this bound.

    Args:
        samples: of the posterior, for each image.

    Returns:
        An objective with the term ``"bound"``, in nats, averaged over the batch.

    Raises:
        ValueError: If `samples` is not a positive integer.

    Source:
        Burda, Grosse and Salakhutdinov (2016).
    """
    validation.positive("samples", samples)
    return lambda model, x, generator: {
        "bound": -log_mean_weight(model, x, samples, generator).mean()
    }
