"""Summaries over seeds, by hand and against SciPy."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aecourse.search import summarize
from aecourse.search.summary import as_text

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "search.summarize": (
        "by hand; `scipy.stats.t.interval(level, n - 1, mean, scipy.stats.sem(values))`",
        "by hand 1e-6; intervals 1e-12",
        "takes no tensor",
    ),
}

ROWS = [
    {"k": k, "act": act, "seed": seed, "mse": k + offset, "note": "text"}
    for k in (2, 4)
    for act in ("relu", "tanh")
    for seed, offset in ((0, -1.0), (1, 0.0), (2, 1.0))
]
RUNS = pd.DataFrame(ROWS)


def test_the_summary_by_hand():
    """Values k - 1, k, k + 1: the standard error is 1 / sqrt(3), and Student's t 4.302653."""
    summary = summarize(RUNS, ["k", "act"], "mse")
    assert list(summary) == ["k", "act", "runs", "mean", "low", "high"]
    seen = summary[["k", "act", "runs", "mean"]].values.tolist()
    assert seen == [[2, "relu", 3, 2], [2, "tanh", 3, 2], [4, "relu", 3, 4], [4, "tanh", 3, 4]]
    half = 4.302653 / 3**0.5
    assert summary["low"][0] == pytest.approx(2 - half, rel=1e-6)
    assert summary["high"][0] == pytest.approx(2 + half, rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 20])
def test_the_interval_is_scipys(n):
    values = np.random.default_rng(n).normal(3, 2, n)
    runs = pd.DataFrame({"k": 1, "seed": range(n), "mse": values})
    summary = summarize(runs, ["k"], "mse").iloc[0]
    wanted = stats.t.interval(0.95, n - 1, values.mean(), stats.sem(values))
    assert (summary["low"], summary["high"]) == pytest.approx(wanted, rel=1e-12)


def test_a_single_run_has_no_interval_and_a_failed_one_no_mean():
    alone = summarize(RUNS[:1], ["k", "act"], "mse").iloc[0]
    assert alone["mean"] == 1 and math.isnan(alone["low"]) and math.isnan(alone["high"])
    failed = pd.concat([RUNS[RUNS["k"] == 4], pd.DataFrame([{"k": 2, "act": "relu", "seed": 0}])])
    summary = summarize(failed, ["k", "act"], "mse")
    assert math.isnan(summary["mean"].iloc[-1])
    assert summary.loc[summary["mean"].idxmin(), "k"] == 4


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="column is 'psnr'; expected one of 'k', 'act'"):
        summarize(RUNS, ["k", "act"], "psnr")


def test_as_text():
    lines = as_text(RUNS, ["k", "act"]).splitlines()
    assert lines[0].split() == ["k", "act", "runs", "mse"]
    assert lines[1].split() == ["2", "relu", "3", "2", "±", "2.5"]
    assert "±" not in as_text(RUNS[:1], ["k", "act"])
    broken = RUNS.assign(mse=[math.inf] + [0.0] * 11)
    assert "failed" in as_text(broken, ["k", "act"]).splitlines()[1]
