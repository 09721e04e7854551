"""What a page displays, as the book's build sees it: figures and tables with numbers, links that
are checked, folded answers.

One small book is rendered. It fails if a new myst-nb, myst-parser or Sphinx treats outputs in
another way.
"""

import html
import re
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from aecourse.pages import claim, display, explore, reveal, say, show, show_table, subplots
from tests.pages.test_tables import runs
from tools import book, environment, notebooks
from tools.environment import ROOT

TEXT = """# A page

[Figure 1](#fig-one), [Figure 2](#fig-two), [Table 1](#tab-one),
[Figure 1](second.ipynb#fig-other) and
[a figure](#fig-two) are right; [Figure 1](#fig-two), [Table 2](#tab-one), [Figure 1](#fig-none) and
[Figure 9](second.ipynb#fig-other) are not.
"""


def draw(value):
    fig, ax = subplots()
    ax.plot([0, value])
    return fig


def first_page():
    show(draw(1), name="fig-one", caption="A & B < C", alt="one")
    with reveal():
        explore(draw, name="fig-two", caption="It moves", alt=str, label="v", values=[1, 2, 3])
        say("So $x^2 < 1$, **as** [Figure 1](#fig-one) shows, not [Figure 7](#fig-one).")
        show_table(
            runs(),
            by=["loss", "weight"],
            metrics="mse",
            name="tab-one",
            caption="Errors.",
            labels={"mse": r"$\ell_2$"},
        )
    with reveal():
        claim("A is better", [1, 1.1, 0.9])
    show_table(runs(), by=["loss", "weight"], metrics="mse", name="tab-two", caption="Again.")


def second_page():
    show(draw(1), name="fig-other", caption="Other", alt="other")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What the build said, and the two pages."""
    root = tmp_path_factory.mktemp("book")
    shutil.copy(ROOT / "_config.yml", root)
    for name in ("_ext", "_static", "_templates"):
        if (ROOT / "book" / name).exists():
            shutil.copytree(
                ROOT / "book" / name,
                root / "book" / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
    (root / "_toc.yml").write_text("format: jb-book\nroot: page\nchapters:\n  - file: second\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, text, draw_all in (
            ("page", TEXT, first_page),
            ("second", "# Second", second_page),
        ):
            outputs = []
            patch.setattr(display, "_numbers", {"Figure": {}, "Table": {}})
            patch.setattr(
                display,
                "display",
                lambda data, raw, outputs=outputs: outputs.append(new_output("display_data", data)),
            )
            draw_all()
            cell = new_code_cell(
                "draw()",
                id="cell",
                execution_count=1,
                outputs=outputs,
                metadata={"tags": ["remove-input"]},
            )
            page = new_notebook(
                cells=[new_markdown_cell(text, id="text"), cell], metadata=notebooks.METADATA
            )
            nbformat.write(page, root / f"{name}.ipynb")
    config = book.site_configuration(local=False, saved=root, root=root)
    config["execute"] = {"execute_notebooks": "off"}
    said = book.render(root, config, environment.variables())
    pages = [(root / "_build" / "html" / f"{name}.html").read_text() for name in ("page", "second")]
    return said, *(page[page.index("<article") : page.index("</article>")] for page in pages)


def visible(page):
    """The text of a piece of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_every_figure_and_table_is_there_once_with_its_number(built):
    _, page, second = built
    assert re.findall(r'<figure class="[^"]*ae-figure[^"]*" id="([\w-]+)"', page) == [
        "fig-one",
        "fig-two",
    ]
    assert re.findall(r'<table class="[^"]*" id="([\w-]+)"', page) == ["tab-one", "tab-two"]
    captions = [
        visible(text).removesuffix(" #")
        for text in re.findall(r"<(?:fig)?caption>(.*?)</(?:fig)?caption>", page, re.S)
    ]
    seeds = "Mean ± half of the 95 % interval over 3 seeds."
    assert [caption.replace(" #", "").replace("¶", "").strip() for caption in captions] == [
        "Figure 1. A & B < C",
        "Figure 2. It moves",
        f"Table 1. Errors. {seeds}",
        f"Table 2. Again. {seeds}",
    ]
    assert "Figure 1." in visible(second), "numbers begin anew on every page"


def test_nothing_of_an_output_is_left_as_it_was_emitted(built):
    for page in built[1:]:
        assert (
            "<figure id=" not in page
            and "[Figure" not in page
            and ":::" not in page
            and "**" not in page
        )
    assert page.count("<svg") == 1 and built[1].count("<svg") == 4


def test_what_waits_is_one_folded_part_with_formulas_and_links(built):
    folds = re.findall(r'<details class="reveal">(.*?)</details>', built[1], re.S)
    assert len(folds) == 2 and built[1].count("<details") == built[1].count("</details>")
    first, second = folds
    assert first.startswith("<summary>I have guessed: show me</summary>")
    for part in (
        'id="fig-two"',
        'id="tab-one"',
        r"\(x^2 &lt; 1\)",
        r"\(\ell_2\)",
        'href="#fig-one"',
        "data-slides",
    ):
        assert part in first, part
    assert 'id="fig-one"' not in first and "A is better" in second and "fig" not in second


def test_wrong_links_are_told_and_right_ones_are_not(built):
    said = built[0]
    for words in (
        "'Figure 1' links to Figure 2",
        "'Table 2' links to Table 1",
        "fig-none",
        "'Figure 9' links to Figure 1",
        "'Figure 7' links to Figure 1",
    ):
        assert said.count(words) == 1, (words, said)
    assert said.count("WARNING") == 5, said


def test_links_lead_to_their_figures(built):
    links = re.findall(r'<a class="reference internal" href="([^"]*)"', built[1])
    assert {link: links.count(link) for link in links} == {
        "#fig-one": 3,
        "#fig-two": 3,
        "#tab-one": 2,
        "second.html#fig-other": 2,
        "#fig-none": 1,
    }
