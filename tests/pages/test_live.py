"""Live figures: the shipped script against PyTorch and NumPy, in Node.js and in a browser."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from aecourse.data import load_images
from aecourse.pages import display, live

ROOT = Path(__file__).resolve().parents[2]
SCRIPT, STYLE = ROOT / "book" / "_static" / "live.js", ROOT / "book" / "_static" / "live.css"
LINE = ROOT / "book" / "learning_line.html"
TEXTS = {"name": "fig-map", "caption": "Drag.", "alt": "The codes of test images < all of them"}
ACTIVATIONS = {
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.2),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "softplus": nn.Softplus(),
    "linear": nn.Identity(),
}


@pytest.fixture(scope="module")
def trained():
    """A decoder 2-128-784 trained on digits, the codes of 200 test images, and their labels."""
    data = load_images("digits", device="cpu", quiet=True)
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2))
    decoder = nn.Sequential(
        nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 784)), nn.Sigmoid()
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
    for _ in range(300):
        x = data.train[torch.randint(len(data.train), (128,))]  # (128, 1, 28, 28)
        loss = nn.functional.binary_cross_entropy(decoder(encoder(x)), x.flatten(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return decoder, encoder(data.test[:200]).detach(), data.test_labels[:200]


@pytest.fixture
def emitted(monkeypatch):
    """The HTML of each figure that was displayed, on a fresh page of the book."""
    seen = []
    monkeypatch.setenv("AECOURSE_STATIC", "1")
    monkeypatch.setattr(display, "_numbers", {"Figure": {}, "Table": {}})
    monkeypatch.setattr(display, "emit", lambda piece: seen.append(piece.html))
    return seen


@pytest.fixture
def node(need):
    """``node("network", layers=..., codes=...)``: what the shipped script computes."""
    beside = Path(sys.executable).parent / "node"
    program = shutil.which("node") or (beside.exists() and str(beside))
    need(program, "Node.js", "python3 -m tools environment --tests")

    def computed(question, **asked):
        command = [program, Path(__file__).with_name("live_node.cjs"), SCRIPT, question]
        ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return computed


def stored(page):
    """What a figure has stored for the script."""
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    return json.loads(found[1])


def test_the_script_computes_what_pytorch_does(trained, emitted, node):
    decoder, codes, labels = trained
    live.live_map(decoder, codes, labels, **TEXTS)
    (panel,) = stored(emitted[0])["panels"]
    got = torch.tensor(node("network", layers=panel["layers"], codes=codes.tolist()))
    with torch.no_grad():
        rounded, full = live.quantized(decoder)(codes), decoder(codes)  # (200, 784) twice
    assert got.shape == (200, 784)
    assert (got - rounded).abs().max() < 1e-5
    psnr = -10 * torch.log10((got - full).square().mean())
    assert psnr > 45
    assert (rounded - full).abs().max() > 1e-4, (
        "the rounding shows, so that the first bound means something"
    )
    assert len(emitted[0]) < 170_000


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(emitted, node, name):
    torch.manual_seed(1)
    decoder = nn.Sequential(
        nn.Linear(2, 40), ACTIVATIONS[name], nn.Linear(40, 16, bias=False), ACTIVATIONS[name]
    )
    with torch.no_grad():
        decoder[0].weight.mul_(4)[5] = 0.0  # a unit without weights has no scale of its own
    codes = 3 * torch.randn(200, 2)
    live.live_map(decoder, codes, torch.arange(200) % 10, shape=(4, 4), **TEXTS)
    (panel,) = stored(emitted[0])["panels"]
    got = torch.tensor(node("network", layers=panel["layers"], codes=codes.tolist()))
    with torch.no_grad():
        assert (got - live.quantized(decoder)(codes)).abs().max() < 1e-5
    assert panel["range"] == ([-1, 1] if name == "tanh" else [0, 1])


def test_the_still_is_complete(trained, emitted):
    decoder, codes, labels = trained
    live.live_map(
        {"AE": decoder, "VAE": decoder}, codes, labels, start=(0.1, -0.2), rings=(1, 2), **TEXTS
    )
    page = emitted[0]
    assert page.count("<text") == 2 * (200 + 6) and page.count("<circle") == 2 * (2 + 1)
    assert page.count('aria-label="AE: The codes of test images &lt; all of them"') == 1
    plane = stored(page)
    assert plane["low"][0] == plane["low"][1] and plane["high"] == [-plane["low"][0]] * 2
    assert all((np.array(plane["high"]) - plane["low"]) / plane["step"] >= 90)
    assert plane["start"] == pytest.approx([0.1, -0.2], abs=plane["step"] / 2)


def test_a_kernel_runs_the_model_itself(trained, emitted, monkeypatch):
    decoder, codes, labels = trained
    turned = []
    monkeypatch.delenv("AECOURSE_STATIC")
    monkeypatch.setattr(live, "interact", lambda draw, knobs: turned.append((draw, knobs)))
    live.live_map(decoder, codes, labels, **TEXTS)
    assert "<svg" in emitted[0] and "data-live" not in emitted[0]
    ((draw, knobs),) = turned
    assert [*knobs] == ["z1", "z2"]
    assert all(low < start < high for low, high, start in knobs.values())
    drawn = draw(z1=0.5, z2=-0.25).axes[1].images[0].get_array()
    with torch.no_grad():
        wanted = decoder(torch.tensor([[0.5, -0.25]])).view(28, 28)
    assert np.allclose(drawn, wanted, atol=1e-6)


def refused(kind, match, decoder, codes=None, labels=None, **more):
    codes = torch.zeros(3, 2) if codes is None else codes
    labels = torch.arange(3) if labels is None else labels
    with pytest.raises(kind, match=match):
        live.live_map(decoder, codes, labels, **TEXTS, **more)


def test_a_figure_of_more_than_400_kb_is_refused(emitted):
    decoder = nn.Sequential(nn.Linear(2, 400), nn.ReLU(), nn.Linear(400, 784))
    refused(ValueError, r"decoder and points need \d+ kB .*at most 400 kB: narrow", decoder)
    assert emitted == []


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm1d(8), nn.Dropout(), nn.ELU(), nn.GELU("tanh"), nn.Softplus(beta=2), nn.Flatten()],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_the_script_lacks_are_refused(emitted, layer):
    decoder = nn.Sequential(nn.Sequential(nn.Linear(2, 8), layer), nn.Linear(8, 784))
    refused(TypeError, r"decoder\[0\]\[1\] is .*; expected nn.Sequential, .*: rebuild", decoder)


def test_what_does_not_fit_together_is_refused(emitted):
    decoder = nn.Sequential(nn.Linear(2, 784))
    refused(
        ValueError, r"decoder\[0\] takes 3 values and receives 2", nn.Sequential(nn.Linear(3, 784))
    )
    refused(ValueError, r"decoder returns 784 values and shape is \(8, 8\)", decoder, shape=(8, 8))
    refused(ValueError, r"points has shape \(3, 3\)", decoder, torch.zeros(3, 3))
    refused(ValueError, r"points contains nan", decoder, torch.full((3, 2), torch.nan))
    refused(ValueError, r"labels .*10; expected integers", decoder, labels=torch.tensor([0, 1, 10]))
    refused(
        ValueError, r"start is \(9.0, 0.0\); expected two numbers within", decoder, start=(9, 0)
    )
    refused(ValueError, r"points has the titles \['B'\]", {"A": decoder}, {"B": torch.zeros(3, 2)})
    with torch.no_grad():
        decoder[0].weight[0, 0] = torch.inf
    refused(ValueError, r"decoder\[0\] has weights that are nan or infinite", decoder)


# ---- The line that learns ----


@pytest.fixture(scope="module")
def cloud():
    """The 40 points of the landing page, (40, 2)."""
    found = re.findall(r'<circle cx="([-.\d]+)" cy="([-.\d]+)"', LINE.read_text())
    return np.array(found, dtype=float)


def leading(points):
    """The first principal axis, a unit vector, and the two eigenvalues of the covariance."""
    values, vectors = np.linalg.eigh(np.cov(points.T, bias=True))
    return vectors[:, 1], values


def test_the_principal_axis_is_numpys(node, cloud):
    for points in (
        cloud,
        cloud @ [[0, 1], [-1, 0]] + 1,
        np.random.default_rng(0).normal(size=(9, 2)),
    ):
        got = node("axis", points=points.tolist())
        vector, (smallest, largest) = leading(points)
        assert got["largest"] == pytest.approx(largest) and got["smallest"] == pytest.approx(
            smallest
        )
        assert abs(vector @ [np.cos(got["angle"]), np.sin(got["angle"])]) == pytest.approx(1)
        assert got["mean"] == pytest.approx(points.mean(0))


def test_the_gradient_is_pytorchs(node, cloud):
    weights = {"encoder": [0.3, -0.7], "decoder": [0.9, 0.4]}
    got = node("gradient", points=cloud.tolist(), weights=weights)
    w, v = (torch.tensor(weights[key], dtype=torch.float64, requires_grad=True) for key in weights)
    x = torch.tensor(cloud - cloud.mean(0))  # (40, 2)
    error = (x - (x @ w)[:, None] * v).square().sum(1).mean()
    error.backward()
    assert got["error"] == pytest.approx(error.item())
    assert got["gradient"]["encoder"] == pytest.approx(w.grad.tolist())
    assert got["gradient"]["decoder"] == pytest.approx(v.grad.tolist())


@pytest.mark.parametrize("stretch", [1, 0.2, 6], ids=["as shown", "small", "large"])
def test_the_line_reaches_the_principal_axis(node, cloud, stretch):
    points = stretch**0.5 * cloud
    starts = np.random.default_rng(0).random((30, 2)).tolist()
    ends = node("train", points=points.tolist(), starts=starts)
    vector, (smallest, _) = leading(points)
    for end in ends:
        v = np.array(end["decoder"])
        angle = np.degrees(np.arccos(min(1, abs(v @ vector) / np.linalg.norm(v))))
        assert angle < 1 and end["angle"] == pytest.approx(angle, abs=1e-4)
        assert smallest <= end["error"] < 1.01 * smallest
        assert end["steps"] < 5000


def test_the_still_shows_the_trained_line(cloud):
    drawn = re.search(r'data-part="decoder".*? d="M(\S+) (\S+)L(\S+) (\S+)"', LINE.read_text())
    a, b = np.array(drawn.groups(), dtype=float).reshape(2, 2)
    assert abs((b - a) @ leading(cloud)[0]) / np.linalg.norm(b - a) > np.cos(np.radians(0.5))
    assert len(cloud) == 40 and np.abs(cloud).max() < 2


# ---- In a browser ----


@contextlib.contextmanager
def opened(browser, folder, body, width=1280, theme="light", **options):
    """The figure in a page of its own, opened from the disk; every request, every error."""
    file = folder / "page.html"
    dark = "html[data-theme=dark] { background: #14181e; color: #ced6dd; color-scheme: dark }"
    file.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>A figure</title>'
        f'<link rel="stylesheet" href="{STYLE.as_uri()}">'
        f'<script defer src="{SCRIPT.as_uri()}"></script>'
        f"<style>body {{ margin: 1rem; font: 17px sans-serif }} figure {{ margin: 0 }} {dark}"
        "</style>"
        f"<main><h1>A figure</h1>{body}</main></html>"
    )
    context = browser.new_context(viewport={"width": width, "height": 844}, **options)
    page = context.new_page()
    requests = []
    errors = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    yield page, requests
    assert errors == []
    context.close()


def ours(requests):
    """Are these the page, its script and its style, and nothing else but data in the page?"""
    names = [url.rpartition("/")[2] for url in requests if not url.startswith("data:")]
    return set(names) == {"live.css", "live.js", "page.html"}


def pixels(canvas):
    """The grey levels of a canvas, (H, W)."""
    data = canvas.evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    rgba = np.array(data).reshape(28, 28, 4)
    assert (rgba[..., 3] == 255).all() and (rgba[..., 0] == rgba[..., 2]).all()
    return rgba[..., 0]


def decoded(decoder, z):
    """The grey levels that PyTorch computes with the weights of the page, (28, 28)."""
    with torch.no_grad():
        image = live.quantized(decoder)(torch.tensor([z], dtype=torch.float32)).view(28, 28)
    return (255 * image).numpy()


def where(page):
    """The code that the two sliders have."""
    return [
        float(value)
        for value in page.locator("input[type=range]").evaluate_all(
            "all => all.map(one => one.value)"
        )
    ]


@pytest.fixture
def map_page(trained, emitted):
    live.live_map(*trained, **TEXTS)
    return emitted[0]


@pytest.mark.browser
def test_by_keyboard_the_canvas_shows_what_pytorch_decodes(browser, tmp_path, trained, map_page):
    decoder, codes, labels = trained
    with opened(browser, tmp_path, map_page) as (page, requests):
        canvas, knobs = page.locator("canvas"), page.locator("input[type=range]")
        seen = []
        for keys in (
            [],
            ["ArrowRight"] * 3,
            ["Tab", "ArrowDown", "ArrowDown"],
            ["PageUp"],
            ["Home"],
        ):
            if not seen:
                page.keyboard.press("Tab")
                assert knobs.first.evaluate("knob => knob === document.activeElement")
            for key in keys:
                page.keyboard.press(key)
            z = where(page)
            assert np.abs(pixels(canvas) - decoded(decoder, z)).max() < 0.51
            nearest = labels[(codes - torch.tensor(z)).norm(dim=1).argmin()].item()
            said = "z1 = {:g}, z2 = {:g}; nearest test code: {}".format(*z, nearest)
            spoken = canvas.get_attribute("aria-label").replace("−", "-")
            assert (
                re.sub(r"(\.\d*?)0+\b", r"\1", spoken).replace(".,", ",").replace(".;", ";")
                == f"decoded image at {said}"
            )
            focused = page.locator("input:focus").get_attribute("aria-valuetext")
            assert focused.endswith(f"nearest test code: {nearest}")
            seen.append(tuple(z))
        assert len(set(seen)) == 5, "every key moved the code"
        assert ours(requests)


@pytest.mark.browser
def test_the_mouse_and_the_finger_drag(browser, tmp_path, trained, map_page):
    decoder = trained[0]
    plane = stored(map_page)
    with opened(browser, tmp_path, map_page, width=390, has_touch=True) as (page, _):
        box = page.locator("[data-plane]").bounding_box()

        def spot(x, y):
            return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

        def expect(x, y):
            wanted = [
                low + at * (high - low)
                for at, low, high in zip((x, y), plane["low"], plane["high"], strict=True)
            ]
            assert where(page) == pytest.approx(wanted, abs=1.5 * plane["step"])
            assert (
                np.abs(pixels(page.locator("canvas")) - decoded(decoder, where(page))).max() < 0.51
            )
            ring = page.locator("[data-ring]").bounding_box()
            middle = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
            assert middle == pytest.approx(spot(x, y), abs=3)

        page.mouse.move(*spot(0.2, 0.2))
        page.mouse.down()
        expect(0.2, 0.2)
        page.mouse.move(*spot(0.75, 0.6), steps=4)
        expect(0.75, 0.6)
        page.mouse.move(box["x"] + 2 * box["width"], spot(0, 0.5)[1])
        page.mouse.up()
        expect(1, 0.5)
        page.mouse.move(*spot(0.1, 0.1))
        expect(1, 0.5)
        page.touchscreen.tap(*spot(0.4, 0.9))
        expect(0.4, 0.9)
        assert (
            page.locator("[data-panel] > svg").evaluate("svg => getComputedStyle(svg).touchAction")
            == "none"
        )


@pytest.mark.browser
def test_two_decoders_receive_one_code(browser, tmp_path, trained, emitted):
    decoder, codes, labels = trained
    other = nn.Sequential(nn.Linear(2, 784), nn.Tanh())
    live.live_map({"AE": decoder, "VAE": other}, {"AE": codes, "VAE": codes / 2}, labels, **TEXTS)
    with opened(browser, tmp_path, emitted[0], width=390) as (page, _):
        page.locator("input").first.press("ArrowRight")
        first, second = (pixels(canvas) for canvas in page.locator("canvas").all())
        assert np.abs(first - decoded(decoder, where(page))).max() < 0.51
        assert np.abs(second - (decoded(other, where(page)) + 255) / 2).max() < 0.51
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("canvas").last.bounding_box()["width"] >= 150


FIGURES = ["map", "line"]
AXE = {"resultTypes": ["violations"], "preload": False}  # preloading asks for the style once more


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", FIGURES)
def test_everyone_can_use_it(browser, tmp_path, library, map_page, kind, width, theme):
    axe = library("axe_playwright_python.sync_playwright").Axe()
    body = map_page if kind == "map" else LINE.read_text()
    with opened(browser, tmp_path, body, width, theme, reduced_motion="reduce") as (page, requests):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.run(page, options=AXE).response["violations"]
        assert [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]] == []
        if kind == "map":
            assert page.locator("canvas").bounding_box()["width"] >= (150 if width == 390 else 280)
        for knob in page.locator(".ae-live-controls :is(button, input)").all():
            knob.press("Shift")  # from the keyboard, so that the focus shows
            assert knob.evaluate("knob => getComputedStyle(knob).outlineStyle") == "solid"
        assert ours(requests)


@pytest.mark.browser
@pytest.mark.parametrize("kind", FIGURES)
def test_without_scripts_the_still_stays(browser, tmp_path, map_page, kind):
    body = map_page if kind == "map" else LINE.read_text()
    with opened(browser, tmp_path, body, java_script_enabled=False) as (page, _):
        assert page.locator("svg").is_visible()
        assert page.locator("input, button").count() == 0
        if kind == "map":
            assert page.locator("img").bounding_box()["width"] == 280


def read(page):
    """Step, squared error, PCA's error and angle, as the page shows them."""
    return [
        float(number.rstrip("°")) for number in page.locator(".ae-live-said b").all_inner_texts()
    ]


