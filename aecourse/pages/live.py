"""Live figures: a small decoder that runs in the reader's page, in book/_static/live.js."""

import base64
import copy
import html
import io
import json
import math

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib import image as matplotlib_image
from matplotlib.patches import Circle
from torch import nn

from aecourse import validation
from aecourse.pages.display import display_figure, in_book, show, subplots
from aecourse.pages.sliders import interact

LARGEST = 400_000  # bytes of one figure
# What live.js computes, and which attribute of the module it needs to know.
ACTIVATIONS = {
    nn.GELU: ("gelu", None),
    nn.LeakyReLU: ("leaky_relu", "negative_slope"),
    nn.ReLU: ("relu", None),
    nn.Sigmoid: ("sigmoid", None),
    nn.SiLU: ("silu", None),
    nn.Softplus: ("softplus", None),
    nn.Tanh: ("tanh", None),
}
# The plane in the units of its image: labels of the axes to the left and below.
LEFT = 36
TOP = 6
SIDE = 300


def live_map(
    decoder: nn.Module | dict[str, nn.Module],
    points: torch.Tensor | dict[str, torch.Tensor],
    labels: torch.Tensor,
    *,
    name: str,
    caption: str,
    alt: str,
    start: tuple[float, float] | None = None,
    shape: tuple[int, int] = (28, 28),
    axes: tuple[str, str] = ("z1", "z2"),
    rings: tuple[float, ...] = (),
) -> None:
    """Show a plane of codes that the reader drags over, and the image that the decoder draws there.

    In the book (``AECOURSE_STATIC=1``) the decoder itself is in the page, with its weights rounded
    to 8 bits, and runs in the browser. In JupyterLab and Colab two sliders run `decoder` itself.

    Args:
        decoder: (B, 2) -> (B, H * W): an ``nn.Sequential`` of ``nn.Linear`` and activations (ReLU,
            leaky ReLU, tanh, sigmoid, GELU, SiLU, softplus, identity), the output activation
            included: ``nn.Sequential(model.decoder, model.output)``. Its values are shown from
            black to white: [-1, 1] if it ends in tanh, else [0, 1]. A dictionary {title: decoder}
            shows several that receive the same code.
        points: codes of test images, (N, 2); some 200 can be told apart. With several decoders, one
            tensor for all or {title: codes}; they share one plane: give them comparable scales.
        labels: (N,) int64, 0 to 9: each code is drawn as its digit.
        name: of the figure, ``fig-...``, unique in the book.
        caption: plain words.
        alt: what the plane shows, in a sentence.
        start: the code shown first, within the plane; by default the middle.
        shape: of an image, (H, W).
        axes: what the two coordinates are called.
        rings: radii of circles around the code 0, as (1, 2, 3) for the standard deviations of
            N(0, I); both axes then have one scale.

    Raises:
        TypeError: If a decoder has a layer that the page cannot run, or labels are not int64.
        ValueError: If shapes do not fit together, a value is not finite, or the figure is larger
            than 400 kB.

    Source:
        Weights: 8-bit integers, one scale for each output unit (Krishnamoorthi, 2018).
    """
    decoders = decoder if isinstance(decoder, dict) else {"": decoder}
    codes = points if isinstance(points, dict) else dict.fromkeys(decoders, points)
    if not decoders or set(codes) != set(decoders):
        raise ValueError(
            f"points has the titles {list(codes)} and decoder {list(decoders)}; expected the same, "
            "at least one: give one tensor of codes for all decoders, or one for each title"
        )
    labels = validation.integers("labels", labels, 10).cpu()
    codes = {title: _codes(codes[title], labels) for title in decoders}
    shape = validation.sizes("shape", shape, 2)
    networks = {title: _stored(one, shape) for title, one in decoders.items()}
    plane = _plane(torch.cat([*codes.values()]), start, rings)
    if not in_book():

        def draw(**z):
            return _drawn(decoders, codes, labels, plane, tuple(z.values()), shape, axes, rings)

        first = draw(**dict(zip(axes, plane["start"], strict=True)))
        show(first, name=name, caption=caption, alt=alt)
        knobs = zip(axes, plane["low"], plane["high"], plane["start"], strict=True)
        interact(draw, {axis: tuple(limits) for axis, *limits in knobs})
        return
    body = _body(decoders, networks, codes, labels, plane, shape, axes, rings, alt)
    size = len(body.encode())
    if size > LARGEST:
        raise ValueError(
            f"decoder and points need {size / 1000:.0f} kB in the page; expected at most "
            f"{LARGEST / 1000:.0f} kB: narrow the hidden layers (2-128-784 needs 144 kB) or show "
            "fewer points"
        )
    display_figure(body, name=name, caption=caption, alt=alt)


