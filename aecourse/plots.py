"""Figures that many pages draw: training curves and grids of images. Each returns a figure for `notebook.show`."""
import matplotlib.pyplot as plt

from aecourse import notebook, validation  # noqa: F401  (the style of the pages)


def history(runs, term="loss", smooth=20, log=False):
    """Curves of one term over the steps, one for each of `runs`, {label: History}; a running mean over `smooth` steps."""
    fig, ax = plt.subplots()
    for label, run in runs.items():
        if term not in run.terms:
            raise ValueError(f"term is {term!r}; expected one of {', '.join(map(repr, run.terms))}")
        values, width = run.terms[term], min(smooth, len(run.terms[term]))
        means = [sum(values[i:i + width]) / width for i in range(len(values) - width + 1)]
        ax.plot(run.steps[width - 1:], means, label=label)
    ax.set(xlabel="step", ylabel=term, yscale="log" if log else "linear")
    if len(runs) > 1:
        ax.legend()
    return fig


def images(rows, columns=8, limits=(0, 1), width=4.8):
    """A grid of images with a labelled row each: `rows` is {label: (B, 1, H, W) or (B, H, W)}, of which `columns` are shown."""
    fig, axes = plt.subplots(len(rows), columns, figsize=(width, width / (columns + 1) * len(rows) * 1.08), squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], frame_on=False)
    for (label, batch), line in zip(rows.items(), axes):
        validation.floating(label, batch)
        if batch.dim() not in (3, 4) or batch.dim() == 4 and batch.shape[1] != 1:
            raise ValueError(f"{label} has shape {tuple(batch.shape)}; expected (B, 1, H, W) or (B, H, W): "
                             f"show one channel with {label}[:, :1]")
        for ax, image in zip(line, batch.detach().cpu()):
            ax.imshow(image.reshape(image.shape[-2:]).numpy(), vmin=limits[0], vmax=limits[1])
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return fig
