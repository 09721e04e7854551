"""A class, from submissions to marks, by the command that grades it: a small exercise, and a corpus
of bad submissions.
"""

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import psutil
import pytest

from grader.sandbox import USUAL
from tests.grader import hostile
from tests.grader.small_course import CANARY, HALF, NOTHING, RIGHT, Course


class Memory(threading.Thread):
    """The most memory, in bytes, that the processes of a grader share out among them, their
    sandboxes left out.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            with contextlib.suppress(psutil.Error):  # one of them ended just now
                family = [
                    one
                    for one in psutil.Process().children(recursive=True)
                    if any(word in " ".join(one.cmdline()) for word in ("-m grader", "spawn_main"))
                ]
                self.peak = max(self.peak, sum(one.memory_full_info().pss for one in family))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.fixture
def course(boxes, tmp_path):
    return Course(tmp_path)


def test_from_the_zip_to_marks_and_feedback_in_three_commands(course, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as packed:
        for owner, file, sources in (
            ("Ada Löf_17_assignsubmission_file_", "small.ipynb", RIGHT),
            ("=1+1_18_assignsubmission_file_", "my work.ipynb", HALF),
            ("Cy_19_assignsubmission_file_", "small.ipynb", {}),
        ):
            packed.writestr(f"{owner}/{file}", json.dumps(course.submission(sources)))
        packed.writestr("Di_20_assignsubmission_file_/essay.docx", b"x")
        packed.writestr("Ed_21_assignsubmission_file_/small.ipynb", b"{")
    assert "Di_20: rejected, there is no notebook" in course.run(
        "grader", "collect", "small", "in.zip"
    )
    course.grade()
    course.run("grader", "return", "small", "out.zip")
    rows = course.rows()
    assert {
        student: (row["score"], row["status"].partition(":")[0], bool(row["repairs"]))
        for student, row in rows.items()
    } == {
        "Ada-Löf_17": ("5.0", "awaiting hand grading", False),
        "1-1_18": ("4.0", "awaiting hand grading", True),
        "Cy_19": ("0.0", "graded", False),
        "Di_20": ("0.0", "rejected", False),
        "Ed_21": ("0.0", "rejected", False),
    }
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert set(packed.namelist()) == {
            f"{owner}_assignsubmission_file_/small.html"
            for owner in ("Ada Löf_17", "=1+1_18", "Cy_19", "Ed_21")
        }
        page = packed.read("=1+1_18_assignsubmission_file_/small.html").decode()
        assert (
            "double from -50 to -10: the returned value is wrong" in page
            and "(Score: 4.0 / 6.0)" in page
        )
        assert (
            "only a part of one" in packed.read("Ed_21_assignsubmission_file_/small.html").decode()
        )
        assert not [name for name in packed.namelist() if CANARY.encode() in packed.read(name)]
    for path in [
        *(course.folder / "exercises").rglob("*.*"),
        *(course.folder / "grading" / "autograded").rglob("*.*"),
    ]:
        assert CANARY not in path.read_text(
            encoding="utf-8"
        ) and "key of the tests" not in path.read_text(encoding="utf-8")


def test_nbgraders_own_command_gives_the_same_marks_and_partial_points(course):
    for student, sources in (("ada", RIGHT), ("bob", HALF), ("cy", NOTHING)):
        course.hand_in(student, sources)
    course.run("nbgrader", "autograde", "small")
    course.run("nbgrader", "export")
    first = course.marks()
    assert first == {"ada": 5, "bob": 4, "cy": 0}
    outputs = course.after("bob")["double-check"].outputs
    assert outputs[0].text.startswith("passed") and outputs[-1].data["text/plain"] == "1.0"
    assert [
        output.ename
        for output in course.after("cy")["double-check"].outputs
        if output.output_type == "error"
    ] == ["NameError"]
    course.grade("--force")
    assert course.marks() == first


def test_what_was_done_is_kept_and_what_is_new_is_judged(course):
    for student in ("ada", "bob", "cy"):
        course.hand_in(student, RIGHT)
    course.grade()
    outcomes = {
        path: path.stat().st_mtime_ns for path in (course.folder / "grading" / "outcomes").iterdir()
    }
    course.hand_in("bob", HALF)
    course.hand_in("di", NOTHING)
    shutil.rmtree(
        course.folder / "grading" / "autograded" / "cy"
    )  # as if it had been stopped there
    (course.folder / "grading" / "reports" / "small" / "cy.json").unlink()
    said = course.grade()
    assert (
        "3 of 4 submissions were entered" in said
        and "judged bob" in said
        and "judged di" in said
        and "judged cy" not in said
    )
    assert course.marks() == {"ada": 5, "bob": 4, "cy": 5, "di": 0}
    assert all(path.stat().st_mtime_ns == time for path, time in outcomes.items())
    assert "0 of 4 submissions were entered" in course.grade()


def test_where_the_gradebook_is_held_or_does_not_know_the_exercise_it_is_said_before_any_work(
    course,
):
    course.hand_in("ada", RIGHT)
    gradebook = course.folder / "grading" / "gradebook.db"
    with contextlib.closing(sqlite3.connect(gradebook)) as other:
        other.execute("begin exclusive")
        said = course.grade(fails=True)
    assert (
        "database is locked" in said
        and "type the command again" in said
        and "Traceback" not in said
        and "judged ada" not in said
    )
    course.grade()
    assert course.marks() == {"ada": 5}
    gradebook.unlink()
    said = course.grade(fails=True)
    assert (
        "type `nbgrader generate_assignment small --force` first" in said
        and "Traceback" not in said
    )


def test_a_cluster_at_an_address_gives_the_same_marks(course, library):
    distributed = library("distributed")
    for student, sources in (("ada", RIGHT), ("bob", HALF), ("cy", NOTHING)):
        course.hand_in(student, sources)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        said = course.grade("--dask", cluster.scheduler_address)
        assert "has 2 threads" in said and said.count("judged") == 3
    assert course.marks() == {"ada": 5, "bob": 4, "cy": 0}
    assert "There is no Dask scheduler at" in course.grade(
        "--force", "--dask", "tcp://127.0.0.1:9", fails=True
    )


@pytest.mark.slow
def test_a_grader_that_is_killed_takes_up_where_it_was(course):
    for number in range(6):
        course.hand_in(f"s{number}", {**RIGHT, "own": f"import time; time.sleep(1)  # {number}"})
    running = subprocess.Popen(
        [sys.executable, "-m", "grader", "grade", "small", "--jobs", "1"],
        cwd=course.folder,
        env=course.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.readline().startswith("judged")
    for process in [
        *psutil.Process(running.pid).children(recursive=True),
        psutil.Process(running.pid),
    ]:
        process.kill()
    running.wait()
    running.stdout.close()
    done = len(list((course.folder / "grading" / "outcomes").glob("*.json")))
    said = course.grade()
    assert (
        said.count("judged s") == 6 - done < 6
        and set(course.marks().values()) == {5.0}
        and len(course.marks()) == 6
    )


def test_without_a_sandbox_grading_does_not_start(course, tmp_path):
    course.hand_in("ada", RIGHT)
    empty = tmp_path / "bin"
    empty.mkdir()
    course.environment.update(PATH=str(empty), AECOURSE_TRUSTED="")
    assert "bubblewrap (bwrap) is not installed" in course.grade(fails=True)
    assert "bubblewrap (bwrap) is not installed" in course.run(
        "nbgrader", "autograde", "small", fails=True
    )
    assert not (course.folder / "grading" / "autograded").exists()
    course.environment["AECOURSE_TRUSTED"] = "1"
    course.grade()
    assert course.marks() == {"ada": 5}


# --- The corpus ----------------------------------------------------------------------------------


def corpus(course, names):
    """Hand in these cases, between two honest neighbours; {student: (case, what it is due)}."""
    due, text = {}, json.dumps(course.submission(RIGHT))
    course.hand_in("neighbour", RIGHT)
    course.hand_in("zoe", HALF)
    for number, name in enumerate(names):
        student = f"s{number:02}"
        if name in hostile.CODE or name in hostile.CHEATS:
            sources, mark = (hostile.CODE if name in hostile.CODE else hostile.CHEATS)[name]
            course.hand_in(student, {**(RIGHT if name in hostile.CODE else NOTHING), **sources})
        elif name in hostile.NOTEBOOKS:
            change, mark = hostile.NOTEBOOKS[name]
            change(notebook := json.loads(text))
            (course.place(student) / "small.ipynb").write_text(json.dumps(notebook))
        else:
            make, mark = hostile.FILES[name]
            make(course.place(student), text)
        due[student] = name, mark
    return due


ALL = [*hostile.CODE, *hostile.CHEATS, *hostile.NOTEBOOKS, *hostile.FILES]


def test_the_instructors_page_counts_the_corpus():
    text = (Path(hostile.__file__).parents[2] / "book" / "instructors.md").read_text(
        encoding="utf-8"
    )
    kinds = [len(kind) for kind in (hostile.CODE, hostile.CHEATS, hostile.NOTEBOOKS, hostile.FILES)]
    assert [
        int(count) for count in re.findall(r"^\| (\d+) \| ", text, re.M)
    ] == kinds and f"In addition, {sum(kinds)} broken or hostile submissions" in text


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(hostile.SAMPLE, id="sample"),
        pytest.param(ALL, id="all", marks=pytest.mark.slow),
    ],
)
def test_bad_submissions_get_their_due_and_harm_nobody(names, course):
    assert set(names) <= set(ALL) and len(ALL) == len(set(ALL)) >= 60
    due = corpus(course, names)
    before = {
        path: path.read_bytes()
        for path in (course.folder / "grading" / "submitted").glob("[nz]*/small/*.ipynb")
    }
    with Memory() as memory:
        print(course.grade("--jobs", "2"))
    assert 0 < memory.peak < 2**30
    rows, wrong = course.rows(), {}
    for student, (name, mark) in due.items():
        row = rows[student]
        good = (
            row["status"].startswith("rejected")
            and mark in row["status"]
            and float(row["score"]) == 0
            if isinstance(mark, str)
            else (
                row["status"] in ("graded", "awaiting hand grading")
                and (0 <= float(row["score"]) <= 5 if mark is None else float(row["score"]) == mark)
            )
        )
        if not good:
            wrong[name] = mark, row["status"], row["score"]
    assert wrong == {}
    assert (float(rows["neighbour"]["score"]), float(rows["zoe"]["score"])) == (5, 4)
    assert all(path.read_bytes() == data for path, data in before.items())
    course.run("grader", "return", "small", "out.zip")
    host, secrets = (
        Path("/etc/passwd").read_bytes(),
        (CANARY.encode(), b"key of the tests", b"root:x:0"),
    )
    for path in [
        *(course.folder / "grading" / "autograded").rglob("*"),
        *(course.folder / "grading" / "feedback").rglob("*"),
    ]:
        assert not path.is_symlink() and (
            path.is_dir() or path.suffix in (".ipynb", ".html") and path.read_bytes() != host
        ), path
        assert path.is_dir() or path.stat().st_size < USUAL.outputs + 2**20
        assert path.is_dir() or not [one for one in secrets if one in path.read_bytes()], path
        assert path.suffix != ".html" or not re.search(
            r"<(script|img|details)[^>]*hit\(|<script>hit", path.read_text(encoding="utf-8")
        )
