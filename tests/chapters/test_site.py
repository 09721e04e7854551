"""The built site, as a reader's browser shows it: every page, light and dark, wide and as narrow as a phone."""

import contextlib
import json

import pytest
import yaml

from tools.book import ROOT, names

HERE = "http://127.0.0.1:"
pytestmark = pytest.mark.browser
PAGES = list(names(yaml.safe_load((ROOT / "_toc.yml").read_text())))
NOTEBOOKS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]
CHAPTERS = [name for name in NOTEBOOKS if name.startswith("chapters/")]
RAW = """() => {
  const found = [], walk = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, inside = node.parentElement.closest("pre, code, script, style, mjx-container");
    if (!inside && /[$]|\\*\\*|\\]\\(|\\\\[(\\[]/.test(node.textContent)) found.push(node.textContent.trim().slice(0, 80));
  }
  return found;
}"""


@contextlib.contextmanager
def opened(browser, url, width=1280, scheme="light"):
    """A page when its formulas stand and its folded parts are open; the requests that left this machine; the errors."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    away = []
    errors = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith((HERE, "data:", "blob:")) or away.append(request.url)
        ),
    )
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.evaluate("async () => { if (window.MathJax) await MathJax.startup.promise }")
    page.evaluate(
        "() => document.querySelectorAll('article details').forEach(details => details.open = true)"
    )
    page.evaluate(
        "async () => { for (const fading of document.getAnimations()) await fading.finished }"
    )
    yield page, away, errors
    context.close()


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
            "article :is(img:not([alt]), img[alt=''], svg:not([aria-label], [aria-hidden=true], :has(> title)))"
        )
        assert bare.evaluate_all("all => all.map(one => one.outerHTML.slice(0, 80))") == [], (
            "a picture has no description"
        )
    assert away == [], "the page asks another server"
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_everyone_can_read_it(browser, site, library, name, scheme):
    axe = library("axe_playwright_python.sync_playwright").Axe()
    with opened(browser, f"{site}/{name}.html", scheme=scheme) as (page, *_):
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [
        f"{finding['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for finding in found
        for node in finding["nodes"]
        if finding["impact"] in ("serious", "critical")
    ] == []


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_phone(browser, site, name):
    with opened(browser, f"{site}/{name}.html", width=390) as (page, *_):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_reader_moves_a_picture(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, _, errors):
        all_slides = page.locator("[data-slides]")
        assert all_slides.count() > 0, "every chapter has a figure that its reader moves"
        for slides in all_slides.all():
            slider, frames = slides.locator("input[type=range]"), slides.locator("[data-frame]")
            values = json.loads(slider.get_attribute("data-values"))

            def shown():
                """The frame that shows; the slider says the same, to the eye and to a screen reader."""
                visible = [i for i, frame in enumerate(frames.all()) if frame.is_visible()]
                assert len(visible) == 1
                assert (
                    values[visible[0]]
                    == slider.get_attribute("aria-valuetext")
                    == slides.locator("output").inner_text()
                )
                return visible[0]

            assert (
                frames.count()
                == len(values)
                == len(set(frames.evaluate_all("all => all.map(one => one.innerHTML)")))
            )
            slider.scroll_into_view_if_needed()
            box = slider.bounding_box()
            at = (
                box["x"] + 8 + (box["width"] - 16) * shown() / (len(values) - 1),
                box["y"] + box["height"] / 2,
            )
            page.mouse.move(*at)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] - 2, at[1], steps=5)
            assert shown() == len(values) - 1, "it moves while it is dragged"
            page.mouse.up()
            slider.focus()
            page.keyboard.press("ArrowLeft")
            assert shown() == len(values) - 2
            page.keyboard.press("Home")
            page.keyboard.press("ArrowRight")
            assert shown() == 1
    assert errors == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_is_downloaded(browser, site, name):
    with opened(browser, f"{site}/{name}.html") as (page, *_):
        link = page.locator("a.btn-download-source-button").get_attribute("href", timeout=3000)
        assert link.endswith(f"{name.rpartition('/')[2]}.ipynb")
        got = page.request.get(f"{site}/{name.rpartition('/')[0]}/{link}")
        assert got.ok and got.json()["nbformat"] == 4
