"""From the zip of a learning-management system to nbgrader's folders, and back to a zip of
feedback.

Understood: Moodle (a folder a learner, or `NAME_NUMBER_assignsubmission_file_...`), Canvas
(`name_NUMBER_NUMBER_file`), and any zip with one folder, or one file, a learner. No name in a zip
becomes a path.

Of a learner's notebooks the newest is taken in which answers were written; what was taken and what
was left is reported, and the instructor may choose another one.
"""

import json
import re
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from grader import preflight
from grader.autograding import save

MOODLE = re.compile(r"(?P<who>.+?_\d+)_assignsubmission_(?P<kind>[a-z]+)_?")
CANVAS = re.compile(r"(?P<who>[^_]+?)(_LATE)?_(?P<number>\d+)_\d+_")
NOTEBOOK = re.compile(r"\.(ipynb|json)\b", re.I)
CHECKPOINT = re.compile(r"-checkpoint\.ipynb$", re.I)
GROUP = re.compile(r"late|late[ _-]submissions?|overdue|resubmissions?", re.I)
VERSION = re.compile(r"v?\d+|old|new|final|src|code|work|draft|notebooks?|submission.*", re.I)
FILES = 20  # notebooks of one learner


class NoZip(ValueError):
    """The file is not a zip that can be read."""


class Candidate(NamedTuple):
    """A notebook among a learner's files."""

    file: str
    data: bytes
    size: int  # bytes, of which `data` may be the beginning
    time: tuple  # of the last change, as the zip has it; () if it has none
    written: int  # answers that were written in it; -1 if it is no notebook of the exercise


def collect(archive, course, name, choices=()):
    """Put each learner's notebook into grading/submitted/; {student: reason, if there is no
    notebook}.

    Args:
        archive: path of the zip.
        course: the Course.
        name: the exercise.
        choices: (student, file) of each notebook that the instructor wants instead of the newest.
    """
    released = course.released(name)
    problems = {}
    roster = owners_of(course, name)
    known = {who(owner): student for student, owner in roster.items()}
    taken = {student.casefold() for student in roster}
    choices = dict(choices)
    wanted = {**chosen_before(course, name), **choices}
    try:
        packed = zipfile.ZipFile(archive)
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile) as problem:
        raise NoZip(f"{archive} can't be read as a zip ({problem}): download it again") from None
    with packed:
        for key, (owner, entries) in owners(packed, set(known)).items():
            student = known.get(key) or unique(student_id(owner), taken)
            target = course.root / "grading" / "submitted" / student / name / f"{name}.ipynb"
            if student not in roster or MOODLE.match(owner):
                roster[student] = owner
            try:
                best, found = chosen(
                    packed, entries, course, name, released, wanted.get(student), student in choices
                )
            except preflight.Rejected as reason:
                if target.exists():  # in an earlier zip there was one, and it counts
                    if student in choices:
                        problems[student] = f"{reason}; the notebook of before was kept"
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                problems[student] = str(reason)
                course.write(
                    name, student, status="rejected", reason=str(reason), repairs=[], found=[]
                )
                continue
            before = tuple(course.report(name, student).get("time", ()))
            if target.exists() and best.time < before and best.file != wanted.get(student):
                if target.read_bytes() != best.data:
                    note = f"{best.file!r} of {dated(best.time)} in {Path(archive).name} was left"
                    found = course.report(name, student).get("found", [])
                    course.write(name, student, found=[*found, f"{note}: it is older"])
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.is_symlink() or target.read_bytes() != best.data:
                target.unlink(missing_ok=True)
                target.write_bytes(best.data)
            course.write(name, student, found=found, time=list(best.time))
    save(roster_file(course, name), roster)
    if choices:
        kept = {student: file for student, file in wanted.items() if student not in problems}
        save(chosen_file(course, name), kept)
    return problems


def chosen_file(course, name):
    """The file that holds {student: file} of what the instructor chose."""
    return roster_file(course, f"{name}-chosen")


