"""The Kullback-Leibler divergence between diagonal Gaussians: the rate of a VAE's code."""

import torch

from aecourse.losses.reduction import Reduction, compared, reduce
from aecourse.validation import same


def gaussian_kl(
    mean: torch.Tensor, log_variance: torch.Tensor, reduction: Reduction = "batchmean"
) -> torch.Tensor:
    r"""Divergence in nats from :math:`N(\mu, \sigma^2)` to the prior :math:`N(0, 1)`, unit by unit.

    .. math:: \tfrac12 (\mu^2 + \sigma^2 - 1 - \ln \sigma^2)

    The logarithm is that of the *variance*: half of it is the logarithm of the standard deviation.
    The default sums over the units of the code, which matches a log-likelihood summed over pixels.
    ``"mean"`` would divide the divergence by the number of units, k.

    Args:
        mean: :math:`\mu`, (B, ...), floating point.
        log_variance: :math:`\ln \sigma^2`, of the same shape, dtype and device.
        reduction: ``"batchmean"`` (sum over units, mean over the batch), ``"mean"`` over every
            element, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats; in single precision or better.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, a tensor is empty, or the reduction is unknown.

    Source:
        Kingma and Welling (2014), appendix B.
    """
    mean, log_variance = compared("mean", mean, "log_variance", log_variance)
    return reduce((mean.square() + log_variance.expm1() - log_variance) / 2, reduction)


def gaussian_kl_between(
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    prior_mean: torch.Tensor,
    prior_log_variance: torch.Tensor,
    reduction: Reduction = "batchmean",
) -> torch.Tensor:
    r"""Divergence in nats from :math:`N(\mu, \sigma^2)` to another Gaussian :math:`N(m, s^2)`.

    .. math:: \tfrac12 \left( (\mu - m)^2 / s^2 + \sigma^2 / s^2 - 1 - \ln (\sigma^2 / s^2) \right)

    It is computed unit by unit, and is not symmetric: the expectation is taken under the first
    Gaussian. The second is the prior, such as the conditional prior of a level of a Ladder VAE.

    Args:
        mean, log_variance: :math:`\mu` and :math:`\ln \sigma^2`, (B, ...), floating point.
        prior_mean, prior_log_variance: :math:`m` and :math:`\ln s^2`, of the same shape, dtype and
            device.
        reduction: as for :func:`gaussian_kl`.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats; in single precision or better.

    Raises:
        TypeError, ValueError: As :func:`gaussian_kl`.

    Source:
        Kullback (1959), chapter 9; Sønderby and others (2016), for the Ladder VAE.
    """
    same("mean", mean, "prior_mean", prior_mean)
    mean, log_variance = compared("mean", mean, "log_variance", log_variance)
    prior_mean, prior_log_variance = compared(
        "prior_mean", prior_mean, "prior_log_variance", prior_log_variance
    )
    log_ratio = log_variance - prior_log_variance  # ln(sigma^2 / s^2)
    distance = (mean - prior_mean).square() * torch.exp(-prior_log_variance)
    return reduce((distance + log_ratio.expm1() - log_ratio) / 2, reduction)
