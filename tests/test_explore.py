"""Figures that the reader moves: what is drawn, what a still page says, and what a live knob does."""
import matplotlib.pyplot as plt
import pytest

from aecourse import explore


def still(**changes):
    """An `explore` over three values, apart from `changes`."""
    given = {"draw": lambda value: f"figure of {value}", "name": "fig-e", "caption": "Plain words",
             "alt": lambda value: f"shows {value}", "label": "noise", "values": (0.1, 0.2, 0.4)}
    explore.explore(**given | changes)


def test_explore_slides_over_a_picture_of_each_value(monkeypatch):
    seen = []
    monkeypatch.setattr(explore, "slide", lambda figs, *given: seen.append((list(figs), *given)))
    still(values=iter((0.1, 0.2, 0.4)), start=1)
    assert seen == [(["figure of 0.1", "figure of 0.2", "figure of 0.4"], "fig-e", "Plain words",
                     ["shows 0.1", "shows 0.2", "shows 0.4"], "noise", [0.1, 0.2, 0.4], 1)]
    still()
    assert seen[1][-1] == 0


def test_explore_displays_a_figure_that_moves(monkeypatch):
    shown = []
    monkeypatch.setattr("aecourse.notebook._numbers", {})
    monkeypatch.setattr("aecourse.notebook.display", lambda data, **options: shown.append(data["text/html"]))
    still(draw=lambda value: plt.figure())
    assert shown[0].count("<svg") == 3 and shown[0].count("data-frame hidden") == 2 and "aria-valuetext=\"0.1\"" in shown[0]


@pytest.mark.parametrize("values, start", [((), 0), ((1,), 0), ((1, 2), 2), ((1, 2), -1)])
def test_explore_refuses_what_does_not_slide(values, start):
    with pytest.raises(ValueError, match=f"values holds {len(values)} and start is {start}; expected at least two values"):
        still(values=values, start=start)


def test_a_still_page_says_where_the_knobs_are(monkeypatch, capsys):
    monkeypatch.setenv("AECOURSE_STATIC", "1")
    explore.turn(lambda **knobs: pytest.fail("drawn"), {"z1": (-3, 3, 0), "z2": (-3, 3, 0)})
    assert capsys.readouterr().out == "Open this page in JupyterLab or Colab to turn 2 knobs here.\n"


def test_a_live_page_draws_at_the_start_and_at_every_turn(monkeypatch):
    monkeypatch.delenv("AECOURSE_STATIC", raising=False)
    drawn, shown = [], []
    monkeypatch.setattr("IPython.display.display", shown.append)
    explore.turn(lambda **knobs: drawn.append(knobs), {"z1": (-3, 3, 1.5), "z2": (0, 10, 2)})
    assert drawn == [{"z1": 1.5, "z2": 2}]
    first, second = shown[0].children[:2]
    assert [(knob.description, knob.min, knob.max, knob.step, knob.continuous_update) for knob in (first, second)] == [
        ("z1", -3, 3, pytest.approx(0.12), False), ("z2", 0, 10, pytest.approx(0.2), False)]
    second.value = 7
    assert drawn[1:] == [{"z1": 1.5, "z2": 7}]
