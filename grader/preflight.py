"""A submission, rebuilt on the released notebook: what a learner wrote is kept, everything else is
taken from the released notebook.

Nothing of a submission is run here, and nothing of it is trusted: neither its metadata nor its
order nor its encoding.
"""

import ast
import codecs
import copy
import json
import os
import re
import stat
from pathlib import Path

import nbformat

from grader.inside.wire import parts

FILE_BYTES = 32 * 2**20
CELLS = 5000
PARTS = 300_000  # brackets and braces of the JSON, each of which becomes an object
COMMAS = 3_000_000  # and commas, each of which is followed by one
CELL_CHARACTERS = 200_000  # an honest submission has 100 kB, 100 cells, 3000 characters a cell
ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Rejected(Exception):
    """There is no notebook in the submission; the message says why, and what to hand in."""


def read(path):
    """The bytes of the regular file `path`; links, pipes and folders are not followed, opened or
    waited for.

    Raises:
        Rejected: If it is not a regular file, is too large, or can't be read.
    """
    try:
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except OSError as error:
        raise Rejected(
            "the file is a link to another place: hand in the notebook itself"
            if Path(path).is_symlink()
            else f"the file can't be opened: {error.strerror}"
        ) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Rejected("it is not a regular file: hand in the notebook itself")
    with open(descriptor, "rb") as file:
        if status.st_size > FILE_BYTES:
            raise too_large(status.st_size)
        return file.read()


def too_large(size):
    return Rejected(
        f"the file has {size / 2**20:.0f} MB; the limit is {FILE_BYTES // 2**20} MB: "
        "clear the outputs of all cells, save, and hand in again"
    )


def notebook_of(folder, name, released):
    """(path, repairs) of the notebook in a submission's `folder`: `name`.ipynb, else the file in
    which most answers of the `released` notebook are written. A blank `name`.ipynb gives way to a
    file with answers.
    """
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
        raise Rejected("the folder is a link or not a folder")
    wanted = folder / f"{name}.ipynb"
    found = [
        path
        for path in sorted(folder.iterdir())
        if re.search(r"\.(ipynb|json)\b", path.name, re.I) and not path.name.startswith(".")
    ]
    if found == [wanted] or os.path.lexists(wanted) and written(readable(wanted), released):
        return wanted, []  # no other file is better
    known = {path: written(text, released) for path in found if (text := readable(path))}
    if not known and not os.path.lexists(wanted):
        raise Rejected(f"there is no notebook: hand in {name}.ipynb")
    best = max(known, key=known.get, default=wanted)
    if best == wanted or os.path.lexists(wanted) and known[best] < 1:
        return wanted, []
    return best, [f"the file was called {best.name!r}, not {wanted.name!r}"] + [
        f"{wanted.name!r} is blank; it was left"
    ] * (wanted in known)


def readable(path):
    try:
        return read(path)
    except Rejected:
        return b""


