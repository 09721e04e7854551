"""`make test`: pytest over tests/ and, cell by cell, over every notebook: it runs, and its marked outputs are what they were.

The graders and the exercises, which are half of the time, are tested by a second process beside the first.
"""

import subprocess
import tempfile

from tools.environment import PYTHON, ROOT, variables

GRADERS = ("tests/grader", "tests/exercises", "solutions", "exercises")
NOTHING = 5  # pytest's exit code where no test was asked for


def main(arguments):
    if any((ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        return subprocess.call(pytest(arguments), cwd=ROOT, env=environment())
    rest = ["tests", "chapters", *(f"--ignore={path}" for path in GRADERS[:2])]
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen(
            pytest([*GRADERS, *arguments]), cwd=ROOT, env=environment(), stdout=said, stderr=said
        )
        codes = [subprocess.call(pytest([*rest, *arguments]), cwd=ROOT, env=environment())]
        print("The graders and the exercises, tested beside the rest:", flush=True)
        codes.append(beside.wait())
        said.seek(0)
        print(said.read().decode(errors="replace"))
    return max(code for code in codes if code != NOTHING or codes == [NOTHING] * 2)


def pytest(arguments):
    return [
        PYTHON,
        "-m",
        "pytest",
        "-rs",
        "--durations=15",
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout",
        "120",
        *arguments,
    ]


def environment():
    return variables(AECOURSE_DATASET="digits")
