"""What aecourse.pages displays becomes Sphinx figures and tables, numbered from 1 on every page,
with checked links.

`show` emits ``<figure id=... ><figcaption>...``, and inside a `reveal` the same within Markdown.
myst-nb leaves both as raw HTML nodes; a transform replaces them, so it depends on nothing of
myst-nb but these nodes: containers with ``nb_element="mime_bundle"`` whose children carry
``mime_type``.
tests/pages/test_book_extension.py fails if that changes.
"""

import html
import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

FIGURE = re.compile(
    r"""<figure id=["'](?P<name>[\w-]+)["'][^>]*>(?P<body>.*?)"""
    r"<figcaption>(?:<b>[^<]*</b> )?(?P<caption>.*?)</figcaption></figure>",
    re.S,
)
KINDS = {"figure": "Figure", "table": "Table"}


class DisplayedFigures(SphinxTransform):
    """HTML with a figure becomes a figure node; of HTML and Markdown, the book takes Markdown."""

    default_priority = 100  # before labels and links are resolved

    def apply(self):
        for bundle in list(self.document.findall(is_bundle)):
            kinds = {child.get("mime_type"): child for child in bundle.children}
            if {"text/html", "text/markdown"} <= set(kinds):
                bundle.remove(kinds["text/html"])
        for raw in list(self.document.findall(nodes.raw)):
            if raw["format"] == "html" and FIGURE.search(raw.astext()):
                raw.replace_self(self.parts(raw))

    def parts(self, raw):
        """The HTML before, between and after the figures of `raw`, and the figures."""
        text = raw.astext()
        end = 0
        parts = []
        for found in FIGURE.finditer(text):
            parts += [*between(text[end : found.start()]), self.figure(raw, **found.groupdict())]
            end = found.end()
        return parts + between(text[end:])

    def figure(self, raw, name, body, caption):
        """A figure node that holds the HTML `body`."""
        caption = html.unescape(caption)
        node = nodes.figure(
            "",
            nodes.raw("", body, format="html"),
            nodes.caption("", "", nodes.Text(caption)),
            classes=["ae-figure"],
            names=[nodes.fully_normalize_name(name)],
        )
        place = next((at for at in ancestors(raw) if at.line is not None), self.document)
        node.source, node.line = self.document["source"], place.line or 0
        self.document.note_explicit_target(node, node)
        return node


def is_bundle(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def ancestors(node):
    """`node`, and the nodes that contain it, from the inside out."""
    while node is not None:
        yield node
        node = node.parent


def between(text):
    return [nodes.raw("", text, format="html")] if text.strip() else []


def number_by_page(app, doctree, page):
    """Restart the numbers on every page, as a kernel does, so that they agree everywhere."""
    for kinds in app.env.toc_fignumbers.values():  # all pages: one may name another's figure
        for kind, named in kinds.items():
            kinds[kind] = {name: (number,) for number, name in enumerate(named, 1)}


def list_figures(app, doctree):
    """`[Figure 2](edges.ipynb#fig-blur)` works as a link to a heading does."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for node in doctree.findall(lambda node: isinstance(node, (nodes.figure, nodes.table))):
        slugs.update({name: (node.line, name, name) for name in node["ids"]})


def check_links(app, doctree, page):
    """Prose that says "Figure 2" links to Figure 2, and the like for tables."""
    numbers = {
        name: f"{KINDS[kind]} {number}"
        for kinds in app.env.toc_fignumbers.values()
        for kind in KINDS
        for name, (number,) in kinds.get(kind, {}).items()
    }
    for link in doctree.findall(nodes.reference):
        said = link.astext()
        wanted = numbers.get(link.get("refid") or link.get("refuri", "").rpartition("#")[2])
        if wanted and re.match(r"(Figure|Table) \S+$", said) and said != wanted:
            logging.getLogger(__name__).warning("%r links to %s", said, wanted, location=link)


def escape_stars(app, what, name, thing, options, lines):
    """The star of a shape such as (B, *shape) opens no emphasis."""
    lines[:] = [re.sub(r"(?<!\\)\*(?=shape|grid)", r"\\*", line) for line in lines]


def setup(app):
    app.add_transform(DisplayedFigures)
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("doctree-read", list_figures)
    app.connect("doctree-resolved", number_by_page)
    app.connect("doctree-resolved", check_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
