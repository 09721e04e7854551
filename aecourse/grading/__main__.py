"""A class at once, in the folder of the course: ``python -m aecourse.grading collect|grade|return``."""
import argparse
import functools
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from aecourse.grading import judging, lms, oracle, sandbox
from aecourse.grading.autograding import Course, Judge, Marks


@functools.cache
def settings():
    """nbgrader_config.py of this folder."""
    if not Path("nbgrader_config.py").exists():
        sys.exit("There is no nbgrader_config.py here: type this command in the folder of the course")
    return PyFileConfigLoader("nbgrader_config.py", path=os.getcwd()).load_config()


def judge_all(work, jobs, keep):
    """Judge {student: arguments of `judging.outcome`} by `jobs` processes; `keep` gets (student, outcome) of each.

    A process that breaks takes down its pool, and nobody else's work: what is left is judged once more, one by one.
    """
    for workers in (jobs, 1):
        try:
            with ProcessPoolExecutor(min(workers, len(work) or 1), mp_context=get_context("spawn")) as pool:
                running = {pool.submit(judging.outcome, *arguments): student for student, arguments in work.items()}
                for done in as_completed(running):
                    keep(running[done], done.result())
                    del work[running[done]]
        except BrokenProcessPool:
            continue
        return


def collect(name, archive, **rest):
    problems = lms.collect(archive, Course("."), name)
    for student, reason in problems.items():
        print(f"{student}: rejected, {reason}")
    placed = len(Course(".").submitted(name))
    print(f"{placed} submissions lie in grading/submitted; {len(problems)} have no notebook")


def grade(name, jobs, force, **rest):
    sandbox.ready()
    course, limits, secret = Course(Path.cwd()), Judge(config=settings()).limits(), oracle.key()
    steps, outcomes = course.steps(name), Path.cwd() / "grading" / "outcomes"
    outcomes.mkdir(parents=True, exist_ok=True)
    work, entered = {}, []
    for folder in course.submitted(name):
        student = folder.parent.name
        notebook, report = course.look(folder)
        digest = judging.digest(notebook, steps, secret, limits)
        made = outcomes / f"{digest}.json"
        if report["status"] == "rejected":
            print(f"{student}: rejected, {report['reason']}")
        if force or course.report(name, student).get("entered") != digest:
            course.write(name, student, **report)
            entered += [student] * (folder / f"{name}.ipynb").exists()  # where there is no file, nbgrader has nothing to enter
            if report["status"] == "accepted" and (force or not made.exists()):
                work[student] = (notebook, steps, secret, limits), made
    files = {student: made for student, (_, made) in work.items()}

    def keep(student, result):
        part = files[student].with_suffix(".part")
        part.write_text(json.dumps(result), encoding="utf-8")
        os.replace(part, files.pop(student))  # whole, or not there
        print(f"judged {student}, {len(files)} to go: {sum(result['points'].values()):g} points by the checks", flush=True)

    judge_all({student: arguments for student, (arguments, _) in work.items()}, jobs, keep)
    os.environ["AECOURSE_OUTCOMES"] = str(outcomes)
    failed = enter(name, entered)
    print(f"{len(entered) - len(failed)} of {len(course.submitted(name))} submissions were entered into the gradebook, "
          "those that are new or changed")
    export()
    if failed:
        sys.exit("\n".join(f"{student} could not be entered:\n{log}" for student, log in failed.items()))


def interface():
    return NbGraderAPI(CourseDirectory(config=settings()), config=settings())


def enter(name, students):
    """Let nbgrader autograde these students, one gradebook and one process; {student: log} of those with whom it failed."""
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
    print("grading/grades.csv is written")


def give_back(name, archive, **rest):
    result = interface().generate_feedback(name, force=True)
    if not result["success"]:
        sys.exit(result.get("log") or result.get("error"))
    export()
    print(f"{archive}: {lms.give_back(archive, Course('.'), name)} pages of feedback")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m aecourse.grading", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, function, about in (("collect", collect, "put the notebooks of a zip from a learning-management system in their places"),
                                  ("grade", grade, "judge what is new or changed, by several processes, and write grading/grades.csv"),
                                  ("return", give_back, "write the feedback, and a zip of it")):
        command = verbs.add_parser(verb, help=about, description=about)
        command.set_defaults(function=function)
        command.add_argument("name", help="the exercise, as loss_comparison")
        if verb == "grade":
            command.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="processes at a time")
            command.add_argument("--force", action="store_true", help="judge and enter all again")
        else:
            command.add_argument("archive", help="the zip")
    chosen = parser.parse_args(arguments)
    try:
        chosen.function(**vars(chosen))
    except (sandbox.Refused, NbGraderException) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
