"""A submission from cells to marks: what nbgrader reads from the outputs, and what a lethal cell
costs.
"""

import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from nbgrader.utils import determine_grade
from traitlets.config import Config

from grader import __main__ as command
from grader import judging, oracle, pool
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


def one_check(source):
    """A notebook with a cell and a check."""
    data = {"grade": True, "solution": False, "points": 1}
    check = nbformat.v4.new_code_cell("", id="check", metadata={"nbgrader": data})
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="own"), check])


FINE = "from grader.oracle import step\n@step(STEPS, 'check', 1, 'a step')\ndef judge(ask, rng): {}"
DEATHS = {  # oracles, since what a learner's code does ends in its sandbox
    "ada": FINE.format("pass"),
    "bob": FINE.format("import os; os._exit(9)"),
    "cy": "no oracle at all",
    "di": FINE.format("x = bytearray(9 << 30)"),
    "ed": FINE.format("import os; os.kill(os.getpid(), 9)"),
    "flo": FINE.format("pass"),
}


def test_a_process_that_dies_costs_its_own_submission_and_this_is_told(boxes, capsys):
    kept, limits = {}, Limits(cell=4, total=60)
    pool.judge(
        list(DEATHS),
        lambda student: (one_check("x = 1"), DEATHS[student], b"s", limits),
        2,
        kept.__setitem__,
    )
    problems = {student: outcome.get("problem") for student, outcome in kept.items()}
    assert kept["ada"]["points"] == kept["flo"]["points"] == {"check": 1}
    assert problems == {
        "ada": None,
        "bob": "the process that judged it ended (9)",
        "cy": "SyntaxError: invalid syntax (oracle.py, line 1)",
        "di": None,  # a step that needs too much memory is a step that is not right
        "ed": "the process that judged it ended (-9)",
        "flo": None,
    }
    assert kept["di"]["points"] == {"check": 0} and kept["bob"]["points"] == {}
    assert "could not be judged" in kept["bob"]["outputs"]["check"][0].evalue
    assert "bob is judged again, alone: the process that judged it ended" in capsys.readouterr().out
    assert not multiprocessing.active_children()


LATE, GOOD = ({"points": {"check": points}, "late": not points} for points in (0, 1))


@pytest.mark.parametrize(
    "jobs, students, second, due",
    [
        (2, ["ada", "bob"], {"outcome": GOOD}, GOOD),
        (2, ["ada", "bob"], {"died": "it ended"}, LATE),
        (1, ["ada", "bob"], None, LATE),
        (2, ["ada"], None, LATE),
    ],
    ids=["a neighbour's fault", "died", "one job", "one submission"],
)
def test_what_ran_out_of_time_beside_others_is_judged_again_alone(
    jobs, students, second, due, monkeypatch
):
    seen = []

    def replies(waiting, arguments, jobs):
        seen.append((list(waiting), jobs))
        for student in waiting:
            late = student == "ada" and len(seen) == 1
            yield student, {"outcome": LATE if late else GOOD} if len(seen) == 1 else second

    monkeypatch.setattr(pool, "replies", replies)
    kept = {}
    pool.judge(students, None, jobs, kept.__setitem__)
    assert kept == {**dict.fromkeys(students, GOOD), "ada": due}
    assert seen == [(students, jobs), (["ada"] if second else [], 1)]


def test_a_worker_that_does_not_end_is_ended(boxes, monkeypatch):
    worker = pool.Worker()
    endless = FINE.format("\n    while True: pass")
    worker.begin("ada", (one_check(""), endless, b"s", Limits(cell=1, total=1)))
    worker.end = 0
    assert worker.reply() == {"died": "the process that judged it did not end"}
    worker.close()
    assert not worker.process.is_alive()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a signal of Linux")
def test_the_workers_of_a_grader_that_is_killed_end_with_it(tmp_path):
    script = (
        "import sys, time\nsys.path.insert(0, sys.argv[1])\nfrom grader import pool\n"
        "if __name__ == '__main__':\n    worker = pool.Worker()\n"
        "    print(worker.process.pid, flush=True)\n    time.sleep(60)"
    )
    (tmp_path / "grader_that_is_killed.py").write_text(script)
    command = [sys.executable, str(tmp_path / "grader_that_is_killed.py"), str(ROOT)]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(grader.stdout.readline()))
    time.sleep(2)
    assert worker.is_running()
    grader.kill()
    grader.wait()
    grader.stdout.close()
    psutil.wait_procs([worker], timeout=5)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_what_a_cluster_leaves_over_is_judged_here(monkeypatch, capsys):
    def outcome(text):
        if text == "odd":
            raise OSError("the worker has no disk")
        return {"points": {"check": len(text)}, "late": text == "late"}

    monkeypatch.setattr(judging, "outcome", outcome)
    work, kept = {"ada": ("four",), "bob": ("odd",), "cy": ("three",), "di": ("late",)}, {}
    with ThreadPoolExecutor(2) as there:
        left = command.judge_there(there, list(work), work.get, kept.__setitem__)
    assert sorted(kept) == ["ada", "cy"] and sorted(left) == ["bob", "di"]
    said = capsys.readouterr().out
    assert "bob is judged again, here: the worker has no disk" in said
    assert "di is judged again, here: it ran out of time there" in said


def test_an_outcome_that_is_half_written_is_none(monkeypatch, tmp_path):
    name = NAMES[0]
    folder = tmp_path / "grading" / "submitted" / "ada" / name
    folder.mkdir(parents=True)
    nbformat.write(filled(name, {}), folder / f"{name}.ipynb")
    (tmp_path / "exercises").symlink_to(ROOT / "exercises")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AECOURSE_KEY", "a key")
    monkeypatch.setattr(command.sandbox, "ready", lambda hide: None)
    monkeypatch.setattr(command, "settings", Config)
    monkeypatch.setattr(command, "entered_before", lambda name: None)

    def stopped(path, text, **rest):
        path.write_bytes(text.encode()[:9])
        raise KeyboardInterrupt

    def judge_one(students, arguments, jobs, keep):
        monkeypatch.setattr(Path, "write_text", stopped)
        keep("ada", {"points": {}})

    monkeypatch.setattr(command.pool, "judge", judge_one)
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
