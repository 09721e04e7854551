"""Grading without typing: nbgrader's formgrader in JupyterLab, clicked in a browser, on a small
exercise.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from grader.showing import MATHJAX
from tests.grader.small_course import HALF, RIGHT, Course
from tests.grader.test_showing import EVIL

# What the formgrader's own script asks of MathJax: no test depends on the network.
STUB = "window.MathJax = {Hub: {Startup: {signal: {Interest() {}}}, Config() {}, Queue() {}}}"


@pytest.fixture
def course(boxes, tmp_path):
    return Course(tmp_path)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.fixture
def formgrader(course):
    """The address of the formgrader of the course."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root = ["--allow-root"] if os.name == "posix" and os.getuid() == 0 else []
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        *root,
    ]
    with open(course.folder / "server.log", "w") as log:
        server = subprocess.Popen(
            command, cwd=course.folder, env=course.environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}/formgrader"
    try:
        while not answers(address):
            assert server.poll() is None, (course.folder / "server.log").read_text()
            time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
@pytest.mark.browser
def test_the_formgrader_grades_by_clicks(course, formgrader, browser):
    words = "\n\n".join(["before", *EVIL.values()])
    course.hand_in("ada", {**RIGHT, "words": words})
    course.hand_in("bob", {**HALF, "words": words})
    page, asked = browser.new_page(), []
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 }")

    def noted(route):
        asked.append(route.request.url)
        route.fulfill(body=STUB, content_type="text/javascript")

    home = formgrader.removesuffix("/formgrader")
    page.route(lambda url: url.startswith("http") and not url.startswith(home), noted)
    page.goto(f"{formgrader}/manage_submissions/small/")
    for student in ("ada", "bob"):
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        row.locator(".autograde a").click()
        page.get_by_text("Successfully").first.wait_for(timeout=60_000)
        page.keyboard.press("Escape")
        page.reload()
    for student, mark in (("ada", "5"), ("bob", "4")):
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        assert row.locator(".score").inner_text().strip() == f"{mark} / 6", row.inner_text()
    page.goto(f"{formgrader}/gradebook/small/small")
    page.get_by_text(re.compile("Submission #")).first.click()
    page.locator(".score").first.wait_for()
    page.wait_for_load_state("networkidle")  # the points and comments have come
    points = page.locator("input.score")
    points.last.fill("1")
    points.last.press("Tab")
    page.locator(".glyphicon-ok:visible").last.wait_for()  # nbgrader's tick: it is kept
    page.locator(".glyphicon-eye-open").first.click()  # a handler of the page's own
    assert page.get_by_text(re.compile("^(ada|bob)$")).first.is_visible()
    assert "before" in page.locator("#notebook").first.inner_text()
    assert page.evaluate("window.hits") == 0
    assert asked and all(url.startswith(MATHJAX) for url in asked)
    rules = page.evaluate(
        "fetch(location.href).then(r => r.headers.get('Content-Security-Policy'))"
    )
    assert "default-src 'none'" in rules and "'unsafe-inline'" not in rules.split("style-src")[0]
    page.close()
    course.run("nbgrader", "export")
    assert sorted(course.marks().values()) in ([4, 6], [5, 5])
