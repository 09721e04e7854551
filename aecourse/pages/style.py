"""How figures of pages look. The settings of matplotlib apply to them alone, not to the program."""

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Callable, Iterator

import matplotlib.axes
import matplotlib.figure
import matplotlib.pyplot as plt

# Four colours of Okabe and Ito's palette: at least 3:1 on white and on #121212. Text needs 4.5:1
# and is darker; in the dark, book/_static/custom.css makes both brighter.
BLUE = "#0072B2"
RED = "#D55E00"
GREEN = "#009E73"
PINK = "#CC79A7"
COLOURS = (BLUE, RED, GREEN, PINK)
TEXT_SHADES = {BLUE: "#0072B2", RED: "#B84E00", GREEN: "#00765A", PINK: "#A3517F"}
NAMES = {BLUE: "blue", RED: "red", GREEN: "green", PINK: "pink"}
DASHES = ("-", "--", "-.", ":")
STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLOURS) + plt.cycler(linestyle=DASHES),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.framealpha": 0,
    "figure.figsize": (4.8, 2.8),
    "font.size": 11,
    "lines.linewidth": 2,
    "image.interpolation": "none",
    "image.cmap": "gray",
}
_inside = contextvars.ContextVar("the style is on", default=False)


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Within this block matplotlib draws in the style of the pages."""
    if _inside.get():
        yield
        return
    token = _inside.set(True)
    try:
        with plt.rc_context(STYLE):
            yield
    finally:
        _inside.reset(token)


def in_style(method: Callable) -> Callable:
    """`method`, called within :func:`styled`: matplotlib reads its settings as it draws."""

    @functools.wraps(method)
    def call(*args, **kwargs):
        with styled():
            return method(*args, **kwargs)

    return call


class Axes(matplotlib.axes.Axes):
    """Axes whose methods draw in the style of the pages."""


class Figure(matplotlib.figure.Figure):
    """A figure that draws in the style of the pages; so do the axes that it makes."""

    def add_subplot(self, *args, **kwargs):
        return super().add_subplot(*args, **with_axes(kwargs))

    def add_axes(self, *args, **kwargs):
        return super().add_axes(*args, **with_axes(kwargs))


def with_axes(options: dict) -> dict:
    """The options of new axes: they are of our class, unless another kind is asked for."""
    return (
        options
        if {"projection", "polar", "axes_class"} & {*options}
        else options | {"axes_class": Axes}
    )


for kind in (Axes, Figure):
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and name != "get_data_ratio":  # matplotlib asks whose it is
            setattr(kind, name, in_style(method))


def new_figure(**options) -> Figure:
    """An empty figure that pyplot does not know, so that no front end shows it by itself."""
    with styled():
        # As an argument and not as a setting: saved twice, a figure without a layout would get one.
        fig = plt.figure(FigureClass=Figure, **{"layout": "constrained"} | options)
    plt.close(fig)
    return fig
