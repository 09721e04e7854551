"""Judge submissions by several processes of this machine. A process that dies, or takes far too
long, costs the submission that it judged and no other.

What ran out of time beside others, or whose process died, is judged again when all others are done,
alone.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections import deque
from multiprocessing import connection, get_context

from grader import judging

DATA = 4 * 2**30  # bytes that a judging process may have; with PyTorch it needs 0.6 GB
DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


def serve(pipe, parent):
    """Judge what comes through the pipe, until it closes; end with the process `parent`."""
    if sys.platform.startswith("linux"):
        import resource

        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (DATA, most))
        if os.getppid() != parent:
            return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    with contextlib.suppress(EOFError, OSError):
        while True:
            arguments = pipe.recv()
            try:
                reply = {"outcome": judging.outcome(*arguments)}
            except Exception as problem:
                reply = {"problem": f"{type(problem).__name__}: {problem}"[:500]}
            pipe.send_bytes(json.dumps(reply).encode())


class Worker:
    """A process that judges one submission at a time."""

    def __init__(self):
        context = get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=serve, args=(there, os.getpid()))
        self.process.start()
        there.close()
        self.student = None

    def begin(self, student, arguments):
        self.student = student
        limits = arguments[3]
        self.end = time.monotonic() + 2 * limits.total + 300
        with contextlib.suppress(OSError):  # it died just now: its sentinel says so
            self.pipe.send(arguments)

    def reply(self):
        """What it says, or None while it says nothing."""
        if self.pipe.poll():
            with contextlib.suppress(EOFError, OSError, ValueError):
                return json.loads(self.pipe.recv_bytes())
        if not self.process.is_alive():
            self.process.join()
            return {"died": f"the process that judged it ended ({self.process.exitcode})"}
        if time.monotonic() > self.end:
            return {"died": "the process that judged it did not end"}
        return None

    def close(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def judge(students, arguments, jobs, keep):
    """Judge `students`, `jobs` at a time.

    Args:
        students: their names.
        arguments: a function of a name, which returns the arguments of `judging.outcome`; it is
            called when the submission's turn comes.
        jobs: how many processes.
        keep: called with (name, outcome) of each, in the order in which they are done. Of a
            submission that could not be judged, the outcome has no points, and a "problem".
    """
    again = {}
    for student, reply in replies(deque(students), arguments, jobs):
        outcome = reply.get("outcome")
        if outcome and not (outcome["late"] and jobs > 1 and len(students) > 1):
            keep(student, outcome)
        else:
            again[student] = reply
            why = "ran out of time" if outcome else problem_of(reply)
            print(f"{student} is judged again, alone: {why}", flush=True)
    for student, reply in replies(deque(again), arguments, 1):
        outcome = reply.get("outcome") or again[student].get("outcome")
        keep(student, outcome or given_up(arguments(student)[0], problem_of(reply)))


def problem_of(reply):
    return reply.get("died") or reply.get("problem")


def given_up(notebook, problem):
    """The outcome of a submission that could not be judged."""
    words = f"This submission could not be judged: {problem}"
    return {**judging.rejected(notebook, words), "late": False, "problem": problem}


def replies(waiting, arguments, jobs):
    """(student, reply) of each that waits, as they are done."""
    workers = []
    try:
        while waiting or any(worker.student is not None for worker in workers):
            while waiting and len(workers) < jobs:
                workers.append(Worker())
            for worker in workers:
                if worker.student is None and waiting:
                    student = waiting.popleft()
                    worker.begin(student, arguments(student))
            busy = [worker for worker in workers if worker.student is not None]
            doors = [door for one in busy for door in (one.pipe, one.process.sentinel)]
            connection.wait(doors, timeout=1)
            for worker in busy:
                reply = worker.reply()
                if reply is None:
                    continue
                student, worker.student = worker.student, None
                if "died" in reply:
                    worker.close()
                    workers.remove(worker)
                yield student, reply
    finally:
        for worker in workers:
            worker.close()
