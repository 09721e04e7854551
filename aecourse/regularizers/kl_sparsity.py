"""KL sparsity: each unit is on, on average, in a small share of the samples."""

import math

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import at_least_float32, reduce


def divergence(rho, log_on, log_off):
    """KL between coins in nats, from a target `rho` and the logarithms of the mean activation and of one minus it."""
    log = torch.log if isinstance(rho, torch.Tensor) else math.log
    return rho * (log(rho) - log_on) + (1 - rho) * (log(1 - rho) - log_off)


def check_target(rho):
    """`rho` can be a mean activation that a unit reaches; the value of a scalar tensor is not read: a sweep may map over it."""
    if isinstance(rho, torch.Tensor):
        validation.weight("rho", rho)
    elif not 0 < rho < 1:
        raise ValueError(
            f"rho is {rho!r}; expected a mean activation between 0 and 1, both left out: try 0.05"
        )


def kl_sparsity_penalty(z, rho=0.05, reduction="sum"):
    r"""KL from the target to the mean activation of each unit, summed over units, in nats.

    .. math:: \sum_j \rho \ln \frac{\rho}{\hat\rho_j} + (1 - \rho) \ln \frac{1 - \rho}{1 - \hat\rho_j}, \qquad
              \hat\rho_j = \frac1B \sum_b z_{bj}

    It holds the average over the batch and not the single code: units that are half on for everything pass as well
    as units that are rarely on. A unit whose activations are all 0 (or all 1) in floating point costs infinitely
    much: train sigmoid units with :func:`kl_sparsity_penalty_from_logits`.

    Args:
        z: activations in [0, 1], (B, ...), floating point.
        rho: target :math:`\rho`, between 0 and 1; a number, or a scalar tensor, whose value is not read.
        reduction: over units, since the batch is averaged first: ``"sum"``, ``"mean"`` or ``"none"``.

    Returns:
        A scalar, or (...) for ``"none"``.

    Raises:
        TypeError: where `z` is not a floating-point tensor.
        ValueError: where activations lie outside [0, 1] (read once where data enter, see ``aecourse/check.py``),
            `z` has no batch axis or is empty, `rho` is out of range, or the reduction is unknown.

    Source:
        Ng (2011).
    """
    check_target(rho)
    check_codes("z", z, reduction)
    try:
        validation.within("z", z, 0, 1)
    except ValueError as error:
        raise ValueError(
            f"{error}; for a code, a sigmoid on it (code_activation='sigmoid')"
        ) from None
    on = at_least_float32(z).mean(0)  # (...)
    return reduce(divergence(rho, on.log(), (-on).log1p()), reduction)


def kl_sparsity_penalty_from_logits(logits, rho=0.05, reduction="sum"):
    r"""The same for sigmoid units, from their logits :math:`a`: finite, with a gradient that never dies.

    :math:`\ln \hat\rho = \mathrm{logsumexp}_b \ln \sigma(a_b) - \ln B`, and the same with :math:`-a` for
    :math:`\ln (1 - \hat\rho)`: no probability is rounded, and nothing is clamped.

    Args:
        logits: before the sigmoid, (B, ...), floating point.
        rho, reduction: as for :func:`kl_sparsity_penalty`.

    Returns:
        A scalar, or (...) for ``"none"``, in nats.

    Raises:
        TypeError, ValueError: as :func:`kl_sparsity_penalty`; no value of a logit is refused.
    """
    check_target(rho)
    check_codes("logits", logits, reduction)
    log_on, log_off = (
        F.logsigmoid(a).logsumexp(0) - math.log(len(logits))
        for a in (at_least_float32(logits), -at_least_float32(logits))
    )  # (...)
    return reduce(divergence(rho, log_on, log_off), reduction)


def check_codes(name, z, reduction):
    """`z` is a batch of codes, and `reduction` one over units."""
    validation.one_of("reduction", reduction, ("sum", "mean", "none"))
    if validation.floating(name, z).dim() < 2:
        raise ValueError(
            f"{name} has shape {tuple(z.shape)}; expected (B, units): the mean is over a batch; add it with [None]"
        )
