"""The style of figures: it is theirs alone, whatever the program's settings are."""

import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from aecourse.pages import label_curves, plot_images, subplots, svg
from aecourse.pages.style import BLUE, RED, STYLE
from tools.environment import ROOT

UNTOUCHED = """
import matplotlib
before = dict(matplotlib.rcParams)
import aecourse.cli
from aecourse.pages import explore, label_curves, plot_images, show, subplots
import matplotlib.pyplot as plt
import torch
def draw(value):
    fig, ax = subplots()
    ax.plot([1, value], label="a")
    ax.plot([2, value], label="b")
    label_curves(ax)
    return fig
show(draw(3), name="fig-a", caption="a", alt="a")
explore(draw, name="fig-b", caption="a", alt=str, label="a", values=[1, 2])
draw(4).savefig({path!r})
plot_images(torch.rand(3, 1, 4, 4))
after = dict(matplotlib.rcParams)
changed = [name for name in before if before[name] != after[name] and "backend" not in name]
assert not changed, changed
(line,) = plt.subplots()[1].plot([1, 2])
assert line.get_linewidth() == 1.5 and matplotlib.colors.to_hex(line.get_color()) == "#1f77b4"
"""


def test_a_program_keeps_its_own_settings(tmp_path):
    program = UNTOUCHED.format(path=str(tmp_path / "figure.png"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def drawn():
    """A figure with whatever reads a setting of matplotlib, drawn outside of our functions."""
    fig, (left, right) = subplots(1, 2)
    left.plot([1, 2], label="a")
    left.plot([2, 1], label="b")
    left.axhline(1.5)
    left.set(xlabel="x", title="t")
    left.legend()
    label_curves(left)
    right.imshow(np.eye(3))
    right.set_xticks([0, 1], ["p", "q"])
    right.annotate("note", (0, 1))
    left.twinx().plot([3, 4])
    fig.colorbar(right.images[0])
    fig.suptitle("all")
    return fig


def test_figures_look_alike_whatever_the_program_has_set():
    plain = svg(drawn(), "a")
    loud = {"font.size": 30, "lines.linewidth": 9, "image.cmap": "hot", "axes.spines.top": True}
    with plt.rc_context(loud):
        assert svg(drawn(), "a") == plain
        assert plt.rcParams["font.size"] == 30


def test_figures_have_the_style():
    fig, ax = subplots()
    lines = [ax.plot([1, 2])[0] for _ in range(2)]
    image = ax.imshow(np.eye(2))
    text = ax.set_title("t")
    assert [line.get_color() for line in lines] == [BLUE, RED]
    assert {line.get_linewidth() for line in lines} == {2} and lines[1].get_linestyle() == "--"
    assert image.get_cmap().name == "gray" and not ax.spines["top"].get_visible()
    assert text.get_fontsize() == pytest.approx(1.2 * STYLE["font.size"])
    assert tuple(fig.get_size_inches()) == STYLE["figure.figsize"]
    assert ax.legend(lines, "ab").get_frame().get_alpha() == 0
    (image,) = plot_images(torch.rand(1, 1, 4, 4)).axes[0].images
    assert image.get_cmap().name == "gray" and image.get_interpolation() == "none"
    assert not plt.get_fignums()


def test_after_an_error_the_settings_are_back():
    before = dict(matplotlib.rcParams)
    _, ax = subplots()
    with pytest.raises(ValueError):
        ax.plot([1, 2], [1, 2, 3])
    assert dict(matplotlib.rcParams) == before
