"""The contract of a page: each rule takes a `Page` and returns what it misses, in sentences for the
page's author.

`test_contract.py` applies every rule to every chapter; `test_rules.py` sees each rule fail on a
small page that breaks it.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

ENDING = [
    "Your turn",
    "Where it fails",
    "In short",
    "Check your understanding",
    "Exercise",
    "References",
    "Next",
]
MOVED = {"slide", "explore", "live_map"}
FIGURES = {"show"} | MOVED
PRESENTATION = FIGURES | {"say", "claim", "show_table", "reveal", "display_figure"}
PRESENTED = {
    "remove-input",
    "remove-cell",
}  # the site shows what such cells display, never their code
FOLDED = PRESENTED | {"hide-input", "hide-cell"}
PLOTTING = r"\b(ax|axs|axes|axis|fig|figure|plt)(\[[^\]]*\])*\s*\.|\bsubplots\("
LINES = 24
COLUMNS = 76
STRING = 40
PLOT_LINES = 4
RULES: dict[str, Callable] = {}


def rule(check):
    """A rule of the contract, by its name."""
    RULES[check.__name__] = check
    return check


@dataclass
class Page:
    """A chapter: its name, as in losses/edges, its notebook, and the exercises that its concept
    lists.
    """

    name: str
    notebook: dict
    exercises: tuple[str, ...] = ()
    listed: tuple[str, ...] = ("_toc.yml", "book/concepts.yml")  # where its path is found

    @property
    def cells(self):
        return self.notebook.cells

    @cached_property
    def code(self):
        """The code cells after the set-up."""
        return [cell for cell in self.cells if cell.cell_type == "code" and cell.id != "set-up"]

    @property
    def visible(self):
        return [cell for cell in self.code if not tags(cell) & FOLDED]

    @cached_property
    def sections(self):
        """(heading, cells) of each section of the second level; the first has the heading None.

        A cell that holds a heading in its middle is split.
        """
        found = [(None, [])]
        for cell in self.cells:
            parts = (
                re.split(r"^## (.+)$", cell.source, flags=re.M)
                if cell.cell_type == "markdown"
                else [cell.source]
            )
            if parts[0].strip():
                found[-1][1].append(Piece(cell, parts[0]))
            for heading, text in zip(parts[1::2], parts[2::2], strict=False):
                found.append((heading.strip(), [Piece(cell, text)] if text.strip() else []))
        return found

    def section(self, heading):
        """The pieces of the section with this heading; none if there is no such section."""
        return [piece for name, pieces in self.sections if name == heading for piece in pieces]

    def text(self, heading):
        """The Markdown of a section."""
        return "\n\n".join(
            piece.source.strip() for piece in self.section(heading) if not piece.code
        )


@dataclass
class Piece:
    """A code cell, or what a Markdown cell has in one section."""

    cell: dict
    source: str

    @property
    def code(self):
        return self.cell.cell_type == "code"


def tags(cell):
    return set(cell.metadata.get("tags", []))


def tree(source):
    """The syntax tree of a cell; lines for IPython count as none."""
    return ast.parse(
        "\n".join("" if re.match(r"\s*[%!]", line) else line for line in source.splitlines())
    )


def calls(source):
    """The names of the functions that a cell calls, as often as it does."""
    return [
        node.func.id
        for node in ast.walk(tree(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


def strings(source):
    """The strings of a cell but docstrings, those of f-strings as one."""
    parsed = tree(source)
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    skipped = set()
    for node in ast.walk(parsed):
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr):
            skipped.add(node.body[0].value)
        if isinstance(node, ast.JoinedStr):
            skipped.update(node.values)
    for node in ast.walk(parsed):
        if node not in skipped and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value for part in node.values if isinstance(part, ast.Constant))


def shortened(source):
    """How a complaint names a cell."""
    lines = [
        line for line in source.splitlines() if line.strip() and not line.startswith("# @title")
    ]
    return repr(lines[0][:60]) if lines else "an empty cell"


# Where a page is


@rule
def is_listed(page):
    """It is in the contents of the book and on the map of concepts."""
    wanted = Page.__dataclass_fields__["listed"].default
    return [
        f"chapters/{page.name}.ipynb is not in {place}"
        for place in wanted
        if place not in page.listed
    ]


# Its sections


@rule
def has_no_gaps(page):
    """Nothing of what `make page` wrote as missing is left."""
    for cell in page.cells:
        for words in re.findall(r"\(missing: ([^)]+)\)", re.sub(r"\n#", "", cell.source)):
            yield f"missing: {words}"


@rule
def opens_with_title_goal_and_hook(page):
    """A title; a goal in one sentence; a question with a figure before the first section."""
    pieces = page.section(None)
    first = pieces[0].source if pieces and not pieces[0].code else ""
    opening = "\n".join(piece.source for piece in pieces if not piece.code)
    titles = re.findall(
        r"^# .+$",
        "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown"),
        re.M,
    )
    if not re.match(r"# \S", first) or len(titles) != 1:
        yield f"the first cell opens with one title, '# ...'; {len(titles)} titles were found"
    if "**You will be able to**" not in first:
        yield (
            "the goal is missing: a sentence in the first cell that opens with **You will be able"
            " to**"
        )
    if "?" not in re.sub(r"\(.*?\)", "", opening):
        yield "the hook is missing: a question before the first section"
    if not any(FIGURES & set(calls(piece.source)) for piece in pieces if piece.code):
        yield (
            "the hook's figure is missing: one call of show, slide, explore or live_map before the"
            " first section"
        )
    codes = [piece.cell for piece in pieces if piece.code]
    if not codes or codes[0].id != "set-up":
        yield "the set-up cell is missing: run `make notebooks`, or `make page` for a new page"


@rule
def has_all_sections_in_order(page):
    """At least two sections of its own, then the seven that every page has."""
    wanted = [
        heading
        for heading in ENDING
        if heading != "Exercise" or page.exercises or page.section("Exercise")
    ]
    headings = [heading for heading, _ in page.sections if heading]
    yield from (
        f"the section '## {heading}' is missing" for heading in wanted if heading not in headings
    )
    found = [heading for heading in headings if heading in ENDING]
    if found != [heading for heading in wanted if heading in headings]:
        yield f"the last sections are {found}; expected each once, in the order {wanted}"
    own = headings[: headings.index(found[0])] if found else headings
    if len(own) < 2:
        yield (
            f"{len(own)} sections stand before '## Your turn'; expected at least two: the idea, and"
            " what is built on it"
        )
    behind = [heading for heading in headings[len(own) :] if heading not in ENDING]
    if behind:
        yield f"the sections {behind} stand behind '## Your turn'; expected them before it"
    yield from (
        f"the section '## {heading}' is empty"
        for heading, pieces in page.sections
        if heading and not pieces
    )


@rule
def predicts_then_reveals(page):
    """What answers a prediction waits until the reader has guessed."""
    asked = None
    count = 0
    for cell in page.cells:
        if cell.cell_type == "markdown":
            parts = re.split(r"^> \*\*Predict\.\*\*(.*)$", cell.source, flags=re.M)
            for i, part in enumerate(parts):
                if i % 2:
                    if asked:
                        yield f"the prediction{asked} has no answer before the next one"
                    asked, count = part[:60] or " ", count + 1
                elif asked and '<details class="reveal">' in part:
                    asked = None
        elif asked and "reveal" in calls(cell.source):
            asked = None
        elif asked and PRESENTATION & set(calls(cell.source)):
            yield (
                f"the prediction{asked} is answered in the open by {shortened(cell.source)}: put it"
                " into `with reveal():`"
            )
            asked = None
    if asked:
        yield (
            f'the prediction{asked} has no answer: `with reveal():`, or <details class="reveal"> in'
            " Markdown"
        )
    if not count:
        yield "a prediction is missing: a block quote that opens with **Predict.**"


# What it shows


@rule
def shows_figures(page):
    """At least six figures, one of them moved by the reader."""
    shown = [name for cell in page.code for name in calls(cell.source) if name in FIGURES]
    if len(shown) < 6:
        yield (
            f"{len(shown)} figures are shown; expected at least 6 calls of show, slide, explore or"
            " live_map"
        )
    if not MOVED & set(shown):
        yield "no figure is moved by the reader: use explore, slide or live_map for at least one"


@rule
def checks_what_it_says(page):
    """At least three claims or compared outputs."""
    claims = sum(name == "claim" for cell in page.code for name in calls(cell.source))
    marked = sum("nbval-check-output" in tags(cell) for cell in page.code)
    if claims + marked < 3:
        yield (
            f"{claims} claims and {marked} cells tagged nbval-check-output; expected at least 3"
            " together"
        )


# What the reader does


@rule
def sets_tasks(page):
    """At least two tasks, each with a cell to work in, and a check or a folded solution."""
    tasks = {}
    for piece in page.section("Your turn"):
        parts = [piece.source] if piece.code else re.split(r"^### (.+)$", piece.source, flags=re.M)
        for heading, text in zip([None, *parts[1::2]], [parts[0], *parts[2::2]], strict=False):
            if heading:
                tasks[heading.strip()] = []
            if tasks:
                tasks[list(tasks)[-1]].append((piece.code, text))
    numbered = [heading for heading in tasks if re.match(r"Task \d+: \S", heading)]
    if len(numbered) < 2:
        yield (
            f"{len(numbered)} tasks are set; expected at least two, each under '### Task 1: ...' in"
            " '## Your turn'"
        )
    if [int(re.search(r"\d+", heading)[0]) for heading in numbered] != list(
        range(1, len(numbered) + 1)
    ):
        yield f"the tasks are {numbered}; expected the numbers 1, 2, ..."
    for heading in numbered:
        codes = [text for code, text in tasks[heading] if code]
        prose = "\n".join(text for code, text in tasks[heading] if not code)
        checked = any(
            "expect" in calls(text) or re.search(r"^\s*assert\b", text, re.M) for text in codes
        )
        if not codes:
            yield f"'{heading}' has no code cell for the reader to work in"
        if not checked and not re.search(
            r"<details><summary>(One|A|The) (possible )?solution\b", prose
        ):
            yield (
                f"'{heading}' has neither a visible check (expect or assert in a code cell) nor a"
                " folded solution (<details><summary>One solution</summary>)"
            )


OPTION = re.compile(
    r"<details><summary><b>([A-D])\.</b>"
    r" ((?:[^<$`*]|</?code>)+)</summary>\n\n(.+?)\n\n</details>(?=\n|\Z)",
    re.S,
)


@rule
def asks_questions(page):
    """Three to six numbered questions of three or four options, one of which is right; every choice
    is answered.
    """
    _, *parts = re.split(r"^\*\*(\d+)\.\*\* ", page.text("Check your understanding"), flags=re.M)
    questions = list(zip(map(int, parts[::2]), parts[1::2], strict=False))
    if not 3 <= len(questions) <= 6:
        yield (
            f"{len(questions)} questions are asked; expected 3 to 6, each opening with **1.**,"
            " **2.** and so on"
        )
    if [number for number, _ in questions] != list(range(1, len(questions) + 1)):
        yield (
            f"the questions have the numbers {[number for number, _ in questions]}; expected 1, 2,"
            " 3 ..."
        )
    letters = []
    for number, text in questions:
        options = OPTION.findall(text)
        where = f"question {number}"
        if len(options) != text.count("<details") or len(options) != text.count("</details>"):
            yield (
                f"{where} has {text.count('<details')} folded parts, of which {len(options)} have"
                " the form of an option: <details><summary><b>A.</b> words, no math</summary>, a"
                " blank line, the answer, a blank line, </details>"
            )
        if [letter for letter, *_ in options] not in (list("ABC"), list("ABCD")):
            yield (
                f"{where} has the options {[letter for letter, *_ in options]}; expected A, B, C"
                " and perhaps D"
            )
        right = [letter for letter, _, answer in options if answer.startswith("**Right.**")]
        if len(right) != 1:
            yield (
                f"{where} has {len(right)} right options; expected one whose answer opens with"
                " **Right.**"
            )
        letters += right
        if "?" not in text.partition("<details")[0] and "..." not in text.partition("<details")[0]:
            yield f"{where} asks nothing: a question mark is missing before its options"
    if len(questions) >= 3 and len(letters) == len(questions) and len(set(letters)) == 1:
        yield f"the right option is {letters[0]} in every question: move some"
    asked = [text for _, text in questions]
    if questions and not any(re.search(r"\]\(#(fig|tab)-", text) for text in asked):
        yield "no question is about a figure: link to it, as in [Figure 2](#fig-name)"
    if questions and not any("`" in text or "<code>" in text for text in asked):
        yield "no question is about code: quote some in backquotes"


@rule
def closes_in_short(page):
    """Three to five bullets; references and a next page that are linked."""
    bullets = re.findall(r"^- \S", page.text("In short"), re.M)
    if page.section("In short") and not 3 <= len(bullets) <= 5:
        yield f"'## In short' has {len(bullets)} bullets; expected 3 to 5, each opening with '- '"
    entries = re.findall(r"^- (.+(?:\n(?!- ).+)*)", page.text("References"), re.M)
    if page.section("References") and not entries:
        yield "'## References' lists nothing: one bullet a reference, with its section or equation"
    yield from (
        f"the reference {entry[:50]!r} has no link to book/references.md"
        for entry in entries
        if "book/references.md#" not in entry
    )
    onwards = page.text("Next")
    if page.section("Next") and ("?" not in onwards or not re.search(r"\]\([^)]+\.ipynb", onwards)):
        yield "'## Next' needs one link to a page, and the question that it answers"
    yield from (
        f"'## Exercise' does not link to exercises/{name}"
        for name in page.exercises
        if page.section("Exercise")
        and f"exercises/{name}/{name}.ipynb" not in page.text("Exercise")
    )


# What code a reader sees


@rule
def keeps_presentation_apart(page):
    """Captions, texts and what displays them stand in cells tagged remove-input; the reader sees
    code that teaches.
    """
    for cell in page.code:
        where = shortened(cell.source)
        named = {
            keyword.arg
            for node in ast.walk(tree(cell.source))
            if isinstance(node, ast.Call)
            for keyword in node.keywords
        }
        if not tags(cell) & PRESENTED and named & {"alt", "alts", "caption"}:
            yield (
                f"the cell {where} holds {sorted(named & {'alt', 'alts', 'caption'})}: give the"
                " call a cell tagged remove-input"
            )
    for cell in page.visible:
        where = shortened(cell.source)
        displayed = sorted(PRESENTATION & set(calls(cell.source)))
        if displayed:
            yield (
                f"the visible cell {where} calls {', '.join(displayed)}: give it a cell tagged"
                " remove-input"
            )
        yield from (
            f"the visible cell {where} holds the string {text[:30]!r}... of {len(text)} characters;"
            f" expected at most {STRING}"
            for text in strings(cell.source)
            if len(text) > STRING
        )
        plotted = [line for line in cell.source.splitlines() if re.search(PLOTTING, line)]
        if len(plotted) > PLOT_LINES:
            yield (
                f"the visible cell {where} has {len(plotted)} lines that plot; with more than"
                f" {PLOT_LINES}, tag it hide-input"
            )


@rule
def shows_code_in_small_pieces(page):
    """No long cell, no long line."""
    yield from (
        f"the visible cell {shortened(cell.source)} has {len(cell.source.splitlines())} lines;"
        f" expected at most {LINES}"
        for cell in page.visible
        if len(cell.source.splitlines()) > LINES
    )
    yield from (
        f"the line {line[:40]!r}... has {len(line)} columns; expected at most {COLUMNS}"
        for cell in page.code
        for line in cell.source.splitlines()
        if len(line) > COLUMNS
    )


@rule
def plots_through_the_package(page):
    """Figures are displayed once, by aecourse.pages; what is imported stands in the set-up cell."""
    for cell in page.code:
        for word in re.findall(r"plt\.(?:subplots|figure|show)\b", cell.source):
            yield (
                f"the cell {shortened(cell.source)} calls {word}: take subplots and show from"
                " aecourse.pages"
            )
        for node in tree(cell.source).body:
            foreign = (
                isinstance(node, ast.Import)
                and any(name.name.split(".")[0] != "aecourse" for name in node.names)
                or isinstance(node, ast.ImportFrom)
                and node.module.split(".")[0] != "aecourse"
            )
            if foreign:
                yield (
                    f"the cell {shortened(cell.source)} imports; put it into the set-up cell, below"
                    " aecourse.about()"
                )


def complaints(page, name):
    """What `page` misses by one rule."""
    return list(RULES[name](page))
