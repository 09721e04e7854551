"""What a browser gets of a submission: an allow-list, and a policy that says the same."""

import base64
import hashlib
import re
from pathlib import Path

import nbformat
import nbgrader
import pytest
from traitlets.config import Config

from grader import showing
from tests.grader.small_course import small

EVIL = {
    "a script": "<script>hit()</script>",
    "a script in parts": "<scr<script>ipt>hit()</scr</script>ipt>",
    "an event": '<img src="x" onerror="hit()">',
    "an event without quotes": "<b onmouseover=hit() onfocus=hit() autofocus tabindex=1>b</b>",
    "a link": "<a href='javascript:hit()'>link</a>",
    "a link with a tab": "<a href='java\tscript:hit()'>link</a>",
    "a link in Markdown": "[link](javascript:hit())",
    "a link to a page of its own": "<a href='data:text/html,<script>hit()</script>'>link</a>",
    "a link that loses its beginning": '<a href="files/javascript:hit()">link</a>',
    "a picture by Markdown": '![x](https://evil.test/x.png"onerror="hit())',
    "a picture from elsewhere": "<img src='https://evil.test/x.png' srcset='https://evil.test/y'>",
    "svg": "<svg onload='hit()'><script>hit()</script><use href='https://evil.test/x'/></svg>",
    "MathML": "<math><maction xlink:href='javascript:hit()' onclick='hit()'>x</maction></math>",
    "MathML and a style": "<math><mtext><style><img src=x onerror=hit()></style></mtext></math>",
    "details": "<details open ontoggle='hit()'><summary>s</summary>text</details>",
    "an iframe": "<iframe src='https://evil.test' srcdoc='<script>hit()</script>'></iframe>",
    "an object": "<object data='https://evil.test/x'></object><embed src='https://evil.test/x'>",
    "a form": "<form action='https://evil.test'><input autofocus onfocus='hit()'></form>",
    "a style": "<style>@import 'https://evil.test/x';</style><p style='background:url(//e.test)'>",
    "a base": "<base href='https://evil.test/'><link rel=stylesheet href='https://evil.test/x'>",
    "a refresh": "<meta http-equiv=refresh content='0;url=https://evil.test'>",
    "a name that a script reads": "<a id='submission_id' name='base_url'></a>",
    "a class that a script reads": "<span class='score'>9</span>",
    "a comment": "<!--><img src=x onerror=hit()>-->",
    "a template": "<template><script>hit()</script></template><noscript><img src=x></noscript>",
    "video": "<video src='https://evil.test/x' poster='https://evil.test/y' onloadstart='hit()'>",
    "no end": "<img src=x onerror=hit() ",
    "code of a language": '```"><script>hit()</script>\nx\n```',
}


def harmless(html):
    """No tag or attribute beyond the lists, no address that would be requested."""
    tags = set(re.findall(r"<\s*/?([\w-]+)", html))
    names = {
        name for tag in re.findall(r"<[^>]*>", html) for name in re.findall(r"\s([\w:-]+)=", tag)
    }
    allowed = set().union(*showing.ATTRIBUTES.values()) | {"rel"}
    inside = " ".join(re.findall(r"<[^>]*>", html))
    sources = re.findall(r"""(?:src|srcset|data|poster|action)\s*=\s*["']?([^"'>]*)""", inside)
    links = re.findall(r'href="([^"]*)"', html)
    return (
        tags <= showing.TAGS
        and names <= allowed
        and all(source.startswith("data:image/") for source in sources)
        and not [link for link in links if re.match(r"\s*(javascript|data|vbscript):", link, re.I)]
    )


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("show", [showing.markdown, showing.clean])
def test_nothing_of_a_learner_runs_or_is_requested(show, name):
    html = showing.as_it_is(show(f"before\n\n{EVIL[name]}\n\nafter"))
    assert harmless(html), html
    assert "before" in html


