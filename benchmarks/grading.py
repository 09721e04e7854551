"""What grading costs in addition to the learner's own cells.

A class is graded by the command that instructors type, in the sandbox. The exercise is released
with little training, so that its cells take seconds. Overhead is the time of a submission, minus
that of its cells and imports in a plain Python process; memory is that of the grader, without the
sandboxes.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import measure
import nbformat
import psutil

ROOT = Path(__file__).resolve().parents[1]
REGION = re.compile(r" *### (BEGIN|END) SOLUTION\n?")


def release(name, folder):
    """Make a course in `folder` with the exercise, two steps per training; return its solution."""
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"^STEPS = \d+$", "STEPS = 2", cell.source, flags=re.M)
    target = folder / "solutions" / name
    target.mkdir(parents=True)
    nbformat.write(notebook, target / f"{name}.ipynb")
    shutil.copy(ROOT / "solutions" / name / "oracle.py", target)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "grader").symlink_to(ROOT / "grader")
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", name],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    for cell in notebook.cells:
        cell.source = REGION.sub("", cell.source)
    return notebook


def hand_in(name, folder, solved, count):
    """Hand in `count` submissions that differ, so that none reuses the result of another."""
    (words,) = [
        cell
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "markdown"
    ]
    for number in range(count):
        words.source = f"Answer {number}."
        place = folder / "grading" / "submitted" / f"student{number:03}" / name
        place.mkdir(parents=True)
        nbformat.write(solved, place / f"{name}.ipynb")


def plain(solved, folder, repeats=5):
    """Mean seconds of the cells and their imports, in a process of their own."""
    cells = [
        cell.source for cell in solved.cells if cell.cell_type == "code" and cell.id != "set-up"
    ]
    script = folder / "plain.py"
    script.write_text(
        "import matplotlib\nmatplotlib.use('agg')\n" + "\n".join(cells), encoding="utf-8"
    )
    start = time.perf_counter()
    for _ in range(repeats):
        subprocess.run(
            [sys.executable, script],
            check=True,
            capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    return (time.perf_counter() - start) / repeats


class Memory(threading.Thread):
    """Peak memory of a process and its children (proportional set size), without sandboxes."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.peak = 0

    def run(self):
        while self.process.poll() is None:
            with contextlib.suppress(psutil.Error):  # one of them has just ended
                self.peak = max(self.peak, sum(one.memory_full_info().pss for one in self.family()))
            time.sleep(0.5)

    def family(self):
        grader = psutil.Process(self.process.pid)
        return [
            grader,
            *(
                one
                for one in grader.children(recursive=True)
                if "spawn_main" in " ".join(one.cmdline())
            ),
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exercise", default="loss_comparison")
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    print(measure.machine("cpu"))
    os.environ.update(AECOURSE_KEY="the key of a benchmark")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        solved = release(chosen.exercise, folder)
        hand_in(chosen.exercise, folder, solved, chosen.submissions)
        alone = plain(solved, folder)
        start = time.perf_counter()
        grader = subprocess.Popen(
            [sys.executable, "-m", "grader", "grade", chosen.exercise, "--jobs", str(chosen.jobs)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        memory = Memory(grader)
        memory.start()
        said, judged = [], 0
        for line in grader.stdout:
            said.append(line)
            judged = time.perf_counter() - start if line.startswith("judged") else judged
        if grader.wait():
            sys.exit("".join(said))
        whole = time.perf_counter() - start
    count, rows = chosen.submissions, [("cells and imports, in a plain process", alone)]
    rows += [
        ("judged, sandboxed: seconds of one of the processes", chosen.jobs * judged / count),
        ("entered into the gradebook", (whole - judged) / count),
        ("the whole class, over its submissions", whole / count),
    ]
    print(
        f"{count} submissions of {chosen.exercise}, {chosen.jobs} at a time: {whole:.0f} s, "
        f"grader's memory at most {memory.peak / 2**20:.0f} MiB"
    )
    for about, seconds in rows:
        print(f"{about:60} {seconds:6.2f} s a submission")
    print(
        f"{'overhead of a submission':60} "
        f"{chosen.jobs * judged / count + (whole - judged) / count - alone:6.2f} s"
    )


if __name__ == "__main__":
    main()
