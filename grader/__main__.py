"""Grade a whole class, in the folder of the course: ``python -m grader collect|grade|return``."""

import argparse
import functools
import json
import os
import sys
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path

from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import OperationalError
from traitlets.config.loader import PyFileConfigLoader

from grader import judging, lms, oracle, pool, sandbox
from grader.autograding import Course, Judge, Marks, save

CLUSTER = (
    "The scheduler and the workers import the grader from the course's folder, of the same "
    "version as here: start each with PYTHONPATH=/path/to/the/course"
)


@functools.cache
def settings():
    """nbgrader_config.py of this folder."""
    if not Path("nbgrader_config.py").exists():
        sys.exit(
            "There is no nbgrader_config.py here: type this command in the folder of the course"
        )
    return PyFileConfigLoader("nbgrader_config.py", path=os.getcwd()).load_config()


def same_course(client):
    """Stop if the scheduler or a worker can't import the grader, or has another version of it."""
    try:
        found = {"the scheduler": client.run_on_scheduler(oracle.library)}
        found |= client.run(oracle.library)
    except Exception as problem:  # Dask raises the plain class, with the words of the other side
        if "No module named" not in str(problem):
            raise
        words = str(problem).strip().splitlines()[-1]
        sys.exit(f"The cluster can't import the grader ({words}). {CLUSTER}")
    if other := [where for where, library in found.items() if library != oracle.library()]:
        sys.exit(f"The grader at {', '.join(other)} is another version than here. {CLUSTER}")


@contextmanager
def cluster(address):
    """The executor of a Dask cluster, each of whose workers has this course's grader and a
    sandbox.
    """
    try:
        from distributed import Client
    except ImportError:
        sys.exit("A Dask cluster needs Dask here and on its workers: pip install distributed")
    try:
        client = Client(address, timeout=10)
    except OSError as problem:
        sys.exit(f"There is no Dask scheduler at {address}: {problem}")
    with client:
        same_course(client)
        client.run(sandbox.ready)
        print(
            f"The cluster has {sum(client.nthreads().values())} threads, each of which judges one "
            f"submission at a time"
        )
        with client.get_executor(pure=False) as pool:
            yield pool


def judge_there(pool, students, arguments, keep):
    """Judge students by an executor; those whom an error leaves over, and those who ran out of
    time, are returned.
    """
    running = {pool.submit(judging.outcome, *arguments(one)): one for one in students}
    left = []
    for done in as_completed(running):
        student, problem = running[done], done.exception()
        if problem or done.result()["late"]:
            why = problem or "it ran out of time there"
            print(f"{student} is judged again, here: {why}", flush=True)
            left.append(student)
        else:
            keep(student, done.result())
    return left


def collect(name, archive, choose, **rest):
    problems = lms.collect(archive, Course("."), name, choose)
    for student, reason in problems.items():
        print(f"{student}: rejected, {reason}")
    for folder in Course(".").submitted(name):
        for words in Course(".").report(name, folder.parent.name).get("found", []):
            if "left" in words:
                print(f"{folder.parent.name}: {words}")
    placed = len(Course(".").submitted(name))
    print(
        f"There are {placed} submissions in grading/submitted; {len(problems)} of this zip have no "
        "notebook that can be read"
    )


def grade(name, jobs, dask, force, **rest):
    hide = [str(Path.cwd())]
    sandbox.ready(hide)
    entered_before(name)
    course = Course(Path.cwd())
    limits = Judge(config=settings()).limits()
    secret = oracle.key()
    judge, outcomes = course.judge(name), Path.cwd() / "grading" / "outcomes"
    outcomes.mkdir(parents=True, exist_ok=True)
    files, work = {}, {}
    entered = []
    for folder in course.submitted(name):
        student = folder.parent.name
        notebook, report = course.look(folder)
        digest = judging.digest(notebook, judge, secret, limits)
        made = outcomes / f"{digest}.json"
        if report["status"] == "rejected":
            print(f"{student}: rejected, {report['reason']}")
        known = course.report(name, student)
        if force or known.get("entered") != digest or known.get("problem"):
            course.write(name, student, **report)
            entered += [student] * (
                folder / f"{name}.ipynb"
            ).exists()  # where there is no file, nbgrader has nothing to enter
            if report["status"] == "accepted" and (force or not is_outcome(made)):
                files[student], work[student] = made, folder

    def arguments(student):
        return course.look(work[student])[0], judge, secret, limits, hide

    def keep(student, result):
        save(files.pop(student), result)
        points = sum(result["points"].values())
        words = result.get("problem") or f"{points:g} points by the checks"
        print(f"judged {student}, {len(files)} to go: {words}", flush=True)

    left = list(work)
    if dask and left:
        with cluster(dask) as there:
            left = judge_there(there, left, arguments, keep)
    pool.judge(left, arguments, 1 if dask else jobs, keep)
    os.environ["AECOURSE_OUTCOMES"] = str(outcomes)
    failed = enter(name, entered)
    print(
        f"{len(entered) - len(failed)} of {len(course.submitted(name))} submissions were entered "
        f"into the gradebook, "
        "those that are new or changed"
    )
    export()
    if failed:
        sys.exit(
            "\n".join(f"{student} could not be entered:\n{log}" for student, log in failed.items())
        )


