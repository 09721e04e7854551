"""Figures, sentences and tested claims, displayed alike in the book, in JupyterLab and in Colab."""

import base64
import contextlib
import dataclasses
import html
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from aecourse.intervals import interval
from aecourse.pages.style import NAMES, TEXT_SHADES, new_figure

DOTS = 120  # an inch, of an image
MINUS = "\N{MINUS SIGN}"
GUESSED = "I have guessed: show me"


@dataclasses.dataclass
class Piece:
    """One displayed thing, as HTML, as Markdown or both, and as plain text.

    A front end takes HTML where there is any; the book takes Markdown, whose links and formulas it
    checks and typesets.
    """

    plain: str
    html: str | None = None
    markdown: str | None = None
    png: str | None = None  # in base 64: for programs that show no HTML

    def bundle(self) -> dict[str, str]:
        """The representations that exist, by MIME type."""
        named = {
            "text/html": self.html,
            "text/markdown": self.markdown,
            "image/png": self.png,
            "text/plain": self.plain,
        }
        return {mime: text for mime, text in named.items() if text is not None}


_numbers = {"Figure": {}, "Table": {}}  # the name of a figure or table -> its number on this page
_waiting: list[list[Piece]] = []  # the pieces of each open `reveal`, the innermost last


def emit(piece: Piece) -> None:
    """Display `piece`, or hand it to the `reveal` that is open."""
    if _waiting:
        _waiting[-1].append(piece)
    else:
        display(piece.bundle(), raw=True)


@contextlib.contextmanager
def reveal(summary: str = GUESSED) -> Iterator[None]:
    """Hide all that is displayed within the block, as one folded part, until the reader opens it.

    It catches what this package displays (`show`, `say`, `claim`, `show_table` and so on), not
    `print`. If the block raises, nothing is displayed.

    Example:
        with reveal():
            show(fig, name="fig-walk", caption="...", alt="...")
            say("Half-way, the pixels show both digits.")
    """
    _waiting.append(pieces := [])
    try:
        yield
    finally:
        _waiting.pop()
    if not pieces:
        raise ValueError(
            "reveal() encloses nothing; expected at least one call of show, say, claim or another "
            "function of aecourse.pages: use say instead of print"
        )
    emit(folded(pieces, summary))


def folded(pieces: list[Piece], summary: str) -> Piece:
    """The pieces as one, inside ``<details>``; as Markdown alone if none of them needs HTML."""
    head = f'<details class="reveal"><summary>{html.escape(summary)}</summary>'
    parts = [head, *(piece.markdown or piece.html for piece in pieces), "</details>"]
    whole = Piece(plain="\n".join(piece.plain for piece in pieces), markdown="\n\n".join(parts))
    if any(piece.html for piece in pieces):
        body = "\n".join(piece.html or to_html(piece.markdown) for piece in pieces)
        whole.html = f"{head}\n{body}\n</details>"
    return whole


def seeds() -> range:
    """The seeds over which a page repeats a claim: three, or as many as ``AECOURSE_SEEDS`` says."""
    return range(int(os.environ.get("AECOURSE_SEEDS", 3)))


def say(sentence: str) -> None:
    """Display a sentence, written in Markdown, whose numbers the cell has computed."""
    emit(Piece(plain=sentence, markdown=sentence))


def claim(
    sentence: str,
    differences: Iterable[float] | None = None,
    *,
    lower: Iterable[float] | None = None,
    higher: Iterable[float] | None = None,
    than: Iterable[float] | None = None,
) -> None:
    """Assert that a difference is positive: the 95 % interval of its mean lies above zero.

    Displays the sentence with the numbers. With `lower` (or `higher`) and `than`, values paired by
    seed, these are both levels and the change in per cent:
    ``claim("A hidden layer lowers the test error", lower=deep, than=shallow)``.

    Args:
        sentence: what is claimed, without a full stop.
        differences: one a seed, at least three.
        lower: the values that are claimed to be lower, one a seed.
        higher: the values that are claimed to be higher, one a seed.
        than: the values that they are compared with, of the same seeds in the same order.

    Raises:
        AssertionError: If the interval reaches zero: the data do not support the sentence.
        ValueError: If there are fewer than three seeds, or a value is not finite.
    """
    levels = None
    if differences is None:
        levels = paired(lower, higher, than)
        sign = -1 if higher is None else 1
        differences = [sign * (value - other) for value, other in zip(*levels, strict=True)]
    elif not lower is higher is than is None:
        raise ValueError(
            "claim got differences as well as levels; expected one of the two: give differences, "
            "or lower= (or higher=) and than="
        )
    differences = [float(value) for value in differences]
    if len(differences) < 3:
        raise ValueError(
            f"differences has {len(differences)} values; expected one for each of at least three "
            "seeds: repeat the experiment for every seed in seeds()"
        )
    if not all(map(math.isfinite, differences)):
        raise ValueError(
            f"differences is {differences}; expected finite numbers: look at the run of the seed "
            "that failed"
        )
    mean, low, high = interval(differences)
    note_claim(sentence, len(differences), mean, low, high)
    assert low > 0, (
        f"{sentence}: not shown. Mean {mean:.4g}, 95 % interval {low:.4g} to {high:.4g} over "
        f"{len(differences)} seeds."
    )
    shown = effect(levels, lower is not None, mean, low, high, len(differences))
    say(f"**{sentence}**: {shown.replace('-', MINUS)}")


