"""Zips of learning platforms: whose work is whose, and what in a zip is left alone."""

import csv
import io
import json
import os
import re
import shutil
import stat
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from grader import __main__ as command
from grader import lms, preflight
from grader.autograding import Course, Judge, Marks, handed_in, harmless, save
from grader.sandbox import Limits
from tests.submissions import ROOT, filled, solved

RELEASED = nbformat.v4.new_notebook(
    cells=[nbformat.v4.new_code_cell("", id="double"), nbformat.v4.new_code_cell("", id="square")]
)
WORK = nbformat.writes(RELEASED)


@pytest.fixture
def course(tmp_path):
    (tmp_path / "exercises" / "small").mkdir(parents=True)
    nbformat.write(RELEASED, tmp_path / "exercises" / "small" / "small.ipynb")
    return Course(tmp_path)


def packed(tmp_path, entries):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return tmp_path / "in.zip"


def collected(course, tmp_path, entries):
    problems = lms.collect(packed(tmp_path, entries), course, "small")
    return {
        path.parents[1].name
        for path in (course.root / "grading" / "submitted").glob("*/small/small.ipynb")
    }, problems


@pytest.mark.parametrize(
    "names, students",
    [
        (
            [
                "Ada Löf_12_assignsubmission_file_/small.ipynb",
                "Bo_13_assignsubmission_file_/x.ipynb",
            ],
            {"Ada-Löf_12", "Bo_13"},
        ),
        (
            ["Ada Löf_12_assignsubmission_file_small.ipynb", "Bo_13_assignsubmission_file_y.ipynb"],
            {"Ada-Löf_12", "Bo_13"},
        ),
        (["lofada_12_345_small.ipynb", "bobo_LATE_13_346_small-1.ipynb"], {"lofada_12", "bobo_13"}),
        (["lofada_12_345_small.ipynb", "lofada_12_346_notes.ipynb"], {"lofada_12"}),
        (["ada/small.ipynb", "bo/deep/er/small.ipynb"], {"ada", "bo"}),
        (["all/ada/small.ipynb", "all/bo/small.ipynb"], {"ada", "bo"}),
        (["ada.ipynb", "bo.ipynb"], {"ada", "bo"}),
        (["ada/small.ipynb", "__MACOSX/ada/._small.ipynb", "ada/.DS_Store"], {"ada"}),
        (["Ada/small.ipynb", "ada/small.ipynb", "ADA!/small.ipynb"], {"Ada", "ada-2", "ADA-3"}),
        (["../../up/small.ipynb"], {"nameless"}),
        (["/etc/small.ipynb"], {"etc"}),
        (["=cmd|x!A1/small.ipynb"], {"cmd-x-A1"}),
        (["..\\..\\up.ipynb"], {"nameless"}),
        (["..../small.ipynb"], {"nameless"}),
        (["[a]*?/small.ipynb"], {"a"}),
        (["Ada Lo\u0308f_12_assignsubmission_file_/small.ipynb"], {"Ada-Löf_12"}),
        ([f"{'a' * 300}/small.ipynb"], {"a" * 80}),
        ([f"{'𝓐' * 90}/small.ipynb"], {"𝓐" * 50}),
    ],
    ids=range(18),
)
def test_each_learner_has_a_folder_of_their_own(names, students, course, tmp_path):
    seen, problems = collected(course, tmp_path, [(name, WORK) for name in names])
    assert seen == students and problems == {}
    inside = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert inside == {"exercises", "grading", "in.zip"}


def work(*answers):
    """A notebook with answers in its first cells."""
    notebook = nbformat.from_dict(json.loads(nbformat.writes(ANSWERED)))
    for cell, answer in zip(notebook.cells, answers, strict=False):
        cell.source = answer
    return nbformat.writes(notebook)


ANSWERED = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_code_cell(
            f"def {name}(x):\n    raise NotImplementedError",
            id=name,
            metadata={"nbgrader": {"solution": True, "grade": False, "locked": False}},
        )
        for name in ("double", "square")
    ]
)
ONE, TWO = work("def double(x): return 2 * x"), work("def double(x): pass", "def square(x): pass")


