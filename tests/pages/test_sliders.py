"""Figures that the reader moves: what is drawn, what a still page says, what a live knob does."""

import json

import matplotlib.pyplot as plt
import pytest

from aecourse.pages import explore, interact, slide, subplots
from tests.pages.parsed import Tags, figure


def slid(**changes):
    """A `slide` over three frames, apart from `changes`."""
    given = {
        "figs": (figure((1, i)) for i in range(3)),
        "name": "fig-s",
        "caption": "Slide",
        "label": "noise & more",
        "alts": ["one", "two", "three"],
        "values": ["0", "<1", "|z| = 1"],
    }
    given |= changes
    slide(given.pop("figs"), **given)


@pytest.mark.parametrize("start", [0, 2])
def test_a_slider_shows_one_of_its_frames_and_says_which(shown, start):
    slid(start=start)
    alts, values = ["one", "two", "three"], ["0", "<1", "|z| = 1"]
    page = shown[0]["text/html"]
    tags = Tags(page)
    frames = [attributes for attributes in tags.named("div") if "data-frame" in attributes]
    assert ["hidden" in frame for frame in frames] == [i != start for i in range(3)]
    assert [svg["aria-label"] for svg in tags.named("svg")] == alts
    (knob,) = tags.named("input")
    assert (knob["type"], knob["min"], knob["max"], knob["value"]) == (
        "range",
        "0",
        "2",
        str(start),
    )
    assert knob["aria-valuetext"] == values[start] and json.loads(knob["data-values"]) == values
    assert "JSON.parse" in knob["oninput"] and "noise &amp; more <input" in page
    assert shown[0]["text/plain"] == f"Figure 1. Slide [{alts[start]}]"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"alts": ["one", "two"]}, "alts has 2 entries and values 3; expected one of each"),
        ({"figs": [figure()]}, "zip"),
        ({"values": ["0"]}, "values has 1 entries and start is 0; expected at least two"),
        ({"values": []}, "values has 0 entries"),
        ({"start": 3}, "start is 3"),
        ({"start": -1}, "start is -1"),
    ],
)
def test_a_slider_needs_a_value_and_a_description_for_each_frame(shown, changes, words):
    with pytest.raises(ValueError, match=words):
        slid(**changes)


def test_frames_are_closed_one_by_one(shown):
    open_at_once = []

    def draw(value):
        open_at_once.append(len(plt.get_fignums()))
        return plt.figure()

    explore(draw, name="fig-e", caption="Plain", alt=str, label="noise", values=range(4))
    assert open_at_once == [0] * 4


def test_explore_displays_each_value_with_its_own_description(shown):
    explore(
        lambda value: figure((0, value)),
        name="fig-e",
        caption="Plain words",
        alt=lambda value: f"shows {value}",
        label="noise",
        values=iter((0.1, 0.2, 0.4)),
        start=1,
    )
    tags = Tags(shown[0]["text/html"])
    assert [svg["aria-label"] for svg in tags.named("svg")] == [
        "shows 0.1",
        "shows 0.2",
        "shows 0.4",
    ]
    assert (
        tags.named("input")[0]["aria-valuetext"] == "0.2"
        and shown[0]["text/html"].count("data-frame hidden") == 2
    )


def test_a_still_page_says_where_the_knobs_are(shown, monkeypatch):
    monkeypatch.setenv("AECOURSE_STATIC", "1")
    interact(lambda **knobs: pytest.fail("drawn"), {"z1": (-3, 3, 0), "z2": (-3, 3, 0)})
    assert (
        shown[0]["text/markdown"] == "*Open this page in JupyterLab or Colab to turn 2 knobs here.*"
    )


def test_a_live_page_draws_at_the_start_and_at_every_turn(monkeypatch):
    monkeypatch.delenv("AECOURSE_STATIC", raising=False)
    drawn, shown = [], []
    monkeypatch.setattr(
        "aecourse.pages.sliders.display", lambda *given, **more: shown.append(given[0])
    )

    def draw(z1, z2):
        drawn.append((z1, z2))
        return subplots()[0]

    interact(draw, {"z1": (-3, 3, 1.5), "z2": (0, 10, 2)})
    figures, widget = shown[:-1], shown[-1]
    assert (
        drawn == [(1.5, 2)]
        and figures[0]["text/plain"] == "z1 = 1.5, z2 = 2"
        and figures[0]["text/html"].startswith("<svg")
    )
    first, second = widget.children[:2]
    assert [
        (knob.description, knob.min, knob.max, knob.step, knob.continuous_update)
        for knob in (first, second)
    ] == [("z1", -3, 3, pytest.approx(0.12), False), ("z2", 0, 10, pytest.approx(0.2), False)]
    second.value = 7
    assert drawn[1:] == [(1.5, 7)]
