"""Answers that wait for a guess, in a browser: closed at first, opened by a click, by a link to
what is inside, and on paper.
"""

import pytest

from aecourse.pages import reveal, say, show
from tests.pages.parsed import figure
from tools.environment import ROOT

pytestmark = pytest.mark.browser
PAGE = """<!DOCTYPE html><html lang="en"><title>A page</title><script>{script}</script><article>
<a href="#fig-a">Figure 1</a> {answer} {answer2}</article></html>"""


@pytest.fixture
def page(browser, shown, tmp_path):
    """A page with a link and two folded answers, the first of which has the figure."""
    with reveal():
        show(figure(), name="fig-a", caption="The answer", alt="a curve")
    with reveal():
        show(figure(), name="fig-b", caption="Another answer", alt="a curve")
        say("And a sentence.")
    script = (ROOT / "book" / "_static" / "reveal.js").read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    answers = [data["text/html"] for data in shown]
    path.write_text(
        PAGE.format(script=script, answer=answers[0], answer2=answers[1]), encoding="utf-8"
    )
    tab = browser.new_page()
    tab.goto(path.as_uri())
    yield tab
    tab.close()


def states(page):
    return page.locator("details").evaluate_all("all => all.map(one => one.open)")


def test_it_waits_until_the_reader_has_guessed(page):
    assert states(page) == [False, False] and not page.locator("#fig-a").is_visible()
    page.get_by_text("I have guessed: show me").first.click()
    assert states(page) == [True, False] and page.locator("#fig-a").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert states(page) == [True, True], "by keyboard too"


def test_a_link_opens_what_it_leads_to_and_no_more(page):
    """Some browsers do so by themselves, which is kept from happening here."""
    page.evaluate(
        "() => document.querySelector('a').addEventListener('click', event =>"
        " event.preventDefault())"
    )
    page.locator("a").click()
    assert states(page) == [True, False]


def test_an_address_opens_what_it_leads_to(page):
    page.evaluate(
        "() => { history.replaceState(null, '', '#fig-b'); dispatchEvent(new"
        " HashChangeEvent('hashchange')) }"
    )
    assert states(page) == [False, True]


def test_on_paper_all_is_open_and_afterwards_as_before(page):
    page.locator("summary").first.click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert states(page) == [True, True]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert states(page) == [True, False]
