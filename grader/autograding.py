"""The plugins that `nbgrader_config.py` gives to `nbgrader autograde` and `nbgrader export`:
nbgrader keeps the gradebook, this module computes the marks.
"""

import csv
import functools
import json
import os
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.api import MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.plugins import ExportPlugin
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc
from traitlets import Integer

from grader import judging, oracle, pool, preflight, sandbox

COLUMNS = (
    "assignment",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "duedate",
    "timestamp",
    "status",
    "repairs",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def save(path, value):
    """Write `value` to the file `path` as JSON: the file is complete or unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    text = json.dumps(value, indent=1, ensure_ascii=False)
    part.write_text(
        text, encoding="utf-8", errors="backslashreplace"
    )  # a lone surrogate becomes its JSON escape
    os.replace(part, path)


class Course:
    """The places of all files, below the folder of the course."""

    def __init__(self, root, released="exercises", solutions="solutions"):
        self.root = Path(root)
        self.released_at = released
        self.solutions = solutions

    def released(self, name):
        path = self.root / self.released_at / name / f"{name}.ipynb"
        if not path.exists():
            raise NbGraderException(
                f"{path} is missing: type `nbgrader generate_assignment {name} --force` first"
            )
        return nbformat.read(path, as_version=4)

    def judge(self, name):
        """The source of the exercise's oracle."""
        return oracle.load(self.root / self.solutions / name / "oracle.py")

    def submitted(self, name):
        return sorted(path for path in (self.root / "grading" / "submitted").glob(f"*/{name}"))

    def report_file(self, name, student):
        return self.root / "grading" / "reports" / name / f"{student}.json"

    def report(self, name, student):
        """What is known of a submission: status, repairs, reason, cells that ended the process."""
        try:
            report = json.loads(self.report_file(name, student).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # there is none, or the process was stopped while it wrote it
            return {}
        return report if isinstance(report, dict) else {}

    def write(self, name, student, **report):
        save(self.report_file(name, student), {**self.report(name, student), **report})

    def look(self, folder):
        """The submission in grading/submitted/STUDENT/NAME: (notebook, report). A file under
        another name gets the right one.
        """
        name, student = folder.name, folder.parent.name
        released, found = self.released(name), []
        try:
            path, found = preflight.notebook_of(folder, name, released)
            if found:
                wanted = folder / f"{name}.ipynb"
                if os.path.lexists(wanted):
                    wanted.rename(folder / f"{name}.left")
                path = path.rename(wanted)
                self.write(name, student, found=found)
            other = preflight.exercise_of(preflight.read(path), released, self.others(name))
            if other:
                raise preflight.Rejected(
                    f"this is the notebook of the exercise {other}: hand in {name}.ipynb"
                )
            return judging.checked(path, released, self.report(name, student).get("found", ()))
        except preflight.Rejected as reason:
            return preflight.blank(released, reason), {
                "status": "rejected",
                "repairs": [],
                "reason": str(reason),
            }

    def others(self, name):
        """The released notebooks of the other exercises."""
        found = all_released(str(self.root / self.released_at))
        return {other: notebook for other, notebook in found.items() if other != name}


@functools.lru_cache(maxsize=4)
def all_released(folder):
    """{name: notebook} of all exercises in a folder."""
    paths = sorted(Path(folder).glob("*/*.ipynb"))
    return {
        path.stem: nbformat.read(path, as_version=4)
        for path in paths
        if path.stem == path.parent.name
    }


def find_notebook(assignment, student, notebooks):
    """nbgrader's hook before a submission: of its files, let the one under the exercise's name be
    the notebook.
    """
    folder = Path(notebooks[0]).absolute().parent
    Course(folder.parents[3]).look(folder)
    handed_in(folder)
    notebooks[:] = [str(Path(notebooks[0]).with_name(f"{folder.name}.ipynb"))]


def entered(assignment, student, notebooks):
    """nbgrader's hook after a submission: its marks are in the gradebook."""
    folder = Path(notebooks[0]).absolute().parent
    course = Course(folder.parents[3])
    course.write(
        folder.name,
        folder.parent.name,
        entered=course.report(folder.name, folder.parent.name).get("digest"),
    )


class Submission(NotebookExporter):
    """Reads a submission through preflight. nbgrader makes one before it grades: here it stops
    where there is no sandbox.
    """

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        try:
            sandbox.ready([str(self.parent.coursedir.root)])
        except sandbox.Refused as problem:
            self.log.error(str(problem))
            raise NbGraderException(str(problem)) from None

    def from_filename(self, filename, resources=None, **settings):
        if (
            not self.parent._sanitizing
        ):  # the second of nbgrader's two passes reads what the first one wrote
            return super().from_filename(filename, resources, **settings)
        course, where = Course(self.parent.coursedir.root), resources["nbgrader"]
        folder = Path(filename).absolute().parent
        notebook, report = course.look(folder)
        course.write(where["assignment"], where["student"], **report)
        for words in report["repairs"] + [report["reason"]] * bool(report["reason"]):
            self.log.warning("%s: %s", where["student"], words)
        if time := handed_in(folder):  # by the copy nbgrader sees what to grade again
            target = Path(self.parent._format_dest(where["assignment"], where["student"]))
            target.mkdir(parents=True, exist_ok=True)
            (target / "timestamp.txt").write_text(time)
        return self.from_notebook_node(
            notebook, resources={**resources, "metadata": {"name": where["notebook"]}}
        )


def handed_in(folder):
    """The time that nbgrader's collecting wrote down; a file that holds none is dropped, since
    nbgrader would stop at it.
    """
    path = folder / "timestamp.txt"
    try:
        parse_utc(time := preflight.read(path).decode().strip())
        return time
    except (preflight.Rejected, ValueError, OverflowError, TypeError):
        path.is_dir() or path.unlink(missing_ok=True)


class Judge(NbGraderPreprocessor):
    """Runs a submission in the sandbox and lets the oracle judge it; nbgrader reads the points from
    the outputs.

    If the environment variable AECOURSE_OUTCOMES names a folder, an outcome in this folder is used:
    so many processes can judge a class, and one enters the marks into the gradebook.
    """

    timeout = Integer(
        120,
        help="Seconds of processor time of a cell; by the clock it may take three times as long.",
    ).tag(config=True)
    total = Integer(1200, help="Seconds that a submission may take, by the clock.").tag(config=True)
    memory = Integer(4096, help="Megabytes of memory that a submission may use.").tag(config=True)

    def limits(self):
        return sandbox.Limits(cell=self.timeout, total=self.total, memory=self.memory * 2**20)

    def preprocess(self, nb, resources):
        where, course = resources["nbgrader"], Course(self.parent.parent.coursedir.root)
        judge, secret = course.judge(where["assignment"]), oracle.key()
        digest = judging.digest(nb, judge, secret, self.limits())
        made = Path(os.environ.get("AECOURSE_OUTCOMES", "")) / f"{digest}.json"
        if course.report(where["assignment"], where["student"]).get("status") == "rejected":
            result = judging.rejected(
                nb, "This submission could not be graded: the first cell of this page says why."
            )
        elif os.environ.get("AECOURSE_OUTCOMES") and made.exists():
            result = json.loads(made.read_text(encoding="utf-8"))
        else:
            arguments = nb, judge, secret, self.limits(), [str(course.root)]
            results = []
            pool.judge(
                [where["student"]], lambda _: arguments, 1, lambda _, one: results.append(one)
            )
            (result,) = results
        course.write(
            where["assignment"],
            where["student"],
            lost=result["lost"],
            problem=result.get("problem", ""),
            digest=digest,
            entered=None,
        )
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [
                    nbformat.from_dict(output) for output in result["outputs"].get(cell.id, [])
                ]
        return nb, resources


class Marks(ExportPlugin):
    """A table that shows what is graded and what is not, and that a spreadsheet reads as text and
    numbers only.
    """

    def export(self, gradebook):
        course = Course(self.parent.coursedir.root)
        with open(
            course.root / (self.to or "grades.csv"), "w", encoding="utf-8", newline=""
        ) as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            for assignment in gradebook.assignments:
                known = {student.id: student for student in gradebook.students}
                handed_in = {folder.parent.name for folder in course.submitted(assignment.name)}
                for student in sorted(known.keys() | handed_in):
                    if (not self.assignment or assignment.name in self.assignment) and (
                        not self.student or student in self.student
                    ):
                        row = {
                            **self.row(
                                gradebook, course, assignment, student, student in handed_in
                            ),
                            **self.person(known.get(student)),
                        }
                        table.writerow({key: harmless(value) for key, value in row.items()})

    def person(self, student):
        return {key: getattr(student, key, None) for key in ("last_name", "first_name", "email")}

    def row(self, gradebook, course, assignment, student, handed_in):
        report = course.report(assignment.name, student)
        row = {
            "assignment": assignment.name,
            "student_id": student,
            "duedate": assignment.duedate,
            "max_score": assignment.max_score,
            "repairs": "; ".join(report.get("repairs", [])),
            "raw_score": 0.0,
            "late_submission_penalty": 0.0,
            "score": 0.0,
        }
        refused = f"not judged: {report['problem']}" if report.get("problem") else None
        if report.get("status") == "rejected":
            refused = f"rejected: {report.get('reason')}"
        try:
            submission = gradebook.find_submission(assignment.name, student)
        except MissingEntry:
            return {**row, "status": refused or ("not graded yet" if handed_in else "missing")}
        penalty, raw = submission.late_submission_penalty or 0.0, submission.score
        status = refused or ("awaiting hand grading" if submission.needs_manual_grade else "graded")
        return {
            **row,
            "timestamp": submission.timestamp,
            "status": status,
            "raw_score": raw,
            "late_submission_penalty": penalty,
            "score": max(0.0, raw - penalty),
        }


def harmless(value):
    """A cell of a table that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    if not isinstance(value, (int, float)) and text.lstrip().startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
    ):
        text = "'" + text
    return text
