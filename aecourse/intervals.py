"""Confidence intervals over seeds."""

import math

from scipy.stats import t as student


def interval(values, level=0.95):
    """Mean of `values`, one a seed, and its confidence interval by Student's t: (mean, low, high).

    Args:
        values: two numbers at least, independent of each other.
        level: chance, between 0 and 1, that such an interval holds the true mean.

    Raises:
        ValueError: where there are fewer than two.

    Source:
        Student (1908).
    """
    values = [float(value) for value in values]
    if len(values) < 2:
        raise ValueError(f"values holds {len(values)}; expected two at least, one for each seed: one run says nothing of the spread")
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean)**2 for value in values) / (len(values) - 1)
    half = float(student.ppf((1 + level) / 2, len(values) - 1)) * math.sqrt(variance / len(values))
    return mean, mean - half, mean + half
