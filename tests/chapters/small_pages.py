"""A page that keeps the contract, as short as can be, for tests that break it."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.chapters.contract import Page
from tools import notebooks

QUESTION = """**{number}.** What does {about} say?

<details><summary><b>A.</b> Nothing</summary>

{a}

</details>
<details><summary><b>B.</b> That <code>x</code> is small</summary>

{b}

</details>
<details><summary><b>C.</b> The rest</summary>

No, since $x < 1$.

</details>
"""
RIGHT, WRONG = "**Right.** It does.", "It does not."
QUESTIONS = "\n".join(
    [
        QUESTION.format(number=1, about="the idea", a=RIGHT, b=WRONG),
        QUESTION.format(number=2, about="[Figure 1](#fig-a)", a=WRONG, b=RIGHT),
        QUESTION.format(number=3, about="`x = 1`", a=RIGHT, b=WRONG),
    ]
)
SHOW = 'show(fig, name="fig-{}", caption="One of several figures", alt="b")'
EXPLORE = 'explore(draw, name="fig-b", caption="c", alt=str, values=[1, 2])'
OPENING = """# A title

**You will be able to** do this.

What comes out?"""
PREDICT = "> **Predict.** More or less?"
TURN = "## Your turn\n\n### Task 1: Change it\n\nChange x."
TASK = (
    "### Task 2: And now this\n\n<details><summary>One solution</summary>\n\nWrite `x ="
    " 2`.\n\n</details>"
)
SHORT = "## In short\n\n- one\n- two\n- three"
REFERENCES = "## References\n\n- [A (2000)](../../book/references.md#a-2000), section 2."
NEXT = "## Next\n\nIs it linear? [The next page](../losses/edges.ipynb) answers."


def cells():
    """{name: cell}: (kind, source, tags) of every cell, in order."""
    return {
        "opening": ("md", OPENING),
        "set-up": ("code", notebooks.SET_UP.format(address='""') + "\n\nimport torch"),
        "hook": ("code", SHOW.format("a"), "remove-input"),
        "idea": ("md", "## The idea\n\nText."),
        "code": (
            "code",
            (
                'def double(x):\n    """Twice the number, in words that are longer than forty."""\n'
                "    return 2 * x"
            ),
        ),
        "value": ("code", "double(2)", "nbval-check-output"),
        "build": ("md", "## Build it\n\nMore text."),
        "plotting": (
            "code",
            "def draw(x):\n" + "    ax.plot(x)\n" * 5 + "    return fig",
            "hide-input",
        ),
        "predict": ("md", PREDICT),
        "answer": ("code", f"with reveal():\n    {EXPLORE}\n    claim('a', [1])", "remove-input"),
        "figures": ("code", "\n".join(SHOW.format(name) for name in "cdefg"), "remove-input"),
        "claim": ("code", "claim('b', [1])", "remove-input"),
        "turn": ("md", TURN),
        "work": ("code", "x = 1  # change this"),
        "check": ("code", "expect(x == 2)"),
        "task": ("md", TASK),
        "work again": ("code", "x = 1"),
        "fails": ("md", "## Where it fails\n\nThere."),
        "short": ("md", SHORT),
        "questions": ("md", "## Check your understanding\n\n" + QUESTIONS),
        "exercise": ("md", "## Exercise\n\n[Do it](../../exercises/doing/doing.ipynb)."),
        "references": ("md", REFERENCES),
        "next": ("md", NEXT),
    }


def made(cells, **more):
    """The page of these cells."""
    found = []
    for name, (kind, source, *tags) in cells.items():
        make = new_markdown_cell if kind == "md" else new_code_cell
        found.append(
            make(source, id=name.replace(" ", "-"), metadata={"tags": tags} if tags else {})
        )
    notebook = new_notebook(cells=found, metadata=notebooks.METADATA)
    nbformat.validate(notebook)
    return Page("losses/small", notebook, **({"exercises": ("doing",)} | more))