def quantized(decoder: nn.Module) -> nn.Module:
    """A copy of `decoder` on the CPU with the weights that the page has.

    They are rounded to 8 bits with one scale for each output unit; biases stay as they are.

    Source:
        Krishnamoorthi (2018), per-channel symmetric quantization.
    """
    decoder = copy.deepcopy(decoder).cpu().float()
    for layer in decoder.modules():
        if isinstance(layer, nn.Linear):
            integers, scale = _integers(layer.weight.detach())
            layer.weight.data = integers * scale[:, None]  # (out, in)
    return decoder


def _integers(weight):
    """(out, in) -> integers from -127 to 127, (out, in), and the scale of each row, (out,)."""
    scale = weight.abs().amax(1) / 127  # (out,)
    scale = torch.where(scale > 0, scale, 1.0)
    return (weight / scale[:, None]).round(), scale


def _layers(module, where):
    """The layers of nested ``nn.Sequential``, each with its name as in ``decoder[0][2]``."""
    if type(module) is not nn.Sequential:
        return [(where, module)]
    return [pair for i, layer in enumerate(module) for pair in _layers(layer, f"{where}[{i}]")]


def _stored(decoder, shape):
    """The layers as live.js reads them, with the width of every step checked."""
    width, stored = 2, []
    for where, layer in _layers(decoder, "decoder"):
        if type(layer) is nn.Identity:
            continue
        if type(layer) is nn.Linear:
            if layer.in_features != width:
                raise ValueError(
                    f"{where} takes {layer.in_features} values and receives {width}; expected the "
                    "same, from a code of 2 numbers on: train a model with latent_dim=2"
                )
            width = layer.out_features
            weight, scale = _integers(layer.weight.detach().cpu().float())
            bias = torch.zeros(width) if layer.bias is None else layer.bias.detach().cpu()
            parts = {"weight": weight.to(torch.int8), "scale": scale, "bias": bias.float()}
            if not all(part.isfinite().all() for part in (scale, bias)):
                raise ValueError(
                    f"{where} has weights that are nan or infinite; expected finite ones: look at "
                    "the last epochs of its training"
                )
            stored.append({key: _base64(part.numpy().tobytes()) for key, part in parts.items()})
            continue
        known, attribute = ACTIVATIONS.get(type(layer), (None, None))
        softplus = known == "softplus" and (layer.beta, layer.threshold) != (1, 20)
        if known is None or softplus or (known == "gelu" and layer.approximate != "none"):
            names = ", ".join(kind.__name__ for kind in ACTIVATIONS)
            raise TypeError(
                f"{where} is {layer}; expected nn.Sequential, nn.Linear, nn.Identity or one of "
                f"{names} with its usual settings: rebuild the decoder from these, or show "
                "computed images with explore"
            )
        stored.append({"activation": known})
        if attribute:
            stored[-1]["parameter"] = getattr(layer, attribute)
    if width != math.prod(shape):
        raise ValueError(
            f"decoder returns {width} values and shape is {shape}; expected {math.prod(shape)} "
            "values, one a pixel: give the shape of one image as (H, W)"
        )
    return stored