def paired(lower, higher, than) -> tuple[list[float], list[float]]:
    """The two lists of levels, of equal length."""
    if than is None or (lower is None) == (higher is None):
        raise ValueError(
            "claim got neither differences nor two levels; expected differences, or exactly one of "
            "lower= and higher= together with than="
        )
    values = [float(value) for value in (higher if lower is None else lower)]
    others = [float(value) for value in than]
    if len(values) != len(others):
        raise ValueError(
            f"claim compares {len(values)} values with {len(others)}; expected pairs, one a seed: "
            "use the same seeds for both"
        )
    return values, others


def effect(levels, lower: bool, mean: float, low: float, high: float, count: int) -> str:
    """The effect in words: levels and change in per cent if they are known, and the interval."""
    if levels is None:
        return (
            f"by {mean:.3g} on average, 95 % interval {low:.3g} to {high:.3g} over {count} seeds."
        )
    after, before = (math.fsum(values) / count for values in levels)
    word, change = ("lower", "drop") if lower else ("higher", "rise")
    if before <= 0:  # per cent of it would mean nothing
        return (
            f"from {before:.3g} to {after:.3g} (95 % interval of the {change} {low:.3g} to "
            f"{high:.3g}, {count} seeds)."
        )
    if lower and min(levels[0]) >= 0:  # nothing drops by more than all of it
        high = min(high, before)
    share, least, most = (percent(value / before) for value in (mean, low, high))
    return (
        f"from {before:.3g} to {after:.3g}, **{share} % {word}** (95 % interval of the {change} "
        f"{least} to {most} %, {count} seeds)."
    )


def percent(share: float) -> str:
    """A share in per cent, with two significant digits and no exponent."""
    return f"{100 * share:.2g}" if abs(share) < 0.1 else f"{100 * share:,.0f}"


def note_claim(sentence: str, count: int, mean: float, low: float, high: float) -> None:
    """Append the claim to the file that ``AECOURSE_CLAIMS`` names, for `make claims`."""
    if path := os.environ.get("AECOURSE_CLAIMS"):
        row = {
            "page": os.environ.get("AECOURSE_PAGE", ""),
            "claim": sentence,
            "seeds": count,
            "mean": mean,
            "low": low,
            "high": high,
        }
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def subplots(
    nrows: int = 1,
    ncols: int = 1,
    *,
    figsize: tuple[float, float] | None = None,
    sharex: bool = False,
    sharey: bool = False,
    squeeze: bool = True,
) -> tuple:
    """`plt.subplots` in the style of the pages.

    Only `show` displays the figure: no front end shows it a second time.
    """
    fig = new_figure(figsize=figsize)
    axes = fig.subplots(nrows, ncols, sharex=sharex, sharey=sharey, squeeze=squeeze)
    return fig, axes


def svg(fig: Figure, alt: str) -> str:
    """`fig` as inline SVG that takes the page's text colour for black and has no background.

    Args:
        fig: a matplotlib figure; pyplot closes it.
        alt: what a reader who cannot see it should know.
    """
    file = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        fig.savefig(file, format="svg", transparent=True)
    plt.close(fig)
    text = file.getvalue().replace("#000000", "currentColor")
    for colour, name in NAMES.items():
        for shade in {colour.lower(), TEXT_SHADES[colour].lower()}:
            text = text.replace(shade, f"var(--ae-{name}, {shade})")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"\n\s*", " ", re.sub(r'<g id="[^"]*">', "<g>", text))
    width, height = fig.get_size_inches()
    head = (
        f'<svg role="img" aria-label="{html.escape(alt)}" '
        f'viewBox="0 0 {72 * width:g} {72 * height:g}" width="{96 * width:.0f}" '
        'style="max-width:100%;height:auto;overflow:visible;fill:currentColor;'
        'stroke-linejoin:round;stroke-linecap:butt">'
    )
    return re.sub(r"<svg.*?>", lambda _: head, text, count=1, flags=re.S)


def show(fig: Figure, *, name: str, caption: str, alt: str) -> None:
    """Display a figure with a number, a caption, and a description for readers who cannot see it.

    Args:
        fig: a matplotlib figure.
        name: ``fig-...``, unique in the book: ``[Figure 2](#fig-...)`` leads to it.
        caption: plain words, no Markdown.
        alt: what the figure shows, in a sentence.
    """
    image = still(fig)
    display_figure(drawing(fig, alt), name=name, caption=caption, alt=alt, png=image)


