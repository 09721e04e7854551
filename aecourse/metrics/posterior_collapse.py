"""Posterior collapse: which units of a variational code carry information."""

from typing import NamedTuple

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.kl_divergence import gaussian_kl_between
from aecourse.losses.reduction import compared


class Collapse(NamedTuple):
    """Variance and divergence of each unit of a code, and whether they pass a threshold."""

    variance: torch.Tensor  #: (k,) variance over the samples of posterior mean minus prior mean
    kl: torch.Tensor  #: (k,) mean divergence from the prior, in nats
    active_by_variance: torch.Tensor  #: (k,) booleans
    active_by_kl: torch.Tensor  #: (k,) booleans


def collapse_report(
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    by_variance: float = 0.01,
    by_kl: float = 0.01,
    prior: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> Collapse:
    r"""Variance of the posterior mean and divergence of each unit, compared with thresholds.

    The posterior of a collapsed unit equals the prior for every sample: both numbers are zero. A
    unit whose posterior is shifted or narrow, but the same for every sample, carries no information
    either: its divergence is above zero, and only the variance shows it.

    In a hierarchy the prior of a level comes from the levels above and varies with the sample. A
    unit that only follows its prior carries no information, although its mean varies and differs
    from 0. So compare each level with its own prior:
    ``[collapse_report(*q, prior=p) for q, p in zip(model.posterior(x), model.priors(x))]``.

    Args:
        mean, log_variance: of the posteriors, (B, k), floating point, finite, as
            ``model.posterior(x)`` returns them.
        by_variance: a unit with a larger variance is active; in squared units of the code.
        by_kl: a unit with a larger divergence is active; in nats.
        prior: mean and log-variance of the prior of each sample, both (B, k); None for N(0, I).

    Returns:
        :class:`Collapse`.

    Raises:
        TypeError: If a tensor is not floating point, or the dtypes differ.
        ValueError: If the shapes differ or are not (B, k), or a value is not finite.

    Source:
        Burda, Grosse and Salakhutdinov (2016), section 5.2, for the variance.
    """
    mean, log_variance = compared("mean", mean, "log_variance", log_variance)
    check_posteriors(mean)
    validation.weight("by_variance", by_variance)
    validation.weight("by_kl", by_kl)
    validation.finite("log_variance", log_variance)
    standard = torch.zeros_like(mean), torch.zeros_like(mean)
    centre, log_width = (
        at_least_float32(validation.finite("prior", part)) for part in prior or standard
    )
    kl = gaussian_kl_between(mean, log_variance, centre, log_width, "none").mean(0)  # (k,)
    variance = (mean - centre).var(0, correction=0)  # (k,)
    return Collapse(variance, kl, variance > by_variance, kl > by_kl)


def active_units(mean: torch.Tensor, threshold: float = 0.01) -> int:
    """The number of units whose posterior mean varies by more than `threshold`: (B, k) -> int."""
    check_posteriors(mean)
    validation.weight("threshold", threshold)
    return int((at_least_float32(mean).var(0, correction=0) > threshold).sum())


def check_posteriors(mean: torch.Tensor) -> None:
    """Check that `mean` is (B, k) and finite: nan would count as inactive."""
    if validation.finite("mean", mean).dim() != 2:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)}; expected (B, k), one posterior a row: "
            "pass model.posterior(x)"
        )