@pytest.mark.browser
def test_the_line_trains_by_itself_and_stops(browser, tmp_path):
    with opened(browser, tmp_path, LINE.read_text()) as (page, _):
        page.locator("svg").scroll_into_view_if_needed()
        page.locator("button", has_text="Pause").wait_for(timeout=5000)
        page.locator("button", has_text="Train").wait_for(timeout=30000)
        steps, error, floor, angle = read(page)
        assert 100 < steps < 400 and angle < 1 and floor <= error < 1.02 * floor
        assert (
            page.locator("[role=status]")
            .inner_text()
            .startswith(f"Converged after {steps:g} steps")
        )


@pytest.mark.browser
def test_under_reduced_motion_the_line_waits_for_the_reader(browser, tmp_path):
    with opened(browser, tmp_path, LINE.read_text(), reduced_motion="reduce") as (page, _):
        page.wait_for_timeout(500)
        assert read(page)[0] == 0 and read(page)[3] > 60
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # One step
        assert read(page)[0] == 1
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")  # Train
        assert read(page)[3] < 1
        for _ in range(3):
            page.keyboard.press("Tab")
        for _ in range(9):
            page.keyboard.press("ArrowRight")  # 45 degrees
        assert read(page)[0] == 0 and read(page)[3] == pytest.approx(45, abs=1)
        assert page.locator("input").get_attribute("aria-valuetext") == "45 degrees"
        assert "45" in page.locator("svg").get_attribute("aria-label") or read(page)[3] != 45
        page.locator("button", has_text="Train").press("Enter")
        assert read(page)[3] < 1


@pytest.mark.browser
def test_a_point_is_dragged_and_the_line_follows(browser, tmp_path):
    with opened(browser, tmp_path, LINE.read_text()) as (page, _):
        page.locator("button", has_text="Train").wait_for(timeout=30000)
        floor = read(page)[2]
        box = page.locator("svg").bounding_box()
        start = page.locator("circle").first.bounding_box()
        page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"], steps=5)
        page.mouse.up()
        page.locator("button", has_text="Train").wait_for(timeout=30000)
        assert read(page)[2] > 1.2 * floor and read(page)[3] < 1.5
