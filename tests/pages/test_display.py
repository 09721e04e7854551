"""What a page displays: claims that can fail, figures as a parser sees them, and what waits for a
guess.
"""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from aecourse.intervals import interval
from aecourse.pages import display, reveal, say, seeds, show, style, svg
from aecourse.pages.display import claim, to_html
from tests.pages.parsed import Tags, figure
from tools.environment import ROOT

ALT = r'Loss "falls" & stays < 0.1, as \sigma > 1 \1'


def test_a_page_has_three_seeds_or_as_many_as_it_is_told(monkeypatch):
    monkeypatch.delenv("AECOURSE_SEEDS", raising=False)
    assert list(seeds()) == [0, 1, 2]
    monkeypatch.setenv("AECOURSE_SEEDS", "5")
    assert list(seeds()) == [0, 1, 2, 3, 4]


# Claims


@pytest.mark.parametrize(
    "differences, holds",
    [
        ([1, 1.1, 0.9], True),
        ([2, 2, 2], True),
        ([0.1, 0.2, 3], False),
        ([-1, -1.1, -0.9], False),
        ([1, -1, 0.5], False),
        ([0, 0, 0], False),
    ],
)
def test_a_claim_holds_if_its_interval_lies_above_zero(
    shown, monkeypatch, tmp_path, differences, holds
):
    monkeypatch.setenv("AECOURSE_CLAIMS", str(tmp_path / "claims"))
    monkeypatch.setenv("AECOURSE_PAGE", "losses/mse")
    mean, low, high = interval(differences)
    if holds:
        claim("A is better than B", differences)
        assert (
            shown[0]["text/markdown"] == f"**A is better than B**: by {mean:.3g} on average, "
            f"95 % interval {low:.3g} to {high:.3g} over 3 seeds."
        )
    else:
        with pytest.raises(
            AssertionError,
            match="^A is better than B: not shown. Mean .* 95 % interval .* over 3 seeds.",
        ):
            claim("A is better than B", differences)
        assert not shown
    (line,) = (tmp_path / "claims").read_text().splitlines()
    noted = json.loads(line)
    assert [noted.pop(key) for key in ("page", "claim", "seeds")] == [
        "losses/mse",
        "A is better than B",
        3,
    ]
    np.testing.assert_array_equal([noted["mean"], noted["low"], noted["high"]], [mean, low, high])


@pytest.mark.parametrize(
    "given, said",
    [
        (
            {
                "lower": [0.8, 0.9, 0.85],
                "than": [1.0, 1.1, 1.15],
            },  # drops of 0.2, 0.2, 0.3; their mean is 22 % of 1.083
            "from 1.08 to 0.85, **22 % lower** (95 % interval of the drop 8.3 to 35 %, 3 seeds).",
        ),
        (
            {"higher": [21, 22.5, 24], "than": [10, 11, 12.5]},
            "from 11.2 to 22.5, **101 % higher** (95 % interval of the rise 95 to 108 %, 3 seeds).",
        ),
        (
            {"lower": [0.1, 0.1, 0.1], "than": [1.0, 2.0, 1.5]},  # the interval itself: to 176 %
            "from 1.5 to 0.1, **93 % lower** (95 % interval of the drop 11 to 100 %, 3 seeds).",
        ),
        (
            {"lower": [-0.2, -0.1, -0.1], "than": [0.2, 0.3, 0.2]},
            "from 0.233 to −0.133, **157 % lower** (95 % interval of the drop 96 to 219 %, 3 "
            "seeds).",
        ),
        (
            {"higher": [0.2, 0.3, 0.4], "than": [-1, -1, -1]},
            "from −1 to 0.3 (95 % interval of the rise 1.05 to 1.55, 3 seeds).",
        ),
    ],
)
def test_an_effect_has_levels_and_a_change_in_per_cent(shown, given, said):
    claim("A does it", **given)
    assert shown[0]["text/plain"] == f"**A does it**: {said}"


def test_levels_count_in_the_direction_that_is_claimed(shown):
    with pytest.raises(AssertionError, match="not shown. Mean -1"):
        claim("A is lower", lower=[2, 2.1, 2.2], than=[1, 1.1, 1.2])
    with pytest.raises(AssertionError, match="not shown. Mean -1"):
        claim("A is higher", higher=[1, 1.1, 1.2], than=[2, 2.1, 2.2])


