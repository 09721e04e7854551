"""What a browser gets of a submission: the formgrader's page and the page of feedback.

All Markdown and HTML passes through an allow-list (nh3, the Python side of ammonia), so that
nothing of a learner runs, and nothing is requested. A content security policy says the same to the
browser. Sources: github.com/messense/nh3; Content Security Policy Level 3, w3.org/TR/CSP3.
"""

import base64
import copy
import hashlib
import re

import nbformat
import nh3
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import markdown2html_mistune

TAGS = set(
    "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li mark ol p pre q s small span strong sub summary sup table tbody td "
    "tfoot th thead tr u ul var".split()
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
    "details": {"open"},
    **{name: {"class"} for name in ("code", "div", "pre", "span")},
}
IMAGE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*", re.I)
COLOURS = re.compile(r"(highlight|hl-\w+|language-\w+|[a-z][a-z0-9]{0,2})( hl-\w+)?")
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"


def allowed(tag, attribute, value):
    """The value of an attribute, or None where it is dropped: an image is part of the page, a
    class is one of the highlighter's.
    """
    if (tag, attribute) == ("img", "src") and not IMAGE.fullmatch(value):
        return None
    if attribute == "href" and re.sub(r"[\x00-\x20]", "", value).lower().startswith("data:"):
        return None
    if attribute == "class" and not COLOURS.fullmatch(value):
        return None
    return value


def clean(html):
    """HTML of which only tags and attributes of the lists are left."""
    html = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html)
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"script", "style", "template", "iframe", "noscript", "svg", "math"},
        attributes=ATTRIBUTES,
        attribute_filter=allowed,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def markdown(source):
    """A Markdown cell as HTML."""
    return clean(markdown2html_mistune(str(source)))


def as_it_is(text):
    """For nbconvert's `strip_files_prefix`, which would change links after they were cleaned."""
    return text


def policy(scripts=(), own=None):
    """A content security policy: the page's own scripts and MathJax run, and nothing else does.

    Args:
        scripts: the text of each script, or handler of an event, that the page itself contains.
        own: the address below which the page's own files are; None if it has none.
    """
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in dict.fromkeys(scripts)
    ]
    more = [own] if own else []
    rules = {
        "default-src": ["'none'"],
        "script-src": [
            MATHJAX,
            "'unsafe-eval'",
            *["'unsafe-hashes'"] * bool(hashes),
            *hashes,
            *more,
        ],
        "style-src": ["'unsafe-inline'", MATHJAX, *more],
        "font-src": ["data:", MATHJAX, *more],
        "img-src": ["data:", *more],
        "connect-src": ["'self'"] if own else ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(" ".join([name, *values]) for name, values in rules.items())


def scripts_of(html):
    """The scripts and handlers of events in a page."""
    soup = BeautifulSoup(html, "html.parser")
    written = [tag.string for tag in soup.find_all("script") if tag.string and not tag.get("src")]
    handlers = [
        value
        for tag in soup.find_all(True)
        for name, value in tag.attrs.items()
        if name[:2] == "on"
    ]
    return written + handlers


class Page(HTMLExporter):
    """The page of feedback, with its policy."""

    def from_notebook_node(self, nb, resources=None, **settings):
        html, resources = super().from_notebook_node(nb, resources, **settings)
        rule = f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'
        return html.replace("<head>", f"<head>\n{rule}", 1), resources


class Guarded:
    """The exporter of the formgrader, which also gives the page its policy.

    The page's own scripts are those of the page of an empty notebook.
    """

    def __init__(self, handler):
        self.handler = handler

    def from_filename(self, filename, resources=None, **settings):
        exporter = self.handler.settings["nbgrader_exporter"]
        empty = nbformat.v4.new_notebook()
        blank, _ = exporter.from_notebook_node(empty, resources=copy.deepcopy(resources))
        own = f"{self.handler.request.protocol}://{self.handler.request.host}"
        own += f"{self.handler.base_url}/formgrader/static/"
        rules = f"{policy(scripts_of(blank), own)}; frame-ancestors 'self'"
        self.handler.set_header("Content-Security-Policy", rules)
        return exporter.from_filename(filename, resources=resources, **settings)


def guard():
    """Let the formgrader of this server send its page of a submission with a policy."""
    from nbgrader.server_extensions.formgrader.base import BaseHandler

    BaseHandler.exporter = property(Guarded)
