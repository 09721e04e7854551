"""Which units of a variational code say anything: posterior collapse, unit by unit."""

from typing import NamedTuple

import torch

from aecourse import validation
from aecourse.losses.kl_divergence import gaussian_kl_between


class Collapse(NamedTuple):
    """One row a unit of the code."""

    variance: torch.Tensor  #: (k,) variance of the posterior mean over the samples; of its distance from a prior that is given
    kl: torch.Tensor  #: (k,) mean divergence from the prior, in nats
    active_by_variance: torch.Tensor  #: (k,) booleans
    active_by_kl: torch.Tensor  #: (k,) booleans


def collapse_report(mean, log_variance, by_variance=0.01, by_kl=0.01, prior=None):
    r"""Variance of the posterior mean and divergence of each unit, and whether they pass a threshold.

    A collapsed unit has the prior as its posterior for every sample: both figures are zero. The variance alone is
    fooled by a unit whose posterior is narrow about a constant; the divergence alone by one that is only shifted.

    In a hierarchy a level's prior comes from the levels above, and moves with the sample: a unit that merely follows it
    says nothing, and yet its mean varies and is far from N(0, 1). So each level is held to its own prior:
    ``[collapse_report(*q, prior=p) for q, p in zip(model.posterior(x), model.priors(x))]``.

    Args:
        mean, log_variance: of the posteriors, (B, k), floating point, as ``model.posterior(x)`` returns them.
        by_variance: a unit is active above it, in squared units of the code.
        by_kl: a unit is active above it, in nats.
        prior: mean and log-variance of the prior of each sample, (B, k) both; None for N(0, I).

    Returns:
        :class:`Collapse`.

    Raises:
        TypeError, ValueError: where the two do not match or are not (B, k).

    Source:
        Burda, Grosse and Salakhutdinov (2016), section 5.2, for the variance.
    """
    validation.same("mean", mean, "log_variance", log_variance)
    if mean.dim() != 2:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)}; expected (B, k), one posterior a row"
        )
    centre, log_width = (torch.zeros_like(mean), torch.zeros_like(mean)) if prior is None else prior
    kl = gaussian_kl_between(mean, log_variance, centre, log_width, "none").mean(0)  # (k,)
    variance = (mean - centre).var(0, correction=0)  # (k,)
    return Collapse(variance, kl, variance > by_variance, kl > by_kl)


def active_units(mean, threshold=0.01):
    """The number of units whose posterior mean varies over the samples by more than `threshold`: (B, k) -> integer."""
    if validation.floating("mean", mean).dim() != 2:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)}; expected (B, k), one posterior a row"
        )
    return int((mean.var(0, correction=0) > threshold).sum())
