"""`make page`: two files change, all sections are there, and the contract names what is missing."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import yaml

from tests.chapters.contract import RULES, Page, complaints
from tools import notebooks, page
from tools.book import names
from tools.environment import ROOT


@pytest.fixture
def course(tmp_path):
    """A copy of what `make page` reads, with two chapters in the contents."""
    for name in ("_toc.yml", "_config.yml", "book/concepts.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    kept = ("principles/autoencoder", "losses/choosing_a_loss")
    lines, gone = [], None
    for line in (tmp_path / "_toc.yml").read_text().splitlines(keepends=True):
        deep = len(line) - len(line.lstrip())
        if gone is not None and deep > gone:
            continue  # what stands below a chapter goes with it
        left_out = "file: chapters/" in line and not line.strip().endswith(kept)
        gone = deep if left_out else None
        lines += [] if left_out else [line]
    (tmp_path / "_toc.yml").write_text("".join(lines))
    (tmp_path / "chapters" / "losses").mkdir(parents=True)
    (tmp_path / "chapters" / "losses" / "choosing_a_loss.ipynb").touch()
    return tmp_path


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "name",
    ["losses/edges", "principles/activations", "applications/science", "regularizers/denoising"],
)
def test_a_page_is_a_notebook_and_a_line_in_the_contents(course, name):
    before = files(course)
    page.main([f"NAME={name}"], course)
    after = files(course)
    assert {path for path in after if after[path] != before.get(path)} == {
        "_toc.yml",
        f"chapters/{name}.ipynb",
    }
    lines = set(before["_toc.yml"].decode().splitlines())
    added = [line for line in after["_toc.yml"].decode().splitlines() if line not in lines]
    assert f"      - file: chapters/{name}" in added and len(added) <= 2
    toc = yaml.safe_load(after["_toc.yml"])
    part = next(
        part for part in toc["parts"] if part.get("caption", "").lower() == name.split("/")[0]
    )
    assert f"chapters/{name}" in list(names(part))
    captions = [part["caption"] for part in toc["parts"] if "caption" in part]
    assert captions == sorted(
        captions, key=lambda caption: [*page.PARTS, "reference"].index(caption.lower())
    )


def test_pages_stand_in_the_order_of_the_concepts(course):
    before = list(names(yaml.safe_load((course / "_toc.yml").read_text())))
    for name in (
        "losses/multi_scale",
        "losses/edges",
        "losses/squared_error",
        "variants/vae",
        "principles/activations",
    ):
        page.main([f"NAME={name}"], course)
    found = [
        name
        for name in names(yaml.safe_load((course / "_toc.yml").read_text()))
        if name.startswith("chapters/")
    ]
    assert found == [
        "chapters/principles/autoencoder",
        "chapters/principles/activations",
        "chapters/losses/squared_error",
        "chapters/losses/choosing_a_loss",
        "chapters/losses/edges",
        "chapters/losses/multi_scale",
        "chapters/variants/vae",
    ]
    assert [
        name for name in names(yaml.safe_load((course / "_toc.yml").read_text())) if name in before
    ] == before


def test_a_new_page_is_canonical_and_says_what_it_misses(course):
    page.main(["NAME=losses/edges"], course)
    path = course / "chapters" / "losses" / "edges.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert path.read_text() == notebooks.canonical(notebook, notebooks.address(course))
    found = {rule: complaints(Page("losses/edges", notebook), rule) for rule in RULES}
    gaps = len(re.findall(r"\(missing: ", "\n".join(cell.source for cell in notebook.cells)))
    assert len(found["has_no_gaps"]) == gaps > 40
    assert "missing: the goal, in one sentence" in found["has_no_gaps"]
    assert found["has_all_sections_in_order"] == [] and found["shows_code_in_small_pieces"] == []
    assert (
        found["shows_figures"][0].startswith("0 figures are shown") and found["checks_what_it_says"]
    )
    assert any(
        "hook's figure" in complaint for complaint in found["opens_with_title_goal_and_hook"]
    )


def test_its_code_runs(course):
    page.main(["NAME=losses/edges"], course)
    notebook = nbformat.read(course / "chapters" / "losses" / "edges.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code").replace(
        "    %pip", "    pass #"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_a_page_with_exercises_leads_to_them(course):
    page.main(["NAME=regularizers/denoising"], course)
    text = (course / "chapters" / "regularizers" / "denoising.ipynb").read_text()
    assert all(
        f"exercises/{name}/{name}.ipynb" in text for name in ("noise_level", "noise_transfer")
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        (
            [],
            (
                "NAME is ''; expected a concept of book/concepts.yml that has no chapter yet, such"
                " as principles/"
            ),
        ),
        (["NAME=losses/nothing"], "NAME is 'losses/nothing'"),
        (["NAME=losses/choosing_a_loss"], "exists: to begin it anew"),
    ],
)
def test_what_is_no_new_page_is_refused(course, arguments, words):
    before = files(course)
    with pytest.raises(SystemExit, match=words):
        page.main(arguments, course)
    assert files(course) == before
