"""The interval over seeds, against SciPy and by hand."""

import numpy as np
import pytest
from scipy import stats

from aecourse.intervals import interval

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "intervals.interval": (
        "`scipy.stats.t.interval(level, n - 1, mean, scipy.stats.sem(values))`",
        "1e-6",
        "takes no tensor",
    ),
}


@pytest.mark.parametrize(
    "values",
    [[1, 2, 3], [0.1, 0.1], [5, -3, 2, 8, 0.5], list(np.float32([1.5, 2.5, 4])), [2, 2, 2]],
)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_is_that_of_student(values, level):
    mean, low, high = interval(values, level)
    spread = stats.sem(values)
    wanted = (
        stats.t.interval(level, len(values) - 1, np.mean(values), spread)
        if spread > 1e-12
        else [np.mean(values)] * 2
    )
    assert (low, high) == pytest.approx(wanted, rel=1e-6) and mean == pytest.approx(np.mean(values))


def test_an_interval_by_hand():
    assert interval([1, 2, 3]) == pytest.approx((2, 2 - 2.48414, 2 + 2.48414), abs=1e-5)


def test_one_run_has_no_interval():
    with pytest.raises(
        ValueError, match="values has 1 entries; expected at least two, one a seed: a single run"
    ):
        interval([1])