@pytest.fixture
def answered(course):
    """The course, whose exercise has answers to write."""
    nbformat.write(ANSWERED, course.root / "exercises" / "small" / "small.ipynb")
    return course


def at(name, day, hour=12):
    return zipfile.ZipInfo(name, (2026, 3, day, hour, 0, 0))


@pytest.mark.parametrize(
    "names, students",
    [
        (
            [
                "Ada_12_assignsubmission_file_/small.ipynb",
                "Ada_12_assignsubmission_onlinetext_/onlinetext.html",
                "Bo_13_assignsubmission_onlinetext_/onlinetext.html",
                "Bo_13_assignsubmission_file_/small.ipynb",
            ],
            {"Ada_12", "Bo_13"},
        ),
        (
            [
                "Ada_12_assignsubmission_file_small.ipynb",
                "Ada_12_assignsubmission_onlinetext.html",
            ],
            {"Ada_12"},
        ),
        (["Ada_12_assignsubmission_file_/late/small.ipynb"], {"Ada_12"}),
        (["ada/work/small.ipynb"], {"ada"}),
        (["ada/v1/small.ipynb", "ada/v2/small.ipynb"], {"ada"}),
        (["all/Ada_12_assignsubmission_file_/small.ipynb"], {"Ada_12"}),
        (["ada/small.ipynb", "bo/small.ipynb", "late/cy/small.ipynb"], {"ada", "bo", "cy"}),
        (["class/ada/small.ipynb", "class/Late/cy/small.ipynb"], {"ada", "cy"}),
        (["Lo\u0308f/small.ipynb", "L\u00f6f/small.ipynb"], {"L\u00f6f"}),
        ([".ipynb_checkpoints/small-checkpoint.ipynb", "ada.ipynb", "bo.ipynb"], {"ada", "bo"}),
        (["ada/small.ipynb", "ada/.ipynb_checkpoints/small-checkpoint.ipynb"], {"ada"}),
    ],
    ids=range(11),
)
def test_a_learner_is_one_learner_whatever_their_platform_makes_of_them(
    names, students, course, tmp_path
):
    seen, problems = collected(course, tmp_path, [(name, WORK) for name in names])
    assert seen == students and problems == {}


