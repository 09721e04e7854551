"""The table of oracles: every public name has a row, and its tests do what the row says."""

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest
from oracle_tables import rows, section_of

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = (
    "losses",
    "regularizers",
    "models",
    "objectives",
    "baselines",
    "metrics",
    "data",
    "search",
    "training",
)
MEMBERS = re.compile(r"automodule:: aecourse\.([\w.]+)\n +:members: (.+)")
APART = ("pages", "exercises")  # shown and checked by other tests
CODE, NUMBER = re.compile(r"`([^`]+)`"), re.compile(r"\d+(?:\.\d+)?e-\d+|0\.\d+")
EVERY = rows(ROOT)
MUSEUM = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (ROOT / "book/oracles.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


def public():
    """{function or class: its public names}."""
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(f"aecourse.{package}")
        for name in module.__all__:
            if hasattr(getattr(module, name), "__qualname__"):  # constants need no oracle
                found.setdefault(key(getattr(module, name)), []).append(f"{package}.{name}")
    for page in (ROOT / "book/api").glob("*.md"):
        for place, members in MEMBERS.findall(page.read_text(encoding="utf-8")):
            if place.split(".")[0] not in APART:
                module = importlib.import_module(f"aecourse.{place}")
                for name in members.split(", "):
                    thing = getattr(module, name)
                    found.setdefault(key(thing), []).append(f"{place}.{name}")
    return found


def key(thing):
    """A key that is the same for one object under all of its names."""
    return (getattr(thing, "__module__", ""), getattr(thing, "__qualname__", repr(thing)))


def resolved(name):
    """The object that a row names."""
    place, _, last = name.rpartition(".")
    return getattr(importlib.import_module(f"aecourse.{place}"), last)


@functools.cache
def source(file):
    return (ROOT / "tests" / file).read_text(encoding="utf-8")


@functools.cache
def used(file):
    """The names in the code of a test, without comments and strings."""
    nodes = list(ast.walk(ast.parse(source(file))))
    names = {getattr(node, field, None) for node in nodes for field in ("id", "attr", "name")}
    return {name for name in names if isinstance(name, str)}


def test_every_public_name_has_a_row():
    have = {key(resolved(row.name)) for row in EVERY}
    missing = [names[0] for thing, names in public().items() if thing not in have]
    assert not missing, (
        f"without a row in ORACLES of a test: {', '.join(sorted(missing))}; add one to the test "
        'that checks it: "package.name": (independent check, agreement, smooth)'
    )


def test_no_name_has_two_rows():
    names = [row.name for row in EVERY]
    assert not {name for name in names if names.count(name) > 1}


def test_every_row_belongs_to_a_section():
    assert all(section_of(row.name) for row in EVERY)


@pytest.mark.parametrize("row", EVERY, ids=[row.name for row in EVERY])
def test_a_row_says_what_its_tests_say(row):
    names = set().union(*map(used, row.files))
    texts = "".join(
        re.sub(r"\nORACLES = \{.*?\n\}\n", "\n", source(f), flags=re.S) for f in row.files
    )
    assert row.check and row.agreement and row.smooth
    through = re.search(r"through `(\w+)`", row.check)
    wanted = through[1] if through else row.name.rpartition(".")[2]
    assert wanted in names, f"{', '.join(row.files)} never use {wanted}"
    if row.smooth.startswith("yes"):
        assert "gradcheck" in names, "smooth, but no gradcheck"
    if "twice" in row.smooth:
        assert "gradgradcheck" in names, "smooth twice, but no gradgradcheck"
    said, demanded = set(NUMBER.findall(row.agreement)), set(NUMBER.findall(texts))
    assert said <= demanded, f"no test demands {', '.join(sorted(said - demanded))}"
    words = [word for word in CODE.findall(row.agreement) if word in ("assert_close", "approx")]
    assert all(word in names for word in words)


def test_the_gradcheck_that_a_row_borrows_is_there():
    smooth = {row.name.rpartition(".")[2]: row.smooth for row in EVERY}
    borrowed = {
        name: re.search(r"through `(\w+)`", cell)[1]
        for name, cell in smooth.items()
        if "through" in cell
    }
    assert borrowed
    wrong = {
        name: lender for name, lender in borrowed.items() if not smooth[lender].startswith("yes")
    }
    assert not wrong


def test_the_museum_has_every_bug_with_its_test():
    assert {int(number) for number, *_ in MUSEUM} == set(range(1, 15))
    for _, bug, function, file in MUSEUM:
        tree = ast.parse(source(file.strip("`")))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert bug and function.strip("`") in defined, f"{file} has no {function}"