def _codes(points, labels):
    """The codes on the CPU, (N, 2), one for each label and finite."""
    points = validation.floating("points", points).detach().cpu().float()
    if points.shape != (len(labels), 2):
        raise ValueError(
            f"points has shape {tuple(points.shape)} and labels {tuple(labels.shape)}; expected "
            "(N, 2) and (N,): give codes of two numbers, and the label of each"
        )
    return validation.within("points", points, -math.inf, math.inf)


def _plane(points, start, rings):
    """Limits of the axes, multiples of a step of 1, 2 or 5 times a power of ten, and the start."""
    low, high = (points.aminmax(dim=0)[i].double().numpy() for i in (0, 1))  # (2,), (2,)
    if rings:
        reach = max(*rings, *np.abs(low), *np.abs(high))
        low, high = np.full(2, -reach), np.full(2, reach)
    span = max(high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 100))
    step = max(power * factor for factor in (1, 2, 5) if power * factor <= span / 100)
    low = np.floor((low - span / 25) / step) * step
    high = np.ceil((high + span / 25) / step) * step
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    middle = np.round((low + high) / 2 / step) * step
    start = middle if start is None else np.asarray(start, dtype=float)
    if start.shape != (2,) or not ((low <= start) & (start <= high)).all():
        raise ValueError(
            f"start is {tuple(start.tolist())}; expected two numbers within the plane, from "
            f"{low.round(decimals).tolist()} to {high.round(decimals).tolist()}: choose a code "
            "near the points"
        )
    start = low + np.round((start - low) / step) * step
    numbers = {"low": low, "high": high, "start": start}
    return {"step": round(step, decimals)} | {
        key: value.round(decimals).tolist() for key, value in numbers.items()
    }


def _range(decoder):
    """The values shown as black and as white."""
    last = _layers(decoder, "decoder")[-1][1]
    return (-1.0, 1.0) if isinstance(last, nn.Tanh) else (0.0, 1.0)


def _base64(data):
    return base64.b64encode(data).decode()


def _body(decoders, networks, codes, labels, plane, shape, axes, rings, alt):
    """The still figure and, for live.js, what brings it to life."""
    panels, data = [], []
    at = ", ".join(f"{axis} = {z:g}" for axis, z in zip(axes, plane["start"], strict=True))
    for title, decoder in decoders.items():
        described = f"{title}: {alt}" if title else alt
        still = _still_image(quantized(decoder), plane["start"], shape)
        panels.append(
            f"<div data-panel>{f'<p><b>{html.escape(title)}</b></p>' if title else ''}"
            f"{_svg(codes[title], labels, plane, axes, rings, described)}"
            f'<div class="ae-live-image"><img class="dark-light" width="{10 * shape[1]}" '
            f'alt="decoded image at {html.escape(at)}" src="data:image/png;base64,{still}">'
            '<p class="ae-live-said"></p></div></div>'
        )
        rounded = [[float(f"{value:.4g}") for value in point] for point in codes[title].tolist()]
        network = {"layers": networks[title], "range": _range(decoder)}
        data.append(network | {"points": rounded, "labels": labels.tolist()})
    stored = {"axes": axes, "shape": shape, "panels": data, **plane}
    stored = json.dumps(stored, separators=(",", ":")).replace("<", r"\u003c")
    columns = "ae-live-columns" if len(panels) > 1 else "ae-live-single"
    return (
        f'<div class="ae-live" data-live="map"><div class="{columns}">{"".join(panels)}</div>'
        '<div class="ae-live-controls"></div>'
        f'<script type="application/json">{stored}</script></div>'
    )


def _still_image(decoder, z, shape):
    """The decoded image as a PNG, in base64."""
    with torch.no_grad():
        image = decoder(torch.tensor([z], dtype=torch.float32)).view(shape).numpy()  # (H, W)
    file = io.BytesIO()
    low, high = _range(decoder)
    matplotlib_image.imsave(
        file, image, cmap="gray", vmin=low, vmax=high, format="png", metadata={"Software": None}
    )
    return _base64(file.getvalue())


