"""The built site, as a reader's browser shows it: light and dark, on a desk, a tablet, a phone."""

import contextlib
import html
import json
import re
import urllib.parse
import urllib.request

import pytest
import yaml

from tools.book import ROOT, names

HERE = "http://127.0.0.1:"
pytestmark = pytest.mark.browser
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = list(names(TOC))
NOTEBOOKS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]
CHAPTERS = [name for name in NOTEBOOKS if name.startswith("chapters/")]
WIDTHS = 1280, 820, 390
VIEWS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
ONE_OF_EACH_KIND = {
    next(name for name in PAGES if re.match(kind, name))
    for kind in ("book/intro", "chapters/", "exercises/", "book/api/", "book/references")
}
COLOURS = "color-contrast", "link-in-text-block"  # the rules of axe that depend on the theme
LIGHTEST = 1_000_000  # bytes that the landing page loads, uncompressed
RAW = """() => {
  const found = [], article = document.querySelector("article");
  const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, text = node.textContent;
    const inside = node.parentElement.closest("pre, code, script, style, mjx-container");
    if (!inside && /[$]|\\*\\*|\\]\\(|\\\\[(\\[]/.test(text)) found.push(text.trim().slice(0, 80));
  }
  return found;
}"""
# What looks the same is looked at once: of all words of code that share class, colour and kind of
# box one keeps its <span>, and of all formulas of one colour and place one keeps its glyphs. Of the
# 27 s that axe took on an exercise with 7,800 coloured words, 23 went into the contrast of each.
ONE_OF_EACH = """() => {
  const seen = new Set(), again = [];
  const kind = node => {
    const box = node.closest("pre, code, dt");
    return [box.tagName, box.className, box.parentElement.parentElement.className].join("|");
  };
  const note = (node, ...look) => {
    const key = [...look, getComputedStyle(node).color].join("|");
    if (seen.has(key)) again.push(node);
    seen.add(key);
  };
  for (const word of document.querySelectorAll("article :is(pre, code, dt) span:not(:has(*))"))
    note(word, word.className, word.parentElement.className, kind(word));
  for (const formula of document.querySelectorAll("article mjx-container"))
    note(formula, formula.getAttribute("display"), formula.parentElement.tagName);
  for (const node of again)
    node.matches("span") ? node.replaceWith(node.textContent) : node.replaceChildren();
  document.querySelectorAll("article pre, article dt").forEach(box => box.normalize());
}"""
AT_ONCE = "*, ::before, ::after { transition: none !important; animation: none !important }"


