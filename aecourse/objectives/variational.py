"""Objectives of variational autoencoders: the ELBO with a weight (Higgins and others, 2017), and the importance-weighted bound."""

import math

from aecourse import validation
from aecourse.metrics.likelihood import iwae_bound


def beta_vae(beta=1.0):
    r"""The objective of a (beta-)VAE: :math:`-\ln p(x|z) + \beta \, \mathrm{KL}(q(z|x) \| p(z))`, in nats an image.

    At 1 its sum is the negative ELBO; above, the code carries less; below, more. Comparing models of other sizes
    asks for :func:`normalized_beta`. beta weighs the divergence, never the reconstruction.

    Args:
        beta: the weight of the divergence, at least 0.

    Returns:
        An objective for :func:`~aecourse.training.fit`, with the terms ``"reconstruction"`` and ``"kl"`` (times beta).

    Raises:
        ValueError: where `beta` is negative or not a number.

    Source:
        Higgins and others (2017), equation 4.
    """
    validation.weight("beta", beta)

    def objective(model, x, generator):
        terms = validation.requires(
            model, "negative_elbo_terms", "a VAE, LinearVAE or LadderVAE"
        ).negative_elbo_terms(x, generator)
        return terms | {"kl": beta * terms["kl"]}

    return objective


def normalized_beta(model, beta):
    """beta * d_z / d_x: the weight where both terms are averaged, over units and over pixels (Higgins and others, 2017)."""
    return beta * model.latent_dim / math.prod(model.shape)


def importance_weighted(samples=5):
    """The objective of an importance-weighted autoencoder: the negative bound, in nats, averaged over the batch."""
    validation.positive("samples", samples)
    return lambda model, x, generator: {"bound": -iwae_bound(model, x, samples, generator).mean()}