def parsed(raw):
    """(cells, repairs) of the bytes of a notebook of any version, each cell a plain dictionary.

    Raises:
        Rejected: If they are not a notebook.
    """
    repairs = []
    encoding = next((name for mark, name in ENCODINGS if raw.startswith(mark)), "utf-8")
    if encoding != "utf-8":
        repairs.append(f"the file was stored as {encoding}, not as plain UTF-8")
    try:
        text = raw.decode(encoding)
        if parts(text, "[{") > PARTS or parts(text, ",") > COMMAS:
            raise Rejected(
                "the file is not a notebook, or one of more parts than any exercise needs: clear "
                "the outputs of all cells, delete empty cells, save, and hand in again"
            )
        notebook = json.loads(text)
    except UnicodeDecodeError:
        raise Rejected(
            "the file is not a text file: hand in the .ipynb file that Jupyter or Colab saves"
        ) from None
    except (ValueError, RecursionError):
        raise Rejected(
            "the file is not a notebook, or only a part of one: hand in the .ipynb file that "
            "Jupyter or Colab saves"
        ) from None
    if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
        notebook["cells"] = [
            cell
            for sheet in notebook["worksheets"]
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
        repairs.append("the notebook was stored in an old format")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Rejected("the file is not a notebook: it has no list of cells")
    if len(notebook["cells"]) > 2 * CELLS:
        raise Rejected(f"the notebook has {len(notebook['cells'])} cells; the limit is {CELLS}")
    cells = [cell for cell in map(plain, notebook["cells"]) if cell]
    if len(cells) < len(notebook["cells"]):
        repairs.append(
            f"{len(notebook['cells']) - len(cells)} cells could not be read, or were too long"
        )
    if len(cells) > CELLS:
        raise Rejected(f"the notebook has {len(cells)} cells; the limit is {CELLS}")
    return cells, repairs


def plain(cell):
    """A submitted cell as {kind, id, grade_id, source}; None if it is not a cell, or longer than
    any honest one.
    """
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input", ""))
    source = "".join(map(str, source)) if isinstance(source, list) else source
    if not isinstance(source, str) or len(source) > CELL_CHARACTERS:
        return None
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    claimed = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    source = (
        source.encode("utf-8", "replace").decode().replace("\r\n", "\n")
    )  # a lone surrogate can't be written to a file
    return {
        "kind": "code" if cell.get("cell_type") == "code" else "markdown",
        "source": source,
        "id": str(cell.get("id")),
        "grade_id": str(claimed.get("grade_id")),
    }


def names(source):
    """What a cell defines at its top level: functions, classes, variables; of a cell with an error
    of syntax, what its lines begin with.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.M))
    assigned = [node for node in body if isinstance(node, ast.Assign)]
    targets = [target for node in assigned for target in node.targets]
    return {node.name for node in body if hasattr(node, "name")} | {
        target.id for target in targets if isinstance(target, ast.Name)
    }


def kind_of(cell):
    """What a released cell is: "answer" is the learner's; "given" and "check" are put back; "plain"
    is neither.
    """
    data = cell.metadata.get("nbgrader", {})
    if data.get("solution"):
        return "answer"
    return "check" if data.get("grade") else "given" if data.get("locked") else "plain"


def claim(cells, released):
    """Write into each submitted cell which released one it is: `cell["is"]`, a key or None. ->
    repairs.

    By metadata, else by the cell's id, else by what it says: the same text, the same function, or
    the words after the released cell before it.
    """
    repairs, keys = [], {cell.id: cell for cell in released.cells}
    stripped = not any(cell["grade_id"] in keys or cell["id"] in keys for cell in cells)
    texts = {cell.source.strip(): cell.id for cell in released.cells}
    defined = {
        name: cell.id
        for cell in released.cells
        if kind_of(cell) == "answer"
        for name in names(cell.source)
    }
    for cell in cells:
        cell["is"] = next(
            (cell[place] for place in ("id", "grade_id") if cell[place] in keys), None
        )
    taken, before = {cell["is"] for cell in cells}, None
    for cell in cells:
        if cell["is"] is None:
            found = [texts.get(cell["source"].strip())] if cell["source"].strip() else []
            if cell["kind"] == "code":
                here = {defined[name] for name in names(cell["source"]) if name in defined}
                found += [key for key in keys if key in here]
            found += [words_after(before, released)] if cell["kind"] == "markdown" else []
            cell["is"] = next((key for key in found if key and key not in taken), None)
            taken.add(cell["is"])
            if cell["is"] and kind_of(keys[cell["is"]]) != "plain" and not stripped:
                repairs.append(f"the metadata of the cell {cell['is']} was lost")
        before = cell["is"] or before
    if stripped:
        repairs.append(
            "the metadata of all cells was lost; it was restored from the text of the cells"
        )
    return repairs


def words_after(key, released):
    """The answer in words whose cell follows the released cell `key`."""
    order = [cell.id for cell in released.cells]
    after = released.cells[order.index(key) + 1 :][:1] if key else []
    return (
        after[0].id
        if after and after[0].cell_type == "markdown" and kind_of(after[0]) == "answer"
        else None
    )


def written(raw, released):
    """How many answers of the `released` notebook are written in the bytes of a file; -1 if it is
    no notebook of the exercise.
    """
    try:
        cells, _ = parsed(raw)
        claim(cells, released)
    except Rejected:
        return -1
    if not any(cell["is"] for cell in cells):
        return -1
    given = {cell.id: cell.source.strip() for cell in released.cells}
    answers = {cell.id for cell in released.cells if kind_of(cell) == "answer"}
    return len(
        {
            cell["is"]
            for cell in cells
            if cell["is"] in answers and cell["source"].strip() not in ("", given[cell["is"]])
        }
    )


def exercise_of(raw, released, others):
    """The name of the exercise among `others`, {name: notebook}, whose notebook the bytes are, if
    more of its checks than of those of the `released` one are in them; else None.
    """
    try:
        cells, _ = parsed(raw)
    except Rejected:
        return None
    texts = {cell["source"].strip() for cell in cells}

    def count(notebook):
        checks = [cell for cell in notebook.cells if kind_of(cell) in ("check", "answer")]
        return sum(cell.source.strip() in texts for cell in checks)

    best = max(others, key=lambda name: count(others[name]), default=None)
    return best if best and count(others[best]) > max(2, 2 * count(released)) else None


def rebuild(raw, released):
    """The bytes of a submission on the skeleton of the `released` notebook.

    Answers, and cells that the learner added, come from the submission; checks, given cells,
    metadata and order come from the released notebook. Of two cells that claim to be one answer,
    the first that was written in counts, and the other stays in its place as a cell of the
    learner's own. Where the cell of an answer is missing, and its functions are in another cell,
    the cell is empty; else it is blank again.

    Args:
        raw: the bytes of the file.
        released: the notebook that was given out, each cell's `id` being its `grade_id`.

    Returns:
        (notebook, repairs): a new notebook, and what was repaired, each as a clause.

    Raises:
        Rejected: If the bytes are not a notebook.
    """
    cells, repairs = parsed(raw)
    repairs += claim(cells, released)
    if not any(cell["is"] for cell in cells):
        raise Rejected(
            "the notebook has no cell of this exercise: hand in the notebook that you were given"
        )
    skeleton = {cell.id: copy.deepcopy(cell) for cell in released.cells}
    answers = [cell for cell in released.cells if kind_of(cell) == "answer"]
    functions = {name for cell in answers for name in names(cell.source)}
    taken = {}
    extras = {None: []}
    last = None
    for cell in cells:
        key, kind = cell["is"], kind_of(skeleton[cell["is"]]) if cell["is"] else None
        if key is None:
            extras.setdefault(last, []).append(cell)
        elif kind in ("check", "given"):
            if cell["source"].strip() != skeleton[key].source.strip():
                repairs.append(f"the cell {key} was changed; it was restored")
                if cell["kind"] == "code" and names(cell["source"]) & functions:
                    extras.setdefault(last, []).append(cell)  # an answer was merged into it
            elif key in taken:
                repairs.append(f"a copy of the cell {key} was dropped")
            taken.setdefault(key, cell)
        elif key not in taken or taken[key]["source"].strip() == skeleton[key].source.strip():
            taken[key] = cell
        elif (
            cell["source"].strip() != skeleton[key].source.strip()
            and skeleton[key].cell_type == cell["kind"]
        ):
            extras.setdefault(key, []).append(cell)
            repairs.append(
                f"there were two cells {key}; the first counts, the second was kept as a cell of "
                "the learner"
            )
        last = key or last
    elsewhere = {name for cell in cells if cell["kind"] == "code" for name in names(cell["source"])}
    merged = [
        key
        for key, cell in skeleton.items()
        if key not in taken and kind_of(cell) == "answer" and names(cell.source) & elsewhere
    ]
    repairs += missing_or_moved(taken, cells, released, merged)
    notebook = nbformat.v4.new_notebook(
        metadata=copy.deepcopy(released.metadata), cells=extra_cells(extras[None])
    )
    for key, cell in skeleton.items():
        if key in merged:
            cell.source = "# The answer is in another cell."
        if key in taken and (
            kind_of(cell) == "answer" or kind_of(cell) == "plain" and cell.cell_type == "code"
        ):
            cell.source = taken[key]["source"]
            if taken[key]["kind"] != cell.cell_type:
                repairs.append(f"the cell {key} was of another type; it is {cell.cell_type} again")
        notebook.cells += [cell, *extra_cells(extras.get(key, []), key)]
    notebook.nbformat, notebook.nbformat_minor = released.nbformat, released.nbformat_minor
    nbformat.validate(notebook)
    return notebook, list(dict.fromkeys(repairs))


def missing_or_moved(taken, cells, released, merged):
    """The repairs to report: graded and given cells that are missing, and a changed order."""
    marked = [cell.id for cell in released.cells if kind_of(cell) != "plain"]
    gone = [key for key in marked if key not in taken]
    order = list(dict.fromkeys(cell["is"] for cell in cells if cell["is"] in marked))
    moved = order != [key for key in marked if key in taken]
    return [
        f"the cell {key} was missing; "
        + ("its answer is in another cell" if key in merged else "it was restored")
        for key in gone
    ] + ["the cells were in another order; the order was restored"] * moved


def extra_cells(cells, after="top"):
    """Cells that the learner added after the released cell `after`, without any metadata."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    return [
        make[cell["kind"]](cell["source"], id=f"own-{number}-{after}"[:64])
        for number, cell in enumerate(cells)
    ]


def blank(released, reason):
    """The released notebook, below the `reason` why nothing that was handed in could be graded."""
    notebook = copy.deepcopy(released)
    text = f"**This submission could not be graded**: {reason}."
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="rejected"))
    return notebook
