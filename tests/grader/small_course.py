"""A small exercise and a course that releases it, in a folder of its own: what the tests of whole
classes share.
"""

import csv
import json
import os
import subprocess
import sys

import nbformat

from tests.submissions import ROOT

CANARY = "canary-7319"
POINTS = {"double": 2, "square": 2, "cube": 1}
FORMULA = {"double": "2 * x", "square": "x * x", "cube": "x ** 3"}
ORACLE = f'''"""The oracle of the small exercise: {CANARY}"""
import functools

from grader import oracle
from grader.oracle import close

STEPS = []
ASK = "def probe(name, x):\\n    return globals()[name](x)"


def about(name, right, *parts):
    for points, low, high in parts:
        @oracle.step(STEPS, f"{{name}}-check", points, f"{{name}} from {{low}} to {{high}}")
        def judge(ask, rng, low=low, high=high):
            for x in rng.uniform(low, high, 3).tolist():
                close(ask(ASK, name=name, x=x), right(x))


about("double", lambda x: 2 * x, (1, 10, 50), (1, -50, -10))
about("square", lambda x: x * x, (2, 10, 50))
about("cube", lambda x: x**3, (1, 10, 50))
'''


def cell(kind, key, source, **settings):
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    data = {
        "schema_version": 3,
        "grade_id": key,
        "task": False,
        **{"grade": False, "solution": False, "locked": False, **settings},
    }
    return make(source, id=key, metadata={"nbgrader": data} if settings else {})


def small():
    """The solution of an exercise with five points by checks and one by hand."""
    cells = [cell("markdown", "goal", "# Small"), cell("code", "given", "import math", locked=True)]
    for name, points in POINTS.items():
        cells += [
            cell(
                "code",
                name,
                f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {FORMULA[name]}\n    ### END "
                f"SOLUTION",
                solution=True,
            ),
            cell(
                "code",
                f"{name}-check",
                f"assert {name}(3) == {eval(FORMULA[name], {'x': 3})}\nprint('passed')",
                grade=True,
                locked=True,
                points=points,
            ),
        ]
    cells.append(cell("markdown", "words", "Because.", grade=True, solution=True, points=1))
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )


RIGHT = {
    **{name: f"def {name}(x):\n    return {FORMULA[name]}" for name in POINTS},
    "words": "In my words.",
}
NOTHING = dict.fromkeys(POINTS, "pass")
HALF = {**RIGHT, "double": "def double(x):\n    return 2 * abs(x)"}


class Course:
    """A course in a folder of its own, with the small exercise released."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.environment = {
            **os.environ,
            "AECOURSE_KEY": "key of the tests",
            "AECOURSE_STRICT": "1",
            **variables,
        }
        source = folder / "solutions" / "small"
        source.mkdir(parents=True)
        nbformat.write(small(), source / "small.ipynb")
        (source / "oracle.py").write_text(ORACLE)
        (folder / "grader").symlink_to(ROOT / "grader")
        config = (ROOT / "nbgrader_config.py").read_text()
        (folder / "nbgrader_config.py").write_text(
            config + "c.Judge.timeout = 4\nc.Judge.total = 120\nc.Judge.memory = 1024\n"
        )
        self.run("nbgrader", "generate_assignment", "small")

    def run(self, module, *arguments, fails=False):
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1500,
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def grade(self, *arguments, **settings):
        return self.run("grader", "grade", "small", *arguments, **settings)

    def released(self):
        return nbformat.read(self.folder / "exercises" / "small" / "small.ipynb", as_version=4)

    def place(self, student):
        folder = self.folder / "grading" / "submitted" / student / "small"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def submission(self, sources):
        notebook = self.released()
        for one in notebook.cells:
            one.source = sources.get(one.id, one.source)
        if "own" in sources:
            notebook.cells.insert(2, nbformat.v4.new_code_cell(sources["own"], id="own"))
        return json.loads(nbformat.writes(notebook))

    def hand_in(self, student, sources):
        (self.place(student) / "small.ipynb").write_text(json.dumps(self.submission(sources)))

    def rows(self):
        with open(self.folder / "grading" / "grades.csv", encoding="utf-8", newline="") as file:
            return {row["student_id"]: row for row in csv.DictReader(file)}

    def marks(self):
        return {student: float(row["score"]) for student, row in self.rows().items()}

    def after(self, student):
        notebook = nbformat.read(
            self.folder / "grading" / "autograded" / student / "small" / "small.ipynb", as_version=4
        )
        return {one.id: one for one in notebook.cells}
