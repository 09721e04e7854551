"""What surrounds the pages: descriptions and previews for search engines and chats, the footer, and
the list `{course-parts}` of what there is to read.

The address where the site is published follows from that of the repository (`make address`): https://OWNER.github.io/NAME/.
Until there is one, no page claims an address of its own.
"""

import html
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

PREVIEW = "_static/preview.png"
LONGEST = 200  # characters of a description; search engines show some 160


class CourseParts(SphinxDirective):
    """`{course-parts}`: the parts, their chapters and exercises, and the concepts to be written.

    From _toc.yml and book/concepts.yml: a new page appears here by itself.
    """

    def run(self):
        root = Path(self.env.srcdir)
        paths = {name: root / name for name in ("_toc.yml", "book/concepts.yml")}
        for path in paths.values():
            self.env.note_dependency(str(path))
        toc, concepts = (
            yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths.values()
        )
        listed = {
            part["caption"].lower(): part["chapters"] for part in toc["parts"] if "caption" in part
        }
        lines = []
        for part in dict.fromkeys(concept["part"] for concept in concepts.values()):
            lines += [f"- {part.capitalize()}", "", *self.pages(listed.get(part, []), 1)]
            planned = [
                concept["title"]
                for concept in concepts.values()
                if concept["part"] == part and not (root / concept["chapter"]).exists()
            ]
            lines += [f"  - *To come:* {', '.join(planned)}"] if planned else []
        box = nodes.container(classes=["ae-parts"])
        self.state.nested_parse(StringList(lines, str(paths["_toc.yml"])), 0, box)
        return [box]

    def pages(self, entries, depth):
        """A line a page, and below it, further in, its own pages."""
        for entry in entries:
            title = f"{entry['title']} " if "title" in entry else ""
            role = (
                f"{{doc}}`{title}<{'/' + entry['file']}>`"
                if title
                else f"{{doc}}`/{entry['file']}`"
            )
            yield f"{'  ' * depth}- {role}"
            yield from self.pages(entry.get("sections", []), depth + 1)


def published_address(repository):
    """Where GitHub or GitLab serves the pages of `repository`; "" without one."""
    found = re.fullmatch(r"https://(github|gitlab)\.com/([\w.-]+)/([\w.-]+?)/?", repository or "")
    if not found:
        return ""
    host, owner, name = found.groups()
    domain = f"{owner.lower()}.{host}.io"
    return f"https://{domain}/" if name.lower() == domain else f"https://{domain}/{name}/"


def shorten(text, longest=LONGEST):
    """`text` on one line, cut after a sentence or else after a word, at `longest` characters."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    sentences = [end.end() for end in re.finditer(r"[.?!](?= )", text[: longest + 1])]
    if sentences and sentences[-1] >= longest // 2:
        return text[: sentences[-1]]
    return text[:longest].rpartition(" ")[0].rstrip(",;: ") + " ..."


def description(doctree):
    """The first paragraph below the title; "" if the page has none."""

    def words(paragraph):
        return paragraph.astext() if isinstance(paragraph.parent, nodes.section) else ""

    return next(
        (shorten(text) for text in map(words, doctree.findall(nodes.paragraph)) if len(text) > 20),
        "",
    )


def repository(config):
    """The address of the course's source; "" if none is set (Jupyter Book fills in its own)."""
    options = config.html_theme_options
    return options.get("repository_url", "") if options.get("use_repository_button") else ""


def set_address(app, config):
    """Sphinx's own `html_baseurl`, from which it also makes the canonical links."""
    if not config.html_baseurl:
        config.html_baseurl = published_address(repository(config))


def add_context(app, page, template, context, doctree):
    """The variables of book/_templates; and no MathJax on a page without a formula."""
    base = app.config.html_baseurl
    context["social"] = {
        "title": context.get("title") or app.config.html_title,
        "description": description(doctree) if doctree else "",
        "described": 'name="description"' in (context.get("metatags") or ""),
        "address": f"{base}{page}.html" if base else "",
        "image": f"{base}{PREVIEW}" if base else context["pathto"](PREVIEW, 1),
    }
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    built = datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)
    context["built"] = {
        "date": f"{built.day} {built:%B %Y}",
        "data": os.environ.get("AECOURSE_DATASET", "digits"),
        "computed": page.startswith("chapters/"),
        "repository": repository(app.config),
    }
    if doctree is None or not any(
        doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block))
    ):
        context["script_files"] = [
            script for script in context["script_files"] if not is_mathjax(script)
        ]


def write_front(app, failed):
    """index.html leads to the landing page, and has its preview: it is what people link to."""
    if failed or app.builder.name != "html":
        return
    root = app.config.root_doc
    landing = Path(app.outdir, f"{root}.html").read_text(encoding="utf-8")
    tags = re.findall(r'<meta (?:property="og:|name="(?:description|twitter:))[^>]*>', landing)
    up = "../" * root.count("/")
    head = "\n".join(tags).replace(f'"{up}{PREVIEW}"', f'"{PREVIEW}"')
    title = html.escape(app.config.html_title)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        f"<title>{title}</title>",
        f'<meta http-equiv="refresh" content="0; url={root}.html">',
        head,
        f'<a href="{root}.html">{title}</a>',
        "</html>",
    ]
    Path(app.outdir, "index.html").write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_mathjax(script):
    """Is it MathJax, or its configuration?"""
    body = getattr(script, "attributes", {}).get("body", "")
    return "mathjax" in f"{getattr(script, 'filename', None) or ''} {body}".lower()


def setup(app):
    app.add_directive("course-parts", CourseParts)
    app.connect("config-inited", set_address)
    app.connect("build-finished", write_front)
    app.connect("html-page-context", add_context, priority=900)  # after those that add scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
