"""Runs of a sweep, summarized over seeds: the mean of a metric and its confidence interval."""

import math
from collections.abc import Sequence

import pandas as pd

from aecourse import validation
from aecourse.intervals import interval


def summarize(runs: pd.DataFrame, by: Sequence[str], metric: str) -> pd.DataFrame:
    """Mean of `metric` over the seeds of each setting, with its 95 % interval.

    Args:
        runs: one row for each run, as :func:`~aecourse.search.sweep` returns them.
        by: the columns of the settings.
        metric: the column that is averaged.

    Returns:
        One row for each setting, in order of appearance: the columns of `by`, ``runs`` (how many),
        ``mean``, ``low`` and ``high``. The ends are nan for a single run; a run that failed makes
        all three nan, so that ``summary.loc[summary["mean"].idxmin()]`` is the best of the others.

    Raises:
        ValueError: If a column is missing.
    """
    for name in (*by, metric):
        validation.one_of("column", name, runs.columns)
    rows = []
    for setting, group in runs.groupby(list(by), sort=False, dropna=False):
        values = group[metric].astype(float).tolist()
        row = dict(zip(by, setting, strict=True)) | {"runs": len(values)}
        rows.append(row | mean_and_ends(values))
    return pd.DataFrame(rows)


def mean_and_ends(values: list[float]) -> dict[str, float]:
    """Mean, low and high of one setting's `values`."""
    if not all(map(math.isfinite, values)):
        return {"mean": math.nan, "low": math.nan, "high": math.nan}
    mean, low, high = interval(values) if len(values) > 1 else (values[0], math.nan, math.nan)
    return {"mean": mean, "low": low, "high": high}


def as_text(runs: pd.DataFrame, by: Sequence[str]) -> str:
    """A table for a terminal: mean ± half the interval of every metric, a line for each setting."""
    numbers = runs.select_dtypes("number").columns
    metrics = [name for name in numbers if name not in (*by, "seed")]
    summaries = {metric: summarize(runs, by, metric) for metric in metrics}
    table = next(iter(summaries.values()))[[*by, "runs"]].copy()
    for metric, summary in summaries.items():
        table[metric] = [cell(row.mean, row.high) for row in summary[["mean", "high"]].itertuples()]
    return table.to_string(index=False)


def cell(mean: float, high: float) -> str:
    """Mean and half of the interval; ``failed`` if a run was not finite."""
    if not math.isfinite(mean):
        return "failed"
    half = high - mean
    return f"{mean:.4g} ± {half:.2g}" if half > 0 else f"{mean:.4g}"
