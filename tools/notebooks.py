"""`make notebooks`: put every notebook of chapters/ and solutions/ into canonical form.

Then a diff shows only what an author changed. Sources, cell ids and the metadata in KEPT are kept,
and the outputs of cells tagged `nbval-check-output`, which `make test` compares. The first code
cell begins in the same way everywhere, followed by what the page imports.

An author folds a cell with one tag, from which the metadata for JupyterLab and Colab follow:

- `remove-input`, presentation: figures, captions, sentences, claims. The site shows the output.
- `hide-input`, plotting code: the site folds it under "Show the plotting code".

Colab folds a cell under the title in its first line; a folded cell without a title is given one.
"""

import json
import re
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from tools.environment import ROOT, variables

MARK = "nbval-check-output"
KEPT = {"cellView", "deletable", "editable", "jupyter", "mystnb", "nbgrader", "tags"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SET_UP = """\
# @title Set-up: run this first
try:
    import aecourse
except ImportError:
    ADDRESS = {address}
    if not ADDRESS:
        raise ImportError(
            "aecourse is not installed, and this copy of the course does "
            "not know where to get it. In a checkout of the course, run "
            "`pip install -e .`; whoever publishes the course runs "
            "`make address URL=...` once.") from None
    %pip install --quiet "aecourse @ git+{{ADDRESS}}"
    import aecourse
aecourse.about()"""


def address(root: Path = ROOT) -> str:
    """The address of the published course in _config.yml, or an empty string."""
    return (
        yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
        or ""
    )


# The metadata that fold a cell in JupyterLab and Colab, and the labels of folded plotting code.
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
PLOTTING = {
    "code_prompt_show": "Show the plotting code",
    "code_prompt_hide": "Hide the plotting code",
}
FIGURES, TABLES = r"^\s*(show|slide|explore|live_map)\(", r"^\s*show_table\("
HIDDEN_TAGS = {"hide-input", "remove-input", "hide-cell"}


def folded(cell: NotebookNode) -> None:
    """Fold a cell in JupyterLab and Colab if the book folds it, and unfold it otherwise."""
    tags = set(cell.metadata.get("tags", [])) & HIDDEN_TAGS
    if cell.cell_type != "code" or "nbgrader" in cell.metadata:
        return
    if not tags:
        if cell.metadata.get("cellView") == "form":
            del cell.metadata["cellView"]
            cell.metadata.pop("jupyter", None)
        return
    cell.metadata.update(FOLDED)
    if "hide-input" in tags:
        cell.metadata["mystnb"] = {**PLOTTING, **cell.metadata.get("mystnb", {})}
    if not cell.source.startswith("# @title "):
        cell.source = f"# @title {title(cell.source, tags)}\n{cell.source}"


def title(source: str, tags: set[str]) -> str:
    """The title of a folded cell whose author gave none."""
    if "hide-input" in tags:
        return "The plotting code"
    if re.search(FIGURES, source, re.M):
        return "The figure"
    return "The table" if re.search(TABLES, source, re.M) else "What the numbers say"


def set_up(address: str, imports: str = "") -> NotebookNode:
    """The first code cell of every notebook, with what this one imports."""
    metadata = {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "mystnb": {"code_prompt_show": "Set-up: run this first"},
        "tags": ["hide-cell"],
    }
    source = SET_UP.format(address=json.dumps(address))
    return nbformat.v4.new_code_cell(
        source + ("\n\n" + imports) * bool(imports), id="set-up", metadata=metadata
    )


def imports(source: str) -> str:
    """The part of a set-up cell below the lines that all of them share."""
    return source.partition("\n" + SET_UP.splitlines()[-1])[2].strip("\n")


def paths(*folders: str, root: Path = ROOT) -> list[Path]:
    """The notebooks in these folders of the repository."""
    found = [path for folder in folders for path in (root / folder).rglob("*.ipynb")]
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def marked(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells whose outputs are kept and compared."""
    return [cell for cell in notebook.cells if MARK in cell.metadata.get("tags", [])]


def complete(notebook: NotebookNode) -> bool:
    """Whether every marked cell has an output and a count, without which it is not compared."""
    return all(cell.outputs and cell.execution_count for cell in marked(notebook))


def canonical(notebook: NotebookNode, address: str) -> str:
    """The canonical text of a notebook."""
    notebook = nbformat.v4.upgrade(nbformat.from_dict(notebook), from_minor=notebook.nbformat_minor)
    notebook.metadata = nbformat.from_dict(METADATA)
    first = next(
        (i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"),
        len(notebook.cells),
    )
    known = [cell for cell in notebook.cells[first : first + 1] if cell.id == "set-up"]
    notebook.cells[first : first + len(known)] = [
        set_up(address, "".join(imports(cell.source) for cell in known))
    ]
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        keep = MARK in cell.metadata.get("tags", []) and cell.outputs and cell.execution_count
        cell.outputs = cell.outputs if keep else []
        cell.execution_count = number if keep else None
        for output in cell.outputs:
            output.update(
                {
                    name: value
                    for name, value in (("metadata", {}), ("execution_count", number))
                    if name in output
                }
            )
    for cell in notebook.cells:
        folded(cell)
        cell.metadata = {name: value for name, value in cell.metadata.items() if name in KEPT}
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str], root: Path = ROOT) -> str | int:
    where = address(root)
    own = variables(AECOURSE_DATASET="digits")
    read, stale = {}, {}
    failed = []
    for path in paths("chapters", "solutions", root=root):
        read[path] = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(read[path], as_version=4)
        if "--execute" in arguments or not complete(notebook):
            stale[path] = own
        else:
            rewrite(path, canonical(notebook, where), root)
    if stale:
        from tools.execute import execute_all

        for path, notebook, seconds, error in execute_all(stale, timeout=600):
            name = path.relative_to(root).as_posix()
            print(f"{seconds:6.1f} s  {name}{' FAILED' * bool(error)}", flush=True)
            if error:
                failed.append(f"\n{name}\n{error}")
            if path.read_text(encoding="utf-8") != read[path]:
                failed.append(f"\n{name} was edited meanwhile and is left as it is: run this again")
                continue
            notebook = notebook or nbformat.reads(read[path], as_version=4)
            rewrite(path, canonical(notebook, where), root)
    return "\n".join(failed) or 0


def rewrite(path: Path, text: str, root: Path) -> None:
    """Write the text of a notebook if it is another one."""
    if text != path.read_text(encoding="utf-8"):
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"rewritten  {path.relative_to(root).as_posix()}")