def test_who_came_before_is_no_folder_around_others(course, tmp_path):
    collected(course, tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    late = [("ada/first/small.ipynb", WORK), ("ada/second/small.ipynb", WORK)]
    assert collected(course, tmp_path, late)[0] == {"ada", "bo"}


@pytest.mark.parametrize(
    "entries, taken, words",
    [
        ([(at("a/small.ipynb", 1), ONE), (at("a/small (1).ipynb", 2), TWO)], TWO, "left were"),
        ([(at("a/small.ipynb", 2), ONE), (at("a/small (1).ipynb", 1), TWO)], ONE, "left were"),
        ([(at("a/small.ipynb", 2), work()), (at("a/mine.ipynb", 1), ONE)], ONE, r"blank\)"),
        (
            [(at("a/small-checkpoint.ipynb", 2), TWO), (at("a/small.ipynb", 1), ONE)],
            ONE,
            "'small-checkpoint.ipynb'",
        ),
        ([(at("a/notes.ipynb", 3), '{"cells": []}'), (at("a/small.ipynb", 1), ONE)], ONE, None),
        ([(at("a/small.ipynb", 1), ONE), (at("a/copy.ipynb", 1), ONE)], ONE, None),
        (
            [*((at(f"a/{i}.png", 1), "x") for i in range(30)), (at("a/small.ipynb", 1), ONE)],
            ONE,
            None,
        ),
    ],
    ids=["newer", "older", "blank", "checkpoint", "no work", "copy", "pictures"],
)
def test_of_several_notebooks_the_newest_real_work_is_taken_and_this_is_said(
    entries, taken, words, answered, tmp_path
):
    collected(answered, tmp_path, [*entries, ("bo/small.ipynb", ONE)])
    submitted = answered.root / "grading" / "submitted" / "a" / "small" / "small.ipynb"
    assert submitted.read_text() == taken
    found = " ".join(answered.report("small", "a")["found"])
    assert re.search(words, found) if words else "left" not in found


def test_a_zip_with_older_work_changes_nothing_and_this_is_said(answered, tmp_path):
    for day, text in ((5, TWO), (3, ONE)):
        collected(answered, tmp_path, [(at("a/small.ipynb", day), text), ("bo/small.ipynb", ONE)])
    submitted = answered.root / "grading" / "submitted" / "a" / "small" / "small.ipynb"
    assert submitted.read_text() == TWO
    assert "2026-03-03 12:00 in in.zip was left" in answered.report("small", "a")["found"][-1]


def test_online_text_in_a_later_zip_takes_back_nothing(answered, tmp_path):
    collected(answered, tmp_path, [("Ada_1_assignsubmission_file_/small.ipynb", ONE)])
    later = [("Ada_1_assignsubmission_onlinetext_/onlinetext.html", "x")]
    seen, problems = collected(answered, tmp_path, later)
    assert seen == {"Ada_1"} and problems == {}
    assert answered.report("small", "Ada_1").get("status") != "rejected"


def test_the_instructor_overrules_the_choice_in_one_line_and_for_good(answered, tmp_path):
    entries = [(at("a/old.ipynb", 1), ONE), (at("a/small.ipynb", 2), TWO), ("bo/small.ipynb", ONE)]
    submitted = answered.root / "grading" / "submitted" / "a" / "small" / "small.ipynb"
    collected(answered, tmp_path, entries)
    assert submitted.read_text() == TWO
    archive = packed(tmp_path, entries)
    for choices in ([("a", "old.ipynb")], []):
        lms.collect(archive, answered, "small", choices)
        assert submitted.read_text() == ONE
    problems = lms.collect(archive, answered, "small", [("bo", "none.ipynb")])
    kept = "; the notebook of before was kept"
    assert problems == {"bo": f"'none.ipynb' was chosen, and there is only 'small.ipynb'{kept}"}
    later = [(at("a/small.ipynb", 5), TWO), ("bo/small.ipynb", TWO)]
    collected(answered, tmp_path, later)  # what was chosen is not there, and bo's was no choice
    assert submitted.read_text() == TWO
    assert (submitted.parents[2] / "bo" / "small" / "small.ipynb").read_text() == TWO


def test_a_choice_is_not_undone_by_a_zip_that_lacks_the_file(answered, tmp_path):
    both = [(at("a/new.ipynb", 5), TWO), (at("a/small.ipynb", 6), ONE), ("bo/small.ipynb", ONE)]
    lms.collect(packed(tmp_path, both), answered, "small", [("a", "new.ipynb")])
    collected(answered, tmp_path, [(at("a/small.ipynb", 3), ONE), ("bo/small.ipynb", ONE)])
    submitted = answered.root / "grading" / "submitted" / "a" / "small" / "small.ipynb"
    assert submitted.read_text() == TWO


def test_the_newer_notebook_of_another_exercise_is_left(tmp_path):
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    mine, other = (
        nbformat.writes(filled(name, solved(name)))
        for name in ("loss_comparison", "contraction_weight")
    )
    entries = [
        (at("ada/loss_comparison.ipynb", 1), mine),
        (at("ada/contraction_weight.ipynb", 2), other),
        (at("bo/loss_comparison.ipynb", 1), mine),
    ]
    lms.collect(packed(tmp_path, entries), Course(tmp_path), "loss_comparison")
    submitted = tmp_path / "grading" / "submitted" / "ada" / "loss_comparison"
    assert (submitted / "loss_comparison.ipynb").read_text(encoding="utf-8") == mine


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 and nothing else", None])
def test_a_bad_zip_is_said_without_a_traceback(data, course, tmp_path, monkeypatch):
    if data is not None:
        (tmp_path / "in.zip").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"in\.zip can't be read as a zip"):
        command.main(["collect", "small", "in.zip"])


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5"])
def test_no_number_of_jobs_is_said_without_a_traceback(jobs, capsys):
    with pytest.raises(SystemExit):
        command.main(["grade", "small", f"--jobs={jobs}"])
    assert "expected 1 or more processes at a time" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_report_that_is_empty_or_broken_is_none(text, course):
    course.write("small", "ada", status="accepted")
    course.report_file("small", "ada").write_text(text)
    assert course.report("small", "ada") == {}


