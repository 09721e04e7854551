"""A figure in a notebook that somebody else has executed: an image travels with it."""

import base64
import html.parser
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from PIL import Image

from aecourse.pages import display_figure, reveal, say, show, slide
from tests.pages.parsed import Tags, figure

# Of the tags that we use, those that JupyterLab drops from HTML that it does not trust (sanitizer
# of JupyterLab 4.6); it keeps what is in them.
DROPPED = {"svg", "g", "path", "use", "defs", "clippath", "rect", "text", "image", "template"}


class Cleaned(html.parser.HTMLParser):
    """What is left of HTML: the images, and the text outside of hidden boxes."""

    def __init__(self, page):
        super().__init__()
        self.images = []
        self.text = ""
        self.hidden = 0
        self.open = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag in DROPPED:
            return
        if tag in ("noscript", "style"):  # with what is in them
            self.open.append(True)
        elif tag == "img":
            self.images.append(dict(attributes))
        elif tag not in ("input", "br"):
            self.open.append("visibility:hidden" in dict(attributes).get("style", ""))

    def handle_endtag(self, tag):
        if tag not in DROPPED:
            self.open.pop()
            self.text += " "

    def handle_data(self, data):
        if not any(self.open):
            self.text += data


def image_of(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture
def in_a_notebook(monkeypatch):
    monkeypatch.delenv("AECOURSE_STATIC", raising=False)


def test_an_image_is_beside_the_html_and_within_it(shown, in_a_notebook):
    show(figure(), name="fig-a", caption="Loss.", alt="A <curve>.")
    (data,) = shown
    assert image_of(data["image/png"]).size == (576, 336) and len(data["image/png"]) < 15_000
    tags = Tags(data["text/html"])
    (image,) = tags.named("img")
    assert image["src"] == f"data:image/png;base64,{data['image/png']}"
    assert image["alt"] == "A <curve>." and image["width"] == "460"
    assert [tag for tag, _ in tags.all[:3]] == ["figure", "div", "svg"]
    assert re.search(r"<template><img [^>]*></template><figcaption>", data["text/html"])
    cleaned = Cleaned(data["text/html"])
    assert len(cleaned.images) == 1 and cleaned.text.split() == ["Figure", "1.", "Loss."]


def test_in_the_book_there_is_none(shown, monkeypatch):
    monkeypatch.setenv("AECOURSE_STATIC", "1")
    show(figure(), name="fig-a", caption="Loss.", alt="A curve.")
    slide([figure(), figure()], name="fig-b", caption="b", alts="ab", label="k", values=[1, 2])
    for data in shown:
        assert "image/png" not in data and not Tags(data["text/html"]).named("img")
        assert "template" not in data["text/html"] and "visibility" not in data["text/html"]


def test_a_slider_has_the_image_of_its_first_frame(shown, in_a_notebook):
    figs = [figure((1, 2)), figure((2, 1)), figure((5, 5))]
    slide(figs, name="fig-a", caption="a", alts=["up", "down", "flat"], label="k", values=[1, 2, 3])
    show(figure((1, 2)), name="fig-b", caption="b", alt="up")
    cleaned = Cleaned(shown[0]["text/html"])
    assert [image["alt"] for image in cleaned.images] == ["up"]
    assert shown[0]["image/png"] == shown[1]["image/png"]
    assert cleaned.text.split() == ["k", "1", "Figure", "1.", "a"]


def test_what_waits_for_a_guess_has_its_images(shown, in_a_notebook):
    with reveal():
        show(figure(), name="fig-a", caption="a", alt="first")
        say("A sentence.")
        show(figure(), name="fig-b", caption="b", alt="second")
    cleaned = Cleaned(shown[0]["text/html"])
    assert [image["alt"] for image in cleaned.images] == ["first", "second"]
    assert "A sentence." in cleaned.text and "loss" not in cleaned.text


def test_html_of_another_kind_needs_no_image(shown, in_a_notebook):
    display_figure("<canvas></canvas>", name="fig-a", caption="a", alt="a")
    assert "image/png" not in shown[0] and "template" not in shown[0]["text/html"]


SEEN = """() => [...document.querySelectorAll(".jp-OutputArea-output")].map(output => ({
  images: [...output.querySelectorAll("img")].map(image => image.getBoundingClientRect().height),
  drawings: output.querySelectorAll("svg[role=img]").length,
  text: output.innerText.trim(),
}))"""


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab of its own, without a token, that serves the folder ``work``; its address."""
    program = shutil.which("jupyter-lab", path=os.path.dirname(sys.executable))
    if program is None:
        pytest.skip("needs JupyterLab: pip install jupyterlab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "work").mkdir()
    folders = {
        f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    server = subprocess.Popen(
        [program, *options, f"--ServerApp.root_dir={tmp_path / 'work'}"],
        env=os.environ | folders | {"HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/api").close()
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # with the kernel that it may have started
        server.wait()


@pytest.mark.browser
def test_jupyterlab_shows_the_image_in_a_notebook_that_it_does_not_trust(
    browser, lab, shown, in_a_notebook, tmp_path
):
    show(figure(), name="fig-a", caption="Loss.", alt="A curve.")
    output = nbformat.v4.new_output("display_data", data=shown[0])
    cell = nbformat.v4.new_code_cell("show(figure())", outputs=[output], execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "work" / "page.ipynb")
    page = browser.new_page()
    page.goto(f"{lab}/lab/tree/page.ipynb")
    page.wait_for_selector(".jp-OutputArea-output figcaption", timeout=60_000)
    page.wait_for_function("document.querySelector('.jp-OutputArea-output img')?.complete")
    (seen,) = page.evaluate(SEEN)
    page.close()
    assert seen["drawings"] == 0 and len(seen["images"]) == 1 and seen["images"][0] > 200
    assert seen["text"] == "Figure 1. Loss."
