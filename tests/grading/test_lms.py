"""Zips of learning platforms: whose work is whose, and what in a zip is left alone."""
import csv
import io
import json
import stat
import zipfile

import nbformat
import pytest

from aecourse.grading import lms, preflight
from aecourse.grading.autograding import Course, harmless

RELEASED = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", id="double"), nbformat.v4.new_code_cell("", id="square")])
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
    return {path.parents[1].name for path in (course.root / "grading" / "submitted").glob("*/small/small.ipynb")}, problems


@pytest.mark.parametrize("names, students", [
    (["Ada Löf_12_assignsubmission_file_/small.ipynb", "Bo_13_assignsubmission_file_/x.ipynb"], {"Ada-Löf_12", "Bo_13"}),
    (["Ada Löf_12_assignsubmission_file_small.ipynb", "Bo_13_assignsubmission_file_y.ipynb"], {"Ada-Löf_12", "Bo_13"}),
    (["lofada_12_345_small.ipynb", "bobo_LATE_13_346_small-1.ipynb"], {"lofada_12", "bobo_13"}),
    (["ada/small.ipynb", "bo/deep/er/small.ipynb"], {"ada", "bo"}), (["all/ada/small.ipynb", "all/bo/small.ipynb"], {"ada", "bo"}),
    (["ada.ipynb", "bo.ipynb"], {"ada", "bo"}), (["ada/small.ipynb", "__MACOSX/ada/._small.ipynb", "ada/.DS_Store"], {"ada"}),
    (["Ada/small.ipynb", "ada/small.ipynb", "ADA!/small.ipynb"], {"Ada", "ada-2", "ADA-3"}),
    (["../../up/small.ipynb"], {"nameless"}), (["/etc/small.ipynb"], {"etc"}), (["=cmd|x!A1/small.ipynb"], {"cmd-x-A1"}),
    (["..\\..\\up.ipynb"], {"nameless"}), (["..../small.ipynb"], {"nameless"}), (["[a]*?/small.ipynb"], {"a"})], ids=range(14))
def test_each_learner_has_a_folder_of_their_own(names, students, course, tmp_path):
    seen, problems = collected(course, tmp_path, [(name, WORK) for name in names])
    assert seen == students and problems == {}
    inside = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert inside == {"exercises", "grading", "in.zip"}


def test_of_several_files_the_notebook_of_the_exercise_is_taken(course, tmp_path):
    entries = [("ada/notes.ipynb", json.dumps({"cells": []})), ("ada/work.ipynb.txt", WORK), ("ada/data.csv", "x")]
    assert collected(course, tmp_path, entries)[0] == {"ada"}
    assert (course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb").read_text() == WORK
    assert course.report("small", "ada")["found"] == ["the file was called 'work.ipynb.txt', not 'small.ipynb'"]


def test_a_second_zip_replaces_what_changed_and_only_that(course, tmp_path):
    collected(course, tmp_path, [("ada/small.ipynb", WORK), ("bo/small.ipynb", WORK)])
    path = course.root / "grading" / "submitted" / "bo" / "small" / "small.ipynb"
    before = path.stat().st_mtime_ns
    collected(course, tmp_path, [("ada/small.ipynb", WORK + " "), ("bo/small.ipynb", WORK)])
    assert path.stat().st_mtime_ns == before
    assert (course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb").read_text() == WORK + " "


def test_who_handed_in_no_notebook_is_told(course, tmp_path):
    link = zipfile.ZipInfo("bo/small.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    seen, problems = collected(course, tmp_path, [("ada/essay.docx", "x"), (link, "/etc/passwd"), ("cy/small.zip", "PK")])
    assert seen == set() and set(problems) == {"ada", "cy"} and "hand in small.ipynb" in problems["ada"]
    assert course.report("small", "ada")["status"] == "rejected"


def test_a_bomb_is_not_unpacked(course, tmp_path):
    seen, problems = collected(course, tmp_path, [("ada/small.ipynb", bytes(preflight.FILE_BYTES + 10**6)), ("bo/small.ipynb", WORK)])
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
        preflight.rebuild(preflight.read(course.root / "grading" / "submitted" / "ada" / "small" / "small.ipynb"), RELEASED)
    assert preflight.rebuild(preflight.read(course.root / "grading" / "submitted" / "bo" / "small" / "small.ipynb"), RELEASED)


def test_feedback_goes_back_into_the_folders_it_came_from(course, tmp_path):
    collected(course, tmp_path, [("Ada Löf_12_assignsubmission_file_/small.ipynb", WORK)])
    for student in ("Ada-Löf_12", "extra"):
        page = course.root / "grading" / "feedback" / student / "small" / "small.html"
        page.parent.mkdir(parents=True)
        page.write_text(student)
    assert lms.give_back(tmp_path / "out.zip", course, "small") == 2
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert {name: file.read(name).decode() for name in file.namelist()} == {
            "Ada Löf_12_assignsubmission_file_/small.html": "Ada-Löf_12", "extra/small.html": "extra"}


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|calc", "%1"])
def test_no_entry_of_the_table_is_a_formula(value):
    file = io.StringIO()
    csv.writer(file).writerow([harmless(value), harmless(3.0), harmless(-1.5), harmless(None), harmless("Ada")])
    back, = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert back == ["'" + value, "3.0", "-1.5", "", "Ada"]
