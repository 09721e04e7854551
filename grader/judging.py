"""One submission, from the bytes to a notebook whose outputs hold the marks: preflight, sandbox,
oracle.
"""

import copy
import hashlib
import json
from dataclasses import asdict

import nbformat

from grader import oracle, preflight
from grader.sandbox import USUAL, Session, error

HEAD = "Graded step by step, on other data than that of the check above:"


def is_check(cell):
    data = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(data.get("grade")) and not data.get("solution")


def text_of(notebook):
    """What was handed in, cell by cell."""
    return json.dumps([[cell.id, cell.cell_type, cell.source] for cell in notebook.cells])


def digest(notebook, judge, secret, limits):
    """A digest of everything on which the mark of a submission depends: its cells, the oracle and
    its library, the secret, and the limits.
    """
    parts = [
        text_of(notebook).encode(),
        judge.encode(),
        oracle.library().encode(),
        secret,
        repr(asdict(limits)).encode(),
    ]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def outcome(notebook, judge, secret, limits=USUAL, hide=()):
    """Run the notebook in a sandbox and judge it: {"outputs", "lost", "points", "late"}, which can
    be stored as JSON; "late" says whether anything ran out of time.

    Args:
        notebook: a rebuilt submission.
        judge: the source of the exercise's oracle; if it is empty, the visible checks give the
            points.
        secret: the instructor's key.
        limits: the time and memory that it may use.
        hide: folders of the course of which the sandbox must show nothing.
    """
    steps = oracle.steps_of(judge)
    checks = [cell.id for cell in notebook.cells if is_check(cell)]
    with Session(notebook, limits, hide, checks) as session:
        outputs = copy.deepcopy(session.run())
        verdicts = oracle.judged(steps, session, secret, text_of(notebook))
    for cell in notebook.cells:
        if is_check(cell):
            outputs[cell.id] = shown(
                outputs[cell.id], verdicts.get(cell.id), cell.metadata.nbgrader.points
            )
    return {
        "outputs": outputs,
        "lost": session.lost,
        "points": {key: verdict.points for key, verdict in verdicts.items()},
        "late": session.late,
    }


def shown(outputs, verdict, worth):
    """The outputs of a check, from which nbgrader reads the oracle's points: an error means
    no points, a number that many points.

    What the check itself printed is kept; its own number, a warning, or an error although the
    oracle gives points, becomes text.
    """
    kept = []
    for output in outputs:
        if output.output_type == "stream":
            kept.append(nbformat.v4.new_output("stream", name="stdout", text=output.text))
        elif output.output_type == "error" and verdict and verdict.points > 0:
            kept.append(
                nbformat.v4.new_output(
                    "stream", name="stdout", text=f"{output.ename}: {output.evalue}\n"
                )
            )
        elif output.output_type != "execute_result":
            kept.append(output)
    if verdict:
        kept.append(
            nbformat.v4.new_output(
                "stream",
                name="stdout",
                text="\n".join([HEAD, *("- " + line for line in verdict.lines), ""]),
            )
        )
        if verdict.points == 0 and not any(output.output_type == "error" for output in kept):
            kept.append(
                error(
                    "NotRight", "The check above passes, but the answer is not right on other data."
                )
            )
        if 0 < verdict.points < worth:
            kept.append(
                nbformat.v4.new_output(
                    "execute_result", data={"text/plain": repr(float(verdict.points))}
                )
            )
    return kept


def rejected(notebook, reason):
    """An outcome without points, for a submission that could not be read or judged."""
    return {
        "outputs": {
            cell.id: [error("NotGraded", reason)] for cell in notebook.cells if is_check(cell)
        },
        "lost": {},
        "points": {},
    }


def checked(path, released, found=()):
    """(notebook, report) of the file `path`; the report says what was repaired, or why it is
    rejected.

    Args:
        path: the submitted file.
        released: the notebook that was given out.
        found: repairs that were made before.
    """
    try:
        notebook, repairs = preflight.rebuild(preflight.read(path), released)
        return notebook, {"status": "accepted", "repairs": [*found, *repairs], "reason": ""}
    except preflight.Rejected as reason:
        return preflight.blank(released, reason), {
            "status": "rejected",
            "repairs": list(found),
            "reason": str(reason),
        }