def test_git_ignores_a_zip_of_learners_work():
    lines = (Path(__file__).resolve().parents[2] / ".gitignore").read_text().split()
    assert "*.zip" in lines and "/grading/" in lines


def test_of_several_files_the_notebook_of_the_exercise_is_taken(course, tmp_path):
    entries = [
        ("ada/notes.ipynb", json.dumps({"cells": []})),
        ("ada/work.ipynb.txt", WORK),
        ("ada/data.csv", "x"),
    ]
    assert collected(course, tmp_path, entries)[0] == {"ada"}
    assert (
        course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb"
    ).read_text() == WORK
    assert course.report("small", "ada")["found"] == [
        "the file was called 'work.ipynb.txt', not 'small.ipynb'"
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["ada/small.ipynb", "ada/old_small.ipynb"],
        ["ada/old_small.ipynb", "ada/small.ipynb"],
        ["ada_1_2_small.ipynb", "ada_1_2_old_small.ipynb"],
    ],
)
def test_the_exercises_own_name_goes_before_a_longer_one(names, course, tmp_path):
    (student,), _ = collected(
        course, tmp_path, [(name, "{}" if "old" in name else WORK) for name in names]
    )
    assert (
        course.root / "grading" / "submitted" / student / "small" / "small.ipynb"
    ).read_text() == WORK


def test_of_a_learners_many_files_a_few_are_unpacked(course, tmp_path, monkeypatch):
    unpacked = []
    monkeypatch.setattr(lms, "content", lambda packed, info: unpacked.append(info) or b"{}")
    collected(
        course,
        tmp_path,
        [(f"ada/{number}.ipynb", "{}") for number in range(50)] + [("bo/small.ipynb", WORK)],
    )
    assert len(unpacked) == lms.FILES + 1


def test_the_right_name_in_a_second_zip_takes_back_the_note_of_the_wrong_one(course, tmp_path):
    for name, notes in (("work.ipynb", 1), ("small.ipynb", 0)):
        collected(course, tmp_path, [(f"ada/{name}", WORK), ("bo/small.ipynb", WORK)])
        assert len(course.report("small", "ada")["found"]) == notes


