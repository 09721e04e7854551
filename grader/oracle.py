"""Judge answers outside the learner's process: it receives secret inputs, and its outputs are
compared with values that are known to be right.

An exercise's `oracle.py` names its steps with :func:`step`. Each is worth points on one check of
the notebook, so that partial credit follows the steps of the idea. Only
the calls themselves enter the sandbox.
"""

import functools
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader.sandbox import ProcessDied, Raised

LIBRARY = "oracle", "training_steps"  # the modules of `grader` that an oracle may import


class WrongAnswer(Exception):
    """The answer is not right; the message says in which respect, but reveals neither the inputs
    nor the expected values.
    """


@dataclass(frozen=True)
class Step:
    check: str
    points: float
    about: str
    judge: callable


def step(steps, check, points, about):
    """Add the decorated function to `steps`: it gets (ask, rng) and raises WrongAnswer if the
    answer is not right.

    Args:
        steps: the list that the exercise's oracle keeps.
        check: the id of the notebook's check whose points these are.
        points: what the step is worth; the steps of a check sum to its points.
        about: what is judged, in a learner's words.
    """

    def added(judge):
        steps.append(Step(check, points, about, judge))
        return judge

    return added


class NoKey(ValueError):
    """The file of the key is empty."""


def key():
    """The instructor's secret: AECOURSE_KEY, else the file that AECOURSE_KEY_FILE names, else one
    in the user's settings.

    The file is created if there is none. Keep it: another key changes the inputs, but not the marks
    of right work.
    """
    if os.environ.get("AECOURSE_KEY"):
        return os.environ["AECOURSE_KEY"].encode()
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = Path(os.environ.get("AECOURSE_KEY_FILE") or settings / "aecourse" / "grading.key")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:  # another process was faster
            pass
    found = path.read_bytes().strip()
    if not found:  # the process was stopped while it wrote it
        raise NoKey(
            f"The key in {path} is empty, so that anybody could predict the inputs: delete the "
            "file and a new one will be created"
        )
    return found


def generator(secret, *parts):
    """A generator whose draws only the holder of the secret can predict; the same for the same
    parts.
    """
    digest = hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def load(path):
    """The source of the oracle at `path`; empty if there is none.

    The source, not the path, goes to whoever judges: a worker of a cluster may keep its copy of the
    course elsewhere, or an older `solutions/`, and must judge with the instructor's oracle. What an
    oracle imports from `grader` does not travel: :func:`library` tells whether it is the same
    there.
    """
    path = Path(path)
    return path.read_text(encoding="utf-8") if path.exists() else ""


@functools.cache
def library():
    """The digest of what oracles import from `grader`, and of the sandbox: with another one, the
    same oracle may give other points.
    """
    here = Path(__file__).parent
    names = *LIBRARY, "sandbox", "inside/box", "inside/wire"
    return hashlib.sha256(
        b"\0".join((here / f"{name}.py").read_bytes() for name in names)
    ).hexdigest()


@functools.lru_cache(
    maxsize=8
)  # a process that judges a class reads its oracle, and what that keeps, once
def steps_of(source):
    """The steps of an oracle from its source; [] of an empty one."""
    space = {"__name__": "oracle", "STEPS": []}
    exec(compile(source, "oracle.py", "exec"), space)
    return space["STEPS"]


@dataclass(frozen=True)
class Verdict:
    """Of one check: points earned, and a line for each step."""

    points: float
    lines: list


def judged(steps, session, secret, work):
    """{check: Verdict}; `work` is the text of the submission: another submission gets other
    inputs, the same submission the same.

    So what an answer reveals about the inputs is of no use in the next submission. Each function is
    called as it was when its check had passed, whatever the cells after it do to its name.
    """
    verdicts, fatal = {}, set()
    for number, one in enumerate(steps):
        seen = verdicts.setdefault(one.check, Verdict(0, []))
        lost = session.lost.get(one.check) or (
            one.check in fatal and "the process ended in the step before"
        )
        try:
            if lost:
                raise WrongAnswer(f"not judged, since {lost}")
            one.judge(session.after(one.check), generator(secret, one.check, str(number), work))
            words, earned = "right", one.points
        except WrongAnswer as missed:
            words, earned = str(missed), 0
        except Raised as error:
            name, message = (list(error.args) + ["", ""])[:2]
            words, earned = f"it raised {name}: {message}", 0
        except ProcessDied as gone:
            fatal.add(one.check)
            words, earned = f"no answer: {gone}", 0
        except Exception as odd:  # an answer of a form that no step foresaw
            words, earned = f"the answer has an unexpected form ({type(odd).__name__})", 0
        line = f"{one.about}: {words} ({earned:g} of {one.points:g})"
        verdicts[one.check] = Verdict(seen.points + earned, [*seen.lines, line])
    return verdicts


CALL = """
def probe(name, arguments):
    from grader.inside import wire
    before = wire.pack(arguments)
    value = globals()[name](*arguments)
    if wire.pack(arguments) != before:
        raise ValueError("it changes what it is given, which its caller goes on using")
    return value
"""  # a call of the learner's function `name`
PAPER = (
    CALL
    + """
called = probe

def probe(**given):
    from aecourse.exercises import without_autograd
    with without_autograd():
        return called(**given)
"""
)  # the same, of a function that was to be derived on paper


MOST = 2**22  # numbers of one answer


def single(array):
    """In float32, as learners' tensors are."""
    return np.asarray(array, np.float32)


def seed_of(rng):
    """A seed that no notebook uses."""
    return int(rng.integers(1000, 10**6))


def number(value, what="the returned value"):
    """A single finite number, or WrongAnswer."""
    array = numbers(value, what)
    if array.size != 1 or array.ndim > 1:
        raise WrongAnswer(f"{what} has the shape {array.shape}; expected a single number")
    return float(array.reshape(()))


def numbers(value, what="the returned value"):
    """Real finite numbers as an array of float64, or WrongAnswer."""
    if value is None:
        raise WrongAnswer(f"{what} is None: is a `return` missing?")
    try:
        array = np.asarray(value)
        if array.size > MOST:
            raise WrongAnswer(f"{what} has {array.size} numbers, more than any answer")
        array = array.astype(np.float64) if array.dtype.kind in "iuf" else None
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise WrongAnswer(f"{what} is neither a number nor a tensor of real numbers")
    if not np.isfinite(array).all():
        raise WrongAnswer(f"{what} is nan or infinite")
    return array


def close(value, right, what="the returned value", rtol=1e-4, atol=1e-6):
    """WrongAnswer unless `value` has the shape and the values of `right`; the tolerances are a few
    hundred times the rounding error of float32.
    """
    array, right = numbers(value, what), np.asarray(right, np.float64)
    if array.shape != right.shape:
        raise WrongAnswer(f"{what} has the shape {array.shape}; expected {right.shape}")
    if not np.allclose(array, right, rtol, atol):
        raise WrongAnswer(f"{what} is wrong, for inputs other than those of the visible check")
