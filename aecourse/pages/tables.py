"""Tables of results over seeds: each cell is a mean with half of its 95 % interval."""

import html
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from aecourse.intervals import interval
from aecourse.pages.display import Piece, emit, inline, numbered

FINEST = 6  # more decimals than that become a power of ten in the head of the column
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def show_table(
    runs: pd.DataFrame,
    *,
    by: str | Sequence[str],
    metrics: str | Sequence[str],
    name: str,
    caption: str,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    decimals: Mapping[str, int] | None = None,
) -> None:
    """Display mean ± half of the 95 % interval of each metric over the seeds of each setting.

    Args:
        runs: one row a run: the columns of `by`, ``seed``, and the metrics.
        by: the column, or the columns, of the settings; a row of the table for each combination, in
            the order in which they first appear.
        metrics: the columns that are averaged.
        name: ``tab-...``, unique in the book: ``[Table 1](#tab-...)`` leads to it.
        caption: plain words; how many seeds there are is added.
        labels: {column: heading}; a column without one is headed by its name.
        units: {metric: unit}, such as ``{"psnr": "dB"}``.
        decimals: {metric: number of decimals}; where none is given, the smallest interval of the
            column keeps one digit, or two if they are at most 35 (the rule of the Particle Data
            Group).

    Raises:
        ValueError: If a column is missing, or a setting holds one seed twice.

    Example:
        show_table(runs, by="loss", metrics=["mse", "psnr"], units={"psnr": "dB"},
                   name="tab-errors", caption="Test error of each network.")
    """
    by, metrics = listed(by), listed(metrics)
    check_runs(runs, by, metrics)
    labels = labels or {}
    units = units or {}
    decimals = decimals or {}
    groups = [group for _, group in runs.groupby(by, sort=False, dropna=False)]
    heads = [labels.get(column, column) for column in by]
    columns = [[shown(group[column].iloc[0]) for group in groups] for column in by]
    for metric in metrics:
        spans = [span(group[metric]) for group in groups]
        factor, cells = column_cells(spans, decimals.get(metric))
        unit = " ".join(filter(None, [factor, units.get(metric, "")]))
        heads.append(labels.get(metric, metric) + (f" ({unit})" if unit else ""))
        columns.append(cells)
    number = numbered("Table", name, "tab-")
    caption = f"{caption} {note({len(group) for group in groups})}"
    emit(table(number, name, caption, heads, list(zip(*columns, strict=True)), len(by)))


def listed(names: str | Sequence[str]) -> list[str]:
    """The names as a list."""
    return [names] if isinstance(names, str) else list(names)


def check_runs(runs: pd.DataFrame, by: list[str], metrics: list[str]) -> None:
    """The columns exist, and a setting holds no seed twice."""
    if not isinstance(runs, pd.DataFrame):
        raise TypeError(
            f"runs is a {type(runs).__name__}; expected a pandas.DataFrame with one row a run: "
            "convert a list of dictionaries with pandas.DataFrame(...)"
        )
    missing = [column for column in [*by, "seed", *metrics] if column not in runs.columns]
    if missing or not len(runs):
        raise ValueError(
            f"runs has {len(runs)} rows and the columns {list(runs.columns)}; expected rows, and "
            f"{', '.join(missing) or 'at least one of them'}: one row a run"
        )
    twice = runs[runs.duplicated([*by, "seed"])]
    if len(twice):
        raise ValueError(
            f"runs has seed {twice['seed'].iloc[0]} twice for {by}; expected each seed once a "
            "setting: name in by every column that tells the runs apart"
        )


def span(values: pd.Series) -> tuple[float, float]:
    """(mean, half of the interval); the half is nan for a single run."""
    values = [float(value) for value in values]
    if len(values) == 1:
        return values[0], math.nan
    mean, _, high = interval(values)
    return mean, high - mean


def column_cells(spans: list[tuple[float, float]], decimals: int | None) -> tuple[str, list[str]]:
    """The power of ten by which a column is divided, as text, and its cells."""
    digits = fitting(spans) if decimals is None else decimals
    power = 3 * math.ceil((digits - FINEST) / 3) + 3 if digits > FINEST and decimals is None else 0
    scaled = [(mean * 10**power, half * 10**power) for mean, half in spans]
    factor = f"10{str(-power).translate(SUPERSCRIPT)}" if power else ""
    return factor, [cell(mean, half, digits - power) for mean, half in scaled]


def fitting(spans: list[tuple[float, float]]) -> int:
    """The number of decimals that the smallest interval of a column deserves."""
    halves = [half for mean, half in spans if math.isfinite(half) and half > 1e-9 * abs(mean)]
    if halves:
        smallest, wanted = min(halves), None
    else:  # nothing varies: four digits of the largest mean
        smallest, wanted = (
            max((abs(mean) for mean, _ in spans if math.isfinite(mean)), default=0),
            4,
        )
    if smallest == 0:
        return 0
    exponent = math.floor(math.log10(smallest))
    if wanted is None:
        wanted = 2 if smallest / 10**exponent <= 3.5 else 1
    return max(0, wanted - 1 - exponent)


def cell(mean: float, half: float, decimals: int) -> str:
    """Mean ± half with so many decimals; no ± for a single run; "failed" if it is not finite."""
    if not math.isfinite(mean):
        return "failed"
    text = f"{mean:,.{decimals}f}".replace("-", "−")
    if math.isnan(half):
        return text
    return f"{text} ± {half:,.{decimals}f}" if half > 1e-9 * abs(mean) else f"{text} ± 0"


def shown(value) -> str:
    """A setting as text: 0.0001 and not 1e-04."""
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".") if 1e-6 < abs(value) < 1e6 else f"{value:g}"
    return str(value)


def note(counts: set[int]) -> str:
    """What the cells are, and over how many seeds."""
    if counts == {1}:
        return "One seed each."
    few, many = min(counts), max(counts)
    over = f"{few}" if few == many else f"{few} to {many}"
    return f"Mean ± half of the 95 % interval over {over} seeds."


def table(number: int, name: str, caption: str, heads, rows, settings: int) -> Piece:
    """The table as HTML, Markdown and text; the first `settings` columns are left-aligned."""
    sides = ["left"] * settings + ["right"] * (len(heads) - settings)
    lines = [heads, [":---" if side == "left" else "---:" for side in sides], *rows]
    grid = "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    plain = "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [heads, *rows]
    )
    head = "".join(
        f'<th scope="col" style="text-align:{side}">{inline(text)}</th>'
        for text, side in zip(heads, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{side}">{inline(text)}</td>'
            for text, side in zip(row, sides, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    above = f"<figcaption><b>Table {number}.</b> {html.escape(caption)}</figcaption>"
    grid_html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return Piece(
        plain=f"Table {number}. {caption}\n{plain}",
        html=f'<figure id="{name}" style="margin:1em 0">{above}{grid_html}</figure>',
        markdown=f":::{{table}} {caption}\n:name: {name}\n\n{grid}\n:::",
    )


def escaped(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return text.replace("|", r"\|")