def test_a_link_where_the_work_belongs_is_replaced_and_not_followed(course, tmp_path):
    place = course.root / "grading" / "submitted" / "ada" / "small"
    place.mkdir(parents=True)
    (tmp_path / "other").write_text("mine")
    (place / "small.ipynb").symlink_to(tmp_path / "other")
    collected(course, tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    assert (tmp_path / "other").read_text() == "mine" and (
        place / "small.ipynb"
    ).read_text() == WORK


def test_a_second_zip_replaces_what_changed_and_only_that(course, tmp_path):
    collected(course, tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    path = course.root / "grading" / "submitted" / "bo" / "small" / "small.ipynb"
    before = path.stat().st_mtime_ns
    collected(course, tmp_path, [("ada/small.ipynb", WORK + " "), ("bo/small.ipynb", WORK)])
    assert path.stat().st_mtime_ns == before
    assert (
        course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb"
    ).read_text() == WORK + " "


def test_who_came_first_keeps_their_folder_from_others_of_like_names_in_a_later_zip(
    course, tmp_path
):
    for owner in ("ada b", "ada!b", "ada b"):
        collected(
            course, tmp_path, [(f"{owner}/small.ipynb", WORK + owner), ("bo/small.ipynb", WORK)]
        )
    submitted = course.root / "grading" / "submitted"
    assert {
        path.parents[1].name: path.read_text() for path in submitted.glob("*/small/small.ipynb")
    } == {"ada-b": WORK + "ada b", "ada-b-2": WORK + "ada!b", "bo": WORK}


def test_who_hands_in_again_by_canvas_is_the_same_learner(course, tmp_path):
    for number, work in ((345, WORK), (399, WORK + " ")):
        collected(course, tmp_path, [(f"lofada_12_{number}_small.ipynb", work)])
    (path,) = (course.root / "grading" / "submitted").glob("*/small/small.ipynb")
    assert path.parents[1].name == "lofada_12" and path.read_text() == WORK + " "


def test_who_handed_in_no_notebook_is_told(course, tmp_path):
    link = zipfile.ZipInfo("bo/small.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    seen, problems = collected(
        course, tmp_path, [("ada/essay.docx", "x"), (link, "/etc/passwd"), ("cy/small.zip", "PK")]
    )
    assert (
        seen == set()
        and set(problems) == {"ada", "cy"}
        and "hand in small.ipynb" in problems["ada"]
    )
    assert course.report("small", "ada")["status"] == "rejected"


def test_a_bomb_is_not_unpacked(course, tmp_path):
    seen, problems = collected(
        course,
        tmp_path,
        [("ada/small.ipynb", bytes(preflight.FILE_BYTES + 10**6)), ("bo/small.ipynb", WORK)],
    )
    assert seen == {"bo"} and "clear the outputs" in problems["ada"]
    with zipfile.ZipFile(tmp_path / "in.zip") as file:
        assert len(lms.content(file, file.infolist()[0])) == preflight.FILE_BYTES + 1


def test_a_damaged_entry_is_one_learners_matter(course, tmp_path):
    path = packed(tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    data = bytearray(path.read_bytes())
    data[60:70] = bytes(10)  # within the first entry
    path.write_bytes(data)
    lms.collect(path, course, "small")
    with pytest.raises(preflight.Rejected):
        preflight.rebuild(
            preflight.read(course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb"),
            RELEASED,
        )
    assert preflight.rebuild(
        preflight.read(course.root / "grading" / "submitted" / "bo" / "small" / "small.ipynb"),
        RELEASED,
    )


@pytest.mark.parametrize(
    "place, value",
    [(8, 1), (10, 97), (10, 12), (10, 14)],
    ids=["locked", "of no known kind", "no bzip2", "no LZMA"],
)
def test_an_entry_that_nobody_can_unpack_is_one_learners_matter(place, value, course, tmp_path):
    path = packed(tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + place] = (
        value  # in the first entry of the zip's list: its flags, or how it was packed
    )
    path.write_bytes(data)
    lms.collect(path, course, "small")
    submitted = course.root / "grading" / "submitted"
    assert [
        (submitted / student / "small" / "small.ipynb").read_text() for student in ("ada", "bo")
    ] == ["", WORK]


def test_feedback_goes_back_into_the_folders_it_came_from(course, tmp_path):
    collected(course, tmp_path, [("Ada Löf_12_assignsubmission_file_/small.ipynb", WORK)])
    for student in ("Ada-Löf_12", "extra"):
        page = course.root / "grading" / "feedback" / student / "small" / "small.html"
        page.parent.mkdir(parents=True)
        page.write_text(student)
    assert lms.give_back(tmp_path / "out.zip", course, "small") == 2
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert {name: file.read(name).decode() for name in file.namelist()} == {
            "Ada Löf_12_assignsubmission_file_/small.html": "Ada-Löf_12",
            "extra/small.html": "extra",
        }


def test_feedback_that_cannot_be_written_is_said(course, tmp_path):
    with pytest.raises(lms.NoZip, match=r"out\.zip can't be written \(No such file"):
        lms.give_back(tmp_path / "nowhere" / "out.zip", course, "small")


def test_feedback_goes_back_to_those_of_an_earlier_zip_too(course, tmp_path):
    for owner, student in (
        ("Ada Löf_12_assignsubmission_file_", "Ada-Löf_12"),
        ("Bo_13_assignsubmission_file_", "Bo_13"),
    ):
        collected(course, tmp_path, [(f"{owner}/small.ipynb", WORK)])
        page = course.root / "grading" / "feedback" / student / "small" / "small.html"
        page.parent.mkdir(parents=True)
        page.write_text(student)
    lms.give_back(tmp_path / "out.zip", course, "small")
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert set(file.namelist()) == {
            "Ada Löf_12_assignsubmission_file_/small.html",
            "Bo_13_assignsubmission_file_/small.html",
        }


def test_a_report_that_is_half_written_leaves_the_one_before(course, monkeypatch):
    course.write("small", "ada", status="accepted")

    def stopped(path, text, **rest):
        path.write_bytes(text.encode()[:9])
        raise KeyboardInterrupt

    monkeypatch.setattr(type(course.root), "write_text", stopped)
    with pytest.raises(KeyboardInterrupt):
        course.write("small", "ada", status="rejected")
    assert course.report("small", "ada") == {"status": "accepted"}


# --- What nbgrader asks for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, time",
    [
        (b"2026-02-03 10:00:00 UTC", True),
        (b"no time", False),
        (b"", False),
        (b"9" * 40, False),
        (b"\xff", False),
    ],
    ids=range(5),
)
def test_a_time_that_can_be_read_is_kept_and_another_one_is_dropped(text, time, tmp_path):
    (tmp_path / "timestamp.txt").write_bytes(text)
    assert handed_in(tmp_path) == (text.decode() if time else None)
    assert (tmp_path / "timestamp.txt").exists() == time


def test_a_folder_or_a_link_for_a_time_is_none(tmp_path):
    (tmp_path / "timestamp.txt").mkdir()
    assert handed_in(tmp_path) is None
    (tmp_path / "timestamp.txt").rmdir()
    (tmp_path / "other").write_text("2026-02-03 10:00:00 UTC")
    (tmp_path / "timestamp.txt").symlink_to(tmp_path / "other")
    assert (
        handed_in(tmp_path) is None
        and (tmp_path / "other").exists()
        and not (tmp_path / "timestamp.txt").is_symlink()
    )


def test_the_settings_are_seconds_and_megabytes():
    assert Judge(timeout=7, total=8, memory=9).limits() == Limits(cell=7, total=8, memory=9 * 2**20)


@pytest.mark.parametrize("raw, penalty, score", [(5, None, 5), (5, 2, 3), (1, 2, 0)])
def test_a_penalty_for_lateness_is_taken_off_down_to_nothing(raw, penalty, score, course):
    submission = SimpleNamespace(
        late_submission_penalty=penalty, score=raw, needs_manual_grade=False, timestamp=None
    )
    gradebook = SimpleNamespace(find_submission=lambda *names: submission)
    row = Marks.row(
        None,
        gradebook,
        course,
        SimpleNamespace(name="small", duedate=None, max_score=6),
        "ada",
        True,
    )
    assert (row["raw_score"], row["score"], row["status"]) == (raw, score, "graded")


def test_a_name_in_the_gradebook_is_no_formula_in_the_table(course, monkeypatch):
    monkeypatch.setenv(
        "PATH", str(Path(sys.executable).parent), prepend=os.pathsep
    )  # nbgrader calls alembic
    nbgrader = NbGraderAPI(
        CourseDirectory(root=str(course.root), db_url=f"sqlite:///{course.root / 'gradebook.db'}")
    )
    with nbgrader.gradebook as gradebook:
        gradebook.add_assignment("small")
        gradebook.add_student("ada", last_name="=1+1", first_name="Ada")
        Marks(parent=nbgrader, to="grades.csv").export(gradebook)
    with open(course.root / "grades.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], row["last_name"], row["first_name"], row["status"]) == (
        "ada",
        "'=1+1",
        "Ada",
        "missing",
    )


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|calc", "%1"]
)
def test_no_entry_of_the_table_is_a_formula(value):
    file = io.StringIO()
    csv.writer(file).writerow(
        [harmless(value), harmless(3.0), harmless(-1.5), harmless(None), harmless("Ada")]
    )
    (back,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert back == ["'" + value, "3.0", "-1.5", "", "Ada"]


def test_what_is_saved_reads_as_written_and_holds_half_a_sign(tmp_path):
    value = {"found": "Übung (1).ipynb", "said": "'\ud800'"}
    save(tmp_path / "reports" / "ada.json", value)
    text = (tmp_path / "reports" / "ada.json").read_text(encoding="utf-8")
    assert (
        "Übung" in text
        and json.loads(text) == value
        and [path.name for path in (tmp_path / "reports").iterdir()] == ["ada.json"]
    )
