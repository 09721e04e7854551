"""The graders, graded: what the solution, the blank, other right answers and wrong ones earn, and
what learners are told.

`tests/answers/NAME_right.py` and `NAME_wrong.py` hold independent solutions and wrong answers. Most
are run in this process, cell by cell, with two steps of training: no check asks how well a network
was trained. The command line of nbgrader is run for real once, on the solution and on the blank,
with two steps of training too (nbval trains the solutions in full); `pytest -m slow` adds the other
answers, full training, other seeds and MNIST.
"""

import ast
import collections
import contextlib
import csv
import functools
import io
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
import torch

from grader import oracle, sandbox
from grader.release import Release
from tests.submissions import (
    MNIST,
    NAMES,
    QUICK,
    ROOT,
    adapted,
    cells,
    checks_of,
    judged,
    oracle_of,
    points,
    read,
    right,
    role,
    solved,
    worth,
    wrong,
)

NOT_WRITTEN = "not written yet: replace this line"
BLANK = f"raise NotImplementedError({NOT_WRITTEN!r})"


def hand_in(name, answers, path, root):
    """Write the exercise that is released in `root` with these answers filled in, as a learner's
    file.
    """
    notebook = nbformat.read(root / "exercises" / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


class Sitting:
    """A learner's notebook in this process: its cells one after another, each error noted, as a
    kernel would.
    """

    def __init__(self, name, settings):
        self.notebook, self.told = read("exercises", name), []
        self.start = {"__name__": "__main__"}
        (first,) = [cell for cell in cells(self.notebook, "given") if cell.id == "given-tools"]
        assert self.step(adapted(first.source, settings), self.start) is None
        self.start["expect"] = self.listen(self.start["expect"])

    def listen(self, expect):
        """`expect`, which also notes what it was ready to say."""

        def heard(name, answer, right, ideas, **tolerances):
            self.told += ideas
            expect(name, answer, right, ideas, **tolerances)

        return heard

    def step(self, source, space):
        """The message with which a cell fails, or None. What is written to stderr fails it too, as
        in nbgrader.
        """
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            try:
                exec(compile(source, "<cell>", "exec"), space)
            except Exception as error:
                return str(error) or type(error).__name__
        return errors.getvalue() or None

    def play(self, answers, figures=False):
        """{id of a check: its message or None} after running every cell with these answers; those
        that only draw if asked to.
        """
        space, marks = dict(self.start), {}
        for cell in self.notebook.cells:
            if (
                cell.cell_type == "code"
                and cell.id not in ("set-up", "given-tools")
                and (figures or not cell.id.startswith(FIGURE))
            ):
                message = self.step(answers.get(cell.id, cell.source), space)
                if role(cell) == "check":
                    marks[cell.id] = message
        return marks


FIGURE = "given-figure-"  # how the ids of cells begin that only draw


@pytest.fixture(scope="module")
def sitting():
    """A sitting of each exercise with little to train and to look at."""
    threads = torch.get_num_threads()
    yield functools.cache(lambda name: Sitting(name, QUICK))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def marks_with(sitting):
    """The marks of the solution with one of its answers replaced."""
    return functools.cache(
        lambda name, answer, source: sitting(name).play({**solved(name), answer: source})
    )


def failed(marks):
    return {check: message for check, message in marks.items() if message is not None}


# --- Marks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_earns_every_mark_and_the_blank_none(name, sitting):
    assert failed(sitting(name).play(solved(name), figures=True)) == {}
    marks = sitting(name).play({}, figures=True)
    assert marks and set(marks.values()) == {NOT_WRITTEN}


@pytest.mark.parametrize(
    "name, author", [(name, author) for name in NAMES for author in right(name)]
)
def test_an_independent_solution_earns_every_mark(name, author, sitting):
    answers = right(name)[author]
    assert set(answers) == set(checks_of(read("exercises", name)))
    assert failed(sitting(name).play(answers)) == {}


@pytest.mark.parametrize("name", NAMES)
def test_three_independent_solutions_at_least(name):
    assert len(right(name)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_each_mistake_has_a_name_of_its_own(name):
    """By it a test is found again, whatever wrong answers come before it in the file."""
    names = [(case.answer, case.mistake) for case in wrong(name)]
    assert [name for name, count in collections.Counter(names).items() if count > 1] == []
    assert [
        mistake for _, mistake in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mistake)
    ] == []


WRONG = [
    pytest.param(name, case, id=f"{name}/{case.answer}/{case.mistake}")
    for name in NAMES
    for case in wrong(name)
]


@pytest.mark.parametrize("name, case", WRONG)
def test_a_wrong_answer_fails_on_its_own_checks_which_say_why(name, case, marks_with):
    marks = failed(marks_with(name, case.answer, case.source))
    assert set(marks) == set(case.messages) <= set(checks_of(read("exercises", name))[case.answer])
    assert case.messages
    for check, words in case.messages.items():
        assert words in marks[check]


@pytest.mark.parametrize("name", NAMES)
def test_every_idea_that_a_check_can_name_is_named_for_some_wrong_answer(name, sitting, marks_with):
    sitting(name).told.clear()
    sitting(name).play(solved(name))
    ideas, named = set(sitting(name).told), set()
    for case in wrong(name):
        for message in failed(marks_with(name, case.answer, case.source)).values():
            named |= {idea for idea in ideas if idea in message}
    assert len(ideas) >= 10 and named == ideas


LETHAL = [
    (name, cell.id)
    for name in NAMES
    for cell in read("exercises", name).cells
    if cell.cell_type == "code" and cell.id != "set-up" and role(cell) in ("answer", None)
]


@pytest.mark.parametrize("name, lethal", LETHAL)
def test_a_cell_that_raises_costs_its_own_points_only(name, lethal, marks_with):
    marks = failed(marks_with(name, lethal, "raise RuntimeError('lethal')"))
    assert set(marks) == set(checks_of(read("exercises", name)).get(lethal, []))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_that_raises_costs_its_own_points_only(name, marks_with):
    for answer, checks in checks_of(read("exercises", name)).items():
        lethal = re.sub(
            r'("""\n).*',
            r'\1    raise ZeroDivisionError("lethal")',
            solved(name)[answer],
            flags=re.S,
        )
        marks = failed(marks_with(name, answer, lethal))
        assert marks == dict.fromkeys(checks, "lethal")


# --- The exercise as released --------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_metadata(name):
    notebook = read("solutions", name)
    for cell in cells(notebook, "answer", "check", "words", "given"):
        assert cell.id == cell.metadata.nbgrader.grade_id
    assert all(checks_of(notebook).values())
    assert all(
        type(points(cell)) is int and points(cell) > 0 for cell in cells(notebook, "check", "words")
    )
    assert all(cell.metadata.nbgrader.locked for cell in cells(notebook, "check", "given"))
    assert not any(cell.metadata.nbgrader.locked for cell in cells(notebook, "answer", "words"))


@pytest.mark.parametrize("name", NAMES)
def test_a_check_leaves_no_value_and_no_name_behind(name):
    """A value in the last line would be read as points; a name could be that of a learner's
    helper.
    """
    for cell in cells(read("solutions", name), "check"):
        function, call, last = ast.parse(cell.source).body
        assert function.name == "_check" and ast.unparse(call) == "_check()", cell.id
        assert isinstance(last, ast.Expr) and last.value.func.id == "print", cell.id


@pytest.mark.parametrize("name", NAMES)
def test_points_in_the_text_are_those_of_the_metadata(name):
    notebook = read("exercises", name)
    by_checks, by_hand = (
        sum(points(cell) for cell in cells(notebook, kind)) for kind in ("check", "words")
    )
    assert (
        f"**Points.** {by_checks} by the checks and {by_hand} by hand." in notebook.cells[0].source
    )
    promised = earned = None
    sections = 0
    for cell in [*notebook.cells, nbformat.v4.new_markdown_cell("## End")]:
        heading = (
            re.match(r"## .*?(?:\((\d+) points.*\))?$", cell.source, re.M)
            if cell.cell_type == "markdown"
            else None
        )
        if heading:
            assert promised == earned
            sections += promised is not None
            promised = int(heading[1]) if heading[1] else None
            earned = 0 if promised else None
        elif role(cell) in ("check", "words"):
            earned += points(cell)
    assert sections >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_exercise_holds_no_solution(name):
    text = (ROOT / "exercises" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    assert (
        "SOLUTION" not in text
        and "Why the usual mistakes fail" not in text
        and "Rubric" not in text
    )
    notebook, stub = read("exercises", name), re.compile(re.escape(BLANK.replace("'", '"')))
    assert all(len(stub.findall(cell.source)) == 1 for cell in cells(notebook, "answer"))
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert ("raises-exception" in cell.metadata.get("tags", [])) == (role(cell) == "check")
        assert "nbval-check-output" not in cell.metadata.get("tags", [])


def test_of_a_notebooks_own_metadata_the_kernel_alone_is_released():
    kernel, widgets = (
        {"name": "python3", "display_name": "Python 3", "language": "python"},
        {"state": {"x": "a figure of the solution"}},
    )
    language = {"name": "python", "version": "3"}
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": kernel, "language_info": language, "widgets": widgets}
    )
    assert Release().preprocess(notebook, {})[0].metadata == {
        "kernelspec": kernel,
        "language_info": {"name": "python"},
    }


def test_the_instructors_table_is_written_from_the_metadata():
    from tools.exercises import with_table

    text = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
    assert text == with_table(text, ROOT)


def test_the_instructors_page_counts_what_is_tried():
    text = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
    told = {
        name: tuple(map(int, counts))
        for name, *counts in re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", text, re.M)
    }
    steps = {name: len(oracle.steps_of(oracle_of(name))) for name in NAMES}
    assert told == {name: (steps[name], len(wrong(name))) for name in NAMES}


# --- nbgrader itself, by its command line --------------------------------------------------------


def copied(folder, settings=None):
    """A course in `folder`; `settings` as for `adapted`."""
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "grader").symlink_to(ROOT / "grader")
    for path in (folder / "solutions").glob("*/*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        (given,) = [cell for cell in notebook.cells if cell.id == "given-tools"]
        given.source = adapted(given.source, settings or {})
        nbformat.write(notebook, path)


def released(folder):
    """The bytes of every file of exercises/."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in (folder / "exercises").rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def sandboxed():
    """Has this machine a sandbox?"""
    with contextlib.suppress(sandbox.Refused):
        sandbox.ready()
        return True


def course(folder, submissions, settings=None):
    """Release, submit, autograde, return and export in `folder`, as the instructor's page says:
    {(name, student): (mark, of)}.
    """
    copied(folder, settings)
    environment = {
        **os.environ,
        "PATH": "/usr/bin:/bin",
        "AECOURSE_STRICT": "1",  # without this environment's programs
        "AECOURSE_KEY": "a key",
        "AECOURSE_TRUSTED": "" if sandboxed() else "1",
    }

    def nbgrader(*arguments):
        done = subprocess.run(
            [Path(sys.executable).with_name("nbgrader"), *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr

    for name in submissions:
        nbgrader("generate_assignment", name, "--force")
        for student, answers in submissions[name].items():
            hand_in(
                name,
                answers,
                folder / "grading" / "submitted" / student / name / f"{name}.ipynb",
                folder,
            )
        nbgrader("autograde", name)
        nbgrader("generate_feedback", name)
    nbgrader("export")
    with open(folder / "grading" / "grades.csv", encoding="utf-8", newline="") as file:
        return {
            (row["assignment"], row["student_id"]): (float(row["score"]), float(row["max_score"]))
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module", autouse=True)
def grading(request, tmp_path_factory):
    """nbgrader at work beside the other tests, with little training, where a test that was asked
    for waits for it.
    """
    if not any("graded" in item.fixturenames for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("course")
    students = {
        name: {"ada": {**solved(name), "answer-in-words": "In my words."}, "bob": {}}
        for name in NAMES
    }
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: (folder, course(folder, students, QUICK)))


@pytest.fixture
def graded(grading):
    """The course's folder after grading, and {(name, student): (mark, of)}."""
    return grading.result()


def after(graded, student, name):
    return nbformat.read(
        graded[0] / "grading" / "autograded" / student / name / f"{name}.ipynb", as_version=4
    )


def errors(cell):
    return [
        output
        for output in cell.get("outputs", [])
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_exercises_are_what_nbgrader_makes_from_the_solutions(tmp_path):
    from tools.exercises import generate

    copied(tmp_path)
    generate(tmp_path)
    assert released(tmp_path) == released(ROOT), "run `make exercises`"


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_gives_the_marks(name, graded):
    notebook = read("exercises", name)
    total = sum(points(cell) for cell in cells(notebook, "check", "words"))
    assert graded[1][name, "ada"] == (sum(points(cell) for cell in cells(notebook, "check")), total)
    assert graded[1][name, "bob"] == (0, total)


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_the_solution_runs_clean(name, graded):
    assert not any(errors(cell) for cell in after(graded, "ada", name).cells)


@pytest.mark.parametrize("name", NAMES)
def test_in_the_blank_the_checks_say_what_is_missing_and_all_else_runs(name, graded):
    for cell in after(graded, "bob", name).cells:
        if role(cell) == "check":
            (error,) = errors(cell)
            assert (error.ename, error.evalue) == ("NotImplementedError", NOT_WRITTEN)
        else:
            assert not errors(cell), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_feedback_is_written(name, graded):
    for student in ("ada", "bob"):
        page = (graded[0] / "grading" / "feedback" / student / name / f"{name}.html").read_text(
            encoding="utf-8"
        )
        mark, total = graded[1][name, student]
        assert f"(Score: {mark} / {total})" in page


# --- The long proof: pytest -m slow tests/exercises ----------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_gives_a_class_its_marks(name, tmp_path):
    """Through nbgrader, with full training: independent solutions; every answer wrong at once;
    every other cell lethal.

    Wrong answers keep what the oracle gives them where there is next to no training.
    """
    owned, due = checks_of(read("exercises", name)), worth(name)
    submissions, kept = dict(right(name)), dict.fromkeys(right(name), sum(due.values()))
    for student, nth in (("first", 0), ("last", -1)):
        cases = [[case for case in wrong(name) if case.answer == answer][nth] for answer in owned]
        submissions[student] = {case.answer: case.source for case in cases}
        kept[student] = sum(judged(name, submissions[student])["points"].values())
        assert kept[student] < sum(due.values()) / 2
    for student, lethal in (("odd", list(owned)[::2]), ("even", list(owned)[1::2])):
        submissions[student] = {
            **solved(name),
            **dict.fromkeys(lethal, "raise RuntimeError('lethal')"),
            "answer-in-words": "",
        }
        kept[student] = sum(due.values()) - sum(
            due[check] for answer in lethal for check in owned[answer]
        )
    marks = {
        student: mark for (_, student), (mark, _) in course(tmp_path, {name: submissions}).items()
    }
    assert marks == kept


@pytest.mark.slow
@pytest.mark.parametrize("seeds", ["(0, 1, 2)", "(3, 4, 5)", "(17, 4, 99)"])
@pytest.mark.parametrize("data", ["digits", MNIST])
@pytest.mark.parametrize("name", NAMES)
def test_right_answers_stay_right_with_other_seeds_and_data(name, data, seeds, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", data)
    trained = Sitting(name, {r"SEEDS = \(0, 1, 2\)": f"SEEDS = {seeds}"})
    for answers in (solved(name), *(right(name).values() if seeds == "(0, 1, 2)" else [])):
        assert failed(trained.play(answers)) == {}
