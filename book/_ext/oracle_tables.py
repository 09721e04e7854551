"""`{oracles}`: what each public name is checked against, read from `ORACLES` of the tests.

A name's row is in the test that makes it true, so that a new function needs no other page:
name -> (independent check, agreement, smooth, other files that test it).
"""

import ast
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

SECTIONS = {
    "Losses": ("losses",),
    "Regularizers": ("regularizers",),
    "Corruption": ("corruption", "patches"),
    "Models": ("models",),
    "Objectives": ("objectives",),
    "Baselines": ("baselines", "linalg"),
    "Metrics": ("metrics",),
    "Training and search": ("training", "search", "device", "intervals", "sklearn"),
    "Data sets": ("data",),
}
HEAD = "| Name | Independent check | Agreement | Smooth | Test |\n| --- | --- | --- | --- | --- |"


class Row(NamedTuple):
    """What the tests say of one public name."""

    name: str  # of aecourse, such as "losses.mse"
    check: str
    agreement: str
    smooth: str
    files: tuple  # paths below tests/


def rows(root):
    """Every row in the tests below `root`, in the order of their names."""
    found = []
    for path in sorted(Path(root, "tests").rglob("test_*.py")):
        file = path.relative_to(Path(root, "tests")).as_posix()
        for name, (check, agreement, smooth, *others) in oracles_of(path).items():
            found.append(Row(name, check, agreement, smooth, (file, *others)))
    return sorted(found, key=lambda row: row.name.lower())


def oracles_of(path):
    """The constant `ORACLES` of a test, without running it."""
    text = path.read_text(encoding="utf-8")
    if "\nORACLES = " in text:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ORACLES":
                return ast.literal_eval(node.value)
    return {}


def section_of(name):
    """The heading under which a name stands."""
    wing = name.partition(".")[0]
    return next(section for section, wings in SECTIONS.items() if wing in wings)


class Oracles(SphinxDirective):
    """A section a wing of the package, each with its table."""

    def run(self):
        every, parts = rows(self.env.srcdir), []
        for file in {file for row in every for file in row.files}:
            self.env.note_dependency(str(Path(self.env.srcdir, "tests", file)))
        for section in SECTIONS:
            own = [row for row in every if section_of(row.name) == section]
            parts.append("\n".join([f"## {section}", "", HEAD, *map(line, own), ""]))
        box = nodes.Element()
        self.state.nested_parse(
            StringList("\n".join(parts).splitlines(), "tests"), 0, box, match_titles=1
        )
        return box.children


def line(row):
    """A row of the table."""
    short = (
        row.name
        if row.name.split(".")[0] in ("training", "search", "data")
        else row.name.rpartition(".")[2]
    )
    tests = ", ".join(f"`{file}`" for file in row.files)
    return f"| `{short}` | {row.check} | {row.agreement} | {row.smooth} | {tests} |"


def setup(app):
    app.add_directive("oracles", Oracles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
