"""Inside the sandbox: one process that runs a learner's cells, then calls what they defined.

A program of its own: ``python -I box.py`` reads requests from its standard input and writes replies
to its standard output, as `wire` has them. Whatever a cell does to this process, it can corrupt its
own answers and nothing else.

Of the grader, the sandbox sees this folder and nothing besides: no oracle, and nothing that judges.
"""

import builtins
import contextlib
import io
import os
import resource
import signal
import sys
import warnings
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[2])
)  # the course: its own copy of aecourse, and grader.inside

from IPython.core.displayhook import DisplayHook  # noqa: E402
from IPython.core.displaypub import DisplayPublisher  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from traitlets.config import Config  # noqa: E402

from grader.inside import wire  # noqa: E402

TEXT = 100_000  # characters of printed text that are kept of one cell
RICH = 4_000_000  # and of figures
OUTPUTS = 400


class OutOfTime(BaseException):
    """The cell took longer than it may; no `except Exception` of a loop catches this."""


class Record:
    """The outputs of the cell that is running, up to a size."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.outputs = []
        self.text = TEXT
        self.rich = RICH
        self.few = OUTPUTS

    def write(self, name, text):
        if text and self.text > 0 and self.room(name):
            kept = text[: self.text] + "\n... the rest is left out ...\n" * (len(text) > self.text)
            last = self.outputs[-1] if self.outputs else {}
            if last.get("name") == name:
                last["text"] += kept
            else:
                self.outputs.append({"kind": "stream", "name": name, "text": kept})
        self.text -= len(text)

    def room(self, name=None):
        """Is there room for another output? A stream that goes on needs none."""
        if self.outputs and name and self.outputs[-1].get("name") == name:
            return True
        self.few -= 1
        return self.few > 0

    def add(self, kind, data):
        self.rich -= sum(len(value) for value in data.values() if isinstance(value, (str, bytes)))
        if self.rich > 0 and self.room():
            self.outputs.append(
                {
                    "kind": kind,
                    "data": {key: value for key, value in data.items() if isinstance(value, str)},
                }
            )


RECORD = Record()


class Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name):
        self.stream = name

    def write(self, text):
        RECORD.write(self.stream, str(text))
        return len(text)

    def writable(self):
        return True


STREAMS = Stream("stdout"), Stream("stderr")


class Displayed(DisplayPublisher):
    def publish(self, data, metadata=None, **rest):
        RECORD.add("display_data", encoded(data))


class Result(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        RECORD.add("execute_result", encoded(format_dict))


def encoded(data):
    """Figures as Jupyter stores them."""
    from base64 import b64encode

    return {
        key: b64encode(value).decode() if isinstance(value, bytes) else value
        for key, value in data.items()
    }


class Shell(InteractiveShell):
    """IPython's shell, whose tracebacks are outputs."""

    def _showtraceback(self, etype, evalue, stb):
        if not RECORD.room():
            return
        RECORD.outputs.append(
            {
                "kind": "error",
                "ename": str(etype.__name__),
                "evalue": str(evalue)[:2000],
                "traceback": "\n".join(stb)[:20_000].split("\n"),
            }
        )

    def enable_gui(self, gui=None):
        pass


RUN = Shell.run_cell  # a cell may write over the shell's own


def limit(memory, seconds):
    """Ceilings for this process and its children, which nothing in it can raise."""
    for name, value in (
        ("AS", memory),
        ("DATA", memory),
        ("FSIZE", 64 * 2**20),
        ("CORE", 0),
        ("NOFILE", 256),
        ("CPU", seconds),
        ("NPROC", 512),
    ):
        with contextlib.suppress(ValueError, OSError):  # where a lower one stands already
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory runs out all the same, the system ends this process first


@contextlib.contextmanager
def within(seconds, clock):
    """Raise OutOfTime in the block after so many seconds of processor time, or by the clock. Who
    catches that is ended from outside, a little later.
    """

    def over(number, _):
        if number == signal.SIGPROF:
            raise OutOfTime(f"a cell may take {seconds:g} s of processor time")
        raise OutOfTime(f"a cell may take {clock:g} s by the clock")

    timers = {signal.ITIMER_PROF: (signal.SIGPROF, seconds)}
    timers[signal.ITIMER_REAL] = (signal.SIGALRM, clock)
    for timer, (number, most) in timers.items():
        signal.signal(number, over)
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)


