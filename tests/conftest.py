"""What tests share: settings, fixtures for what a machine may lack, the site and a browser."""

import functools
import http.server
import importlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.update(AECOURSE_STATIC="1", AECOURSE_PROGRESS="0")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # models this small gain nothing from a second thread
# The tests import tools/, grader/ and the book's own extensions.
sys.path[:0] = [str(ROOT), str(ROOT / "book" / "_ext")]


def strict():
    """Whether a missing program or library is a failure, as in `.ci/run`."""
    return os.environ.get("AECOURSE_STRICT") == "1"


@pytest.fixture(scope="session")
def need():
    """``need(found, name, how)`` returns `found`, or skips the test and says how to get it.

    With AECOURSE_STRICT=1 it fails instead of skipping. It is not for a GPU or MNIST, which no
    set-up can promise.
    """

    def needed(found, name, how):
        if not found:
            (pytest.fail if strict() else pytest.skip)(f"{name} is missing: {how}")
        return found

    return needed


@pytest.fixture(scope="session")
def library(need):
    """``library("skimage.metrics")`` imports a library that only tests use, or skips."""

    def imported(name):
        try:
            return importlib.import_module(name)
        except ImportError:
            return need(None, name, "python3 -m tools environment --tests")

    return imported


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """The CPU, and CUDA if there is a GPU."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    return request.param


@pytest.fixture
def exact():
    """Matrix products in full float32, on a GPU too."""
    import torch

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.fixture(scope="module")  # not longer: its event loop would disturb other tests
def browser(need, library):
    """Chromium, without a window."""
    playwright = library("playwright.sync_api")
    names = "chromium", "chromium-browser", "google-chrome", "chrome"
    program = need(
        next(filter(None, map(shutil.which, names)), None), "Chromium", "apt-get install chromium"
    )
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield chromium
        chromium.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that does not log."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address():
    """The local address at which the site is served; it is built first if it is out of date."""
    built = subprocess.run(
        [sys.executable, "-m", "tools", "book"], cwd=ROOT, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    handler = functools.partial(Quiet, directory=ROOT / "_build" / "html")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def site(browser, address):  # in this order: without a browser nothing is built
    return address
