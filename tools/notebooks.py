"""`make notebooks`: every notebook of chapters/ and solutions/ in its canonical form, so that a change shows as what it is.

Kept are sources, cell ids, the metadata in KEPT and, on cells tagged `nbval-check-output`, outputs: these are compared by
`make test`. The first code cell is the same everywhere.
"""
import json

import nbformat
import yaml

from tools.environment import ROOT, variables

MARK = "nbval-check-output"
KEPT = {"cellView", "deletable", "editable", "jupyter", "mystnb", "nbgrader", "tags"}
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}
SET_UP = '''\
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
aecourse.about()'''


def address(root=ROOT):
    """Where the course is published, as _config.yml says; empty while it is not."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"] or ""


def set_up(address):
    """The first code cell of every notebook."""
    metadata = {"cellView": "form", "jupyter": {"source_hidden": True}, "mystnb": {"code_prompt_show": "Set-up: run this first"},
                "tags": ["hide-cell"]}
    return nbformat.v4.new_code_cell(SET_UP.format(address=json.dumps(address)), id="set-up", metadata=metadata)


def paths(*folders, root=ROOT):
    """The notebooks in these folders of the repository."""
    found = [path for folder in folders for path in (root / folder).rglob("*.ipynb")]
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def marked(notebook):
    """The cells whose outputs are kept and compared."""
    return [cell for cell in notebook.cells if MARK in cell.metadata.get("tags", [])]


def complete(notebook):
    """Does every marked cell hold an output and a count? One without a count would silently not be compared."""
    return all(cell.outputs and cell.execution_count for cell in marked(notebook))


def canonical(notebook, address):
    """The canonical text of a notebook."""
    notebook = nbformat.v4.upgrade(nbformat.from_dict(notebook), from_minor=notebook.nbformat_minor)
    notebook.metadata = nbformat.from_dict(METADATA)
    first = next((i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"), len(notebook.cells))
    notebook.cells[first:first + any(cell.id == "set-up" for cell in notebook.cells[first:first + 1])] = [set_up(address)]
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        keep = MARK in cell.metadata.get("tags", []) and cell.outputs and cell.execution_count
        cell.outputs = cell.outputs if keep else []
        cell.execution_count = number if keep else None
        for output in cell.outputs:
            output.update({name: value for name, value in (("metadata", {}), ("execution_count", number)) if name in output})
    for cell in notebook.cells:
        cell.metadata = {name: value for name, value in cell.metadata.items() if name in KEPT}
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main(arguments, root=ROOT):
    where, own, failed = address(root), variables(AECOURSE_DATASET="digits"), []
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths("chapters", "solutions", root=root)}
    stale = {path: own for path, notebook in notebooks.items() if "--execute" in arguments or not complete(notebook)}
    if stale:
        from tools.execute import execute_all
        for path, notebook, seconds, error in execute_all(stale, timeout=600):
            print(f"{seconds:6.1f} s  {path.relative_to(root).as_posix()}{' FAILED' * bool(error)}", flush=True)
            if error:
                failed.append(f"\n{path.relative_to(root).as_posix()}\n{error}")
            notebooks[path] = notebook or notebooks[path]
    for path, notebook in notebooks.items():
        text = canonical(notebook, where)
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"rewritten  {path.relative_to(root).as_posix()}")
    return "\n".join(failed) or 0
