"""The mean over seeds, and how well a few seeds determine it."""

import math
from collections.abc import Iterable

from scipy.stats import t as student


def interval(values: Iterable[float], level: float = 0.95) -> tuple[float, float, float]:
    """Mean of `values`, one a seed, and its confidence interval by Student's t: (mean, low, high).

    Args:
        values: at least two numbers, independent of each other, in any unit.
        level: probability, between 0 and 1, that such an interval contains the true mean.

    Raises:
        ValueError: If there are fewer than two values.

    Source:
        Student (1908).
    """
    values = [float(value) for value in values]
    if len(values) < 2:
        raise ValueError(
            f"values has {len(values)} entries; expected at least two, one a seed: "
            "a single run says nothing about the spread"
        )
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    quantile = float(student.ppf((1 + level) / 2, len(values) - 1))
    half = quantile * math.sqrt(variance / len(values))
    return mean, mean - half, mean + half
