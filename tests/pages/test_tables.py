"""The book's table: means and intervals of each setting, with as many decimals as the interval
allows.
"""

import re

import numpy as np
import pandas as pd
import pytest

from aecourse.intervals import interval
from aecourse.pages import show_table
from aecourse.pages.tables import cell, fitting
from aecourse.pages.tables import shown as setting


def runs(spread=1.0, count=3):
    """Two losses by two weights, `count` seeds each."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "loss": loss,
                "weight": weight,
                "seed": seed,
                "mse": 0.0112 + 0.0004 * spread * random.normal(),
                "psnr": 20 + spread * random.normal(),
            }
            for loss in ("MSE", "BCE")
            for weight in (0.0001, 0.5)
            for seed in range(count)
        ]
    )


def grid(data):
    """The cells of the Markdown table."""
    lines = [line for line in data["text/markdown"].splitlines() if line.startswith("|")]
    return [[text.strip() for text in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_a_table_has_a_row_a_setting_with_mean_and_interval(shown):
    given = runs()
    show_table(
        given,
        by=["loss", "weight"],
        metrics=["mse", "psnr"],
        name="tab-a",
        caption="Test error.",
        units={"psnr": "dB"},
        labels={"mse": "MSE"},
        decimals={"mse": 5, "psnr": 2},
    )
    heads, sides, *rows = grid(shown[0])
    assert heads == ["loss", "weight", "MSE", "psnr (dB)"] and sides == [
        ":---",
        ":---",
        "---:",
        "---:",
    ]
    assert [row[:2] for row in rows] == [
        ["MSE", "0.0001"],
        ["MSE", "0.5"],
        ["BCE", "0.0001"],
        ["BCE", "0.5"],
    ]
    for row, (_, group) in zip(rows, given.groupby(["loss", "weight"], sort=False), strict=False):
        for text, metric, decimals in zip(row[2:], ("mse", "psnr"), (5, 2), strict=False):
            mean, _, high = interval(group[metric])
            assert text == f"{mean:.{decimals}f} ± {high - mean:.{decimals}f}"


def test_the_three_forms_say_the_same(shown):
    show_table(
        runs(),
        by="loss weight".split(),
        metrics="psnr",
        name="tab-a",
        caption="A < B.",
        labels={"weight": r"$\lambda$"},
    )
    data = shown[0]
    flat = [text for row in grid(data)[:1] + grid(data)[2:] for text in row]
    assert re.findall(r"<t[hd] [^>]*>(.*?)</t[hd]>", data["text/html"]) == flat
    assert all(text in data["text/plain"] for text in flat)
    caption = "A < B. Mean ± half of the 95 % interval over 3 seeds."
    assert data["text/plain"].startswith(f"Table 1. {caption}\n")
    assert data["text/markdown"].startswith(f":::{{table}} {caption}\n:name: tab-a\n\n| ") and data[
        "text/markdown"
    ].endswith("|\n:::")
    assert (
        '<figure id="tab-a"' in data["text/html"]
        and "<b>Table 1.</b> A &lt; B. Mean" in data["text/html"]
    )


@pytest.mark.parametrize(
    "halves, decimals",
    [
        ([0.0004], 4),
        ([0.00023], 5),
        ([0.00035], 5),
        ([0.00036], 4),
        ([0.4, 0.0231], 3),
        ([3.2], 1),
        ([4.2], 0),
        ([321], 0),
        ([1.0], 1),
        ([0, 0.05], 2),
    ],
)
def test_the_smallest_interval_decides_on_the_decimals(halves, decimals):
    assert fitting([(1.0, half) for half in halves]) == decimals


@pytest.mark.parametrize(
    "mean, half, decimals, text",
    [
        (0.01123, 0.00042, 4, "0.0112 ± 0.0004"),
        (-1.5, 0.25, 2, "−1.50 ± 0.25"),
        (12345.6, 30, 0, "12,346 ± 30"),
        (0.5, float("nan"), 2, "0.50"),
        (0.5, 0.0, 2, "0.50 ± 0"),
        (float("nan"), float("nan"), 2, "failed"),
        (float("inf"), float("nan"), 2, "failed"),
    ],
)
def test_a_cell(mean, half, decimals, text):
    assert cell(mean, half, decimals) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (1e-4, "0.0001"),
        (0.1, "0.1"),
        (1.0, "1"),
        (100.0, "100"),
        (1e-8, "1e-08"),
        (3, "3"),
        ("MSE", "MSE"),
        (np.float64(0.001), "0.001"),
    ],
)
def test_a_setting(value, text):
    assert setting(value) == text


def test_tiny_values_share_a_power_of_ten(shown):
    given = runs().assign(mse=lambda rows: rows["mse"] * 1e-7)
    show_table(
        given,
        by=["loss", "weight"],
        metrics="mse",
        name="tab-a",
        caption="Tiny.",
        units={"mse": "nats"},
    )
    heads, _, first, *_ = grid(shown[0])
    mean, _, high = interval(given["mse"][:3])
    assert heads[-1] == "mse (10⁻⁹ nats)"
    assert float(first[-1].split()[0]) == pytest.approx(mean * 1e9, abs=0.01)
    assert float(first[-1].split()[2]) == pytest.approx((high - mean) * 1e9, abs=0.01)


@pytest.mark.parametrize("count, said", [(1, "One seed each."), (5, "over 5 seeds.")])
def test_the_caption_counts_the_seeds(shown, count, said):
    show_table(
        runs(count=count), by=["loss", "weight"], metrics="mse", name="tab-a", caption="Error."
    )
    assert shown[0]["text/plain"].splitlines()[0].endswith(said)
    assert ("±" in grid(shown[0])[2][-1]) == (count > 1)


def test_the_caption_tells_of_uneven_numbers_of_seeds(shown):
    show_table(
        runs(count=5).iloc[:-2],
        by=["loss", "weight"],
        metrics="mse",
        name="tab-a",
        caption="Error.",
    )
    assert "over 3 to 5 seeds." in shown[0]["text/plain"]


def test_tables_and_figures_are_numbered_apart(shown):
    from aecourse.pages import show, subplots

    show(subplots()[0], name="fig-a", caption="A", alt="nothing")
    for name in ("tab-a", "tab-b", "tab-a"):
        show_table(runs(), by=["loss", "weight"], metrics="mse", name=name, caption="B")
    assert [data["text/plain"].split(".")[0] for data in shown] == [
        "Figure 1",
        "Table 1",
        "Table 2",
        "Table 1",
    ]


def test_a_bar_in_a_name_does_not_split_a_cell(shown):
    show_table(
        runs()[:6].assign(loss="a|b"),
        by=["loss", "weight"],
        metrics="mse",
        name="tab-a",
        caption="B",
    )
    assert grid(shown[0])[2][0] == r"a\|b" and len({len(row) for row in grid(shown[0])}) == 1


@pytest.mark.parametrize(
    "given, by, error, words",
    [
        ([{"seed": 0}], "loss", TypeError, "runs is a list; expected a pandas.DataFrame"),
        (runs().drop(columns="seed"), "loss", ValueError, "expected rows, and seed: one row a run"),
        (runs(), ["loss", "lr"], ValueError, "and lr: one row a run"),
        (runs().iloc[:0], "loss", ValueError, "runs has 0 rows"),
        (
            runs(),
            "loss",
            ValueError,
            r"runs has seed 0 twice for \['loss'\]; expected each seed once a setting: name in by",
        ),
    ],
)
def test_a_table_refuses_what_would_mislead(shown, given, by, error, words):
    with pytest.raises(error, match=words):
        show_table(given, by=by, metrics="mse", name="tab-a", caption="B")
