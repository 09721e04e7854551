"""How many units speak: for each sample, and over the life of each unit."""

from aecourse import validation


def active(z, threshold=0.1):
    """Which units speak: true where |z| is above `threshold`, in units of the code. The booleans have the shape of `z`."""
    validation.floating("z", z)
    if z.dim() != 2:
        raise ValueError(
            f"z has shape {tuple(z.shape)}; expected (B, k), one code a row: flatten it with z.flatten(1)"
        )
    if not threshold >= 0:
        raise ValueError(f"threshold is {threshold!r}; expected zero or more, in units of the code")
    return z.abs() > threshold


def population_sparsity(z, threshold=0.1):
    """The share of units that are active, for each sample: small is sparse.

    Args:
        z: codes, (B, k), floating point.
        threshold: above which ``|z|`` counts as active, in units of the code. A code that is scaled down falls silent:
            compare codes of like spread, or divide each by its standard deviation first.

    Returns:
        (B,) shares between 0 and 1.

    Raises:
        TypeError, ValueError: where `z` is not a batch of codes, or `threshold` is negative.

    Source:
        Willmore and Tolhurst (2001).
    """
    return active(z, threshold).to(z.dtype).mean(1)  # (B,)


def lifetime_sparsity(z, threshold=0.1):
    """The share of samples that activate each unit: (B, k) -> (k,). Arguments and errors are those of :func:`population_sparsity`."""
    return active(z, threshold).to(z.dtype).mean(0)  # (k,)


def dead_units(z, threshold=0.0):
    """The number of units that no sample activates. With threshold 0, units that are exactly zero for all of them."""
    return int((~active(z, threshold).any(0)).sum())
