"""`make page NAME=losses/edges`: start a chapter, with all sections and a note wherever text is
missing, and add it to _toc.yml.

The concept must have a row in book/concepts.yml. An unfinished page fails tests/chapters, which say
what is missing. `make book` shows it to its author; the public site never does, since the workflow
that publishes runs tests/chapters/test_contract.py first, and so does the one that tests a change
before it is merged. Write a page on a branch.
"""

import re
import sys
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import notebooks
from tools.environment import ROOT

GAP = "(missing: {})"  # tests/chapters/contract.py finds these
PARTS = ("principles", "losses", "regularizers", "variants", "applications")
IMPORTS = """import torch

from aecourse.data import load_images
from aecourse.pages import claim, explore, reveal, say, seeds, show"""
OPTION = """<details><summary><b>{letter}.</b> (missing: an option)</summary>

{right}(missing: why this is {word})

</details>"""


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Write the notebook, and its line in the contents."""
    name = arguments[0].removeprefix("NAME=") if len(arguments) == 1 else ""
    concepts = yaml.safe_load((root / "book" / "concepts.yml").read_text(encoding="utf-8"))
    chapters = {
        row["chapter"].removeprefix("chapters/").removesuffix(".ipynb"): concept
        for concept, row in concepts.items()
    }
    if name not in chapters:
        free = [known for known in chapters if not (root / "chapters" / f"{known}.ipynb").exists()]
        sys.exit(
            f"NAME is {name!r}; expected a concept of book/concepts.yml that has no chapter yet,"
            f" such as {', '.join(free[:3])}: for a new concept, add its row there first"
        )
    path = root / "chapters" / f"{name}.ipynb"
    if path.exists():
        sys.exit(f"chapters/{name}.ipynb exists: to begin it anew, delete it first")
    text = skeleton(concepts, chapters[name], root)
    contents = with_page((root / "_toc.yml").read_text(encoding="utf-8"), name, list(chapters))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    (root / "_toc.yml").write_text(contents, encoding="utf-8", newline="\n")
    print(
        f"chapters/{name}.ipynb is written, and _toc.yml lists it. What it still misses:\n"
        f'  .venv/bin/python -m pytest tests/chapters -k "{name} and not budget"'
    )


def with_page(contents: str, name: str, order: list[str]) -> str:
    """The text of _toc.yml with a line for the page `name`, in the order of the concepts."""
    lines = contents.rstrip("\n").split("\n")
    caption = name.partition("/")[0].capitalize()
    heading = f"  - caption: {caption}"
    new = f"      - file: chapters/{name}"
    if heading not in lines:
        later = [
            f"  - caption: {part.capitalize()}"
            for part in PARTS[PARTS.index(caption.lower()) + 1 :]
        ]
        ends = [lines.index(line) for line in [*later, "  - caption: Reference"] if line in lines]
        at = min(ends, default=len(lines))
        return "\n".join([*lines[:at], heading, "    chapters:", new, *lines[at:], ""])
    start = lines.index(heading) + 2
    end = next(
        (i for i, line in enumerate(lines) if i >= start and line.startswith("  - ")), len(lines)
    )
    at = start
    for i in range(start, end):
        found = re.search(r"file: chapters/([\w/]+)", lines[i])
        if found and order.index(found[1]) < order.index(name):
            at = i + 1
            while at < end and not lines[at].startswith("      - "):  # the sections of that page
                at += 1
    return "\n".join([*lines[:at], new, *lines[at:], ""])


def skeleton(concepts: dict[str, dict], concept: str, root: Path) -> str:
    """The canonical text of a chapter with all sections, in which every text is missing."""
    row = concepts[concept]
    practice = [
        f"[{name.replace('_', ' ').capitalize()}](../../exercises/{name}/{name}.ipynb):"
        f" {gap('what it asks')}"
        for name in row.get("exercises", [])
    ]
    cells = [
        text(
            f"# {row['title']}",
            f"**You will be able to** {gap('the goal, in one sentence')}",
            gap("the hook, a question that the figure below answers, and a sentence on a real use"),
        ),
        code("the hook's figure, already computed, with show, slide or explore", "remove-input"),
        text(
            "## The idea", gap("the idea with two pixels, one neuron or a one-dimensional mixture")
        ),
        code("a number that checks a step of the derivation"),
        text("## Build it", gap("what is new on this page, in 5 to 15 lines of PyTorch")),
        code("the layer, loss or sampler, written out, and a check against the package's own"),
        text(f"> **Predict.** {gap('a question with 2 to 4 options')}"),
        code("`with reveal():` and the output that answers the question", "remove-input"),
        text("## The experiment", gap("what is compared, on which data, over how many seeds")),
        code("the training, over seeds()"),
        code("a function that draws the curves, if it takes more than 4 lines", "hide-input"),
        code(
            "figures with show, tables with show_table, sentences with claim and say",
            "remove-input",
        ),
        text(gap("a reading of each figure: what to notice, why it happens, what follows")),
        text("## Your turn", f"### Task 1: {gap('a title')}", gap("a task of 3 to 10 minutes")),
        code("where the reader works"),
        code("a visible check, with expect or assert"),
        text(f"### Task 2: {gap('a title')}", gap("another task")),
        code("where the reader works again"),
        text(f"<details><summary>One solution</summary>\n\n{gap('a solution')}\n\n</details>"),
        text(
            "## Where it fails",
            gap("a failure, measured, and one bug that people write, with its symptom"),
        ),
        text("## In short", "\n".join(f"- {gap('a sentence to remember')}" for _ in range(3))),
        text("## Check your understanding", *(question(number) for number in (1, 2, 3))),
        *([text("## Exercise", *practice)] if practice else []),
        text(
            "## References",
            f"- {gap('a link to book/references.md, with the section or the equation')}",
        ),
        text("## Next", onwards(concepts, concept, root)),
    ]
    first = notebooks.set_up("", IMPORTS)
    notebook = new_notebook(cells=[cells[0], first, *cells[1:]], metadata=notebooks.METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id = cell.id if cell is first else f"cell-{number}"
    return notebooks.canonical(nbformat.from_dict(notebook), notebooks.address(root))


def gap(what: str) -> str:
    """A gap, as the contract finds it."""
    return GAP.format(what)


def text(*paragraphs: str) -> NotebookNode:
    """A Markdown cell."""
    return new_markdown_cell("\n\n".join(paragraphs))


def code(what: str, *tags: str) -> NotebookNode:
    """A code cell that does nothing, with comments that say what it should do."""
    words = gap(what).split()
    lines = ["#"]
    for word in words:
        if len(f"{lines[-1]} {word}") > 76:
            lines.append("#")
        lines[-1] += f" {word}"
    return new_code_cell("\n".join(lines), metadata={"tags": list(tags)} if tags else {})


def question(number: int) -> str:
    """A question with three options, all to be written."""
    about = ("the idea", "a figure, with a link to it", "code, in backquotes")[number - 1]
    options = [
        OPTION.format(
            letter=letter,
            right="**Right.** " * (letter == "ABC"[number - 1]),
            word="right" if letter == "ABC"[number - 1] else "wrong",
        )
        for letter in "ABC"
    ]
    return "\n\n".join([f"**{number}.** {gap(f'a question about {about}')}", *options])


def onwards(concepts: dict[str, dict], concept: str, root: Path) -> str:
    """A link to the next chapter, if that is written."""
    following = list(concepts)[list(concepts).index(concept) + 1 :]
    written = [name for name in following if (root / concepts[name]["chapter"]).exists()]
    asked = gap("the question that the next page answers")
    if not written:
        return f"{asked} {gap('a link to the next page')}"
    row = concepts[written[0]]
    return f"{asked} [{row['title']}](../{row['chapter'].removeprefix('chapters/')})"