@contextlib.contextmanager
def opened(browser, url, width=1280, scheme="light"):
    """A page, its formulas set and its folds open; what it asked of others; its errors."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    away = []
    errors = []

    def asked(request):
        if not request.url.startswith((HERE, "data:", "blob:")):
            away.append(request.url)

    page.on("request", asked)
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.add_style_tag(content=AT_ONCE)
    page.evaluate("async () => { if (window.MathJax) await MathJax.startup.promise }")
    page.evaluate("() => document.querySelectorAll('article details').forEach(d => d.open = true)")
    yield page, away, errors
    context.close()


def views(page, chosen=VIEWS):
    """Show the page at each width and in each scheme of `chosen`; gives both."""
    for width, scheme in chosen:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
        )
        page.evaluate(  # what watches the size has its turn
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        yield width, scheme


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, away, errors):
        page.wait_for_load_state("networkidle")  # whatever else it asks for
        assert page.locator("article h1").count() == 1
        assert page.evaluate(RAW) == [], "raw Markdown or TeX shows"
        formulas = page.locator("article .math")
        assert page.locator("article .math:has(mjx-container)").count() == formulas.count(), (
            "a formula is not typeset"
        )
        assert page.locator("mjx-merror, mjx-assistive-mml [mathcolor=red]").count() == 0, (
            "MathJax does not know a command"
        )
        bare = page.locator(
            "article :is(img:not([alt]), img[alt=''], "
            "svg:not([aria-label], [aria-hidden=true], :has(> title)))"
        ).evaluate_all("all => all.map(one => one.outerHTML.slice(0, 80))")
        assert bare == [], "a picture has no description"
    assert away == [], "the page asks another server"
    assert errors == []


@pytest.mark.parametrize("name", PAGES)
def test_everyone_can_read_it(browser, site, library, name):
    """What axe calls serious or critical: on one page of each kind in every view.

    On the others, in the views in which they can differ from it: all rules on a desk, those of
    colours in the dark, and all others on a phone, where what is too wide scrolls.
    """
    axe, wrong = library("axe_playwright_python.sync_playwright").Axe(), []
    no_colours = {"rules": {rule: {"enabled": False} for rule in COLOURS}}
    some = {
        (1280, "light"): {},
        (1280, "dark"): {"runOnly": list(COLOURS)},
        (390, "light"): no_colours,
    }
    with opened(browser, f"{site}/{name}.html") as (page, *_):
        page.evaluate(ONE_OF_EACH)
        for view in views(page) if name in ONE_OF_EACH_KIND else views(page, some):
            options = {
                "resultTypes": ["violations"],
                **({} if name in ONE_OF_EACH_KIND else some[view]),
            }
            wrong += [
                f"{view}: {finding['id']}: {node['html'][:200]}: {node['failureSummary']}"
                for finding in axe.run(page, options=options).response["violations"]
                for node in finding["nodes"]
                if finding["impact"] in ("serious", "critical")
            ]
    assert wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_every_window(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, *_):
        for width, scheme in views(page):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, scheme


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_reader_moves_a_picture(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, _, errors):
        all_slides = page.locator("[data-slides]")
        assert all_slides.count() > 0, "every chapter has a figure that its reader moves"
        for slides in all_slides.all():
            move(page, slides)
    assert errors == []


def move(page, slides):
    slider, frames = slides.locator("input[type=range]"), slides.locator("[data-frame]")
    values = json.loads(slider.get_attribute("data-values"))
    last = len(values) - 1

    def shown():
        """The frame that shows; the slider says the same, to the eye and to a screen reader."""
        visible = [i for i, frame in enumerate(frames.all()) if frame.is_visible()]
        assert len(visible) == 1
        assert values[visible[0]] == slider.get_attribute("aria-valuetext")
        assert values[visible[0]] == slides.locator("output").inner_text()
        return visible[0]

    drawn = frames.evaluate_all("all => all.map(one => one.innerHTML)")
    assert len(drawn) == len(values) == len(set(drawn))
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + (box["width"] - 16) * shown() / last, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, y, steps=5)
    assert shown() == last, "it moves while it is dragged"
    page.mouse.up()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert shown() == last - 1
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert shown() == 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_is_downloaded(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, *_):
        link = page.locator("a.btn-download-source-button").get_attribute("href", timeout=3000)
        assert link.endswith(f"{name.rpartition('/')[2]}.ipynb")
        got = page.request.get(f"{site}/{name.rpartition('/')[0]}/{link}")
        assert got.ok and got.json()["nbformat"] == 4


# What surrounds the pages


def read(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def told(text):
    """What a page tells search engines and chats: its meta elements."""
    tags = re.findall(r'<meta (?:name|property)="([^"]*)" content="([^"]*)"', text)
    return {name: html.unescape(content) for name, content in tags}


@pytest.mark.parametrize("name", PAGES)
def test_search_engines_and_chats_are_told_what_it_is(site, name):
    text = read(f"{site}/{name}.html").decode()
    said, title = told(text), html.unescape(re.search(r"<h1>(.*?)<a", text)[1])
    assert 40 <= len(said["description"]) <= 204 and said["og:description"] == said["description"]
    assert said["og:title"] == re.sub("<[^>]*>", "", title)
    assert said["twitter:card"] == "summary_large_image"
    assert len(read(urllib.parse.urljoin(f"{site}/{name}.html", said["og:image"]))) < 60_000
    footer = re.sub(r"<[^>]*>|\s+", " ", text[text.index('class="ae-footer"') :])
    assert (
        "CC BY 4.0" in footer and "MIT" in footer and re.search(r"Built on \d+ \w+ \d{4}", footer)
    )
    assert ("data set" in footer) == name.startswith("chapters/")


def test_descriptions_differ_and_the_front_has_one_too(site):
    descriptions = [told(read(f"{site}/{name}.html").decode())["description"] for name in PAGES]
    assert len(set(descriptions)) == len(PAGES)
    front = read(f"{site}/index.html").decode()
    assert told(front)["og:description"] == descriptions[0] and f"url={TOC['root']}.html" in front
    assert read(f"{site}/{told(front)['og:image']}")


def test_the_landing_page_has_one_button_and_leads_to_chapter_1(browser, site):
    with opened(browser, f"{site}/{TOC['root']}.html") as (page, *_):
        first = CHAPTERS[0].removeprefix("chapters/")
        assert page.locator("a.ae-start").count() == 1
        assert page.locator("a.ae-start").get_attribute("href").endswith(f"{first}.html")
        assert page.locator("a.right-next").get_attribute("href").endswith(f"{first}.html")
        assert page.locator("[data-live]").bounding_box()["y"] < 400, (
            "something to move on the first screen"
        )
        linked = page.locator(".ae-parts a").evaluate_all(
            "all => all.map(one => new URL(one.href).pathname)"
        )
        assert linked == [f"/{name}.html" for name in NOTEBOOKS]
        for word in ("latent", "bottleneck", "representation", "compression", "self-supervised"):
            assert word in page.locator("article").inner_text().lower()


def test_a_page_is_light(browser, site):
    asked = []
    context = browser.new_context()
    page = context.new_page()
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(f"{site}/{TOC['root']}.html", wait_until="networkidle")
    context.close()
    sizes = {url: len(read(url)) for url in set(asked) if url.startswith(HERE)}
    assert not [url for url in sizes if re.search("fontawesome|fa-solid|mathjax|searchindex", url)]
    assert sum(sizes.values()) < LIGHTEST, sizes


@pytest.mark.parametrize("width", WIDTHS)
def test_every_button_shows_an_icon_and_has_a_name(browser, site, width):
    with opened(browser, f"{site}/{CHAPTERS[0]}.html", width=width) as (page, *_):
        icons = page.locator(
            ":is(.bd-header-article, .bd-sidebar-primary summary) :is(i, span[class*=fa-])"
        )
        bare = icons.evaluate_all("""all => all
            .filter(one => one.checkVisibility() && getComputedStyle(one).maskImage === "none")
            .map(one => one.outerHTML)""")
        assert icons.count() and bare == [], (
            "an icon of the theme is not drawn: book/_static/icons.css"
        )
        named = page.get_by_role("button", name=re.compile("Search"))
        assert (
            named.count()
            == page.locator(".search-button__button").filter(visible=True).count()
            == 1
        )


@pytest.mark.parametrize("query", ["mse", "loss", "autoencoder", "encoder", "sparsity"])
def test_what_teaches_is_found_first(browser, site, query):
    with opened(browser, f"{site}/search.html?q={query}") as (page, *_):
        said = page.locator("#search-results .search-summary")
        said.filter(has_text=re.compile("found|not match")).wait_for()
        found = page.locator("#search-results li > a").evaluate_all(
            "all => all.map(one => new URL(one.href).pathname)"
        )
        order = [
            "chapters" if "/chapters/" in one else "exercises" if "/exercises/" in one else "book"
            for one in found
        ]
        assert (
            found
            and order == sorted(order, key=["chapters", "exercises", "book"].index)
            and order[0] != "book"
        )


def test_code_that_is_too_wide_says_so(browser, site):
    wide = """() => [...document.querySelectorAll("article div.highlight pre")]
        .filter(box => box.scrollWidth > box.clientWidth + 1)
        .map(box => [box.parentElement.classList.contains("ae-more"), box.tabIndex,
                     getComputedStyle(box).fontSize])"""
    with opened(browser, f"{site}/{CHAPTERS[0]}.html", width=390) as (page, *_):
        page.wait_for_timeout(200)  # what watches the sizes is told of them after a frame
        assert len(page.evaluate(wide)) > 0 and {tuple(box) for box in page.evaluate(wide)} == {
            (True, 0, "12px")
        }
        page.evaluate(
            "() => document.querySelectorAll('article pre').forEach(box => box.scrollLeft = 10000)"
        )
        page.wait_for_timeout(200)
        assert {marked for marked, *_ in page.evaluate(wide)} == {False}, (
            "at the end there is no more"
        )


def test_on_paper_everything_is_open_and_whole(browser, site):
    with opened(browser, f"{site}/{CHAPTERS[0]}.html") as (page, *_):
        page.evaluate(
            "() => document.querySelectorAll('article details').forEach(d => d.open = false)"
        )
        page.emulate_media(media="print")
        page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        assert (
            page.locator("article details:not([open])").count()
            == 0
            < page.locator("article details").count()
        )
        split = page.locator("article :is(pre, figure, blockquote)").evaluate_all(
            "all => all.filter(one => getComputedStyle(one).breakInside !== 'avoid').length"
        )
        assert split == 0
        page.evaluate("() => dispatchEvent(new Event('afterprint'))")
        assert page.locator("article details[open]").count() == 0