@pytest.mark.parametrize(
    "given, words",
    [
        (
            {"differences": [1, 1]},
            "differences has 2 values; expected one for each of at least three seeds",
        ),
        ({"differences": [1, float("nan"), 1]}, "differences is .*nan.*; expected finite numbers"),
        ({}, "got neither differences nor two levels"),
        ({"lower": [1, 2, 3]}, "got neither"),
        ({"than": [1, 2, 3]}, "got neither"),
        ({"lower": [1, 2, 3], "higher": [1, 2, 3], "than": [1, 2, 3]}, "got neither"),
        ({"lower": [1, 2, 3], "than": [1, 2]}, "compares 3 values with 2; expected pairs"),
        ({"differences": [1, 1, 1], "than": [1, 2, 3]}, "differences as well as levels"),
    ],
)
def test_a_claim_refuses_what_is_no_comparison(shown, given, words):
    with pytest.raises(ValueError, match=words):
        claim("A is better than B", **given)


def test_claims_are_added_to_the_file(shown, monkeypatch, tmp_path):
    monkeypatch.setenv("AECOURSE_CLAIMS", str(tmp_path / "claims"))
    for sentence in ("one", "two"):
        claim(sentence, [1, 1.1, 0.9])
    assert [
        json.loads(line)["claim"] for line in (tmp_path / "claims").read_text().splitlines()
    ] == ["one", "two"]


def test_a_sentence_is_markdown_and_reads_as_text(shown):
    say("It is **3**.")
    assert shown == [{"text/markdown": "It is **3**.", "text/plain": "It is **3**."}]


# Figures


def test_a_figure_takes_the_colour_of_the_page_and_has_no_background():
    text = svg(figure(), ALT)
    assert "#000000" not in text and "black" not in text and text.count("currentColor") > 5
    assert "#ffffff" not in text and "white" not in text, "transparent"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(*colours):
    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", style.COLOURS)
def test_colours_can_be_seen_and_read(colour):
    """WCAG 2.2: 3:1 for lines, 4.5:1 for text; outside the book in JupyterLab's dark theme too."""
    dark = dict(
        re.findall(r"--ae-(\w+): (#\w+)", (ROOT / "book" / "_static" / "custom.css").read_text())
    )
    text, bright = style.TEXT_SHADES[colour], dark[style.NAMES[colour]]
    assert (
        contrast(colour, "#ffffff") >= 3
        and contrast(colour, "#121212") >= 3
        and contrast(text, "#121212") >= 3
    )
    assert contrast(text, "#ffffff") >= 4.5 and contrast(bright, "#121212") >= 4.5
    for shade in {colour, text}:
        drawn = svg(figure(colour=shade), "a curve")
        assert f"var(--ae-{style.NAMES[colour]}, {shade.lower()})" in drawn, (
            "the page can make it brighter"
        )


def test_a_figure_is_described_and_scales():
    tags = Tags(svg(figure(), ALT))
    (head,) = tags.named("svg")
    assert (head["role"], head["aria-label"], head["viewbox"]) == ("img", ALT, "0 0 345.6 201.6")
    assert "max-width:100%" in head["style"] and tags.all[0][0] == "svg"


def test_a_figure_holds_words_and_nothing_else():
    text = svg(figure(), "a curve")
    assert ">step</text>" in text and ">a &lt; b</text>" in text, "text stays text"
    assert not any(
        waste in text
        for waste in ("<metadata", "<!--", "<style", "<?xml", "<!DOCTYPE", "\n", 'id="axes')
    )


def test_a_figure_drawn_twice_is_the_same_and_is_closed():
    first, second = svg(figure(), "a curve"), svg(figure(), "a curve")
    assert first == second != svg(figure((1, 2, 3)), "a curve")
    assert not plt.get_fignums()


def test_a_figure_of_the_page_is_not_displayed_by_itself():
    fig, axes = display.subplots(2, 3, figsize=(4, 2))
    assert not plt.get_fignums() and axes.shape == (2, 3)
    axes[0, 0].set_title("still drawn on")
    assert ">still drawn on</text>" in svg(fig, "six axes")


