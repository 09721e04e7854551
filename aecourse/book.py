"""Only the book's build imports this: what aecourse.notebook displays becomes a Sphinx figure, numbered from 1 on every page."""
import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from myst_nb.core.render import create_figure_context
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective


class Figure:
    """myst-nb finds this through the entry point "myst_nb.mime_renderers" in pyproject.toml."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(renderer, data, inline):
        figure = data.output_metadata.get("aecourse")
        if inline or data.mime_type != "text/html" or not figure:
            return None  # rendered as usual
        body = re.search(r"<figure[^>]*>(.*)<figcaption", data.string, re.S)[1]
        box, page = nodes.container(), renderer.renderer
        with page.current_node_context(box), create_figure_context(page, {**figure, "classes": "ae-figure"}, data.line):
            page.current_node.append(nodes.raw("", body, format="html"))
        return box.children


def number_by_page(app, doctree, page):
    """Restart the numbers on every page, as a kernel does: a caption has one number in the book, in JupyterLab and in Colab."""
    for kinds in app.env.toc_fignumbers.values():  # all pages, because a page may name another's figure
        for kind, figures in kinds.items():
            kinds[kind] = {name: (number,) for number, name in enumerate(figures, 1)}


def list_figures(app, doctree):
    """`[Figure 2](ssim.ipynb#fig-blur)` works as a link to a heading does."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for figure in doctree.findall(nodes.figure):
        slugs.update({name: (figure.line, name, name) for name in figure["ids"]})


def check_links(app, doctree, page):
    """Prose that says "Figure 2" links to Figure 2."""
    numbers = {name: number for kinds in app.env.toc_fignumbers.values() for name, (number,) in kinds.get("figure", {}).items()}
    for link in doctree.findall(nodes.reference):
        said, number = link.astext(), numbers.get(link.get("refid") or link.get("refuri", "").rpartition("#")[2])
        if number and said.startswith("Figure ") and said != f"Figure {number}":
            logging.getLogger(__name__).warning("%r links to Figure %d", said, number, location=link)


class ConceptMap(SphinxDirective):
    """`{concept-map}`: the concepts of book/concepts.yml, and where each is taught, practised and implemented."""

    def run(self):
        path = Path(self.env.srcdir, "book", "concepts.yml")
        self.env.note_dependency(str(path))
        lines = ["| concept | chapter | exercise | in `aecourse/` |", "|---|---|---|---|"]
        for rooms in yaml.safe_load(path.read_text(encoding="utf-8")).values():
            exercise = rooms.get("exercise")
            cells = [rooms["title"], link("read", rooms.get("chapter")),
                     link("practise", exercise and f"exercises/{exercise}/{exercise}.ipynb"),
                     code(rooms.get("module", "").removeprefix("aecourse/"))]
            lines.append("| " + " | ".join(cells) + " |")
        box = nodes.container()
        self.state.nested_parse(StringList(lines, str(path)), 0, box)
        return box.children


def link(word, path):
    return f"[{word}](../{path})" if path else ""


def code(path):
    return f"`{path}`" if path else ""


def escape_stars(app, what, name, thing, options, lines):
    """The star of a shape such as (B, *shape) opens no emphasis."""
    lines[:] = [re.sub(r"(?<!\\)\*(?=shape|grid)", r"\\*", line) for line in lines]


def setup(app):
    app.add_directive("concept-map", ConceptMap)
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("doctree-read", list_figures)
    app.connect("doctree-resolved", number_by_page)
    app.connect("doctree-resolved", check_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
