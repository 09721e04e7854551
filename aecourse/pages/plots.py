"""Figures that many pages draw: training curves and grids of images."""

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aecourse.pages.display import subplots
from aecourse.pages.style import STYLE, TEXT_SHADES, new_figure

GAP, TEXT = 0.06, 0.3  # inches between images, and of the line that holds a row's label


def plot_images(
    rows: torch.Tensor | Mapping[str, torch.Tensor],
    *,
    columns: int = 5,
    limits: tuple[float, float] = (0, 1),
    size: float = 1.15,
) -> Figure:
    """A grid of grey images, one row a batch, each row below its label.

    Args:
        rows: {label: batch} or one batch; a batch is (B, 1, H, W) or (B, H, W).
        columns: at most so many images of each batch are drawn; five stay visible on a phone.
        limits: the values that are drawn black and white.
        size: width of an image in inches of 96 pixels.

    Raises:
        TypeError: If a batch is not a floating-point tensor.
        ValueError: If a batch does not hold images of one channel.
    """
    rows = {label: grey(label, batch) for label, batch in named(rows).items()}
    count = min(columns, max(len(batch) for batch in rows.values()))
    width = count * (size + GAP) - GAP
    heights = [size * batch.shape[1] / batch.shape[2] for batch in rows.values()]
    texts = [TEXT if label else 0 for label in rows]
    total = sum(heights) + sum(texts) + GAP * (len(rows) - 1)
    fig = new_figure(figsize=(width, total), layout="none")
    top = total
    for (label, batch), height, text in zip(rows.items(), heights, texts, strict=True):
        if label:
            fig.text(0, (top - text / 2) / total, label, va="center", fontsize=13)
        top -= text + height
        for i, image in enumerate(batch[:count]):
            place = (i * (size + GAP) / width, top / total, size / width, height / total)
            ax = fig.add_axes(place, xticks=[], yticks=[], frame_on=False)
            ax.imshow(image, vmin=limits[0], vmax=limits[1], aspect="auto")
        top -= GAP
    return fig


def named(rows) -> dict[str, torch.Tensor]:
    """{label: batch}; a batch alone has no label."""
    rows = dict(rows) if isinstance(rows, Mapping) else {"": rows}
    if not rows:
        raise ValueError("rows is empty; expected at least one batch: give {label: images}")
    return rows


def grey(label: str, batch: torch.Tensor):
    """The batch as an array (B, H, W)."""
    label = label or "rows"
    if not isinstance(batch, torch.Tensor) or not batch.is_floating_point():
        seen = batch.dtype if isinstance(batch, torch.Tensor) else type(batch).__name__
        raise TypeError(
            f"{label} is of type {seen}; expected a floating-point tensor: convert it with "
            "torch.as_tensor(...).float()"
        )
    if batch.dim() not in (3, 4) or batch.dim() == 4 and batch.shape[1] != 1 or not len(batch):
        raise ValueError(
            f"{label} has shape {tuple(batch.shape)}; expected (B, 1, H, W) or (B, H, W): show one "
            "channel with [:, :1], or give flat images their shape with .unflatten"
        )
    return batch.detach().cpu().float().reshape(len(batch), *batch.shape[-2:]).numpy()


def plot_history(
    runs: Mapping[str, object], *, term: str = "loss", smooth: int = 20, log: bool = False
) -> Figure:
    """Training curves, each labelled at its end: a running mean of one term over the steps.

    If `term` is the loss, the loss on the validation data is drawn too, where `fit` measured it.

    Args:
        runs: {label: History}.
        term: the term of the objective that is drawn.
        smooth: number of steps over which the mean runs.
        log: logarithmic vertical axis.

    Raises:
        ValueError: If a run has no such term.
    """
    fig, ax = subplots()
    for label, run in runs.items():
        if term not in run.terms:
            known = ", ".join(map(repr, run.terms))
            raise ValueError(
                f"term is {term!r}; expected one of {known}, the terms of {label!r}: name a term "
                "that the objective returns"
            )
        values = run.terms[term]
        width = min(smooth, len(values))
        means = [sum(values[i : i + width]) / width for i in range(len(values) - width + 1)]
        (line,) = ax.plot(run.steps[width - 1 :], means, label=label)
        if term == "loss" and run.validation_losses:
            ax.plot(
                *zip(*run.validation_losses, strict=True),
                ".:",
                color=line.get_color(),
                label=f"{label}, validation",
            )
    ax.set(xlabel="step", ylabel=term, yscale="log" if log else "linear")
    label_curves(ax)
    return fig


def label_curves(ax: Axes) -> None:
    """Write each curve's label at its right end, in its colour, instead of a legend.

    Curves that end close to each other get their labels one above the other.
    """
    lines = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    if len(lines) < 2:
        return
    ax.figure.draw_without_rendering()  # the axes now have their limits and their size
    points = 72 / ax.figure.dpi
    ends = [ax.transData.transform((line.get_xdata()[-1], line.get_ydata()[-1])) for line in lines]
    heights = spread([points * y for _, y in ends], gap=1.2 * STYLE["font.size"])
    for line, (_, y), height in zip(lines, ends, heights, strict=True):
        ax.annotate(
            line.get_label(),
            (line.get_xdata()[-1], line.get_ydata()[-1]),
            xytext=(5, height - points * y),
            textcoords="offset points",
            va="center",
            color=TEXT_SHADES.get(line.get_color(), line.get_color()),
            annotation_clip=False,
        )


def spread(heights: list[float], gap: float) -> list[float]:
    """The heights, moved apart to at least `gap`, in the same order."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    clusters = []  # [sum of heights less the offsets, members]
    for i in order:
        clusters.append([heights[i], [i]])
        while len(clusters) > 1 and lowest(clusters[-1], gap) < highest(clusters[-2], gap) + gap:
            total, members = clusters.pop()
            clusters[-1][0] += total
            clusters[-1][1] += members
    moved = list(heights)
    for cluster in clusters:
        for offset, i in enumerate(cluster[1]):
            moved[i] = lowest(cluster, gap) + offset * gap
    return moved


def lowest(cluster, gap: float) -> float:
    """The lowest height in a cluster, which is centred on the mean of its members."""
    total, members = cluster
    return total / len(members) - gap * (len(members) - 1) / 2


def highest(cluster, gap: float) -> float:
    """The highest height in a cluster."""
    return lowest(cluster, gap) + gap * (len(cluster[1]) - 1)