def chosen_before(course, name):
    path = chosen_file(course, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def who(owner):
    """The same for all folders and files of one learner: without the kind of submission, and in
    one spelling of accents.
    """
    owner = unicodedata.normalize("NFC", owner)
    moodle = MOODLE.match(owner)
    return moodle["who"] if moodle else owner


def dated(time):
    return "{}-{:02}-{:02} {:02}:{:02}".format(*time) if time else "unknown date"


def roster_file(course, name):
    return course.root / "grading" / "rosters" / f"{name}.json"


def owners_of(course, name):
    """{student: the folder in which their work came}, of all zips of this exercise."""
    path = roster_file(course, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def owners(packed, known=frozenset()):
    """{learner: (folder or beginning of the file's name, its entries)}; links, checkpoints and a
    computer's own files are left out.

    Args:
        packed: the zip.
        known: learners of earlier zips.
    """
    entries = [
        ([part for part in re.split(r"[\\/]+", info.filename) if part], info)
        for info in packed.infolist()
        if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
    ]
    entries = [
        (parts, info)
        for parts, info in entries
        if parts[0] != "__MACOSX"
        and not parts[-1].startswith(".")
        and ".ipynb_checkpoints" not in parts
    ]
    if around(entries, known):
        entries = [(parts[1:], info) for parts, info in entries]
    owned = {}
    for parts, info in entries:
        if len(parts) > 2 and GROUP.fullmatch(parts[0]) and len(entries) > 1:
            parts = parts[1:]  # noqa: PLW2901
        moodle, canvas = (
            MOODLE.match(parts[0]),
            CANVAS.match(parts[0]),
        )  # Canvas's second number is the file's, and changes with it
        flat = (
            moodle[0]
            if moodle
            else f"{canvas['who']}_{canvas['number']}"
            if canvas
            else Path(parts[0]).stem
        )
        owner = parts[0] if len(parts) > 1 else flat
        folder, files = owned.get(who(owner), (owner, []))
        kind = MOODLE.match(owner)
        if kind and kind["kind"] == "file":  # where feedback goes, not to the online text
            folder = owner
        owned[who(owner)] = folder, [*files, (parts[-1], info)]
    return owned


def around(entries, known):
    """Is there one folder around those of all learners, and not that of one learner?"""
    tops = {parts[0] for parts, _ in entries}
    if len(tops) != 1 or any(len(parts) < 3 for parts, _ in entries):
        return False
    (top,), below = tops, {parts[1] for parts, _ in entries}
    if who(top) in known or MOODLE.match(top):
        return False
    if any(who(name) in known or MOODLE.match(name) for name in below):
        return True
    return len(below) > 1 and not all(map(VERSION.fullmatch, below))


def student_id(owner):
    """What nbgrader is to call the owner of a folder: letters, digits, dots, dashes and
    underscores.
    """
    moodle, canvas = MOODLE.match(owner), CANVAS.match(owner)
    who = moodle["who"] if moodle else f"{canvas['who']}_{canvas['number']}" if canvas else owner
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", who)).strip("-._")[:80]
    return (
        name.encode()[:200].decode(errors="ignore") or "nameless"
    )  # a file's name may have 255 bytes


def unique(student, taken):
    number, wanted = 1, student
    while student.casefold() in taken:
        number += 1
        student = f"{wanted}-{number}"
    taken.add(student.casefold())
    return student


def chosen(packed, entries, course, name, released, wanted=None, insist=False):
    """(Candidate, repairs) of the notebook among a learner's entries: the newest one in which
    answers of the exercise were written, or the file `wanted`. If that is not there, the newest
    again, or Rejected where the instructor insists.
    """
    notebooks = [(file, info) for file, info in entries if NOTEBOOK.search(file)]
    notebooks.sort(key=lambda one: one[1].date_time, reverse=True)
    notebooks.sort(key=lambda one: bool(CHECKPOINT.search(one[0])))
    found = []
    for file, info in notebooks[:FILES]:
        data = content(packed, info)
        time = () if info.date_time[0] <= 1980 else info.date_time
        written = preflight.written(data, released)
        if written > 0 and preflight.exercise_of(data, released, course.others(name)):
            written = -1  # exercises have functions of the same name
        found.append(Candidate(file, data, info.file_size, time, written))
    if not found:
        raise preflight.Rejected(f"there is no notebook: hand in {name}.ipynb")

    def rank(one):
        right = one.file.endswith(f"{name}.ipynb")
        checkpoint = bool(CHECKPOINT.search(one.file))
        short = -len(one.file) if right else -1000
        return min(one.written, 1), not checkpoint, one.time, right, short, one.written

    best = max(found, key=rank)
    named = [one for one in found if one.file == wanted]
    if insist and not named:
        names = ", ".join(repr(one.file) for one in found)
        raise preflight.Rejected(f"{wanted!r} was chosen, and there is only {names}")
    best = named[0] if named else best
    if len(best.data) > preflight.FILE_BYTES:
        raise preflight.too_large(best.size)
    repairs = []
    if not best.file.endswith(f"{name}.ipynb"):
        repairs.append(f"the file was called {best.file!r}, not '{name}.ipynb'")
    others = [one for one in found if one is not best and one.written >= 0]
    if others and {one.data for one in others} != {best.data}:
        left = ", ".join(map(described, others))
        repairs.append(f"{described(best)} was taken; left were {left}")
    return best, repairs


def described(one):
    answers = "blank" if one.written == 0 else f"{one.written} answers"
    return f"{one.file!r} ({dated(one.time)}, {answers})"


def content(packed, info):
    """The bytes of an entry, up to what a submission may have; nothing if it can't be
    unpacked.
    """
    try:
        with packed.open(info) as file:
            return file.read(preflight.FILE_BYTES + 1)
    except (RuntimeError, NotImplementedError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return b""


def give_back(archive, course, name):
    """Zip the pages of feedback, each in the folder in which its learner's work came; the number of
    pages.
    """
    roster = owners_of(course, name)
    pages = sorted((course.root / "grading" / "feedback").glob(f"*/{name}/{name}.html"))
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
            for page in pages:
                student = page.parents[1].name
                packed.write(page, f"{roster.get(student, student)}/{name}.html")
    except OSError as problem:
        raise NoZip(f"{archive} can't be written ({problem.strerror})") from None
    return len(pages)
