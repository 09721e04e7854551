"""The contract's rules: a page that keeps them all, and pages that break one each."""

import pytest

from tests.chapters import contract
from tests.chapters.small_pages import EXPLORE, OPENING, QUESTIONS, RIGHT, SHOW, WRONG, cells, made

LONG_STRING = "x" * 41


def changed(**changes):
    """The good page, with other cells: a text replaces the source, (kind, source, tags) all, None
    removes.
    """
    given = cells()
    for name, change in changes.items():
        name = name.replace("_", " ") if name.replace("_", " ") in given else name.replace("_", "-")
        if change is None:
            del given[name]
        elif isinstance(change, str):
            given[name] = (given[name][0], change, *given[name][2:])
        else:
            given[name] = change
    return given


def questions(old, new, count=-1):
    assert old in QUESTIONS
    return {"questions": "## Check your understanding\n\n" + QUESTIONS.replace(old, new, count)}


def both(*texts):
    return "\n\n".join(texts)


BREAKS = {
    "has_no_gaps": [
        ({"code": "# (missing: what\n# follows)"}, "missing: what follows"),
        ({"idea": "## The idea\n\n(missing: it)"}, "missing: it"),
    ],
    "opens_with_title_goal_and_hook": [
        ({"opening": OPENING.replace("# A title", "A title")}, "opens with one title"),
        ({"idea": "# Another title\n\n## The idea\n\nText."}, "2 titles were found"),
        ({"opening": OPENING.replace("You will be able to", "You can")}, "the goal is missing"),
        ({"opening": OPENING.replace("?", ".")}, "the hook is missing"),
        ({"hook": "x = 1"}, "the hook's figure is missing"),
        ({"hook": ("md", "## Early\n\nA section.")}, "the hook's figure"),
        ({"set-up": None}, "the set-up cell is missing"),
    ],
    "has_all_sections_in_order": [
        ({"fails": "Nothing fails."}, "'## Where it fails' is missing"),
        ({"exercise": None}, "'## Exercise' is missing"),
        (
            {"fails": "## In short\n\n- x", "short": "## Where it fails\n\nx"},
            "expected each once, in the order",
        ),
        ({"build": "Text."}, "1 sections stand before"),
        ({"short": "## In short\n\n- a\n\n## More\n\nText."}, "'More'] stand behind"),
        ({"fails": "## Where it fails"}, "'## Where it fails' is empty"),
    ],
    "predicts_then_reveals": [
        ({"predict": "Guess."}, "a prediction is missing"),
        (
            {"answer": (*cells()["answer"][:1], EXPLORE, "remove-input")},
            "is answered in the open by 'explore(draw",
        ),
        (
            {"answer": ("code", "x = 1"), "figures": "x = 1", "claim": "x = 2"},
            "has no answer: `with reveal():`",
        ),
        ({"answer": ("md", "> **Predict.** And now?")}, "has no answer before the next one"),
    ],
    "shows_figures": [
        (
            {"figures": "\n".join(SHOW.format(name) for name in "cde")},
            "5 figures are shown; expected at least 6",
        ),
        ({"answer": f"with reveal():\n    {SHOW.format('b')}"}, "no figure is moved by the reader"),
    ],
    "checks_what_it_says": [
        ({"claim": "x = 1"}, "1 claims and 1 cells tagged"),
        ({"value": ("code", "double(2)")}, "2 claims and 0"),
    ],
    "sets_tasks": [
        ({"turn": "## Your turn\n\nChange x."}, "1 tasks are set; expected at least two"),
        ({"task": cells()["task"][1].replace("Task 2", "Task 3")}, "expected the numbers 1, 2"),
        ({"check": "x"}, "'Task 1: Change it' has neither a visible check"),
        ({"work_again": None}, "has no code cell for the reader"),
        ({"task": "### Task 2: And now this\n\nDo it."}, "'Task 2: And now this' has neither"),
    ],
    "asks_questions": [
        (
            {"questions": "## Check your understanding\n\nNo."},
            "0 questions are asked; expected 3 to 6",
        ),
        (questions("**3.**", "3."), "2 questions are asked"),
        (questions("**3.**", "**4.**"), "have the numbers [1, 2, 4]"),
        (
            questions("</summary>\n\n", "</summary>\n", 1),
            "3 folded parts, of which 2 have the form",
        ),
        (questions("\n\n</details>", "\n</details>", 1), "question 1 has 3 folded parts"),
        (questions("<summary><b>A.</b> Nothing", "<summary>If you chose A", 1), "have the form"),
        (questions("Nothing", "$x$", 1), "have the form"),
        (questions("Nothing", "`x`", 1), "have the form"),
        (questions("<b>B.</b>", "<b>D.</b>", 1), "has the options ['A', 'D', 'C']"),
        (questions(RIGHT, WRONG, 1), "question 1 has 0 right options"),
        (questions(WRONG, RIGHT, 1), "question 1 has 2 right options"),
        (questions("say?", "say.", 1), "question 1 asks nothing"),
        (questions("[Figure 1](#fig-a)", "it"), "no question is about a figure"),
        (
            questions("`x = 1`", "it").copy()
            | {"questions": questions("`x = 1`", "it")["questions"].replace("<code>x</code>", "x")},
            "no question is about code",
        ),
        (
            {
                "questions": (
                    "## Check your understanding\n\n"
                    + QUESTIONS.replace(WRONG, "@")
                    .replace(RIGHT, WRONG)
                    .replace("@", RIGHT)
                    .replace(RIGHT, WRONG)
                    .replace("Nothing</summary>\n\n" + WRONG, "Nothing</summary>\n\n" + RIGHT)
                )
            },
            "the right option is A in every",
        ),
    ],
    "closes_in_short": [
        ({"short": "## In short\n\n- one\n- two"}, "has 2 bullets"),
        ({"short": "## In short\n\n" + "- x\n" * 6}, "has 6 bullets"),
        ({"references": "## References\n\nSome."}, "lists nothing"),
        ({"references": "## References\n\n- A (2000)."}, "has no link"),
        ({"next": "## Next\n\n[The next page](../losses/edges.ipynb)."}, "'## Next' needs"),
        ({"next": "## Next\n\nWhat?"}, "'## Next' needs"),
        ({"exercise": "## Exercise\n\nNone."}, "does not link to exercises/doing"),
    ],
    "keeps_presentation_apart": [
        ({"hook": ("code", SHOW.format("a"))}, "holds ['alt', 'caption']"),
        ({"plotting": "show(fig, caption='a')"}, "holds ['caption']"),
        ({"code": "say('x')"}, "calls say"),
        ({"code": "with reveal():\n    x = 1"}, "calls reveal"),
        ({"code": "claim('a', x)"}, "calls claim"),
        ({"code": f"x = '{LONG_STRING}'"}, "of 41 characters"),
        ({"code": f"x = f'{{a}}{LONG_STRING}'"}, "of 41 characters"),
        ({"code": f"x = ('{LONG_STRING[:21]}'\n     '{LONG_STRING[:20]}')"}, "of 41 characters"),
        ({"code": "ax.plot(x)\n" * 5}, "5 lines that plot"),
    ],
    "shows_code_in_small_pieces": [
        ({"code": "x = 1\n" * 25}, "has 25 lines"),
        ({"hook": f"say(\n'{'x' * 80}')"}, "has 83 columns"),
    ],
    "plots_through_the_package": [
        ({"plotting": "fig, ax = plt.subplots()"}, "calls plt.subplots"),
        ({"code": "import numpy as np"}, "imports; put it into"),
        ({"code": "from torch import nn"}, "imports; put it into"),
    ],
}


