"""Run a submission in bubblewrap's sandbox, which can read Python, `aecourse` and the data, and
keeps nothing that is written.

Of the course it contains two folders, `aecourse` and `grader/inside`: neither the solutions nor the
oracles.

It has no network, no processes but its own, no other files of this machine, no environment
variables of the grader, and limits on memory, time, processes and output. The sandbox ends with the
grader. Source: bubblewrap, github.com/containers/bubblewrap.
"""

import functools
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from grader.inside import wire

COURSE = Path(__file__).resolve().parents[1]
SEEN = COURSE / "aecourse", COURSE / "grader" / "inside"  # all that the sandbox sees of the course
SYSTEM = "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/sys/devices/system/cpu"
KEPT = (
    "text/plain",
    "text/html",
    "text/markdown",
    "text/latex",
    "image/png",
    "image/jpeg",
    "image/svg+xml",
)
HOW = (
    "Grading runs what learners wrote, so it needs bubblewrap, and a Linux system that lets an "
    "ordinary user create namespaces: "
    "`apt-get install bubblewrap` (Debian, Ubuntu) or `dnf install bubblewrap` (Fedora). On macOS "
    "and Windows use a Linux machine, WSL2, or a container that may create namespaces (`docker run "
    "--security-opt seccomp=unconfined --security-opt systempaths=unconfined`). Only for work of "
    "people whom you would let use your account: set AECOURSE_TRUSTED=1 (not on Windows); it "
    "then runs as you, with access to your files and your network."
)


class Refused(RuntimeError):
    """There is no sandbox on this machine."""


class ProcessDied(Exception):
    """The process inside the sandbox has ended; the message says how."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds a cell and in all, bytes of memory and of a reply,
    sandboxes that it may lose.
    """

    cell: float = 120
    total: float = 1200
    grace: float = 3
    memory: int = 4 * 2**30
    address: int = 8 * 2**30  # torch alone reserves 3.5 GB of addresses, and uses little of it
    line: int = 8 * 2**20
    reply: int = 64 * 2**20
    losses: int = 12


USUAL = Limits()


def trusted():
    """Did the instructor say that the work is trusted?"""
    return os.environ.get("AECOURSE_TRUSTED") == "1"


def variables():
    """All that the inside knows of this machine's environment."""
    kept = {
        name: os.environ[name]
        for name in ("AECOURSE_DATASET", "AECOURSE_DATA")
        if os.environ.get(name)
    }
    return {
        "HOME": "/tmp",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "USER": "learner",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "IPYTHONDIR": "/tmp/ipython",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AECOURSE_STATIC": "1",
        "AECOURSE_PROGRESS": "0",
        **kept,
    }


@functools.cache
def options():
    """The options of the installed bubblewrap; older ones lack some."""
    return subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout


def places():
    """The folders of Python and of data, which are seen with all that lies in them."""
    return [path for path in (sys.base_prefix, sys.prefix, os.environ.get("AECOURSE_DATA")) if path]


