"""KL sparsity: each unit is active, on average, for a small fraction of the samples."""

import math
from typing import Literal

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.reduction import reduce

UnitReduction = Literal["sum", "mean", "none"]


def kl_sparsity_penalty(
    z: torch.Tensor, rho: float | torch.Tensor = 0.05, reduction: UnitReduction = "sum"
) -> torch.Tensor:
    r"""KL in nats from the target to the mean activation of each unit, summed over units.

    .. math:: \sum_j \rho \ln \frac{\rho}{\hat\rho_j}
              + (1 - \rho) \ln \frac{1 - \rho}{1 - \hat\rho_j},
              \qquad \hat\rho_j = \frac1B \sum_b z_{bj}

    It constrains the mean over the batch, not the single code: with a target of 0.1, a unit at 0.1
    for every sample has the same penalty, zero, as a unit at 1 for a tenth of them. A unit whose
    activations are all 0 (or all 1) in floating point has an infinite penalty: train sigmoid units
    with :func:`kl_sparsity_penalty_from_logits`.

    Args:
        z: activations in [0, 1], (B, ...), floating point.
        rho: target :math:`\rho`, between 0 and 1; a number, or a scalar tensor, whose value is not
            checked.
        reduction: over units, since the batch is averaged first: ``"sum"``, ``"mean"`` or
            ``"none"``.

    Returns:
        A scalar, or (...) for ``"none"``, in nats.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If activations are outside [0, 1] (checked once when data enter, see
            ``aecourse/validation.py``), `z` has no batch axis or is empty, `rho` is out of range,
            or the reduction is unknown.

    Source:
        Ng (2011).
    """
    check_target(rho)
    check_codes("z", z, reduction)
    try:
        validation.within("z", z, 0, 1)
    except ValueError as error:
        raise ValueError(
            f"{error}; for a code, use a sigmoid activation (code_activation='sigmoid')"
        ) from None
    mean = at_least_float32(z).mean(0)  # (...)
    return reduce(bernoulli_kl(rho, mean.log(), (-mean).log1p()), reduction)


def kl_sparsity_penalty_from_logits(
    logits: torch.Tensor, rho: float | torch.Tensor = 0.05, reduction: UnitReduction = "sum"
) -> torch.Tensor:
    r"""The same for sigmoid units, from their logits :math:`a`: finite, with a nonzero gradient.

    :math:`\ln \hat\rho = \mathrm{logsumexp}_b \ln \sigma(a_b) - \ln B`, and the same with
    :math:`-a` for :math:`\ln (1 - \hat\rho)`: no probability is rounded, and nothing is clamped.

    Args:
        logits: before the sigmoid, (B, ...), floating point.
        rho, reduction: as for :func:`kl_sparsity_penalty`.

    Returns:
        A scalar, or (...) for ``"none"``, in nats.

    Raises:
        TypeError, ValueError: As :func:`kl_sparsity_penalty`, but a logit may have any value.
    """
    check_target(rho)
    check_codes("logits", logits, reduction)
    a = at_least_float32(logits)
    log_batch = math.log(len(logits))
    log_on = F.logsigmoid(a).logsumexp(0) - log_batch  # (...)
    log_off = F.logsigmoid(-a).logsumexp(0) - log_batch  # (...)
    return reduce(bernoulli_kl(rho, log_on, log_off), reduction)


def bernoulli_kl(
    rho: float | torch.Tensor, log_on: torch.Tensor, log_off: torch.Tensor
) -> torch.Tensor:
    """KL in nats between two Bernoulli variables.

    Args:
        rho: the mean of the first, a scalar.
        log_on, log_off: the logarithms of the mean of the second and of one minus it.
    """
    log = torch.log if isinstance(rho, torch.Tensor) else math.log
    return rho * (log(rho) - log_on) + (1 - rho) * (log(1 - rho) - log_off)


def check_target(rho: float | torch.Tensor) -> None:
    """Check that `rho` is a mean activation strictly between 0 and 1.

    A scalar tensor passes without its value being read, so that a sweep can map over it.
    """
    if isinstance(rho, torch.Tensor):
        validation.weight("rho", rho)
    elif not (validation.is_number(rho) and 0 < rho < 1):
        raise ValueError(
            f"rho is {rho!r}; expected a mean activation between 0 and 1, exclusive: try 0.05"
        )


def check_codes(name: str, z: torch.Tensor, reduction: str) -> None:
    """Check a batch of codes, and a reduction over units."""
    validation.one_of("reduction", reduction, ("sum", "mean", "none"))
    if validation.floating(name, z).dim() < 2:
        raise ValueError(
            f"{name} has shape {tuple(z.shape)}; expected (B, units), since the mean is over the "
            "batch: add the batch axis with [None]"
        )
