"""Every notebook: its canonical form, what its marked cells hold, what its text may contain."""

import re

import nbformat
import pytest

from tools import notebooks
from tools.environment import ROOT

SOURCES = notebooks.paths("chapters", "solutions")  # exercises/ is made from solutions/
ALL = SOURCES + notebooks.paths("exercises")
SUMMARY = r"<details( class=\"reveal\")?><summary>([^$<`*]|</?(b|code)>)+</summary>"
RAW = {  # what Colab and JupyterLab would show as it stands, or the book's build would not check
    "a directive": r"^[`~:]{3,}\{|\{[\w:.+-]+\}`",
    "an HTML link": r"<a\s",
    "an HTML picture": r"<img\s",
}


def each(paths):
    """One test a notebook, that bears its name."""
    return pytest.mark.parametrize(
        "path", paths, ids=[path.relative_to(ROOT).as_posix() for path in paths]
    )


def read(path):
    return nbformat.read(path, as_version=4)


def sources(path, kind):
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def test_there_are_notebooks():
    assert (
        notebooks.paths("chapters")
        and notebooks.paths("solutions")
        and notebooks.paths("exercises")
    )


@each(SOURCES)
def test_it_is_in_canonical_form(path):
    assert path.read_text(encoding="utf-8") == notebooks.canonical(
        read(path), notebooks.address()
    ), "run `make notebooks`"


@each(ALL)
def test_the_first_code_cell_is_the_set_up(path):
    first = next(cell for cell in read(path).cells if cell.cell_type == "code")
    wanted = notebooks.set_up(notebooks.address(), notebooks.imports(first.source))
    assert first == wanted, "run `make notebooks`, then `make exercises`"


@each(SOURCES)
def test_marked_cells_hold_what_is_compared(path):
    for cell in notebooks.marked(read(path)):
        assert cell.execution_count and cell.outputs, f"nothing would be compared: {cell.source}"
        said = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        ]
        assert "".join(said).strip(), f"nothing would be compared: {cell.source}"


@each(ALL)
@pytest.mark.parametrize("what", RAW)
def test_text_reads_well_outside_the_book(path, what):
    for source in sources(path, "markdown"):
        assert not re.search(RAW[what], source, re.M), source


@each(ALL)
def test_folded_parts_are_markdown(path):
    """Without the blank lines, every front end shows what is inside as it was typed."""
    for source in sources(path, "markdown"):
        lines = [""] + source.splitlines() + [""]
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
            if "<details" in line or "<summary" in line:
                assert re.fullmatch(SUMMARY, line), f"on one line, without math or Markdown: {line}"
                assert not after.strip(), f"a blank line is missing after: {line}"
            if "</details>" in line:
                assert line == "</details>" and not before.strip(), (
                    f"a blank line is missing before </details>: {before}"
                )
        assert source.count("<details") == source.count("</details>")


@each(ALL)
def test_code_fits_the_page(path):
    for source in sources(path, "code"):
        assert [line for line in source.splitlines() if len(line) > 76] == []


def test_every_figure_and_table_has_a_name_of_its_own():
    seen = {}
    for path in notebooks.paths("chapters"):
        for name in re.findall(
            r"""["']((?:fig|tab)-[\w-]+)["']""", "\n".join(sources(path, "code"))
        ):
            seen.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in seen.items() if len(paths) > 1} == {}
