"""What a page shows: intervals against SciPy, claims that can fail, figures and sliders as a parser sees them."""
import html.parser
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from aecourse import notebook

ALT = r'Loss "falls" & stays < 0.1, as \sigma > 1 \1'


class Tags(html.parser.HTMLParser):
    """Every opening tag of a page, as (tag, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.all = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))

    def named(self, tag):
        return [attributes for name, attributes in self.all if name == tag]


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, on a fresh page: a list of (data, metadata)."""
    seen = []
    monkeypatch.setattr(notebook, "_numbers", {})
    monkeypatch.setattr(notebook, "display", lambda data, raw, metadata=None: seen.append((data, metadata)))
    return seen


def figure(values=(1, 3, 2), colour=notebook.BLUE):
    fig, ax = plt.subplots()
    ax.plot(values, color=colour, label="loss")
    ax.set(xlabel="step", title="a < b")
    ax.legend()
    return fig


def test_a_page_has_three_seeds_or_as_many_as_it_is_told(monkeypatch):
    monkeypatch.delenv("AECOURSE_SEEDS", raising=False)
    assert list(notebook.seeds()) == [0, 1, 2]
    monkeypatch.setenv("AECOURSE_SEEDS", "5")
    assert list(notebook.seeds()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("values", [[1, 2, 3], [0.1, 0.1], [5, -3, 2, 8, 0.5], list(np.float32([1.5, 2.5, 4])), [2, 2, 2]])
def test_the_interval_is_that_of_student(values):
    mean, low, high = notebook.interval(values)
    spread = stats.sem(values)
    wanted = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread) if spread > 1e-12 else [np.mean(values)] * 2
    assert (low, high) == pytest.approx(wanted, rel=1e-6) and mean == pytest.approx(np.mean(values))


def test_an_interval_by_hand():
    assert notebook.interval([1, 2, 3]) == pytest.approx((2, 2 - 2.48414, 2 + 2.48414), abs=1e-5)


@pytest.mark.parametrize("differences, holds", [
    ([1, 1.1, 0.9], True), ([2, 2, 2], True), ([0.1, 0.2, 3], False), ([-1, -1.1, -0.9], False), ([1, -1, 0.5], False),
    ([0, 0, 0], False)])
def test_a_claim_holds_where_its_interval_lies_above_zero(shown, monkeypatch, tmp_path, differences, holds):
    monkeypatch.setenv("AECOURSE_CLAIMS", str(tmp_path / "claims"))
    monkeypatch.setenv("AECOURSE_PAGE", "losses/mse")
    mean, low, high = notebook.interval(differences)
    if holds:
        notebook.claim("A is better than B", differences)
        assert shown[0][0]["text/markdown"] == (f"**A is better than B**: by {mean:.3g} on average, "
                                                f"95 % interval {low:.3g} to {high:.3g} over 3 seeds.")
    else:
        with pytest.raises(AssertionError, match="^A is better than B: not shown. Mean .* 95 % interval .* over 3 seeds."):
            notebook.claim("A is better than B", differences)
        assert not shown
    line, = (tmp_path / "claims").read_text().splitlines()
    noted = json.loads(line)
    assert [noted.pop(key) for key in ("page", "claim", "seeds")] == ["losses/mse", "A is better than B", 3]
    np.testing.assert_array_equal([noted["mean"], noted["low"], noted["high"]], [mean, low, high])


def test_claims_are_added_to_the_file(shown, monkeypatch, tmp_path):
    monkeypatch.setenv("AECOURSE_CLAIMS", str(tmp_path / "claims"))
    for claim in ("one", "two"):
        notebook.claim(claim, [1, 1.1, 0.9])
    assert [json.loads(line)["claim"] for line in (tmp_path / "claims").read_text().splitlines()] == ["one", "two"]


