"""What a page shows: figures, sliders, computed sentences and tested claims, alike in the book, in JupyterLab and in Colab."""
import html
import io
import json
import math
import os
import re

import matplotlib.pyplot as plt
from IPython.display import display

from aecourse.intervals import interval

COLOURS = BLUE, RED, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"  # Okabe and Ito; each at least 3:1 on white and on #121212
STYLE = {"axes.prop_cycle": plt.cycler(color=COLOURS) + plt.cycler(linestyle=["-", "--", "-.", ":"]), "axes.spines.top": False,
         "axes.spines.right": False, "legend.framealpha": 0, "figure.figsize": (4.8, 2.8), "figure.constrained_layout.use": True,
         "font.size": 11, "lines.linewidth": 2, "image.interpolation": "none", "image.cmap": "gray"}
plt.rcParams.update(STYLE)
_numbers = {}  # the name of a figure -> its number on this page


def seeds():
    """The seeds over which a page repeats what it claims: three, or as many as ``AECOURSE_SEEDS`` says."""
    return range(int(os.environ.get("AECOURSE_SEEDS", 3)))


def claim(sentence, differences):
    """Assert that `differences`, one a seed, are positive: their 95 % interval lies above zero. Display the sentence with it.

    Raises:
        AssertionError: where the interval reaches zero: the page then says what it should not.
    """
    differences = [float(value) for value in differences]
    if len(differences) < 3:
        raise ValueError(f"differences holds {len(differences)} values; expected one for each of at least three seeds")
    if not all(map(math.isfinite, differences)):
        raise ValueError(f"differences holds {differences}; expected finite numbers: look at the run of the seed that failed")
    mean, low, high = interval(differences)
    if path := os.environ.get("AECOURSE_CLAIMS"):
        with open(path, "a") as file:
            file.write(json.dumps({"page": os.environ.get("AECOURSE_PAGE", ""), "claim": sentence, "seeds": len(differences),
                                   "mean": mean, "low": low, "high": high}) + "\n")
    assert low > 0, f"{sentence}: not shown. Mean {mean:.4g}, 95 % interval {low:.4g} to {high:.4g} over {len(differences)} seeds."
    say(f"**{sentence}**: by {mean:.3g} on average, 95 % interval {low:.3g} to {high:.3g} over {len(differences)} seeds.")


def say(sentence):
    """Display a sentence, written in Markdown, whose numbers the cell has computed."""
    display({"text/markdown": sentence, "text/plain": sentence}, raw=True)


def svg(fig, alt):
    """`fig` as inline SVG: whatever is black takes the colour of the text around it, and nothing lies behind it."""
    file = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        fig.savefig(file, format="svg", transparent=True)
    plt.close(fig)
    text = file.getvalue().replace("#000000", "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text[text.index("<svg"):], flags=re.S)
    text = re.sub(r"\n\s*", " ", re.sub(r'<g id="[^"]*">', "<g>", text))
    width, height = fig.get_size_inches()
    head = (f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {72 * width:g} {72 * height:g}" width="{96 * width:.0f}" '
            'style="max-width:100%;height:auto;overflow:visible;fill:currentColor;stroke-linejoin:round;stroke-linecap:butt">')
    return re.sub(r"<svg.*?>", lambda _: head, text, count=1, flags=re.S)


def show(fig, name, caption, alt):
    """Display a figure with a number, a caption, and a description for readers who cannot see it."""
    _display(svg(fig, alt), name, caption, alt)


def slide(figs, name, caption, alts, label, values, start=0):
    """Display one of `figs` at a time, chosen by a slider that needs no kernel: each stands in the page, all but one hidden.

    `figs` may be a generator: each figure is closed before the next is drawn.
    """
    if len(alts) != len(values):
        raise ValueError(f"alts holds {len(alts)} and values {len(values)}; expected one of each for every figure")
    pictures = [svg(fig, alt) for fig, alt in zip(figs, alts, strict=True)]
    frames = "".join(f"<div data-frame{'' if i == start else ' hidden'}>{picture}</div>" for i, picture in enumerate(pictures))
    values = [str(value) for value in values]
    move = ("const all = this.closest('[data-slides]'), value = JSON.parse(this.dataset.values)[this.value];"
            "all.querySelectorAll('[data-frame]').forEach((frame, i) => frame.hidden = i != this.value);"
            "this.setAttribute('aria-valuetext', value); all.querySelector('output').value = value")
    slider = (f'<label class="ae-slider">{html.escape(label)} <input type="range" style="width:14em;max-width:100%;vertical-align:middle" '
              f'min="0" max="{len(values) - 1}" value="{start}" autocomplete="off" data-values="{html.escape(json.dumps(values))}" '
              f'aria-valuetext="{html.escape(values[start])}" oninput="{move}"> <output>{html.escape(values[start])}</output></label>'
              "<noscript><style>.ae-slider { display: none }</style></noscript>")
    _display(f"<div data-slides>{slider}{frames}</div>", name, caption, alts[start])


def _display(body, name, caption, alt):
    number = _numbers.setdefault(name, len(_numbers) + 1)
    below = f"<figcaption><b>Figure {number}.</b> {html.escape(caption)}</figcaption>"
    page = f'<figure id="{name}" style="margin:1em 0">{body}{below}</figure>'
    display({"text/html": page, "text/plain": f"Figure {number}. {caption} [{alt}]"}, raw=True,
            metadata={"aecourse": {"name": name, "caption": caption}})
