"""From the zip of a learning-management system to nbgrader's folders, and back to a zip of
feedback.

Understood: Moodle (a folder a learner, or `NAME_NUMBER_assignsubmission_file_...`), Canvas
(`name_NUMBER_NUMBER_file`), and any zip with one folder, or one file, a learner. No name in a zip
becomes a path.
"""

import json
import re
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from pathlib import Path

from grader import preflight
from grader.autograding import save

MOODLE = re.compile(r"(?P<who>.+?_\d+)_assignsubmission_[a-z]+_?")
CANVAS = re.compile(r"(?P<who>[^_]+?)(_LATE)?_(?P<number>\d+)_\d+_")
FILES = 20  # of one learner


def collect(archive, course, name):
    """Put each learner's notebook into grading/submitted/; {student: reason, if there is no
    notebook}.

    Args:
        archive: path of the zip.
        course: the Course.
        name: the exercise.
    """
    ids = [cell.id for cell in course.released(name).cells]
    problems = {}
    roster = owners_of(course, name)
    known, taken = (
        {owner: student for student, owner in roster.items()},
        {student.casefold() for student in roster},
    )
    with zipfile.ZipFile(archive) as packed:
        for owner, entries in owners(packed).items():
            student = known.get(owner) or unique(student_id(owner), taken)
            target = course.root / "grading" / "submitted" / student / name / f"{name}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            roster[student] = owner
            try:
                data, found = chosen(packed, entries, name, ids)
            except preflight.Rejected as reason:
                problems[student] = str(reason)
                course.write(
                    name, student, status="rejected", reason=str(reason), repairs=[], found=[]
                )
                continue
            if not target.exists() or target.read_bytes() != data:
                target.unlink(missing_ok=True)
                target.write_bytes(data)
            course.write(name, student, found=found)
    save(roster_file(course, name), roster)
    return problems


def roster_file(course, name):
    return course.root / "grading" / "rosters" / f"{name}.json"


def owners_of(course, name):
    """{student: the folder in which their work came}, of all zips of this exercise."""
    path = roster_file(course, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def owners(packed):
    """{folder or beginning of the file's name: its entries}; links and a computer's own files are
    left out.
    """
    entries = [
        (re.split(r"[\\/]+", info.filename), info)
        for info in packed.infolist()
        if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
    ]
    entries = [
        (parts, info)
        for parts, info in entries
        if parts[0] != "__MACOSX" and not parts[-1].startswith(".")
    ]
    if (
        entries
        and len({parts[0] for parts, _ in entries}) == 1
        and all(len(parts) > 2 for parts, _ in entries)
    ):
        entries = [(parts[1:], info) for parts, info in entries]  # one folder around all others
    owned = {}
    for parts, info in entries:
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
        owned.setdefault(owner, []).append((parts[-1], info))
    return owned


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


def chosen(packed, entries, name, ids):
    """(bytes, repairs) of the notebook among a learner's entries."""
    with tempfile.TemporaryDirectory() as folder:
        originals = {}
        for number, (file, info) in sorted(
            enumerate(entries[:FILES]), key=lambda one: -len(one[1][0])
        ):  # a.ipynb after old_a.ipynb
            data = content(packed, info)
            path = Path(folder) / (
                f"{name}.ipynb" if file.endswith(f"{name}.ipynb") else f"{number}.ipynb"
            )
            if re.search(r"\.(ipynb|json)\b", file, re.I):
                path.write_bytes(data)
                originals[path.name] = file
        path, found = preflight.notebook_of(Path(folder), name, ids)
        return preflight.read(path), [
            f"the file was called {originals[path.name]!r}, not '{name}.ipynb'"
        ] if found else []


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
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for page in pages:
            student = page.parents[1].name
            packed.write(page, f"{roster.get(student, student)}/{name}.html")
    return len(pages)
