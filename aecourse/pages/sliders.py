"""Figures that the reader moves: sliders over drawn frames, and live knobs if a kernel runs."""

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from IPython.display import display
from matplotlib.figure import Figure

from aecourse.pages.display import display_figure, drawing, in_book, say, still, svg

MOVE = (
    "const all = this.closest('[data-slides]'), "
    "value = JSON.parse(this.dataset.values)[this.value];"
    "all.querySelectorAll('[data-frame]')"
    ".forEach((frame, i) => frame.hidden = i != this.value);"
    "this.setAttribute('aria-valuetext', value); all.querySelector('output').value = value"
)


def slide(
    figs: Iterable[Figure],
    *,
    name: str,
    caption: str,
    alts: Sequence[str],
    label: str,
    values: Sequence,
    start: int = 0,
) -> None:
    """Display one of `figs` at a time, chosen by a slider that works without a kernel.

    Every frame is in the page, all but one hidden. `figs` may be a generator: each figure is closed
    before the next is drawn.

    Args:
        figs: matplotlib figures, one a frame; some 20 keep a page small.
        name: of the figure, ``fig-...``, unique in the book.
        caption: plain words.
        alts: what each frame shows, in a sentence.
        label: of the slider: the quantity that it moves.
        values: of that quantity, one a frame.
        start: index of the frame that is shown first.

    Raises:
        ValueError: If there are not as many descriptions, values and figures as frames, or fewer
            than two.
    """
    values = [str(value) for value in values]
    if len(values) < 2 or not 0 <= start < len(values):
        raise ValueError(
            f"values has {len(values)} entries and start is {start}; expected at least two values "
            "and the index of one of them: with one frame, use show"
        )
    if len(alts) != len(values):
        raise ValueError(
            f"alts has {len(alts)} entries and values {len(values)}; expected one of each for "
            "every figure: describe every frame"
        )
    frames = ""
    image = None
    for i, (fig, alt) in enumerate(zip(figs, alts, strict=True)):
        image = still(fig) if i == start else image
        frames += f"<div data-frame{'' if i == start else ' hidden'}>{drawing(fig, alt)}</div>"
    body = f"<div data-slides>{slider(label, values, start)}{frames}</div>"
    display_figure(body, name=name, caption=caption, alt=alts[start], png=image)


def slider(label: str, values: list[str], start: int) -> str:
    """A labelled range input that says its value in words; without scripts it disappears."""
    return (
        f'<label class="ae-slider">{html.escape(label)} '
        '<input type="range" style="width:14em;max-width:100%;vertical-align:middle" '
        f'min="0" max="{len(values) - 1}" value="{start}" autocomplete="off" '
        f'data-values="{html.escape(json.dumps(values))}" '
        f'aria-valuetext="{html.escape(values[start])}" oninput="{MOVE}"> '
        f"<output>{html.escape(values[start])}</output></label>"
        "<noscript><style>.ae-slider { display: none }</style></noscript>"
    )


def explore(
    draw: Callable[..., Figure],
    *,
    name: str,
    caption: str,
    alt: Callable[..., str],
    label: str,
    values: Iterable,
    start: int = 0,
) -> None:
    """Display ``draw(value)`` for each of `values` behind a slider; see `slide`.

    Args:
        draw: value -> matplotlib figure.
        name: of the figure, ``fig-...``, unique in the book.
        caption: plain words.
        alt: value -> what that frame shows, in a sentence.
        label: of the slider: the quantity that it moves.
        values: one a frame.
        start: index of the frame that is shown first.
    """
    values = list(values)
    alts = [alt(value) for value in values]
    figs = (draw(value) for value in values)
    slide(figs, name=name, caption=caption, alts=alts, label=label, values=values, start=start)


def interact(draw: Callable[..., Figure], knobs: Mapping[str, tuple[float, float, float]]) -> None:
    """Live knobs: display ``draw(name=value, ...)`` again whenever one of `knobs` moves.

    It needs a kernel, so it works in JupyterLab and in Colab (ipywidgets 7 or 8); a static page
    (``AECOURSE_STATIC=1``) gets one line that says so.

    Args:
        draw: called with a keyword for each knob; returns a matplotlib figure.
        knobs: {name: (low, high, start)}.
    """
    if in_book():
        say(f"*Open this page in JupyterLab or Colab to turn {len(knobs)} knobs here.*")
        return
    from ipywidgets import FloatSlider, interactive

    def redraw(**values):
        at = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        display({"text/html": svg(draw(**values), at), "text/plain": at}, raw=True)

    sliders = {
        name: FloatSlider(
            value=start, min=low, max=high, step=(high - low) / 50, continuous_update=False
        )
        for name, (low, high, start) in knobs.items()
    }
    display(interactive(redraw, **sliders))
