"""Checks of what `fit` is given, made once before the first step."""

import math
from typing import Any

import torch
from torch import nn

from aecourse.training import distributed
from aecourse.training.precision import PRECISIONS
from aecourse.validation import (
    dtype_of_weights,
    floating,
    non_negative,
    one_of,
    positive,
    samples,
    within,
)


def check_settings(
    *,
    counts: dict[str, Any],
    rates: dict[str, Any],
    precision: str,
    patience: int | None,
    validation: torch.Tensor | None,
    seed: int,
) -> None:
    """Check that the settings of :func:`fit` are in range and compatible.

    Args:
        counts: those that must be positive integers, by name; None where one is not used.
        rates: those that must be positive numbers, likewise.
        precision, patience, validation, seed: as for :func:`fit`.
    """
    for name, value in counts.items():
        if value is not None:
            positive(name, value)
    for name, value in rates.items():
        if value is not None:
            positive(name, value, float)
    one_of("precision", precision, PRECISIONS)
    if patience is not None and validation is None:
        raise ValueError(
            f"patience is {patience} without validation; expected data on which to see whether "
            "the loss still falls: pass validation=, held out from training"
        )
    non_negative("seed", seed)
    processes = distributed.place()[1]
    if counts["batch_size"] < processes:
        raise ValueError(
            f"batch_size is {counts['batch_size']} for {processes} processes; "
            "expected at least one sample for each"
        )


def check_data(model: nn.Module, data: torch.Tensor, validation: torch.Tensor | None) -> None:
    """Check that data are finite, in the range of the model's output, and of its dtype."""
    limits = getattr(model, "output_range", (-math.inf, math.inf))
    for name, x in (("data", data), ("validation", validation)):
        if x is not None:
            within(name, floating(name, x), *limits)
            dtype_of_weights(name, x, model)
    if validation is not None and getattr(model, "shape", None) == tuple(data.shape[1:]):
        samples("validation", validation, model.shape)
