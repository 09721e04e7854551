"""The table of a sweep: intervals against SciPy, summaries by hand, and a file that outlives a crash."""
import csv
import math

import numpy as np
import pytest
from scipy import stats

from aecourse.intervals import interval
from aecourse.table import Rows, Table

ROWS = [{"k": k, "act": act, "seed": seed, "mse": k + offset, "note": "text"}
        for k in (2, 4) for act in ("relu", "tanh") for seed, offset in ((0, -1.0), (1, 0.0), (2, 1.0))]


def table(rows=ROWS):
    return Table(rows, ["k", "act"])


@pytest.mark.parametrize("n, level", [(2, 0.95), (3, 0.9), (20, 0.99)])
def test_the_interval_is_scipys(n, level):
    values = np.random.default_rng(n).normal(3, 2, n)
    wanted = stats.t.interval(level, n - 1, values.mean(), stats.sem(values))
    assert interval(values, level) == pytest.approx((values.mean(), *wanted), rel=1e-12)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="values holds 1; expected two at least"):
        interval([1.0])


def test_the_summary_by_hand():
    """Values k - 1, k, k + 1: the standard error is 1 / sqrt(3), and Student's t of two degrees of freedom 4.302653."""
    lines = table().summary("mse")
    assert [(line["k"], line["act"], line["runs"], line["mean"]) for line in lines] == [(2, "relu", 3, 2), (2, "tanh", 3, 2),
                                                                                     (4, "relu", 3, 4), (4, "tanh", 3, 4)]
    assert lines[0]["low"] == pytest.approx(2 - 4.302653 / 3**0.5, rel=1e-6) and lines[0]["high"] == pytest.approx(2 + 4.302653 / 3**0.5, rel=1e-6)
    assert table().measures == ["mse"]
    alone = Table(ROWS[:1], ["k", "act"]).summary("mse")[0]
    assert alone["mean"] == 1 and math.isnan(alone["low"])
    with pytest.raises(ValueError, match="measure is 'psnr'; expected one of 'mse'"):
        table().summary("psnr")


def test_the_best_setting_and_a_failed_run():
    assert table().best("mse")["k"] == 2 and table().best("mse", highest=True)["k"] == 4
    failed = [row for row in ROWS if row["k"] == 4] + [{"k": 2, "act": "relu", "seed": 0, "mse": 0.0}, {"k": 2, "act": "relu", "seed": 1, "error": "x"}]
    assert math.isnan(table(failed).summary("mse")[-1]["mean"]) and table(failed).best("mse")["k"] == 4
    with pytest.raises(ValueError, match="mse is finite for no setting"):
        table([{"k": 2, "act": "relu", "seed": 0, "mse": math.nan}]).best("mse")


def test_the_file_for_a_spreadsheet(tmp_path):
    table([*ROWS, {"k": 9, "act": "relu", "seed": 0, "error": "not finite"}]).to_csv(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 13 and rows[0] == {"k": "2", "act": "relu", "seed": "0", "mse": "1.0", "note": "text", "error": ""}
    assert rows[-1]["error"] == "not finite"


def test_as_text():
    lines = repr(table()).splitlines()
    assert lines[0].split() == ["k", "act", "runs", "mse"] and lines[1].split() == ["2", "relu", "3", "2", "±", "2.5"]
    assert len(set(map(len, lines))) == 1, "columns stand under each other"
    assert table()._repr_markdown_().splitlines()[2] == "| 2 | relu | 3 | 2 ± 2.5 |"
    assert "1 |" in Table(ROWS[:1], ["k", "act"])._repr_markdown_() and "±" not in repr(Table(ROWS[:1], ["k", "act"]))


def test_rows_come_back_and_one_that_was_cut_off_does_not(tmp_path):
    rows = Rows(tmp_path / "rows", {"settings": ["k"], "steps": 3})
    assert rows.read() == []
    for row in ROWS[:3]:
        rows.add(row)
    with open(tmp_path / "rows", "ab") as file:
        file.write(b'{"k": 7, "se')
    again = Rows(tmp_path / "rows", {"settings": ("k",), "steps": 3})
    assert again.read() == ROWS[:3]
    again.add(ROWS[3])
    assert again.read() == ROWS[:4], "the next row begins a line of its own"


@pytest.mark.parametrize("content", [b"[1, 2]\n", b'{"settings": ["q"], "steps": 3}\n', b"words\n"])
def test_the_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(ValueError, match="path is .*remove this one"):
        Rows(tmp_path / "rows", {"settings": ["k"], "steps": 3}).read()
    assert (tmp_path / "rows").read_bytes() == content


def test_a_file_that_was_cut_off_in_its_first_line_is_begun_again(tmp_path):
    (tmp_path / "rows").write_bytes(b'{"sett')
    assert Rows(tmp_path / "rows", {"settings": ["k"]}).read() == []
    assert Rows(tmp_path / "rows", {"settings": ["k"]}).read() == []