def display_figure(body: str, *, name: str, caption: str, alt: str, png: str | None = None) -> None:
    """Display `body`, HTML with its own text alternative, as a numbered figure with a caption.

    Args:
        body: HTML.
        name, caption, alt: as for :func:`show`.
        png: the same as an image, from :func:`still`; None has none.
    """
    number = numbered("Figure", name, "fig-")
    body = re.sub(r"\n\s*\n", "\n", body.strip())  # a blank line would end the HTML in Markdown
    if png is not None:
        width = int.from_bytes(base64.b64decode(png)[16:20], "big")  # as the format has it
        body += (
            f'<template><img alt="{html.escape(alt)}" width="{width * 96 // DOTS}" '
            f'src="data:image/png;base64,{png}"></template>'
        )
    below = f"<figcaption><b>Figure {number}.</b> {html.escape(caption)}</figcaption>"
    page = f'<figure id="{name}" style="margin:1em 0">{body}{below}</figure>'
    emit(Piece(plain=f"Figure {number}. {caption} [{alt}]", html=page, png=png))


def in_book() -> bool:
    """Whether the book is being built, where no kernel runs and HTML is trusted."""
    return os.environ.get("AECOURSE_STATIC") == "1"


def still(fig: Figure) -> str | None:
    """`fig` as a PNG image in base 64, of few colours; None in the book, which needs none.

    JupyterLab cleans the HTML of a notebook that somebody else has executed, and takes it even if
    there is an image beside it: it drops ``<svg>`` and ``<template>`` but keeps what is in them. A
    template with the image is invisible where nothing is dropped, and else stands for the drawing.
    """
    if in_book():
        return None
    drawn = io.BytesIO()
    fig.savefig(drawn, format="png", dpi=DOTS, facecolor="white")
    small = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(64).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def drawing(fig: Figure, alt: str) -> str:
    """`fig` as SVG; outside the book in a box that hides its labels if all but text is dropped."""
    if in_book():
        return svg(fig, alt)
    visible = svg(fig, alt).replace("<svg ", '<svg visibility="visible" ', 1)
    return f'<div style="visibility:hidden;font-size:0;line-height:0">{visible}</div>'


def numbered(kind: str, name: str, prefix: str) -> int:
    """The number on this page of the figure or table `name`; a repeated name keeps its number."""
    if not re.fullmatch(f"{prefix}[a-z0-9-]+", name):
        raise ValueError(
            f"name is {name!r}; expected {prefix} followed by lower-case letters, digits and "
            f"hyphens, as in '{prefix}test-error': links and the book's build find it by that"
        )
    known = _numbers[kind]
    return known.setdefault(name, len(known) + 1)


INLINE = re.compile(
    r"(?P<code>`[^`]+`)|(?P<math>\$\$.+?\$\$|\$[^$\n]+\$)|\*\*(?P<strong>.+?)\*\*|\*(?=\S)(?P<em>[^*]+)(?<=\S)\*"
    r"|\[(?P<text>[^\]]+)\]\((?P<link>[^)\s]+)\)",
    re.S,
)


def to_html(markdown: str) -> str:
    """The Markdown of a sentence as HTML: paragraphs, lists, emphasis, code, links.

    Formulas stay as they are. Front ends use it only for sentences that are folded together with a
    figure or a table.
    """
    blocks = [block.strip() for block in re.split(r"\n\s*\n", markdown) if block.strip()]
    return "\n".join(map(block_html, blocks))


def block_html(block: str) -> str:
    """A paragraph or a list."""
    items = re.split(r"^[-*] ", block, flags=re.M)
    if len(items) > 1 and not items[0]:
        return f"<ul>{''.join(f'<li>{inline(item.strip())}</li>' for item in items[1:])}</ul>"
    return f"<p>{inline(block)}</p>"


def inline(text: str) -> str:
    """The inline Markdown of `text` as HTML."""
    parts, end = [], 0
    for found in INLINE.finditer(text):
        parts += [html.escape(text[end : found.start()], quote=False), inline_match(found)]
        end = found.end()
    return "".join([*parts, html.escape(text[end:], quote=False)])


def inline_match(found: re.Match) -> str:
    """One piece of code, formula, emphasis or link."""
    if code := found["code"]:
        return f"<code>{html.escape(code[1:-1])}</code>"
    if found["math"]:
        return html.escape(found["math"], quote=False)
    if found["link"]:
        return f'<a href="{html.escape(found["link"])}">{inline(found["text"])}</a>'
    tag = "strong" if found["strong"] else "em"
    return f"<{tag}>{inline(found[tag])}</{tag}>"
