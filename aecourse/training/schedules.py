"""Schedules of the learning rate."""

import math
from collections.abc import Callable


def cosine(warmup: float = 0.0, floor: float = 0.0) -> Callable[[float], float]:
    """Linear warm-up of the learning rate, then cosine decay.

    Args:
        warmup: fraction of the steps in which the rate rises linearly, from 0 to below 1.
        floor: final rate, as a fraction of the highest, from 0 to below 1.

    Returns:
        A function that maps the fraction of the steps done to the factor of the learning rate, for
        ``fit(schedule=)``.

    Raises:
        ValueError: If `warmup` or `floor` is out of range.

    Source:
        Loshchilov and Hutter (2017), without restarts, for the decay.
    """
    for name, value in (("warmup", warmup), ("floor", floor)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value!r}; expected a fraction from 0 to below 1")

    def factor(done: float) -> float:
        if done < warmup:
            return done / warmup
        return floor + (1 - floor) * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2

    return factor