def test_figures_are_numbered_in_order_and_keep_their_number(shown):
    for name in ("fig-one", "fig-two", "fig-one"):
        show(figure(), name=name, caption="A < B", alt="a curve")
    for data, number, name in zip(
        shown, (1, 2, 1), ("fig-one", "fig-two", "fig-one"), strict=False
    ):
        assert Tags(data["text/html"]).named("figure")[0]["id"] == name
        assert (
            f"<figcaption><b>Figure {number}.</b> A &lt; B</figcaption></figure>"
            in data["text/html"]
        )
        assert (
            data["text/plain"] == f"Figure {number}. A < B [a curve]"
            and "text/markdown" not in data
        )


@pytest.mark.parametrize("name", ["one", "fig_one", "fig-One", "fig-", "tab-one"])
def test_the_name_of_a_figure_has_one_form(shown, name):
    with pytest.raises(
        ValueError, match=f"name is '{name}'; expected fig- followed by lower-case letters"
    ):
        show(figure(), name=name, caption="A", alt="a curve")


def test_a_figure_has_no_blank_line_that_would_end_it_in_markdown(shown):
    display.display_figure(
        "<svg>\n\n  \n</svg>\n\n<script>\n\nlet a\n</script>", name="fig-a", caption="A", alt="b"
    )
    assert (
        "\n\n" not in shown[0]["text/html"]
        and "<svg>\n</svg>\n<script>\nlet a\n</script>" in shown[0]["text/html"]
    )


# What waits for a guess

HEAD = '<details class="reveal"><summary>I have guessed: show me</summary>'


def test_sentences_that_wait_are_folded_markdown(shown):
    with reveal():
        say("It is $x < 1$.")
        claim("A is better", [1, 1.1, 0.9])
        assert not shown
    (data,) = shown
    lines = data["text/markdown"].split("\n\n")
    assert (
        lines[0] == HEAD
        and lines[1] == "It is $x < 1$."
        and lines[2].startswith("**A is better**")
        and lines[3] == "</details>"
    )
    assert "text/html" not in data and data["text/plain"].splitlines()[0] == "It is $x < 1$."


def test_a_figure_that_waits_is_one_output_with_what_is_said_of_it(shown):
    with reveal():
        show(figure(), name="fig-a", caption="A < B", alt="a curve")
        say("See [Figure 1](#fig-a), **$x < 1$**.")
    (data,) = shown
    assert data["text/html"].startswith(HEAD) and data["text/html"].endswith("</details>")
    for kind in ("text/html", "text/markdown"):
        assert (
            data[kind].count('<figure id="fig-a"') == 1 and "Figure 1.</b> A &lt; B" in data[kind]
        )
    assert (
        '<p>See <a href="#fig-a">Figure 1</a>, <strong>$x &lt; 1$</strong>.</p>'
        in data["text/html"]
    )
    assert "\n\nSee [Figure 1](#fig-a), **$x < 1$**.\n\n</details>" in data["text/markdown"]
    assert re.search(
        r"<summary>.*</summary>\n\n<figure [^\n]*</figure>\n\n", data["text/markdown"]
    ), "the book's parser needs the blank lines"


def test_what_fails_reveals_nothing(shown):
    with pytest.raises(AssertionError, match="not shown"):
        with reveal():
            say("before")
            claim("A is better", [-1, 1, 0])
    assert not shown
    say("afterwards")
    assert shown[0]["text/plain"] == "afterwards"


def test_a_reveal_that_holds_nothing_is_a_mistake(shown, capsys):
    with pytest.raises(
        ValueError, match=r"reveal\(\) encloses nothing; expected .* use say instead of print"
    ):
        with reveal():
            print("the answer")


@pytest.mark.parametrize(
    "markdown, wanted",
    [
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("- a\n- *b*", "<ul><li>a</li><li><em>b</em></li></ul>"),
        ("a < b & `x*y*z`", "<p>a &lt; b &amp; <code>x*y*z</code></p>"),
        ("$a*b*c < 1$", "<p>$a*b*c &lt; 1$</p>"),
        (
            "[**A**](b.md#c) **d `e`**",
            '<p><a href="b.md#c"><strong>A</strong></a> <strong>d <code>e</code></strong></p>',
        ),
        ("5 * 3 and 4 * 2", "<p>5 * 3 and 4 * 2</p>"),
    ],
)
def test_sentences_as_html(markdown, wanted):
    assert to_html(markdown) == wanted
