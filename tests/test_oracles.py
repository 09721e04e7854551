"""The page of checks: every public name in a row of its own, and what a row says stands in the tests that it names."""
import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LISTED = {"Losses": "losses", "Regularizers": "regularizers", "Models and objectives": "models", "Measures": "metrics"}
MEMBERS = re.compile(r"automodule:: aecourse\.(\w+)\n +:members: (.+)")
MODULES = ("corruption", "training", "checkpoint", "distributed", "search", "table", "vmap", "sklearn", "data", "photos", "shapes",
           "manifolds", "pendulum", "tables")
CODE, NUMBER = re.compile(r"`([^`]+)`"), re.compile(r"\d+(?:\.\d+)?e-\d+|0\.\d+")


def rows(page):
    """(section, cells) for each row of each table, the heads left out."""
    for part in page.split("\n## ")[1:]:
        section, _, text = part.partition("\n")
        for line in [line for line in text.splitlines() if line.startswith("|")][2:]:
            yield section, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


EVERY = list(rows((ROOT / "book/oracles.md").read_text(encoding="utf-8")))
CHECKS = [(section, *cells) for section, cells in EVERY if section != "A museum of bugs"]
MUSEUM = [cells for section, cells in EVERY if section == "A museum of bugs"]


def full(section, name):
    """`losses.mse` for the row `mse` of the losses; other rows name their module."""
    return f"{LISTED[section]}.{name.strip('`')}" if section in LISTED else name.strip("`")


def expected():
    """`__all__` where a module has one, and what the reference shows of the others."""
    names = [f"{module}.{name}" for module in LISTED.values() for name in importlib.import_module(f"aecourse.{module}").__all__]
    for page in (ROOT / "book/api").glob("*.md"):
        names += [f"{module}.{name}" for module, members in MEMBERS.findall(page.read_text(encoding="utf-8")) if module in MODULES
                  for name in members.split(", ")]
    return names


@functools.cache
def source(file):
    return (ROOT / "tests" / file).read_text(encoding="utf-8")


@functools.cache
def used(file):
    """Names that a test's code holds, its comments and strings left out."""
    nodes = list(ast.walk(ast.parse(source(file))))
    return {getattr(node, field) for node in nodes for field in ("id", "attr", "name") if isinstance(getattr(node, field, None), str)}


def test_every_public_name_has_one_row_and_no_other_has():
    seen = [full(section, name) for section, name, *_ in CHECKS]
    assert not {name for name in seen if seen.count(name) > 1}, "twice"
    assert not set(expected()) - set(seen), "without a row"
    assert not [name for name in seen if not hasattr(importlib.import_module(f"aecourse.{name.split('.')[0]}"), name.split(".")[1])], \
        "there is no such name"


@pytest.mark.parametrize("section, name, check, agreement, smooth, files", CHECKS, ids=[full(*row[:2]) for row in CHECKS])
def test_a_row_says_what_its_tests_say(section, name, check, agreement, smooth, files):
    files = CODE.findall(files)
    assert files and check and agreement and smooth
    names, texts = set().union(*map(used, files)), "".join(map(source, files))
    through = re.search(r"through `(\w+)`", check)
    assert (through[1] if through else full(section, name).split(".")[1]) in names, "the test doesn't use it"
    if smooth.startswith("yes"):
        assert "gradcheck" in names
    if "twice" in smooth:
        assert "gradgradcheck" in names
    assert set(NUMBER.findall(agreement)) <= set(NUMBER.findall(texts)), "a tolerance that no test demands"
    assert all(word in names for word in CODE.findall(agreement) if word in ("assert_close", "approx"))


def test_the_gradcheck_that_a_row_borrows_is_there():
    smooth = {name.strip("`"): cell for _, name, _, _, cell, _ in CHECKS}
    borrowed = {name: re.search(r"through `(\w+)`", cell)[1] for name, cell in smooth.items() if "through" in cell}
    assert borrowed and all(smooth[lender].startswith("yes") for lender in borrowed.values()), borrowed


def test_the_museum_has_every_bug_with_its_test():
    assert {int(number) for number, *_ in MUSEUM} == set(range(1, 15))
    for _, bug, function, file in MUSEUM:
        defined = {node.name for node in ast.parse(source(file.strip("`"))).body if isinstance(node, ast.FunctionDef)}
        assert bug and function.strip("`") in defined, f"{file} has no {function}"
