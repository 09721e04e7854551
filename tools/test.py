"""`make test`: ruff, pytest over tests/, and nbval over every notebook, cell by cell.

The work is cut into groups, as many at a time as there are cores, the longest first.
`CHAPTER=losses/edges` or `EXERCISE=loss_comparison` runs what belongs to one page; any other
arguments are pytest's own.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from tools.environment import PYTHON, ROOT, variables

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
CELL = 600  # seconds for a cell on a slow machine; a page's own budget is tested apart
TOGETHER = 4  # notebooks of a group
NOTHING = 5  # pytest's exit code if it finds no test


def main(arguments):
    given = dict(
        word.split("=", 1) for word in arguments if word.startswith(("CHAPTER=", "EXERCISE="))
    )
    rest = [word for word in arguments if not word.startswith(("CHAPTER=", "EXERCISE="))]
    if given:
        return run_all([group + rest for group in page_groups(given)])
    if any((ROOT / word.partition("::")[0]).exists() for word in rest):
        return subprocess.call(pytest(rest), cwd=ROOT, env=environment())
    return max(style(), run_all([group + rest for group in groups()]))


def groups():
    """What each process of pytest tests, the longest first; together, all of tests/ once."""
    named = [
        ["tests/grader"],
        ["tests/exercises"],
        ["tests/book", "tests/pages", "tests/chapters"],
        ["tests/models", "tests/objectives", "tests/metrics", "tests/museum"],
        ["tests/training", "tests/search", "tests/data"],
    ]
    taken = {path for group in named for path in group}
    others = [
        f"tests/{path.name}" for path in sorted((ROOT / "tests").iterdir()) if has_tests(path)
    ]
    named.append([path for path in others if path not in taken])
    return named[:2] + notebooks() + named[2:]


def has_tests(path):
    """Is this a test, or a folder of tests?"""
    return path.match("test_*.py") or path.is_dir() and any(path.rglob("test_*.py"))


def notebooks():
    """Every notebook, a few in a group, so that no core waits for one long group at the end."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("solutions", "chapters", "exercises")
        for path in sorted((ROOT / folder).rglob("*.ipynb"))
        if ".ipynb_checkpoints" not in path.parts
    ]
    return [found[i : i + TOGETHER] for i in range(0, len(found), TOGETHER)]


def page_groups(given):
    """What belongs to one chapter, such as losses/edges, or to one exercise."""
    found = []
    for kind, name in given.items():
        last = name.split("/")[-1]
        own = (
            [f"chapters/{name}.ipynb"]
            if kind == "CHAPTER"
            else [f"{folder}/{name}/{name}.ipynb" for folder in ("solutions", "exercises")]
        )
        missing = [path for path in own if not (ROOT / path).exists()]
        if missing:
            sys.exit(
                f"{kind} is {name!r}, and there is no {missing[0]}; name one as it is in _toc.yml"
            )
        tests = "tests/chapters" if kind == "CHAPTER" else "tests/exercises"
        found += [own, [tests, "-k", last]]
    return found


def style():
    """ruff: lint and format, at 100 columns; its exit code."""
    codes = [
        subprocess.call([PYTHON, "-m", "ruff", *words, "."], cwd=ROOT, env=environment())
        for words in (["check", "--quiet"], ["format", "--check", "--quiet"])
    ]
    if any(codes):
        print(
            "ruff: `.venv/bin/ruff format .` and `.venv/bin/ruff check --fix .` repair most of it"
        )
    return max(codes)


def run_all(groups):
    """Run every group, print each as it ends; the worst exit code."""
    codes = []
    with ThreadPoolExecutor(CORES) as pool:
        jobs = {pool.submit(run, group): group for group in groups}
        for job in as_completed(jobs):
            code, seconds, output = job.result()
            print(f"\n{' '.join(jobs[job])}: {seconds:.0f} s\n{output}", flush=True)
            codes.append(code)
    return max((code for code in codes if code != NOTHING), default=NOTHING)


def run(group):
    """One process of pytest: exit code, seconds, what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        pytest(group),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.returncode, time.perf_counter() - start, done.stdout


def pytest(arguments):
    return [
        PYTHON,
        "-m",
        "pytest",
        "-rs",
        "--durations=10",
        "--durations-min=5",
        "--nbval-lax",
        "--nbval-current-env",
        f"--nbval-cell-timeout={CELL}",
        *arguments,
    ]


def environment():
    return variables(AECOURSE_DATASET="digits", OMP_NUM_THREADS="1")