def walls():
    """bubblewrap's command line, before the program that runs inside."""
    command = [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--hostname",
        "sandbox",
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    command += ["--unshare-user", "--disable-userns"] * ("--disable-userns" in options())
    for folder in ("/tmp", "/submission"):
        command += [*["--size", str(256 * 2**20)] * ("--size" in options()), "--tmpfs", folder]
    command += ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/lib", "/lib64"):
        command += (
            ["--symlink", os.readlink(name), name]
            if os.path.islink(name)
            else ["--ro-bind-try", name, name]
        )
    for path in dict.fromkeys((*SYSTEM, *places(), *map(str, SEEN))):
        if not (path == "/usr" or path.startswith("/usr/") and not path.startswith("/usr/local")):
            command += ["--ro-bind-try", path, path]
    for name, value in variables().items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/", "--chdir", "/submission"]


def ready():
    """Raise Refused, and say what to do, if submissions can't run in a sandbox and are not declared
    trusted.
    """
    if trusted() and sys.platform != "win32":
        return
    linux = sys.platform.startswith("linux")
    problem = (
        "bubblewrap (bwrap) is not installed"
        if linux
        else f"there is no bubblewrap (bwrap) for {sys.platform}"
    )
    for place in ("/usr", *places()):
        if COURSE.is_relative_to(Path(place).resolve()):
            raise Refused(
                f"The sandbox shows {place} to submissions, and the course with its solutions "
                f"lies in it: "
                f"move the course, which is in {COURSE}, or that folder"
            )
    if linux and shutil.which("bwrap"):
        done = subprocess.run([*walls(), "bwrap", "--version"], capture_output=True, text=True)
        if done.returncode == 0:
            return
        problem = f"bubblewrap can't make a sandbox here: {done.stderr.strip()[:300]}"
    raise Refused(f"{problem}. {HOW}")


class Box:
    """A running sandbox. Use it in a `with`: at its end everything inside ends."""

    def __init__(self, limits=USUAL):
        self.limits = limits
        self.pending = bytearray()
        self.folder = tempfile.TemporaryDirectory()
        program = [
            sys.executable,
            "-I",
            str(SEEN[1] / "box.py"),
            str(limits.address),
            str(int(limits.total) + 60),
        ]
        self.process = subprocess.Popen(
            program if trusted() else [*walls(), *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables(),
            cwd=self.folder.name,
            start_new_session=True,
        )
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for child in self.family():
            with_no_error(child.kill)
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.folder.cleanup()

    def family(self):
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def memory(self):
        """Bytes in use inside."""
        used = [with_no_error(child.memory_info) for child in self.family()]
        return sum(info.rss for info in used if info)

    def ask(self, request, seconds):
        """The reply to `request`; ProcessDied if none of the right form arrives in time."""
        end = time.monotonic() + seconds + self.limits.grace
        try:
            self.send(wire.pack({**request, "seconds": seconds}), end)
            body, counts = wire.sizes(self.take(None, end))
            if sum(counts) > self.limits.reply:
                raise ProcessDied("it sent more output than is allowed")
            reply = wire.unpack(body, [self.take(count, end) for count in counts])
            if not isinstance(reply, dict):
                raise wire.Garbled("no dictionary")
            return reply
        except wire.Garbled:
            self.end()
            raise ProcessDied("it wrote to a channel that is reserved for the grader") from None
        except ProcessDied:
            self.end()
            raise

    def send(self, data, end):
        while data:
            self.wait(self.process.stdin, selectors.EVENT_WRITE, end)
            try:
                data = data[os.write(self.process.stdin.fileno(), data[:65536]) :]
            except (BrokenPipeError, OSError):
                raise ProcessDied("the process ended") from None

    def take(self, count, end):
        """The next `count` bytes, or the next line."""
        while len(self.pending) < count if count is not None else b"\n" not in self.pending:
            if len(self.pending) > (self.limits.line if count is None else self.limits.reply):
                raise ProcessDied("it sent more output than is allowed")
            self.wait(self.process.stdout, selectors.EVENT_READ, end)
            piece = os.read(self.process.stdout.fileno(), 2**20)
            if not piece:
                raise ProcessDied("the process ended")
            self.pending += piece
        cut = count if count is not None else self.pending.index(b"\n") + 1
        taken = bytes(self.pending[:cut])
        del self.pending[:cut]
        return taken

    def wait(self, pipe, event, end):
        """Until `pipe` is ready; meanwhile look at the clock and at the memory."""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            pause = 0.05
            while not selector.select(pause):
                if time.monotonic() > end:
                    raise ProcessDied("it did not stop when its time was over")
                if self.memory() > self.limits.memory:
                    raise ProcessDied(
                        f"it used more than {self.limits.memory / 2**30:.3g} GB of memory"
                    )
                pause = 0.25


def with_no_error(function):
    try:
        return function()
    except psutil.Error:
        return None


class Session:
    """A notebook's cells, run once, in order, in a sandbox that is created again if a cell ends
    it.

    ``lost`` is {id of a cell: how the process ended in it}: those cells were left out when the
    others ran again. In ``calls`` likewise, what a call of the learner's functions ended is not
    asked again.
    """

    def __init__(self, notebook, limits=USUAL):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.limits = limits
        self.lost = {}
        self.outputs = {}
        self.box = None
        self.losses = 0
        self.end = time.monotonic() + limits.total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.box:
            self.box.end()
        self.box = None

    def run(self):
        """Run what was not lost before; {id of a cell: its outputs}."""
        while not self.attempt():
            pass
        return self.outputs

    def attempt(self):
        """One sandbox for all cells; True when none ended it, or no other sandbox is allowed."""
        self.close()
        self.box = Box(self.limits)
        for cell in self.cells:
            if cell.id in self.lost:
                self.outputs[cell.id] = [
                    error("Lost", f"This cell was left out: when it ran, {self.lost[cell.id]}.")
                ]
                continue
            try:
                reply = self.box.ask(
                    {"do": "run", "source": cell.source}, self.left(self.limits.cell)
                )
                self.outputs[cell.id] = cleaned(reply.get("outputs"))
            except ProcessDied as gone:
                self.lost[cell.id] = str(gone)
                if self.spent():
                    self.give_up()
                    return True
                return False
        return True

    def spent(self):
        self.losses += 1
        return self.losses > self.limits.losses or time.monotonic() > self.end

    def give_up(self):
        """No further sandbox: what has no outputs yet was not run."""
        self.close()
        self.losses = self.limits.losses + 1
        for cell in self.cells:
            how = "other cells ended the process too often or took too long"
            how = f"when it ran, {self.lost[cell.id]}" if cell.id in self.lost else how
            self.outputs.setdefault(cell.id, [error("Lost", f"This cell was left out: {how}.")])

    def left(self, seconds):
        return max(0.5, min(seconds, self.end - time.monotonic()))

    def call(self, source, seconds=20, **arguments):
        """What `probe(**arguments)` returns inside, once `source` has defined it among the
        learner's names.

        Raises:
            ProcessDied: If the process ended, or did so before and may not start again.
            Raised: If the call raised an error.
        """
        if self.box is None:
            if self.losses > self.limits.losses:
                raise ProcessDied("the process ended too often")
            self.run()
            if self.box is None:
                raise ProcessDied("the process ended too often")
        try:
            reply = self.box.ask(
                {"do": "call", "source": source, "arguments": arguments},
                self.left(min(seconds, self.limits.cell)),
            )
        except ProcessDied:
            self.box = None
            self.spent()
            raise
        if "value" in reply:
            return reply["value"]
        raise Raised(*[str(part)[:500] for part in reply.get("error", ["", ""])][:2])


class Raised(Exception):
    """A learner's function raised an error: its type's name, its message."""


def error(name, words):
    return nbformat.v4.new_output("error", ename=name, evalue=words, traceback=[words])


def cleaned(outputs):
    """The outputs of a cell as a notebook stores them: texts and figures, and nothing of another
    form.
    """
    kept = []
    for output in outputs if isinstance(outputs, list) else []:
        output = (
            {str(key): value for key, value in output.items()} if isinstance(output, dict) else {}
        )
        kind, name = (
            str(output.get("kind")),
            str(output.get("name")),
        )  # an array is equal to no text and to no truth value
        if kind == "stream" and name in ("stdout", "stderr"):
            kept.append(nbformat.v4.new_output("stream", name=name, text=text(output.get("text"))))
        elif kind in ("display_data", "execute_result"):
            data = output.get("data") if isinstance(output.get("data"), dict) else {}
            kept.append(
                nbformat.v4.new_output(
                    kind, data={key: text(data[key]) for key in KEPT if key in data}
                )
            )
        elif kind == "error":
            lines = output.get("traceback") if isinstance(output.get("traceback"), list) else []
            kept.append(
                nbformat.v4.new_output(
                    "error",
                    ename=text(output.get("ename")),
                    evalue=text(output.get("evalue")),
                    traceback=[text(line) for line in lines[:500]],
                )
            )
    return kept


def text(value):
    """A string that a file can hold; no control character but tabs and line ends, which a traceback
    would not need.
    """
    return "".join(
        sign
        for sign in str(value).encode("utf-8", "replace").decode()
        if sign >= " " or sign in "\t\n"
    )
