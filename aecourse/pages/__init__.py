"""What a page imports to show something, and to assert it: figures, sentences, claims, tables.

Everything that matplotlib draws for a page goes through here, so that it looks alike in the book,
in JupyterLab and in Colab.
"""

from aecourse.pages.display import (
    claim,
    display_figure,
    reveal,
    say,
    seeds,
    show,
    subplots,
    svg,
)
from aecourse.pages.live import live_map
from aecourse.pages.plots import label_curves, plot_history, plot_images
from aecourse.pages.sliders import explore, interact, slide
from aecourse.pages.style import BLUE, COLOURS, GREEN, PINK, RED
from aecourse.pages.tables import show_table

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "PINK",
    "RED",
    "claim",
    "display_figure",
    "explore",
    "interact",
    "label_curves",
    "live_map",
    "plot_history",
    "plot_images",
    "reveal",
    "say",
    "seeds",
    "show",
    "show_table",
    "slide",
    "subplots",
    "svg",
]
