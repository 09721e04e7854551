"""The commands of tools/: what they update and when, what they leave alone, and their errors."""

import ast
import base64
import hashlib
import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import tarfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import __main__ as commands
from tools import address, book, claims, environment, notebooks, scripts

ROOT = environment.ROOT
URL = "https://github.com/someone/autoencoders"


def write(path, *cells):
    """A notebook whose code cells are `cells`; a text that begins with "# " is Markdown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [
        (new_markdown_cell if text.startswith("# ") else new_code_cell)(text, id=f"cell-{i}")
        for i, text in enumerate(cells)
    ]
    nbformat.write(new_notebook(cells=made, metadata=notebooks.METADATA), path)
    return path


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A small course, with the package's place and a page, where `tools.book` works."""
    for name in ("requirements.txt", "requirements.lock", "pyproject.toml", "_config.yml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name)
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/intro\nchapters:\n  - file: chapters/page\n"
    )
    (tmp_path / "book" / "intro.md").write_text("# Introduction\n")
    (tmp_path / "aecourse").mkdir()
    (tmp_path / "aecourse" / "losses.py").write_text("")
    write(tmp_path / "chapters" / "page.ipynb", "# A page", "print(1)")
    for module in (book, environment):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name, value in {
        "BUILD": "_build",
        "SITE": "_build/html",
        "STAMP": "_build/html/.built",
    }.items():
        monkeypatch.setattr(book, name, tmp_path / value)
    set_address(tmp_path, "")
    return tmp_path


def set_address(root, url):
    path = root / "_config.yml"
    path.write_text(re.sub(r'(?m)^  url: ".*"', f'  url: "{url}"', path.read_text()))


# The command line


def test_every_command_has_a_target():
    targets = re.findall(
        r"(?m)^(\w+):\n\t@\$\(PYTHON\) -m tools (\w+)", (ROOT / "Makefile").read_text()
    )
    assert [name for name, same in targets if name == same] == [name for name, _ in targets]
    assert {name for name, _ in targets} == {use.split()[0] for use in commands.COMMANDS}


def test_an_old_python_gets_one_sentence(monkeypatch):
    source = (ROOT / "tools" / "__main__.py").read_text()
    ast.parse(source, feature_version=(3, 4))  # it can be read, at least
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(
        SystemExit,
        match=r"^The course needs Python 3.11 or newer, and this is 3.10: name a newer one",
    ):
        runpy.run_path(str(ROOT / "tools" / "__main__.py"), run_name="__main__")


# The environment


@pytest.fixture
def installed(tmp_path, copy, monkeypatch):
    """`ensure` with a pip that only notes what it was asked for."""
    asked = []
    monkeypatch.setattr(environment, "STAMP", tmp_path / "installed")
    monkeypatch.setattr(environment, "usable", lambda: True)
    monkeypatch.setattr(environment, "pip", lambda *arguments: asked.append(arguments))
    return asked


def test_it_is_installed_once(installed):
    environment.ensure()
    environment.ensure()
    assert len(installed) == 1


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.lock", "pyproject.toml"])
def test_it_is_renewed_after_a_change(installed, copy, name):
    environment.ensure()
    with open(copy / name, "a") as file:
        file.write("# one more line\n")
    environment.ensure()
    assert len(installed) == 2


def test_an_interrupted_installation_is_continued(installed, monkeypatch):
    note = environment.pip
    monkeypatch.setattr(environment, "pip", lambda *arguments: sys.exit("no network"))
    with pytest.raises(SystemExit, match="no network"):
        environment.ensure()
    monkeypatch.setattr(environment, "pip", note)
    environment.ensure()
    assert len(installed) == 1