KEPT = {}  # of each check that passed: the learner's names and settings at that moment


def settings():
    """The settings on which a result depends: of warnings, of Python's own functions, and of
    PyTorch if anything has imported it.
    """
    torch = sys.modules.get("torch")
    kept = {"filters": list(warnings.filters), "builtins": dict(vars(builtins))}
    if torch:
        kept["grad"] = torch.is_grad_enabled()
        kept["dtype"] = torch.get_default_dtype()
        kept["device"] = torch.get_default_device()
    return kept


def set_to(values):
    torch = sys.modules.get("torch")
    warnings.filters[:] = values["filters"]
    vars(builtins).update(values["builtins"])
    if torch and "grad" in values:
        torch.set_grad_enabled(values["grad"])
        torch.set_default_dtype(values["dtype"])
        if values["device"] != torch.get_default_device():
            torch.set_default_device(values["device"])


@contextlib.contextmanager
def as_after(check, space):
    """The dictionary `space` of the learner's names, and the settings, as they were when `check`
    had passed.

    The dictionary itself changes, since the learner's functions look names up in it. Names that
    came later stay, unless they hide a function of Python's own.
    """
    if check not in KEPT:
        yield
        return
    now, then = (dict(space), settings()), KEPT[check]
    space.clear()
    space.update({name: value for name, value in now[0].items() if not hasattr(builtins, name)})
    space.update(then[0])
    set_to(then[1])
    try:
        yield
    finally:
        space.clear()
        space.update(now[0])
        set_to(now[1])


def run(shell, request):
    RECORD.clear()
    sys.stdout, sys.stderr = STREAMS
    try:
        with within(request["seconds"], request["clock"]):
            done = RUN(shell, request["source"], store_history=True)
        if request.get("keep") and done.success:
            KEPT[request["keep"]] = dict(shell.user_ns), settings()
    except BaseException as odd:  # the time was over, or an earlier cell broke the shell
        RECORD.outputs.append(
            {
                "kind": "error",
                "ename": type(odd).__name__,
                "evalue": str(odd)[:500],
                "traceback": [str(odd)[:500]],
            }
        )
    return {"outputs": RECORD.outputs}


def call(shell, request):
    RECORD.clear()
    sys.stdout, sys.stderr = STREAMS
    try:
        with as_after(request.get("after"), shell.user_ns):
            space = dict(shell.user_ns)
            with within(request["seconds"], request["clock"]):
                exec(compile(request["source"], "<judging>", "exec"), space)
                return {"value": space["probe"](**request["arguments"])}
    except BaseException as error:
        return {"error": [type(error).__name__, str(error)[:500]]}


UNANSWERED = iter(range(100))


def nothing_typed(prompt=""):
    """`input()`, where nobody can type: the prompt is printed, and the answer is empty; a loop that
    waits for another answer gets an error.
    """
    print(prompt)
    if next(UNANSWERED, None) is None:
        raise EOFError("nobody can type here")
    return ""


def receive(channel):
    """The next request; arrays arrive as tensors."""
    body, counts = wire.sizes(channel.readline())
    blobs = [channel.read(count) for count in counts]
    if not blobs:
        return wire.unpack(body, blobs)
    import torch

    return wire.unpack(body, blobs, torch.from_numpy)


def main():
    channel, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    limit(int(sys.argv[1]), int(sys.argv[2]))
    sys.path.insert(0, "")  # as in Jupyter: what a cell wrote to a file can be imported
    builtins.input = nothing_typed
    shell = Shell.instance(
        display_pub_class=Displayed,
        displayhook_class=Result,
        config=Config(
            {"InteractiveShell": {"colors": "nocolor"}, "HistoryManager": {"enabled": False}}
        ),
    )
    while True:
        request = receive(channel)
        reply = {"run": run, "call": call}[request["do"]](shell, request)
        answers.write(wire.pack(reply))
        answers.flush()


if __name__ == "__main__":
    main()
