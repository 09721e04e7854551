"""`make exercises`: generate what learners get, with nbgrader, from solutions/.

It also writes the table of exercises on the instructor's page.
"""

import re
import shutil
import subprocess
import sys

import nbformat

from tools.environment import PYTHON, ROOT, variables

TABLE = re.compile(r"(?<=<!-- written by `make exercises` -->\n\n).*?(?=\n\n<!-- end -->)", re.S)


def main(arguments):
    generate(ROOT)
    page = ROOT / "book" / "instructors.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(with_table(text, ROOT), encoding="utf-8", newline="\n")
    for path in sorted((ROOT / "exercises").rglob("*.ipynb")):
        print(path.relative_to(ROOT).as_posix())


def generate(root):
    """Generate `root`/exercises from `root`/solutions; the gradebook is left alone."""
    shutil.rmtree(root / "exercises", ignore_errors=True)
    done = subprocess.run(
        [PYTHON, "-m", "nbgrader", "generate_assignment", "*", "--no-db"],
        cwd=root,
        env=variables(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)


def with_table(text, root):
    """The instructor's page, with the title, points and time of each notebook in exercises/."""
    lines = {}
    for path in (root / "exercises").glob("*/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        title, time = (
            re.search(wanted, cells[0].source, re.M)[1]
            for wanted in (r"^# (.*)$", r"^\*\*Time\.\*\* (.*?)\.")
        )
        graded = [
            cell.metadata.nbgrader
            for cell in cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        ]
        checks, hand = (
            sum(cell.points for cell in graded if cell.solution == by_hand)
            for by_hand in (False, True)
        )
        number = int(re.search(r"\d+", title)[0])
        link = f"[{title}](../{path.relative_to(root).as_posix()})"
        lines[number] = f"| {link} | `{path.stem}` | {checks} | {hand} | {time} |"
    head = [
        "| exercise | name | points by checks | by hand | a learner's time |",
        "|---|---|---|---|---|",
    ]
    text, count = TABLE.subn(
        lambda match: "\n".join(head + [lines[number] for number in sorted(lines)]), text
    )
    if count != 1:
        sys.exit(
            f"book/instructors.md has {count} places for the table; "
            "expected one, between the comments that name `make exercises`"
        )
    return text