def is_outcome(path):
    """Is there an outcome at `path`, of work that could be judged?"""
    try:
        return not json.loads(path.read_text(encoding="utf-8")).get("problem")
    except (OSError, ValueError):
        return False


def interface():
    return NbGraderAPI(CourseDirectory(config=settings()), config=settings())


def entered_before(name):
    """Stop before any work if the gradebook does not know the exercise: the notebook is part of the
    course, its points are not.
    """
    with interface().gradebook as gradebook:
        if name not in [assignment.name for assignment in gradebook.assignments]:
            raise NbGraderException(
                f"The gradebook does not know {name} yet: type `nbgrader generate_assignment "
                f"{name} --force` first"
            )


def enter(name, students):
    """Let nbgrader autograde these students, one gradebook and one process; {student: log} of those
    for whom it failed.
    """
    nbgrader, failed = interface(), {}
    for student in students:
        result = nbgrader.autograde(name, student, force=True)
        if not result["success"]:
            failed[student] = result.get("log") or result.get("error")
    return failed


def export():
    nbgrader = interface()
    with nbgrader.gradebook as gradebook:
        Marks(parent=nbgrader).export(gradebook)
    print("grading/grades.csv was written")


def give_back(name, archive, **rest):
    result = interface().generate_feedback(name, force=True)
    if not result["success"]:
        sys.exit(result.get("log") or result.get("error"))
    export()
    print(f"{archive}: {lms.give_back(archive, Course('.'), name)} pages of feedback")


def positive(text):
    """A number of processes."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected 1 or more processes at a time")
    return int(text)


def choice(text):
    """(student, file) of STUDENT=FILE."""
    student, equals, file = text.partition("=")
    if not (student and equals and file):
        raise argparse.ArgumentTypeError(f"got {text!r}; expected STUDENT=FILE")
    return student, file


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m grader", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, function, about in (
        (
            "collect",
            collect,
            "put the notebooks of a zip from a learning-management system into their folders",
        ),
        (
            "grade",
            grade,
            "judge what is new or changed, by several processes, and write grading/grades.csv",
        ),
        ("return", give_back, "write the feedback, and a zip of it"),
    ):
        command = verbs.add_parser(verb, help=about, description=about)
        command.set_defaults(function=function)
        command.add_argument("name", help="the exercise, such as loss_comparison")
        if verb == "grade":
            command.add_argument(
                "--jobs",
                type=positive,
                default=max(1, (os.cpu_count() or 2) // 2),
                help="processes at a time",
            )
            command.add_argument(
                "--dask",
                metavar="ADDRESS",
                help="judge on the Dask cluster with this scheduler, such as tcp://host:8786",
            )
            command.add_argument(
                "--force", action="store_true", help="judge and enter all submissions again"
            )
        else:
            command.add_argument("archive", help="the zip")
        if verb == "collect":
            command.add_argument(
                "--choose",
                metavar="STUDENT=FILE",
                type=choice,
                action="append",
                default=[],
                help="take this file of the student, and not the newest notebook with answers",
            )
    chosen = parser.parse_args(arguments)
    try:
        chosen.function(**vars(chosen))
    except (sandbox.Refused, oracle.NoKey, lms.NoZip, NbGraderException) as problem:
        sys.exit(str(problem))
    except OperationalError as problem:
        sys.exit(
            f"The gradebook can't be used ({problem.orig}): close other programs that have it "
            "open, and type the command again. What was judged is kept"
        )


if __name__ == "__main__":
    main()
