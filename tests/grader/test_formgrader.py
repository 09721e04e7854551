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

from tests.grader.small_course import HALF, RIGHT, Course


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
    course.hand_in("ada", RIGHT)
    course.hand_in("bob", HALF)
    page = browser.new_page()
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
    points = page.locator("input.score")
    points.last.fill("1")
    points.last.press("Tab")
    page.locator(".glyphicon-ok:visible").last.wait_for()  # nbgrader's tick: it is kept
    page.close()
    course.run("nbgrader", "export")
    assert sorted(course.marks().values()) in ([4, 6], [5, 5])
