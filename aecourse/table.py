"""A tidy table: one row a run, and its summary over seeds with intervals."""
import csv
import json
import math
import os
from pathlib import Path

from aecourse.intervals import interval


class Table:
    """Rows of a sweep: the settings of each run, its seed, and what was measured.

    Args:
        rows: dictionaries, one a run.
        settings: the names of the columns that say what was run; the seed is not one.
    """

    def __init__(self, rows, settings):
        self.rows, self.settings = list(rows), tuple(settings)

    @property
    def measures(self):
        """The names of the other columns that hold numbers."""
        known = dict.fromkeys(name for row in self.rows for name, value in row.items() if isinstance(value, (int, float)))
        return [name for name in known if name not in (*self.settings, "seed")]

    def summary(self, measure):
        """One row a setting: its settings, the number of runs, mean of `measure`, and the ends of its 95 % interval.

        The ends are nan where there is one run alone; a run that failed makes them, and the mean, nan.
        """
        if measure not in self.measures:
            raise ValueError(f"measure is {measure!r}; expected one of {', '.join(map(repr, self.measures))}")
        groups = {}
        for row in self.rows:
            groups.setdefault(json.dumps([row[name] for name in self.settings]), []).append(row)
        return [{name: rows[0][name] for name in self.settings} | self.line([row.get(measure, math.nan) for row in rows])
                for rows in groups.values()]

    @staticmethod
    def line(values):
        """The summary of one setting's `values`."""
        mean, low, high = interval(values) if len(values) > 1 else (float(values[0]), math.nan, math.nan)
        return {"runs": len(values), "mean": mean, "low": low, "high": high}

    def best(self, measure, highest=False):
        """The line of :meth:`summary` with the lowest mean, or the highest; settings with a run that failed stand back."""
        lines = [line for line in self.summary(measure) if math.isfinite(line["mean"])]
        if not lines:
            raise ValueError(f"{measure} is finite for no setting: look at the column 'error'")
        return (max if highest else min)(lines, key=lambda line: line["mean"])

    def to_csv(self, path):
        """Write the rows to `path`, as a spreadsheet or pandas reads them."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader(), writer.writerows(self.rows)

    def lines(self):
        """Names, and values as text: a line for each setting, with mean and half of the interval of every measure."""
        summaries = [self.summary(measure) for measure in self.measures]
        body = [[*(str(lines[0][name]) for name in self.settings), str(lines[0]["runs"]), *map(shown, lines)] for lines in zip(*summaries)]
        return [[*self.settings, "runs", *self.measures], *body]

    def __repr__(self):
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)

    def _repr_markdown_(self):
        names, *body = self.lines()
        return "\n".join(f"| {' | '.join(line)} |" for line in [names, ["---:"] * len(names), *body])


def shown(line):
    """Mean and half of the interval, with as many figures as it leaves."""
    if not math.isfinite(line["mean"]):
        return "-"
    half = line["high"] - line["mean"]
    return f"{line['mean']:.4g}" if not half > 0 else f"{line['mean']:.4g} ± {half:.2g}"


class Rows:
    """Rows in a file, one a line of JSON, each there whole or not at all; the first line says what they are of."""

    def __init__(self, path, header):
        self.path, self.header = Path(path).expanduser().absolute(), json.loads(json.dumps(header))

    def read(self):
        """The rows that stand in the file, which is begun where it is absent; a last line that was cut off is removed."""
        whole = self.path.read_bytes() if self.path.exists() else b""
        lines = whole[:whole.rfind(b"\n") + 1].splitlines()
        if not lines:
            self.write(json.dumps(self.header), "wb")
            return []
        try:
            header, *rows = map(json.loads, lines)
        except ValueError:
            raise ValueError(f"path is {str(self.path)!r}, which holds no sweep: name another file, or remove this one") from None
        if header != self.header:
            other = [name for name in self.header if not isinstance(header, dict) or header.get(name) != self.header[name]]
            raise ValueError(f"path is {str(self.path)!r}, which belongs to another sweep: {', '.join(other)} differ; "
                             "name another file, or remove this one")
        os.truncate(self.path, whole.rfind(b"\n") + 1)
        return rows

    def add(self, row):
        """Append `row`, so that it outlives the process."""
        self.write(json.dumps(row), "ab")

    def write(self, line, mode):
        with open(self.path, mode) as file:
            file.write(line.encode() + b"\n")
            file.flush(), os.fsync(file.fileno())
