"""The divergence between diagonal Gaussians: the price of a code in a variational autoencoder."""

import torch

from aecourse.losses.reduction import reduce
from aecourse.validation import same


def gaussian_kl(mean, log_variance, reduction="batchmean"):
    r"""Kullback-Leibler divergence in nats from :math:`N(\mu, \sigma^2)` to the prior :math:`N(0, 1)`, unit by unit.

    .. math:: \tfrac12 (\mu^2 + \sigma^2 - 1 - \ln \sigma^2)

    The logarithm is that of the *variance*: half of it is the logarithm of the standard deviation. The default sums
    over the units of the code, as a likelihood that is summed over pixels asks for. ``"mean"`` would weigh the
    divergence less by a factor of k.

    Args:
        mean: :math:`\mu`, (B, ...), floating point.
        log_variance: :math:`\ln \sigma^2`, of the same shape, dtype and device.
        reduction: ``"batchmean"`` (sum over units, mean over the batch), ``"mean"`` over every element, ``"sum"``
            or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats.

    Raises:
        TypeError: where an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: where shapes or devices differ, a tensor is empty, or the reduction is unknown.

    Source:
        Kingma and Welling (2014), appendix B.
    """
    same("mean", mean, "log_variance", log_variance)
    return reduce((mean.square() + log_variance.expm1() - log_variance) / 2, reduction)


def gaussian_kl_between(mean, log_variance, prior_mean, prior_log_variance, reduction="batchmean"):
    r"""Divergence in nats from :math:`N(\mu, \sigma^2)` to any other Gaussian :math:`N(m, s^2)`, unit by unit.

    .. math:: \tfrac12 \left( (\mu - m)^2 / s^2 + \sigma^2 / s^2 - 1 - \ln (\sigma^2 / s^2) \right)

    It is not symmetric: the second pair of arguments is the one that the expectation is *not* taken under, as the
    prior of a level of a Ladder VAE.

    Args:
        mean, log_variance: :math:`\mu` and :math:`\ln \sigma^2`, (B, ...), floating point.
        prior_mean, prior_log_variance: :math:`m` and :math:`\ln s^2`, of the same shape, dtype and device.
        reduction: as for :func:`gaussian_kl`.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats.

    Raises:
        TypeError, ValueError: as :func:`gaussian_kl`.

    Source:
        Kullback (1959), chapter 9; Sønderby and others (2016), for the Ladder VAE.
    """
    same("mean", mean, "log_variance", log_variance)
    same("prior_mean", prior_mean, "prior_log_variance", prior_log_variance)
    same("mean", mean, "prior_mean", prior_mean)
    ratio = log_variance - prior_log_variance  # the logarithm of sigma^2 / s^2
    distance = (mean - prior_mean).square() * torch.exp(-prior_log_variance)
    return reduce((distance + ratio.expm1() - ratio) / 2, reduction)