def test_a_linked_environment_is_left_alone(tmp_path, copy, monkeypatch):
    """It is another folder's: neither emptied nor made to look unfinished."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "installed").write_text("its key")
    (tmp_path / "link").symlink_to(tmp_path / "other", target_is_directory=True)
    monkeypatch.setattr(environment, "VENV", tmp_path / "link")
    monkeypatch.setattr(environment, "STAMP", tmp_path / "link" / "installed")
    with pytest.raises(SystemExit, match="delete the link"):
        environment.ensure()
    assert (tmp_path / "other" / "installed").read_text() == "its key"


def test_an_environment_that_was_moved_is_created_again(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "PYTHON", sys.executable)
    assert not environment.usable()
    for place, expected in ((tmp_path, True), ("/somewhere/else/.venv", False)):
        (tmp_path / "pyvenv.cfg").write_text(f"command = python3 -m venv {place}\n")
        assert environment.usable() == expected
    (tmp_path / "pyvenv.cfg").write_text(f"command = python3 -m venv {tmp_path}\n")
    monkeypatch.setattr(environment, "VERSION", "3.99")
    assert not environment.usable()


def test_the_lock_names_no_place():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [
        line
        for line in lines
        if not re.fullmatch(r"#.*|[a-z0-9.-]+==[\w.]+( ; .+)?", line) or "://" in line
    ] == []


# When the site is built, and what is executed for it

CHANGES = {
    "a module": ("aecourse/losses.py", True),
    "the book's extension": ("book/_ext/numbered_figures.py", False),
    "a page": ("chapters/page.ipynb", False),
    "a table next to a page": ("chapters/table.csv", True),
    "the lock": ("requirements.lock", True),
    "the text": ("book/intro.md", False),
    "the order": ("_toc.yml", False),
    "the configuration": ("_config.yml", False),
    "an exercise": ("exercises/a/a.ipynb", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(copy, change):
    """After any change the site is rendered again.

    If it is in the package, the versions or the data, all saved outputs are dropped.
    """
    path, drops = CHANGES[change]
    before, saved = book.everything("digits"), book.saved_outputs("digits") / "output"
    saved.touch()
    (copy / path).parent.mkdir(parents=True, exist_ok=True)
    with open(copy / path, "a") as file:
        file.write("\n")
    assert book.everything("digits") != before
    assert (book.saved_outputs("digits") / "output").exists() != drops


def test_data_sets_do_not_mix(copy, monkeypatch):
    assert book.everything("digits") != book.everything("mnist")
    assert book.saved_outputs("digits") != book.saved_outputs("mnist")
    before = book.everything("digits"), book.everything("mnist")
    monkeypatch.setenv("AECOURSE_DATA", "/another/place")
    assert book.everything("digits") == before[0] and book.everything("mnist") != before[1]


def test_what_python_leaves_behind_is_no_change(copy):
    before = book.everything("digits")
    (copy / "aecourse" / "__pycache__").mkdir()
    (copy / "aecourse" / "__pycache__" / "losses.pyc").touch()
    assert book.everything("digits") == before


def test_the_site_is_built_until_it_succeeds(copy, monkeypatch, capsys):
    built = []

    def build(dataset, local):
        built.append(dataset)
        if len(built) < 3:
            sys.exit("a page failed")
        book.SITE.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(book, "build", build)
    monkeypatch.setattr(scripts, "fetch", lambda probe: True)
    for _ in range(2):
        with pytest.raises(SystemExit, match="a page failed"):
            book.main([])
    book.main([])
    book.main([])
    assert built == ["digits"] * 3
    assert capsys.readouterr().out.count("Nothing has changed") == 1
    book.main(["DATASET=mnist"])
    assert built[3:] == ["mnist"]


def test_a_site_that_uses_the_cdn_is_built_again_once_npm_works(copy, monkeypatch):
    built, answers = [], iter([False, False, True, True])
    monkeypatch.setattr(scripts, "fetch", lambda probe: next(answers))
    monkeypatch.setattr(
        book,
        "build",
        lambda dataset, local: (built.append(local), book.SITE.mkdir(parents=True, exist_ok=True)),
    )
    for _ in range(4):
        book.main([])
    assert built == [False, True]


def test_only_a_changed_page_is_executed(copy, capsys):
    count = {name: f"print('x', file=open({str(copy / name)!r}, 'a'))" for name in "ab"}
    pages = [write(copy / "chapters" / f"{name}.ipynb", count[name], "print(1)") for name in "ab"]
    for _ in range(2):
        book.execute(pages, book.saved_outputs("digits"), environment.variables())
        write(pages[1], "# Text", count["b"], "print(2)")
    write(pages[0], "# Only text", count["a"], "print(1)")
    book.execute(pages, book.saved_outputs("digits"), environment.variables())
    assert [(copy / name).read_text().split() for name in "ab"] == [["x"], ["x", "x"]]
    assert re.findall(r"Executing (\d) of 2", capsys.readouterr().out) == ["2", "1", "0"]


def test_cpu_time_of_a_page_is_recorded_and_waiting_is_not(copy):
    page = write(
        copy / "chapters" / "a.ipynb",
        "import time\nstart = time.process_time()\nwhile time.process_time() - start < 1: pass",
        "time.sleep(4)",
    )
    assert book.computed_seconds(page) is None
    book.execute([page], book.saved_outputs("digits"), environment.variables())
    assert 1 <= book.computed_seconds(page) < 4
    write(page, "print('changed')")
    assert book.computed_seconds(page) is None


def test_the_kernel_is_that_of_the_environment(copy, monkeypatch):
    """Whatever kernel of the same name the reader's home holds."""
    kernels = copy / "home" / "kernels"
    (kernels / "python3").mkdir(parents=True)
    rogue = {"argv": ["false", "{connection_file}"], "display_name": "", "language": "python"}
    (kernels / "python3" / "kernel.json").write_text(json.dumps(rogue))
    monkeypatch.setenv("JUPYTER_PATH", str(kernels.parent))
    page = write(copy / "page.ipynb", f"import sys; assert sys.prefix == {sys.prefix!r}")
    code = (
        "import pathlib, sys; from tools import environment, execute\n"
        "jobs = {pathlib.Path(sys.argv[1]): environment.variables()}\n"
        "for *_, error in execute.execute_all(jobs, timeout=60): sys.exit(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, page],
        cwd=ROOT,
        env=environment.variables(),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def test_a_failing_page_says_where(copy, capsys):
    pages = [
        write(copy / "chapters" / "a.ipynb", "spam = 1", "spam / 0"),
        write(copy / "chapters" / "b.ipynb", "import warnings; warnings.warn('careful')"),
    ]
    with pytest.raises(SystemExit) as ended:
        book.execute(pages, book.saved_outputs("digits"), environment.variables())
    said = str(ended.value)
    for part in (
        "chapters/a.ipynb",
        "spam / 0",
        "ZeroDivisionError",
        "chapters/b.ipynb",
        "wrote to stderr",
        "UserWarning: careful",
        "2 of 2 pages failed",
    ):
        assert part in said
    assert "\x1b" not in said
    with pytest.raises(SystemExit):  # nothing of it was saved
        book.execute(pages, book.saved_outputs("digits"), environment.variables())
    assert capsys.readouterr().out.count("FAILED") == 4


# The scripts that pages load


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A program that packs one small package as npm would, and its place; the package is pinned by
    its digest.
    """
    script, archive = tmp_path / "embed.js", tmp_path / "one-1.0.0.tgz"
    script.write_text("// a script")
    with tarfile.open(archive, "w:gz") as file:
        file.add(script, "package/dist/embed.js")
        file.add(script, "package/dist/never-loaded.js")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    monkeypatch.setattr(
        scripts, "PACKAGES", {"one@1.0.0": (digest, r"package/dist/(embed\.js)", r"one/\1")}
    )
    return program(tmp_path / "npm", f'[ "$1" = view ] || cp "{archive}" "$3"')


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


needs_a_shell = pytest.mark.skipif(os.name == "nt", reason="replaces npm by a shell script")


@needs_a_shell
def test_scripts_come_from_npm_once(tmp_path, npm):
    static = tmp_path / "_build" / "static"
    assert scripts.fetch(static, npm)
    assert [path.name for path in static.rglob("*.js")] == ["embed.js"]
    assert scripts.fetch(static, "nowhere/npm")


@needs_a_shell
@pytest.mark.parametrize(
    "broken", ["echo no such host; exit 1", "exit 0", "exec nothing-of-the-kind"]
)
def test_without_npm_pages_use_the_cdn(tmp_path, npm, broken, monkeypatch, capsys):
    static = tmp_path / "_build" / "static"
    stub = program(tmp_path / "broken", broken)
    monkeypatch.delenv("AECOURSE_STRICT", raising=False)
    assert not scripts.fetch(static, stub, probe=True)
    assert "from a CDN" in capsys.readouterr().out
    monkeypatch.setenv("AECOURSE_STRICT", "1")
    with pytest.raises(SystemExit, match="can't be downloaded from npm .*AECOURSE_STRICT"):
        scripts.fetch(static, stub)
    assert scripts.fetch(static, npm)  # a failure leaves nothing that is in the way


@needs_a_shell
def test_another_archive_is_refused(tmp_path, npm, monkeypatch, capsys):
    monkeypatch.delenv("AECOURSE_STRICT", raising=False)
    monkeypatch.setattr(
        scripts, "PACKAGES", {"one@1.0.0": ("bm90IHRoaXM=", *scripts.PACKAGES["one@1.0.0"][1:])}
    )
    assert not scripts.fetch(tmp_path / "static", npm)
    assert "expected bm90IHRoaXM=" in capsys.readouterr().out and not (tmp_path / "static").exists()


# The rendered site


def figure(name):
    """A cell that has displayed a figure, as `aecourse.pages.show` does."""
    html = (
        f"<figure id='{name}'><svg aria-label='a"
        " line'></svg><figcaption>Caption</figcaption></figure>"
    )
    shown = new_output(
        "display_data",
        {"text/html": html},
        metadata={"aecourse": {"name": name, "caption": "Caption"}},
    )
    return new_code_cell("draw()", id=name, execution_count=1, outputs=[shown])


@pytest.fixture
def rendered(copy):
    """Render two pages with two figures each, the second with a text, without npm; gives what was
    said, and the second page.

    Their outputs are in the notebooks, so that no kernel starts.
    """
    with open(copy / "_toc.yml", "a") as toc:
        toc.write("  - file: chapters/second\n")

    def write_figures(path, text, *names):
        cells = [new_markdown_cell(text, id="text"), *map(figure, names)]
        nbformat.write(new_notebook(cells=cells, metadata=notebooks.METADATA), path)

    write_figures(copy / "chapters" / "page.ipynb", "# The first page", "fig-a", "fig-b")

    def render(text):
        write_figures(
            copy / "chapters" / "second.ipynb", f"# A page\n\n{text}", "fig-one", "fig-two"
        )
        config = book.site_configuration(local=False, saved=book.saved_outputs("digits"), root=copy)
        config["execute"] = {"execute_notebooks": "off"}
        said = book.render(copy, config, environment.variables())
        return said, (copy / "_build" / "html" / "chapters" / "second.html").read_text()

    return render


def test_without_an_address_there_are_no_external_buttons(rendered):
    said, page = rendered("See [Figure 2](#fig-two) and [Figure 1](page.ipynb#fig-a).")
    assert said == ""
    article = page[page.index("<article") : page.index("</article")]
    assert (
        re.findall(r"Figure (\d)\.", article) == ["1", "2"]
        and "_sources/chapters/second.ipynb" in page
    )
    assert not re.search(r'href="https?://[^"]*(github|colab|mybinder)', page)
    assert (
        "og:title" in page and "og:url" not in page and 'rel="canonical"' not in page
    )  # it has no address to name


def test_with_an_address_buttons_open_the_notebook_and_a_dead_link_fails_every_time(rendered, copy):
    set_address(copy, URL)
    for _ in range(2):
        said, page = rendered("See [Figure 3](#fig-two) and [nothing](#fig-three).")
        assert "'Figure 3' links to Figure 2" in said and "fig-three" in said
    assert (
        '"https://colab.research.google.com/github/someone/autoencoders/blob/main/chapters/second.ipynb"'
        in page
    )
    assert f'"{URL}"' in page
    published = "https://someone.github.io/autoencoders"
    assert f'<meta property="og:url" content="{published}/chapters/second.html" />' in page
    assert f'<meta property="og:image" content="{published}/_static/preview.png" />' in page
    assert f'<link rel="canonical" href="{published}/chapters/second.html" />' in page


# Notebooks and the address


def messy():
    """A notebook as JupyterLab leaves it: outputs everywhere, counts of a long session, metadata of
    its own.
    """
    result = new_output(
        "execute_result", {"text/plain": "4"}, execution_count=31, metadata={"seen": "now"}
    )
    cells = [
        new_markdown_cell("# Été", id="title"),
        new_code_cell(
            "2 + 2",
            id="marked",
            execution_count=31,
            outputs=[result],
            metadata={
                "tags": [notebooks.MARK],
                "execution": {"iopub.execute_input": "now"},
                "scrolled": True,
            },
        ),
        new_code_cell(
            "3 + 3",
            id="other",
            execution_count=32,
            outputs=[new_output("stream", text="6")],
            metadata={"ExecuteTime": 1},
        ),
    ]
    metadata = {
        "kernelspec": {"display_name": "my own", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": "3.12"},
        "widgets": {"state": 1},
    }
    return new_notebook(cells=cells, metadata=metadata)


def test_the_canonical_form_keeps_what_matters():
    text = notebooks.canonical(messy(), URL)
    title, first, marked, other = (notebook := json.loads(text))["cells"]
    assert notebook["metadata"] == notebooks.METADATA and (
        notebook["nbformat"],
        notebook["nbformat_minor"],
    ) == (4, 5)
    assert [cell["id"] for cell in notebook["cells"]] == ["title", "set-up", "marked", "other"]
    assert f'ADDRESS = "{URL}"' in "".join(first["source"])
    assert marked["metadata"] == {"tags": [notebooks.MARK]} and marked["execution_count"] == 2
    result = {
        "data": {"text/plain": ["4"]},
        "execution_count": 2,
        "metadata": {},
        "output_type": "execute_result",
    }
    assert marked["outputs"] == [result]
    assert (other["metadata"], other["execution_count"], other["outputs"]) == ({}, None, [])
    assert (
        title["source"] == ["# Été"]
        and "Été" in text
        and text.endswith("}\n")
        and text.startswith('{\n "cells"')
    )


def test_imports_of_a_page_are_in_the_first_cell():
    notebook = messy()
    notebook.cells.insert(
        1,
        notebooks.set_up(
            "https://github.com/another/place", "import torch\n\nfrom aecourse import losses"
        ),
    )
    for url in (URL, ""):
        notebook = nbformat.reads(notebooks.canonical(notebook, url), as_version=4)
        assert (
            notebook.cells[1].source
            == notebooks.set_up(url).source + "\n\nimport torch\n\nfrom aecourse import losses"
        )
    assert len(notebook.cells) == 4


@pytest.mark.parametrize(
    "tag, source, wanted",
    [
        ("remove-input", "show(fig)", "# @title The figure\nshow(fig)"),
        ("remove-input", "with reveal():\n    explore(draw)", "# @title The figure\nwith"),
        ("remove-input", "show_table(runs)", "# @title The table\nshow"),
        ("remove-input", "claim('a')", "# @title What the numbers say\nclaim"),
        ("hide-input", "def draw(): pass", "# @title The plotting code\ndef draw"),
        ("remove-input", "# @title Mine\nshow(1)", "# @title Mine\nshow"),
    ],
)
def test_one_tag_folds_a_cell_everywhere(tag, source, wanted):
    notebook = messy()
    notebook.cells.append(new_code_cell(source, id="folded", metadata={"tags": [tag]}))
    cell = nbformat.reads(notebooks.canonical(notebook, ""), as_version=4).cells[-1]
    assert cell.source.startswith(wanted) and cell.source.endswith(source)
    assert (cell.metadata["cellView"], cell.metadata["jupyter"]) == (
        "form",
        {"source_hidden": True},
    )
    assert cell.metadata.get("mystnb", {}).get("code_prompt_show") == (
        "Show the plotting code" if tag == "hide-input" else None
    )
    again = nbformat.from_dict({**cell, "metadata": {**cell.metadata, "tags": []}})
    notebooks.folded(again)
    assert "cellView" not in again.metadata and "jupyter" not in again.metadata, (
        "without the tag it is open again"
    )


def test_the_canonical_form_is_stable():
    text = notebooks.canonical(messy(), "")
    assert notebooks.canonical(nbformat.reads(text, as_version=4), "") == text
    again = notebooks.canonical(nbformat.reads(text, as_version=4), URL)
    assert again == text.replace('ADDRESS = \\"\\"', f'ADDRESS = \\"{URL}\\"') != text


def test_a_marked_cell_without_an_output_is_noticed():
    assert notebooks.complete(notebook := messy())
    notebook.cells[1].execution_count = None
    assert not notebooks.complete(notebook)


def test_notebooks_execute_what_lacks_its_outputs(copy, monkeypatch, capsys):
    path = write(copy / "chapters" / "page.ipynb", "# A page", "print('not kept')", "print(6 * 7)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].metadata.tags = [notebooks.MARK]
    nbformat.write(notebook, path)
    monkeypatch.setattr(notebooks, "SET_UP", "address = {address}")
    for _ in range(2):
        assert notebooks.main([], copy) == 0
    cells = nbformat.read(path, as_version=4).cells
    assert [(cell.execution_count, cell.outputs) for cell in cells[1:3]] == [(None, [])] * 2
    assert cells[3].outputs[0].text == "42\n" and cells[3].execution_count == 3
    assert (
        capsys.readouterr().out.count("chapters/page.ipynb") == 2
    )  # executed and rewritten, and then left alone


def test_a_notebook_that_is_edited_while_it_is_executed_keeps_the_edit(copy, monkeypatch):
    path = copy / "chapters" / "page.ipynb"
    path.parent.mkdir(exist_ok=True)
    cell = new_code_cell("42", metadata={"tags": [notebooks.MARK]})
    nbformat.write(new_notebook(cells=[cell]), path)

    def edited(jobs, timeout):
        for job in jobs:
            job.write_text("edited", encoding="utf-8")
            yield job, new_notebook(cells=[cell]), 1.0, None

    monkeypatch.setattr("tools.execute.execute_all", edited)
    assert "page.ipynb was edited meanwhile" in notebooks.main([], copy)
    assert path.read_text(encoding="utf-8") == "edited"


def test_the_address_is_written_once(copy):
    before = (copy / "_config.yml").read_text().splitlines()
    address.write(URL + ".git/", copy)
    assert notebooks.address(copy) == URL
    after = (copy / "_config.yml").read_text().splitlines()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        f'  url: "{URL}"'
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "someone/autoencoders",
        "http://github.com/a/b",
        "https://github.com/a",
        "https://example.org/a/b",
        'https://github.com/a/b"; import os #',
    ],
)
def test_another_kind_of_address_is_refused(copy, wrong):
    with pytest.raises(SystemExit, match="expected https://github.com/OWNER/NAME"):
        address.write(wrong, copy)
    assert notebooks.address(copy) == ""


def start(url, installed):
    """Run the set-up cell as a notebook would, where pip only says what it is asked for, and
    "installs" it; what was said.
    """
    code = f"""
import sys, types
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "aecourse": raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
package = types.SimpleNamespace(about=lambda: print("about"))
if {installed}: sys.modules["aecourse"] = package
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def pip(line):
    print("pip", line)
    sys.modules["aecourse"] = package
shell.register_magic_function(pip, "line", "pip")
shell.run_cell({notebooks.set_up(url).source!r})"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_set_up_never_installs_from_nowhere():
    said = start("", installed=False)
    for part in (
        "aecourse is not installed, and this copy of the course",
        "pip install -e .",
        "make address URL=",
    ):
        assert part in said
    assert not re.search("^pip", said, re.M) and "about" not in said.splitlines()


def test_the_set_up_installs_from_the_address_and_only_what_is_missing():
    assert start(URL, installed=False) == f'pip install --quiet "aecourse @ git+{URL}"\nabout\n'
    assert start(URL, installed=True) == "about\n"


# Claims


def test_the_table_of_claims():
    page = notebooks.paths("chapters")[0]
    digits = {page: (12.3, {"A | B is better": {"mean": 0.5, "low": 0.25, "high": 0.75}})}
    lines = list(claims.table({"digits": digits, "mnist": {page: (45.6, {})}}))
    assert re.match(r"\| \[.+\]\(\.\./chapters/.+\.ipynb\) \| ", lines[2])
    assert lines[2].endswith(r" | A \| B is better | 0.5 [0.25, 0.75] | not made |")
    assert lines[-1].endswith("| 12 | 46 |")
