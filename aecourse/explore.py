"""Figures that the reader moves: a slider over precomputed pictures everywhere, and live knobs where a kernel runs."""
import os

from aecourse.notebook import slide


def explore(draw, name, caption, alt, label, values, start=0):
    """Show ``draw(value)`` for each of `values` behind a slider that works without a kernel: in the book, JupyterLab and Colab.

    Args:
        draw: value -> matplotlib figure.
        name: of the figure on its page, ``fig-...``: links lead to it.
        caption: plain words.
        alt: value -> what the picture shows, in a sentence.
        label: of the slider: the quantity that it moves.
        values: one a frame; some 20 keep a page small.
        start: index of the frame shown first.

    Raises:
        ValueError: where there is nothing to slide over.
    """
    values = list(values)
    if len(values) < 2 or not 0 <= start < len(values):
        raise ValueError(f"values holds {len(values)} and start is {start}; expected at least two values and the index of one of them")
    slide((draw(value) for value in values), name, caption, [alt(value) for value in values], label, values, start)


def turn(draw, knobs):
    """Live knobs: call ``draw(name=value, ...)`` whenever one of `knobs`, {name: (low, high, start)}, is turned.

    It needs a kernel, so it shows itself in JupyterLab and Colab (ipywidgets 7 or 8); a static page
    (``AECOURSE_STATIC=1``) gets one line that says so, beside the figure of :func:`explore`.
    """
    if os.environ.get("AECOURSE_STATIC") == "1":
        print(f"Open this page in JupyterLab or Colab to turn {len(knobs)} knobs here.")
        return
    from IPython.display import display
    from ipywidgets import FloatSlider, interactive
    sliders = {name: FloatSlider(value=start, min=low, max=high, step=(high - low) / 50, continuous_update=False)
               for name, (low, high, start) in knobs.items()}
    display(interactive(draw, **sliders))
