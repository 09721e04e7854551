"""Every chapter keeps the contract of a page; `pytest tests/chapters -k autoencoder` judges one
chapter.

The budget of a page is judged here and nowhere else. What counts is the time that the page's kernel
computes, with one thread: on a machine that others use as well, the clock would judge them. `make
book` notes it; a page that has changed since is executed. If it is above the budget, it is executed
once more, and the smaller figure counts.
"""

import nbformat
import pytest
import yaml

from tests.chapters.contract import RULES, Page, complaints
from tools import notebooks
from tools.book import computed_seconds, names
from tools.environment import ROOT, variables
from tools.execute import execute

CHAPTERS = {
    path.relative_to(ROOT / "chapters").with_suffix("").as_posix(): path
    for path in notebooks.paths("chapters")
}
BUDGET = 30  # seconds
LONG = {"losses/choosing_a_loss": 90}  # the pages that may take longer: name -> seconds, at most 90


def page(name):
    """The chapter, with what the contents and the map say of it."""
    path = f"chapters/{name}"
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    concepts = yaml.safe_load((ROOT / "book" / "concepts.yml").read_text(encoding="utf-8"))
    rows = [row for row in concepts.values() if row["chapter"] == f"{path}.ipynb"]
    listed = ["_toc.yml"] * (path in names(toc)) + ["book/concepts.yml"] * bool(rows)
    exercises = tuple(exercise for row in rows for exercise in row.get("exercises", []))
    return Page(name, nbformat.read(CHAPTERS[name], as_version=4), exercises, tuple(listed))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_keeps_the_contract(name, rule):
    missing = complaints(page(name), rule)
    assert not missing, "\n- ".join([f"chapters/{name}.ipynb:", *missing])


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_takes_at_most_its_budget(name):
    budget = LONG.get(name, BUDGET)
    seconds = computed_seconds(CHAPTERS[name]) or measured(name)
    if seconds > budget:
        seconds = min(seconds, measured(name))
    assert seconds <= budget, (
        f"chapters/{name}.ipynb computes for {seconds:.0f} s; expected at most {budget} s: train"
        " for fewer steps or fewer seeds, read a committed table, or name the page in LONG"
    )


def measured(name):
    """The seconds that the page's kernel computes now."""
    own = variables(AECOURSE_DATASET="digits", OMP_NUM_THREADS="1")
    notebook, _, error = execute(CHAPTERS[name], own, timeout=600)
    assert not error, error
    return notebook.metadata["cpu_seconds"]


def test_no_exception_to_the_budget_is_idle_or_too_generous():
    assert set(LONG) <= set(CHAPTERS) and all(BUDGET < seconds <= 90 for seconds in LONG.values())
