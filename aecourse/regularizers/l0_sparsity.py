"""L0 sparsity: a fixed number of active units, or a threshold for each unit that is learned.

Neither shrinks the activations that remain, as the L1 penalty does.
"""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.reduction import Reduction, reduce


def top_k(a: torch.Tensor, active: int) -> torch.Tensor:
    """Keep the `active` largest pre-activations of each sample, if they are positive.

    The others become zero. The gradient passes through those that are kept, unchanged.

    Args:
        a: pre-activations, (B, k), floating point.
        active: the number of units that may be active, at most k.

    Returns:
        Codes, (B, k), at least 0.

    Raises:
        TypeError: If `a` is not a floating-point tensor.
        ValueError: If `a` is not (B, k), or `active` is not an integer between 1 and k.

    Source:
        Makhzani and Frey (2014); with a ReLU: Gao and others (2025).
    """
    check_units("a", a)
    if validation.positive("active", active) > a.shape[1]:
        raise ValueError(
            f"active is {active} and a has {a.shape[1]} units; expected at most as many: lower "
            "active, or give the code more units"
        )
    values, units = a.relu().topk(active, dim=1)  # (B, active)
    return torch.zeros_like(a).scatter(1, units, values)  # (B, k)


def jump_relu(
    a: torch.Tensor, threshold: float | torch.Tensor, bandwidth: float = 0.05
) -> torch.Tensor:
    r"""Keep the pre-activations above a threshold as they are: :math:`a \, [a > \theta]`.

    The jump at :math:`\theta` has no useful derivative. As the gradient with respect to the
    threshold it has :math:`-\theta / \varepsilon` for values within half a `bandwidth`
    :math:`\varepsilon` of it, and 0 elsewhere: the average over many samples estimates the
    derivative of their mean.

    Args:
        a: pre-activations, (B, k), floating point.
        threshold: :math:`\theta`, at least 0: a number, or a tensor (k,) with one for each unit.
        bandwidth: :math:`\varepsilon`, positive, in units of `a`.

    Returns:
        Codes, (B, k), each zero or above its threshold.

    Raises:
        TypeError: If `a` is not a floating-point tensor.
        ValueError: If `a` is not (B, k), a number is out of range, or the threshold does not fit.

    Source:
        Rajamanoharan and others (2024).
    """
    threshold = check_threshold(a, threshold, bandwidth)
    jump = threshold.detach() * straight_through(a, threshold, bandwidth)
    return a * (a > threshold) + jump


def l0_penalty(
    a: torch.Tensor,
    threshold: float | torch.Tensor,
    bandwidth: float = 0.05,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    r"""How many units lie above their threshold, with a gradient for the threshold.

    The gradient is :math:`-1 / \varepsilon` for values within half a `bandwidth` of the threshold,
    as for :func:`jump_relu`; with respect to `a` it is zero.

    Args:
        a, threshold, bandwidth: as for :func:`jump_relu`.
        reduction: ``"mean"`` over batch and units, the share of active units; ``"batchmean"``,
            their mean number; ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or (B, k) for ``"none"``.

    Raises:
        TypeError, ValueError: As for :func:`jump_relu`; also if the reduction is unknown.

    Source:
        Rajamanoharan and others (2024).
    """
    threshold = check_threshold(a, threshold, bandwidth)
    a = at_least_float32(a)
    active = (a > threshold).to(a.dtype)
    return reduce(active + straight_through(a, threshold, bandwidth), reduction)


def straight_through(a: torch.Tensor, threshold: torch.Tensor, bandwidth: float) -> torch.Tensor:
    """Zero, with the gradient -1 / bandwidth for the threshold of each value that is near it."""
    near = ((a - threshold).abs() < bandwidth / 2).detach().to(a.dtype)
    return near * (threshold.detach() - threshold) / bandwidth


def check_threshold(
    a: torch.Tensor, threshold: float | torch.Tensor, bandwidth: float
) -> torch.Tensor:
    """Check the arguments of :func:`jump_relu`, and return the threshold as a tensor.

    The values of a threshold that is a tensor are not read.
    """
    check_units("a", a)
    validation.positive("bandwidth", bandwidth, float)
    if not isinstance(threshold, torch.Tensor):
        return a.new_tensor(validation.weight("threshold", threshold))
    if threshold.shape not in ((), a.shape[1:]):
        raise ValueError(
            f"threshold has shape {tuple(threshold.shape)} and a {tuple(a.shape)}; expected a "
            f"scalar or ({a.shape[1]},), one for each unit: give one value a unit"
        )
    return validation.floating("threshold", threshold)


def check_units(name: str, a: torch.Tensor) -> None:
    """Check that `a` is a batch of pre-activations, (B, k)."""
    if validation.floating(name, a).dim() != 2:
        raise ValueError(
            f"{name} has shape {tuple(a.shape)}; expected (B, k), one sample a row: flatten it "
            f"with {name}.flatten(1)"
        )