def test_two_seeds_show_nothing_and_neither_does_a_failed_run(shown):
    with pytest.raises(ValueError, match="differences holds 2 values; expected one for each of at least three seeds"):
        notebook.claim("A is better than B", [1, 1])
    with pytest.raises(ValueError, match="differences holds .*nan.*; expected finite numbers"):
        notebook.claim("A is better than B", [1, float("nan"), 1])


def test_a_sentence_is_markdown_and_reads_as_text(shown):
    notebook.say("It is **3**.")
    assert shown == [({"text/markdown": "It is **3**.", "text/plain": "It is **3**."}, None)]


def test_a_figure_takes_the_colour_of_the_page_and_lies_on_nothing():
    text = notebook.svg(figure(), ALT)
    assert "#000000" not in text and "black" not in text and text.count("currentColor") > 5
    assert notebook.BLUE.lower() in text, "colours stay"
    assert "#ffffff" not in text and "white" not in text, "transparent"


def test_a_figure_is_described_and_scales():
    tags = Tags(notebook.svg(figure(), ALT))
    head, = tags.named("svg")
    assert (head["role"], head["aria-label"], head["viewbox"]) == ("img", ALT, "0 0 345.6 201.6")
    assert "max-width:100%" in head["style"] and tags.all[0][0] == "svg"


def test_a_figure_holds_words_and_nothing_else():
    text = notebook.svg(figure(), "a curve")
    assert ">step</text>" in text and ">a &lt; b</text>" in text, "text stays text"
    assert not any(waste in text for waste in ("<metadata", "<!--", "<style", "<?xml", "<!DOCTYPE", "\n", 'id="axes'))


def test_a_figure_drawn_twice_is_the_same_and_is_closed():
    first, second = notebook.svg(figure(), "a curve"), notebook.svg(figure(), "a curve")
    assert first == second != notebook.svg(figure((1, 2, 3)), "a curve")
    assert not plt.get_fignums()


def test_figures_are_numbered_in_order_and_keep_their_number(shown):
    for name in ("fig-one", "fig-two", "fig-one"):
        notebook.show(figure(), name, "A < B", "a curve")
    for (data, metadata), number, name in zip(shown, (1, 2, 1), ("fig-one", "fig-two", "fig-one")):
        assert Tags(data["text/html"]).named("figure")[0]["id"] == name
        assert f"<figcaption><b>Figure {number}.</b> A &lt; B</figcaption></figure>" in data["text/html"]
        assert data["text/plain"] == f"Figure {number}. A < B [a curve]"
        assert metadata == {"aecourse": {"name": name, "caption": "A < B"}}


@pytest.mark.parametrize("start", [0, 2])
def test_a_slider_shows_one_of_its_frames_and_says_which(shown, start):
    alts, values = ["one", "two", "three"], ["0", "<1", "|z| = 1"]
    notebook.slide([figure((1, i)) for i in range(3)], "fig-s", "Slide", alts, "noise & more", values, start)
    page = shown[0][0]["text/html"]
    tags = Tags(page)
    frames = [attributes for attributes in tags.named("div") if "data-frame" in attributes]
    assert ["hidden" in frame for frame in frames] == [i != start for i in range(3)]
    assert [svg["aria-label"] for svg in tags.named("svg")] == alts
    knob, = tags.named("input")
    assert (knob["type"], knob["min"], knob["max"], knob["value"]) == ("range", "0", "2", str(start))
    assert knob["aria-valuetext"] == values[start] and json.loads(knob["data-values"]) == values
    assert "JSON.parse" in knob["oninput"] and "noise &amp; more <input" in page
    assert shown[0][0]["text/plain"] == f"Figure 1. Slide [{alts[start]}]"


def test_a_slider_has_a_description_for_each_frame(shown):
    with pytest.raises(ValueError, match="alts holds 1 and values 2; expected one of each"):
        notebook.slide([figure(), figure()], "fig-s", "Slide", ["one"], "noise", [0, 1])
    with pytest.raises(ValueError, match="zip"):
        notebook.slide([figure()], "fig-s", "Slide", ["one", "two"], "noise", [0, 1])
