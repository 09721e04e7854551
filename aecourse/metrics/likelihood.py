"""The importance-weighted bound on the likelihood (Burda, Grosse and Salakhutdinov, 2016)."""

import math

import torch
from torch import nn

from aecourse import validation
from aecourse.training.mode import evaluating


def iwae_bound(
    model: nn.Module,
    x: torch.Tensor,
    samples: int,
    generator: torch.Generator | None = None,
    chunk: int = 64,
) -> torch.Tensor:
    r"""The importance-weighted bound on :math:`\ln p(x)`, from samples of the posterior.

    .. math:: \ln \tfrac1S \sum_s p(x|z_s) \, p(z_s) / q(z_s|x), \qquad z_s \sim q(z|x)

    Its expectation is the ELBO for one sample, never decreases with more samples, and never exceeds
    ln p(x). A single estimate may lie on either side.

    Args:
        model: with ``log_importance_weights``, such as :class:`~aecourse.models.VAE`; used in
            evaluation mode, with the sigma that training has found.
        x: data, (B, *shape).
        samples: S, samples of the posterior for each image.
        generator: for the samples.
        chunk: samples in memory at once; it only changes which noise each sample gets.

    Returns:
        (B,) nats.

    Raises:
        TypeError: If the model has no ``log_importance_weights``.
        ValueError: If `samples` or `chunk` is not a positive integer, or `x` does not fit the
            model.

    Source:
        Burda, Grosse and Salakhutdinov (2016).
    """
    with evaluating(model):
        return log_mean_weight(model, x, samples, generator, chunk)


def log_mean_weight(model: nn.Module, x: torch.Tensor, samples: int, generator, chunk: int = 64):
    """`iwae_bound` in the mode that the model has, as training needs it: (B,)."""
    validation.positive("samples", samples)
    validation.positive("chunk", chunk)
    validation.requires(model, "log_importance_weights", "a VAE, LinearVAE or LadderVAE")
    sizes = [min(chunk, samples - start) for start in range(0, samples, chunk)]
    parts = [model.log_importance_weights(x, size, generator).logsumexp(0) for size in sizes]
    return torch.stack(parts).logsumexp(0) - math.log(samples)  # (B,)
