"""`make claims`: every chapter on digits and on MNIST, with its claims over five seeds.

The results are written to book/claims.md.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import torch

from tools.book import pages
from tools.environment import PYTHON, ROOT, variables
from tools.execute import CORES, execute_all

DATASETS = ("digits", "mnist")
SEEDS = 5
INTRODUCTION = """\
# Claims, as last checked

Every sentence of a page that says *A is better than B* is a claim: a cell asserts that the 95 %
confidence interval of the difference, over seeds, lies above zero. This table repeats each claim
over {seeds} seeds, on the digits that come with the course and on MNIST. A number is the mean
difference, followed by its interval.

Written by `make claims` on {date}: Python {python}, torch {torch}, {machine}.
"""


def main(arguments):
    for dataset in DATASETS:
        load = "from aecourse.data import load_images; load_images(device='cpu', quiet=True)"
        if subprocess.call([PYTHON, "-c", load], env=variables(AECOURSE_DATASET=dataset)):
            sys.exit(f"The data set {dataset} can't be read, see above")
    with tempfile.TemporaryDirectory() as folder:
        seen = {dataset: run(dataset, Path(folder, dataset)) for dataset in DATASETS}
    text = "\n".join(
        [
            INTRODUCTION.format(
                seeds=SEEDS,
                date=datetime.date.today(),
                python=platform.python_version(),
                torch=torch.__version__.partition("+")[0],
                machine=machine(),
            ),
            *table(seen),
            "",
        ]
    )
    (ROOT / "book" / "claims.md").write_text(text, encoding="utf-8", newline="\n")
    print("book/claims.md is written")


def run(dataset, folder):
    """Execute the chapters on a data set: {path: (seconds, claims)}. Exit if a page fails."""
    folder.mkdir()
    own = variables(AECOURSE_DATASET=dataset, AECOURSE_SEEDS=str(SEEDS))
    claims = {path: folder / f"{number}.jsonl" for number, path in enumerate(pages())}
    jobs = {
        path: {**own, "AECOURSE_CLAIMS": str(file), "AECOURSE_PAGE": name(path)}
        for path, file in claims.items()
    }
    seen, failed = {}, []
    for path, _, seconds, error in execute_all(jobs, timeout=1800):
        print(f"{seconds:6.1f} s  {dataset:7} {name(path)}{' FAILED' * bool(error)}", flush=True)
        lines = (
            claims[path].read_text(encoding="utf-8").splitlines() if claims[path].exists() else []
        )
        seen[path] = seconds, {claim["claim"]: claim for claim in map(json.loads, lines)}
        failed += [f"\n{name(path)} on {dataset}\n{error}"] if error else []
    if failed:
        sys.exit("\n".join([*failed, "\nbook/claims.md is unchanged: the pages above failed"]))
    return seen


def name(path):
    return path.relative_to(ROOT).with_suffix("").as_posix()


def machine():
    """The kind of machine, never its name."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.system()} {platform.machine()}, {CORES} cores, {device}"


def table(seen):
    """The lines of the tables: one row for each claim, then one row for each page."""

    def link(path):
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].lstrip("# ")
        return f"[{title}]({os.path.relpath(path, ROOT / 'book')})".replace(os.sep, "/")

    def row(*cells):
        return "| " + " | ".join(cells) + " |"

    def number(claim):
        return (
            f"{claim['mean']:.3g} [{claim['low']:.3g}, {claim['high']:.3g}]"
            if claim
            else "not made"
        )

    first = seen[DATASETS[0]]
    yield row("Page", "Claim", *DATASETS)
    yield row(*["---"] * (2 + len(DATASETS)))
    for path in first:
        for claim in dict.fromkeys(
            claim for dataset in DATASETS for claim in seen[dataset][path][1]
        ):
            yield row(
                link(path),
                claim.replace("|", r"\|"),
                *(number(seen[dataset][path][1].get(claim)) for dataset in DATASETS),
            )
    yield "\nSeconds that each page took, with these seeds and while others were running:\n"
    yield row("Page", *DATASETS)
    yield row(*["---"] * (1 + len(DATASETS)))
    for path in first:
        yield row(link(path), *(f"{seen[dataset][path][0]:.0f}" for dataset in DATASETS))
