"""The importance-weighted bound on the likelihood (Burda, Grosse and Salakhutdinov, 2016)."""

import math

import torch

from aecourse import validation


def iwae_bound(model, x, samples, generator=None, chunk=64):
    r"""The importance-weighted bound on :math:`\ln p(x)` from `samples` draws of the posterior.

    .. math:: \ln \tfrac1S \sum_s p(x|z_s) \, p(z_s) / q(z_s|x), \qquad z_s \sim q(z|x)

    In expectation it is the ELBO at one draw, never falls as draws are added, and stays below the likelihood; a
    single value may lie on either side.

    Args:
        model: with ``log_importance_weights``, as :class:`~aecourse.models.VAE`.
        x: data, (B, *shape).
        samples: S, draws for each image.
        generator: of the draws.
        chunk: draws held in memory at once; the value does not depend on it beyond which noise falls where.

    Returns:
        (B,) nats.

    Raises:
        ValueError: where `samples` or `chunk` is not a positive integer, or `x` does not fit the model.

    Source:
        Burda, Grosse and Salakhutdinov (2016).
    """
    validation.positive("samples", samples)
    validation.positive("chunk", chunk)
    validation.requires(model, "log_importance_weights", "a VAE, LinearVAE or LadderVAE")
    sizes = [min(chunk, samples - start) for start in range(0, samples, chunk)]
    parts = [model.log_importance_weights(x, size, generator).logsumexp(0) for size in sizes]
    return torch.stack(parts).logsumexp(0) - math.log(samples)  # (B,)
