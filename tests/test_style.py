"""The house style, as far as a test can hold it: one statement a line, words for readers."""

import ast
import re
import tokenize

import nbformat
import pytest

from tools.environment import ROOT

CODE = sorted(
    path
    for folder in ("aecourse", "grader", "tools", "benchmarks", "book/_ext", "solutions", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "answers" not in path.parts  # cells of notebooks, as learners write them
)
PROSE = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "book").rglob("*.md"),
        *(ROOT / "chapters").rglob("*.ipynb"),
        *(ROOT / "solutions").rglob("*.ipynb"),
        ROOT / "benchmarks" / "README.md",
    )
    if not {".ipynb_checkpoints", "references.md"} & {*path.parts}
)
BANNED = {  # what readers stumbled over: what to write instead
    r"\bspoil": "corrupt",
    r"\bpictures?\b": "image",
    r"\bwhole numbers?\b": "integer",
    r"\bthe way out\b": "what to do about it",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bstrange(r|st)?\b": "anomalous, unusual",
    r"\bheld (against|to)\b": "compared with",
    r"\bstands? in\b": "is in",
    r"\bspeaks? (for|against)\b": "supports, its drawbacks",
    r"\bhangs? on\b": "depends on",
    r"\brandom starts?\b": "seed, initialization",
    r"\bat most, in size\b": "absolute value, bounded by",
    r"\btwice \(": "two tensors",
    r"Error: where\b": "If ... (numpydoc's words)",
}


def names_bound(node):
    """The statement assigns several values at once: how many."""
    both = isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
    target = node.targets[0] if both else None
    return len(target.elts) if isinstance(target, ast.Tuple) else 1


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_one_statement_a_line(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tuples = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple)
    ]
    assert not tuples, f"a statement that is a tuple, at lines {tuples}: one call a line"
    many = [node.lineno for node in ast.walk(tree) if names_bound(node) > 2]
    assert not many, f"more than two names bound to values at once, at lines {many}"


def words_of(path):
    """What a person reads in a file: prose, docstrings, comments and messages."""
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        functions = "|".join(re.findall(r"^ *def (\w+)", text, re.M))  # a learner's, by name
        return re.sub(rf"\b({functions})\b", "", text) if functions else text
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    with open(path, "rb") as file:
        kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", None)}
        return "\n".join(t.string for t in tokenize.tokenize(file.readline) if t.type in kinds)


def found(text):
    """The banned words in `text`, with what to write instead."""
    return [
        f"{match[0]!r}: {instead}"
        for pattern, instead in BANNED.items()
        for match in re.finditer(pattern, text)
    ]


READ = [path for path in CODE if "tests" not in path.parts and "solutions" not in path.parts]


@pytest.mark.parametrize("path", PROSE + READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_word_that_readers_stumbled_over(path):
    assert not found(words_of(path))


def test_the_list_finds_what_it_names():
    assert len(found("a picture is spoilt, ValueError: where it stands in the way")) == 4
    assert not found("the image is corrupted; ValueError: If it is empty")
