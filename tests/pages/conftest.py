"""What the tests of pages share: what was displayed, and no figure left open."""

import matplotlib.pyplot as plt
import pytest

from aecourse.pages import display


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, on a fresh page: a list of {MIME type: text}."""
    seen = []
    monkeypatch.setattr(display, "_numbers", {"Figure": {}, "Table": {}})
    monkeypatch.setattr(display, "display", lambda data, raw: seen.append(data))
    return seen


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")