@pytest.mark.parametrize("rule", contract.RULES)
def test_a_good_page_keeps_every_rule(rule):
    assert contract.complaints(made(cells()), rule) == []


@pytest.mark.parametrize(
    "change",
    [
        {"exercise": None},
        {"code": f"x = '{LONG_STRING[1:]}'"},
        {"code": "ax.plot(x)\n" * 4},
        {"code": "x = 1\n" * 24},
        {"code": "from aecourse.losses import mse"},
        {
            "answer": (
                "md",
                '<details class="reveal"><summary>I have</summary>\n\nMore.\n\n</details>',
            )
        },
    ],
)
def test_what_is_allowed(change):
    page = made(changed(**change), exercises=())
    own = set(contract.RULES) - (
        {"shows_figures", "checks_what_it_says"} if "answer" in change else set()
    )
    assert [complaint for rule in own for complaint in contract.complaints(page, rule)] == []


@pytest.mark.parametrize(
    "rule, change, words", [(rule, *case) for rule, cases in BREAKS.items() for case in cases]
)
def test_a_page_that_breaks_a_rule_is_told(rule, change, words):
    found = contract.complaints(made(changed(**change)), rule)
    assert any(words in complaint for complaint in found), found


@pytest.mark.parametrize("place", ["_toc.yml", "book/concepts.yml"])
def test_a_page_that_is_not_listed_is_told(place):
    listed = {"_toc.yml", "book/concepts.yml"} - {place}
    found = contract.complaints(made(cells(), listed=tuple(listed)), "is_listed")
    assert found == [f"chapters/losses/small.ipynb is not in {place}"]


def test_every_rule_has_been_seen_to_fail():
    assert set(BREAKS) | {"is_listed"} == set(contract.RULES)
