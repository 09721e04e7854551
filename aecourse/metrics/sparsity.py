"""How many units of a code are active: for each sample, and for each unit over all samples."""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def active(z: torch.Tensor, threshold: float = 0.1) -> torch.Tensor:
    """Which units are active, i.e. have ``|z|`` above `threshold`: (B, k) -> (B, k) booleans."""
    validation.finite("z", z)  # nan would count as inactive
    if z.dim() != 2:
        raise ValueError(
            f"z has shape {tuple(z.shape)}; expected (B, k), one code a row: flatten it with "
            "z.flatten(1)"
        )
    if not threshold >= 0:
        raise ValueError(
            f"threshold is {threshold!r}; expected at least 0, in units of the code: it is "
            "compared with the absolute value"
        )
    return z.abs() > threshold


def population_sparsity(z: torch.Tensor, threshold: float = 0.1) -> torch.Tensor:
    """The share of units that are active, for each sample: a small share is sparse.

    Args:
        z: codes, (B, k), floating point, finite.
        threshold: a unit with a larger absolute value is active; in units of the code. Scaling a
            code down makes units inactive: compare codes of similar spread, or divide each by its
            standard deviation first.

    Returns:
        (B,) shares between 0 and 1.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If `z` is not (B, k) or not finite, or `threshold` is negative.

    Source:
        Willmore and Tolhurst (2001).
    """
    return active(z, threshold).to(at_least_float32(z).dtype).mean(1)  # (B,)


def lifetime_sparsity(z: torch.Tensor, threshold: float = 0.1) -> torch.Tensor:
    """The share of samples for which each unit is active: (B, k) -> (k,).

    Arguments and errors are those of :func:`population_sparsity`.
    """
    return active(z, threshold).to(at_least_float32(z).dtype).mean(0)  # (k,)


def dead_units(z: torch.Tensor, threshold: float = 0.0) -> int:
    """The number of units that no sample activates.

    With threshold 0 it counts the units that are exactly zero for all samples.
    """
    return int((~active(z, threshold).any(0)).sum())
