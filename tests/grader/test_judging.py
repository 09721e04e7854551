"""A submission from cells to marks: what nbgrader reads from the outputs, and what a lethal cell
costs.
"""

from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import determine_grade
from traitlets.config import Config

from grader import __main__ as command
from grader import judging, oracle
from grader.__main__ import judge_all
from grader.oracle import Verdict
from grader.sandbox import Limits, error
from tests.submissions import (
    NAMES,
    ROOT,
    checks_of,
    filled,
    judged,
    oracle_of,
    read,
    role,
    solved,
    worth,
)


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def value(text):
    return nbformat.v4.new_output("execute_result", data={"text/plain": text})


def mark(outputs, verdict, worth=2):
    cell = nbformat.v4.new_code_cell(
        "",
        outputs=judging.shown(outputs, verdict, worth),
        metadata={
            "nbgrader": {
                "grade": True,
                "solution": False,
                "points": worth,
                "grade_id": "c",
                "locked": True,
                "schema_version": 3,
                "task": False,
            }
        },
    )
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return determine_grade(cell)[0]


PASSED, FAILED = stream("passed\n"), error("AssertionError", "not so")


@pytest.mark.parametrize("points", [0, 0.5, 1, 2])
@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [PASSED],
        [FAILED],
        [stream("a warning", "stderr")],
        [value("99.0")],
        [value("nan")],
        [PASSED, FAILED, value("2")],
    ],
)
def test_nbgrader_reads_the_oracles_points_whatever_the_check_printed(points, outputs):
    assert mark(outputs, Verdict(points, ["a step: words"])) == points


@pytest.mark.parametrize(
    "outputs, points",
    [
        ([], 2),
        ([PASSED], 2),
        ([FAILED], 0),
        ([stream("a warning", "stderr")], 2),
        ([value("0.5")], 2),
    ],
)
def test_without_an_oracle_the_visible_check_decides_and_no_number_of_its_own(outputs, points):
    assert mark(outputs, None) == points


def test_what_was_judged_is_said_step_by_step():
    outputs = judging.shown(
        [PASSED], Verdict(1, ["first: right (1 of 1)", "second: not finite (0 of 1)"]), 2
    )
    assert outputs[0].text == "passed\n" and outputs[1].text.splitlines()[1:] == [
        "- first: right (1 of 1)",
        "- second: not finite (0 of 1)",
    ]


def test_of_an_answer_that_is_not_right_the_checks_own_error_stays():
    assert judging.shown([FAILED], Verdict(0, ["a step: words"]), 2)[0] == FAILED


def test_other_work_meets_other_inputs_and_the_same_work_the_same(boxes):
    source = (
        "from grader.oracle import WrongAnswer, step\n\n"
        "@step(STEPS, 'check', 1, 'a step')\ndef judge(ask, rng):\n    raise "
        "WrongAnswer(str(rng.random()))"
    )

    def said(*cells):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(cells)]
        )
        data = {"grade": True, "solution": False, "points": 1}
        notebook.cells.append(
            nbformat.v4.new_code_cell("", id="check", metadata={"nbgrader": data})
        )
        return judging.outcome(notebook, source, b"a secret")["outputs"]["check"][0].text

    assert said("x = 1") == said("x = 1") != said("x = 2")


def test_what_is_rejected_keeps_the_note_of_its_files_name(tmp_path):
    (tmp_path / "work.ipynb").write_text("{")
    _, report = judging.checked(
        tmp_path / "work.ipynb", filled(NAMES[0], {}), ["the file was called 'x'"]
    )
    assert report["status"] == "rejected" and report["repairs"] == ["the file was called 'x'"]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_notebook_earns_all(name, boxes):
    outcome = judged(name, solved(name))
    assert outcome["points"] == worth(name) and not outcome["lost"]


LETHAL = [
    (name, cell.id)
    for name in NAMES
    for cell in read("exercises", name).cells
    if cell.cell_type == "code" and role(cell) in ("answer", None)
]