def _svg(points, labels, plane, axes, rings, alt):
    """The plane: every code as its digit, the limits of the axes, circles, the ring that moves."""
    low, high = np.array(plane["low"]), np.array(plane["high"])

    def place(z):
        x, y = (np.asarray(z) - low) / (high - low)  # from 0 to 1
        return LEFT + SIDE * x, TOP + SIDE * (1 - y)

    digits = []
    for label in sorted(set(labels.tolist())):
        chosen = [place(z) for z in points[labels == label].tolist()]
        marks = "".join(f'<text x="{x:.1f}" y="{y:.1f}">{label}</text>' for x, y in chosen)
        digits.append(f'<g class="ae-digit-{label}">{marks}</g>')
    x, y = place([0, 0])
    radius = SIDE / (high - low)[0]
    circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r * radius:.1f}"/>' for r in rings)
    bottom, middle = TOP + SIDE, LEFT + SIDE / 2
    below, beside = f'y="{bottom + 16}"', f'x="{LEFT - 5}"'
    ticks = (
        f'<text x="{LEFT}" {below}>{_minus(low[0])}</text>'
        f'<text x="{LEFT + SIDE}" {below} text-anchor="end">{_minus(high[0])}</text>'
        f'<text x="{middle}" {below} text-anchor="middle">{html.escape(axes[0])}</text>'
        f'<g text-anchor="end"><text {beside} y="{bottom}">{_minus(low[1])}</text>'
        f'<text {beside} y="{TOP + 10}">{_minus(high[1])}</text>'
        f'<text {beside} y="{TOP + SIDE / 2}">{html.escape(axes[1])}</text></g>'
    )
    line = 'fill="none" stroke="currentColor"'
    x, y = place(plane["start"])
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" fill="currentColor" font-size="12" '
        f'viewBox="0 0 {LEFT + SIDE + 6} {bottom + 22}">'
        f'<rect data-plane x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" {line} '
        f'opacity=".4"/>{ticks}<g {line} opacity=".6" stroke-dasharray="4 4">{circles}</g>'
        '<g text-anchor="middle" dominant-baseline="central" font-weight="600">'
        f"{''.join(digits)}</g>"
        f'<circle data-ring cx="{x:.1f}" cy="{y:.1f}" r="9" {line} stroke-width="3"/></svg>'
    )


def _minus(value):
    return f"{value:g}".replace("-", "−")


def _drawn(decoders, codes, labels, plane, z, shape, axes, rings):
    """Planes above decoded images, one column for each decoder: what a kernel shows."""
    fig, rows = subplots(2, len(decoders), figsize=(3.2 * len(decoders), 6), squeeze=False)
    for (title, decoder), ax, below in zip(decoders.items(), *rows, strict=True):
        for label in range(10):
            x, y = codes[title][labels == label].T.numpy()
            ax.plot(
                x, y, ls="none", marker=f"${label}$", ms=6, mew=0, color=colormaps["tab10"](label)
            )
        for radius in rings:
            ax.add_patch(Circle((0, 0), radius, fill=False, ls="--", alpha=0.6))
        ax.plot(*z, "o", ms=12, mfc="none", mec="k", mew=2)
        limits = list(zip(plane["low"], plane["high"], strict=True))
        ax.set(title=title, xlabel=axes[0], ylabel=axes[1], xlim=limits[0], ylim=limits[1])
        like = next(decoder.parameters())
        with torch.no_grad():
            image = decoder(torch.tensor([z], dtype=like.dtype, device=like.device))
        low, high = _range(decoder)
        below.imshow(image.view(shape).cpu().numpy(), vmin=low, vmax=high)
        below.axis("off")
    return fig
