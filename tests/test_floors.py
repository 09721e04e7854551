"""The comparison of models with linear methods: it runs, continues, and writes what it found."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(folder, *options):
    command = [
        sys.executable,
        "benchmarks/floors.py",
        "--data",
        "digits",
        "--workers",
        "1",
        "--shorten",
        "1000",
        "--seeds",
        "2",
    ]
    return subprocess.run(
        [*command, "--out", str(folder / "rows"), "--page", str(folder / "page.md"), *options],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_it_writes_a_table_and_does_nothing_twice(tmp_path):
    run(tmp_path, "--only", "likelihood")
    rows = (tmp_path / "rows" / "likelihood.jsonl").read_text()
    assert len(rows.splitlines()) == 1 + 4 * 2
    page = (tmp_path / "page.md").read_text()
    assert len(re.findall(r"^\| VAE, k = \d+ \| .* \| no \| \d+ \|$", page, re.M)) == 4, (
        "two steps beat no linear method"
    )
    run(tmp_path, "--only", "likelihood")
    assert (tmp_path / "rows" / "likelihood.jsonl").read_text() == rows
    value = [json.loads(line)["value"] for line in rows.splitlines()[1:3]]
    assert f"| {sum(value) / 2:.4g} ±" in page


@pytest.mark.slow
def test_every_comparison_runs(tmp_path):
    run(tmp_path)
    assert (
        len(re.findall(r"^\| .* % \| .* \| \d+ \|$", (tmp_path / "page.md").read_text(), re.M))
        == 20 + 4 + 2 + 3 + 3 + 1 + 10
    )


def test_the_page_says_of_every_model_whether_it_beats_its_floor():
    """43 comparisons over five seeds, on MNIST; *yes* if the interval of the gain is above zero."""
    page = (ROOT / "book" / "floors.md").read_text()
    rows = re.findall(r"\| ([+-][\d.]+) % \| (yes|no|not settled) \| \d+ \|$", page, re.M)
    assert len(rows) == 43 and "over 5 seeds" in page and "Data: mnist" in page
    assert all(float(gain) > 0 for gain, verdict in rows if verdict == "yes")
    assert all(float(gain) < 0 for gain, verdict in rows if verdict == "no")