def test_what_exercises_and_answers_need_stays():
    text = (
        "# Title\n\n**bold** *it* `code` [a](https://pytorch.org) $x^2$\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n\n1. two\n\n> three\n\n```python\nx = 1\n```\n\n"
        "<details><summary>Hint</summary>\n\nfour\n\n</details>\n\n"
        "![p](data:image/png;base64,iVBORw0KGgo=)"
    )
    html = showing.markdown(text)
    for part in (
        "<h1>",
        "<strong>bold</strong>",
        "<em>it</em>",
        "<code>code</code>",
        'href="https://pytorch.org"',
        "$x^2$",
        "<td>1</td>",
        "<li>one</li>",
        "<blockquote>",
        '<span class="n">x</span>',
        "<details><summary>Hint</summary>",
        'src="data:image/png;base64,iVBORw0KGgo="',
    ):
        assert part in html, part


@pytest.mark.parametrize(
    "html",
    [
        '<div class="highlight hl-ipython3">x</div>',
        '<code class="language-python">x</code>',
        '<img src="data:image/png;base64,iVBORw0K\nGgo=">',
    ],
)
def test_code_keeps_its_colours_and_a_picture_its_lines(html):
    assert showing.clean(html) == html


@pytest.mark.parametrize(
    "html",
    ['<code class="language-python score">x</code>', '<img src="data:image/png;base64,a\\b">'],
)
def test_no_other_class_or_sign_stays(html):
    assert showing.clean(html) != html


def test_a_policy_names_the_pages_own_scripts_and_no_other():
    rules = dict(
        rule.split(" ", 1) for rule in showing.policy(["go()"], "http://here/static/").split("; ")
    )
    digest = base64.b64encode(hashlib.sha256(b"go()").digest()).decode()
    assert rules["default-src"] == "'none'" and f"'sha256-{digest}'" in rules["script-src"]
    assert "'unsafe-inline'" not in rules["script-src"] and "'self'" not in rules["script-src"]
    assert rules["img-src"] == "data: http://here/static/" and rules["base-uri"] == "'none'"
    assert showing.scripts_of("<script>a</script><script src=b></script><i onclick='c'></i>") == [
        "a",
        "c",
    ]


@pytest.mark.browser
@pytest.mark.parametrize("careful", [True, False])
def test_a_page_of_feedback_runs_and_requests_nothing(careful, browser, tmp_path):
    """With the allow-list; and without it, by the policy alone."""
    notebook = small()
    for cell in notebook.cells:
        cell.metadata.setdefault("nbgrader", {}).update(score=0, points=1, comment=None)
    evil = [text for name, text in EVIL.items() if careful or name != "a refresh"]
    notebook.cells[-1].source = "\n\n".join(["before", *evil])
    places = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
    templates = places / "templates"
    settings = Config()
    settings.HTMLExporter.template_name = "feedback"
    settings.HTMLExporter.extra_template_basedirs = [str(templates)]
    settings.HTMLExporter.extra_template_paths = [
        str(places / "static" / "node_modules" / "bootstrap" / "dist" / "css")
    ]
    if careful:
        settings.HTMLExporter.sanitize_html = True
        settings.HTMLExporter.filters = {
            "markdown2html": "grader.showing.markdown",
            "clean_html": "grader.showing.clean",
            "strip_files_prefix": "grader.showing.as_it_is",
        }
    scores = {"notebook": "small", "score": 0, "max_score": 1, "late_penalty": 0}
    html, _ = showing.Page(config=settings).from_notebook_node(
        nbformat.from_dict(notebook), {"nbgrader": nbformat.from_dict(scores)}
    )
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page, asked = browser.new_page(), []
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 }")

    def noted(route):
        asked.append(route.request.url)
        route.abort()

    page.route(re.compile("^http"), noted)
    page.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hits") == 0 and "before" in page.inner_text("body")
    assert asked and all(url.startswith(showing.MATHJAX) for url in asked)
    page.close()
