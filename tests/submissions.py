"""The exercises, and the answers of `tests/answers` as submissions that can be judged."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

from grader import judging, oracle
from grader.sandbox import Limits

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ROOT / "tests" / "answers"
NAMES = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/oracle.py"))
REGION = re.compile(r" *### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.S)
QUICK = {
    r"STEPS = \d+": "STEPS = 2",
    r"SEEDS = \(0, 1, 2\)": "SEEDS = (0,)",
    r"test = images\.test\[:\d+\].*": "test = images.test[:100]",
}
MNIST = pytest.param(
    "mnist",
    marks=pytest.mark.skipif(
        not os.environ.get("AECOURSE_DATA")
        or not Path(os.environ["AECOURSE_DATA"], "MNIST").is_dir(),
        reason="AECOURSE_DATA names no folder with MNIST",
    ),
)


# --- Notebooks -----------------------------------------------------------------------------------


def read(folder, name):
    """The notebook of the exercise `name` in "solutions" or in "exercises"."""
    return nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4)


def role(cell):
    """What a cell is to nbgrader: "answer", "check", "words" (graded by hand), "given" or None."""
    data = cell.metadata.get("nbgrader", {})
    if data.get("solution"):
        return "words" if data["grade"] else "answer"
    return "check" if data.get("grade") else "given" if data.get("locked") else None


def cells(notebook, *roles):
    return [cell for cell in notebook.cells if role(cell) in roles]


def points(cell):
    return cell.metadata.nbgrader.points


def worth(name):
    """{id of a check: its points}."""
    return {cell.id: points(cell) for cell in cells(read("exercises", name), "check")}


def checks_of(notebook):
    """{id of an answer: ids of its checks, which stand between it and the next answer}."""
    owned = {}
    for cell in cells(notebook, "answer", "check"):
        if role(cell) == "answer":
            owned[answer := cell.id] = []
        else:
            owned[answer].append(cell.id)
    return owned


# --- Answers -------------------------------------------------------------------------------------


def solved(name):
    """The answers of the solution, as a learner would hand them in: {id of a cell: source}."""
    answers = cells(read("solutions", name), "answer", "words")
    return {cell.id: REGION.sub(r"\1", cell.source) for cell in answers}


def blocks(name, kind):
    """(head, source) of every block of a file of answers."""
    text = (ANSWERS / f"{name}_{kind}.py").read_text(encoding="utf-8")
    return [block.split("\n", 1) for block in re.split(r"^# %% ", text, flags=re.M)[1:]]


def right(name):
    """{author: {id of a cell: source}}: independent solutions, each of which is right."""
    authors = {}
    for head, source in blocks(name, "right"):
        author, answer = head.split(": ")
        authors.setdefault(author, {})[answer] = source
    return authors


class Wrong(NamedTuple):
    """A wrong answer."""

    answer: str  # id of the cell that it fills
    mistake: str  # its name, unique among the wrong answers to this cell
    source: str
    messages: dict  # {check that must fail: words of its message}


def wrong(name):
    """Every wrong answer to an exercise."""
    found = []
    for head, source in blocks(name, "wrong"):
        answer, mistake = head.strip().split("/")
        messages = dict(re.findall(r"^# ([\w-]+): (.*)$", source, re.M))
        found.append(Wrong(answer, mistake, source, messages))
    return found


# --- Submissions ---------------------------------------------------------------------------------


def filled(name, answers):
    """The released exercise with these answers."""
    notebook = read("exercises", name)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def adapted(source, settings):
    """The source with other lines for some constants; each stands there once, on its own line."""
    for pattern, line in settings.items():
        source, count = re.subn(f"^{pattern}$", line, source, flags=re.M)
        assert count == 1, pattern
    return source


def without_training(notebook):
    """Its first given cell and its answers alone: nothing is trained and no check is run."""
    kept = ("given-tools", "lethal")
    notebook.cells = [c for c in notebook.cells if role(c) == "answer" or c.id in kept]
    return notebook


def oracle_of(name):
    """The source of the oracle of an exercise."""
    return oracle.load(ROOT / "solutions" / name / "oracle.py")


def judged(name, answers):
    """The outcome of these answers by the sandbox and the oracle, with two steps of training."""
    notebook = filled(name, answers)
    for cell in notebook.cells:
        if cell.id == "given-tools":
            cell.source = adapted(cell.source, QUICK)
    return judging.outcome(notebook, oracle_of(name), b"a secret", Limits(cell=60))