def routine(name):
    """A cell of the learner's own and the answer in the middle: the others belong to the full
    proof.
    """
    keys = [key for one, key in LETHAL if one == name]
    return "prediction", keys[len(keys) // 2]


@pytest.mark.parametrize(
    "name, key",
    [
        pytest.param(*case, marks=[] if case[1] in routine(case[0]) else pytest.mark.slow)
        for case in LETHAL
    ],
)
@pytest.mark.parametrize("way", ["cell", pytest.param("function", marks=pytest.mark.slow)])
def test_a_cell_that_ends_the_process_costs_its_own_points_only(name, key, way, boxes):
    owned = checks_of(read("exercises", name)).get(key, [])
    lethal = "import os; os._exit(1)"
    if way == "function":
        if not owned:
            pytest.skip("defines no function")
        source = solved(name)[key]
        lethal = source[: source.index('"""\n') + 4] + "    import os; os._exit(1)"
    outcome = judged(name, {**solved(name), key: lethal})
    due = {check: 0 if check in owned else earned for check, earned in worth(name).items()}
    assert outcome["points"] == due and outcome["lost"]


@pytest.mark.parametrize(
    "change, same",
    [
        (lambda n: None, True),
        (lambda n: n.cells[-2].update(source="other words"), False),
        (lambda n: n.cells[5].update(outputs=[PASSED]), True),
        (lambda n: n.cells[5].update(source="pass"), False),
    ],
    ids=range(4),
)
def test_the_digest_changes_with_the_work_and_only_with_it(change, same):
    first, second = (filled(NAMES[0], solved(NAMES[0])) for _ in range(2))
    change(second)
    source = oracle_of(NAMES[0])
    digests = [judging.digest(notebook, source, b"s", Limits()) for notebook in (first, second)]
    assert (digests[0] == digests[1]) is same
    assert (
        judging.digest(first, source, b"t", Limits())
        != digests[0]
        != judging.digest(first, source, b"s", Limits(cell=1))
    )
    assert judging.digest(first, "", b"s", Limits()) != digests[0]


def test_an_error_in_one_job_leaves_the_others_their_outcomes(monkeypatch, capsys):
    """And the work that it belongs to is left over, so that it is judged elsewhere."""

    def outcome(text):
        if text == "odd":
            raise OSError("the worker has no disk")
        return {"points": {"check": len(text)}}

    monkeypatch.setattr(judging, "outcome", outcome)
    work, kept = {"ada": ("four",), "bob": ("odd",), "cy": ("three",)}, {}
    judge_all(work, [lambda: ThreadPoolExecutor(2)], kept.__setitem__)
    assert kept == {"ada": {"points": {"check": 4}}, "cy": {"points": {"check": 5}}} and list(
        work
    ) == ["bob"]
    assert (
        "bob could not be judged there, and is judged here: the worker has no disk"
        in capsys.readouterr().out
    )


def test_an_outcome_that_is_half_written_is_none(monkeypatch, tmp_path):
    name = NAMES[0]
    folder = tmp_path / "grading" / "submitted" / "ada" / name
    folder.mkdir(parents=True)
    nbformat.write(filled(name, {}), folder / f"{name}.ipynb")
    (tmp_path / "exercises").symlink_to(ROOT / "exercises")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AECOURSE_KEY", "a key")
    monkeypatch.setattr(command.sandbox, "ready", lambda: None)
    monkeypatch.setattr(command, "settings", Config)
    monkeypatch.setattr(command, "entered_before", lambda name: None)

    def stopped(path, text, **rest):
        path.write_bytes(text.encode()[:9])
        raise KeyboardInterrupt

    def judge_one(work, pools, keep):
        monkeypatch.setattr(Path, "write_text", stopped)
        keep("ada", {"points": {}})

    monkeypatch.setattr(command, "judge_all", judge_one)
    with pytest.raises(KeyboardInterrupt):
        command.grade(name, 1, None, False)
    assert not list((tmp_path / "grading" / "outcomes").glob("*.json"))


def test_with_whom_nbgrader_fails_is_told_with_its_words(monkeypatch):
    class Failing:
        def autograde(self, name, student, force):
            return {"success": student != "bob", "log": "", "error": "no such cell"}

    monkeypatch.setattr(command, "interface", Failing)
    assert command.enter("small", ["ada", "bob", "cy"]) == {"bob": "no such cell"}


def test_an_exercise_that_was_not_released_is_said_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="type `nbgrader generate_assignment small"):
        command.main(["collect", "small", "in.zip"])


class Cluster:
    """A Dask client whose scheduler and one worker answer as they are told."""

    def __init__(self, scheduler, worker):
        self.scheduler, self.worker = scheduler, worker

    def run_on_scheduler(self, function):
        return self.scheduler()

    def run(self, function):
        return {"tcp://worker:1": self.worker()}


def lacking():
    raise Exception("ModuleNotFoundError(\"No module named 'grader'\")")


def unreachable():
    raise OSError("no such host")


@pytest.mark.parametrize(
    "scheduler, worker, words",
    [
        (lacking, oracle.library, "can't import the grader .*PYTHONPATH=/path/to/the/course"),
        (oracle.library, lacking, "can't import the grader .*PYTHONPATH=/path/to/the/course"),
        (oracle.library, lambda: "x", "tcp://worker:1 is another version than here.*PYTHONPATH"),
        (lambda: "x", oracle.library, "the scheduler is another version than here.*PYTHONPATH"),
    ],
    ids=["scheduler-lacks-it", "worker-lacks-it", "other-worker", "other-scheduler"],
)
def test_a_cluster_without_this_courses_grader_is_refused(scheduler, worker, words):
    with pytest.raises(SystemExit, match=words):
        command.same_course(Cluster(scheduler, worker))


def test_a_cluster_with_this_courses_grader_is_taken_and_other_errors_pass():
    command.same_course(Cluster(oracle.library, oracle.library))
    with pytest.raises(OSError, match="no such host"):
        command.same_course(Cluster(oracle.library, unreachable))


def test_where_a_pool_breaks_the_next_one_judges_what_is_left(monkeypatch):
    class Broken(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            if arguments == ("last",):
                future = Future()
                future.set_exception(BrokenExecutor("a worker is gone"))
                return future
            return super().submit(function, *arguments)

    monkeypatch.setattr(judging, "outcome", lambda text: text)
    work, kept = {"ada": ("first",), "bob": ("last",)}, {}
    judge_all(work, [lambda: Broken(1), lambda: ThreadPoolExecutor(1)], kept.__setitem__)
    assert kept == {"ada": "first", "bob": "last"} and not work
