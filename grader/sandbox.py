"""Run a submission in bubblewrap's sandbox, which can read Python, `aecourse` and the data, and
keeps nothing that is written.

Of the course it contains two folders, `aecourse` and `grader/inside`: neither the solutions nor the
oracles.

It has no network, no processes but its own, no other files of this machine, no environment
variables of the grader, and limits on memory, time, processes and output. The sandbox ends with the
grader. Source: bubblewrap, github.com/containers/bubblewrap.
"""

import contextlib
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

from grader import denied, usage
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


class TimeIsOver(ProcessDied):
    """It was ended because it took too long, which may be a neighbour's fault."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell: seconds of processor time of a cell.
        patience: how many times as long a cell may take by the clock.
        total: seconds of all cells and calls, by the clock.
        grace: seconds after which what does not stop by itself is ended.
        memory: bytes.
        address: bytes of addresses of one process.
        line, reply: bytes of the two parts of one reply.
        outputs: characters of the outputs of all cells.
        losses: sandboxes that it may lose.
    """

    cell: float = 120
    patience: float = 3
    total: float = 1200
    grace: float = 3
    memory: int = 4 * 2**30
    address: int = 8 * 2**30  # torch alone reserves 3.5 GB of addresses, and uses little of it
    line: int = 8 * 2**20
    reply: int = 64 * 2**20
    outputs: int = 8 * 2**20
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
    """The folders of Python and of data that submissions need, and nothing besides."""
    parts = ("bin", "lib", "lib64", "lib32", "pyvenv.cfg")
    found = [str(Path(prefix, part)) for prefix in prefixes() for part in parts]
    found += ["/usr/share/zoneinfo", "/usr/share/fonts", *SYSTEM, *map(str, SEEN)]
    found += [os.environ["AECOURSE_DATA"]] if os.environ.get("AECOURSE_DATA") else []
    return list(dict.fromkeys(path for path in found if os.path.exists(path)))


def prefixes():
    return list(dict.fromkeys(("/usr", sys.base_prefix, sys.prefix)))


def private(hide=()):
    """The folders of the course, as they are without links: the grader's own and those of
    `hide`.
    """
    return list(dict.fromkeys(os.path.realpath(path) for path in (COURSE, *hide)))


def within(path, folder):
    return path.startswith(folder.rstrip("/") + "/")


def walls(hide=()):
    """bubblewrap's command line, before the program that runs inside.

    Whatever lies in the folders of :func:`private` is covered by an empty folder, into which only
    what is needed of it is put again.
    """
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
    for folder, size in (("/tmp", 256), ("/submission", 256), ("/dev/shm", 64)):
        command += [*["--size", str(size * 2**20)] * ("--size" in options()), "--tmpfs", folder]
    command += ["--remount-ro", "/dev"]
    for name in ("/bin", "/lib", "/lib64"):
        command += (
            ["--symlink", os.readlink(name), name]
            if os.path.islink(name)
            else ["--ro-bind-try", name, name]
        )
    needed = places()
    for path in needed:
        command += ["--ro-bind-try", path, path]
    real = {path: os.path.realpath(path) for path in needed}
    for folder in private(hide):
        inside = [path for path in needed if within(real[path], folder)]
        if inside or any(within(folder, real[path]) for path in needed):
            command += ["--tmpfs", folder]
            for path in inside:
                command += ["--ro-bind-try", real[path], path]
            command += ["--remount-ro", folder]
    for name, value in variables().items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/", "--chdir", "/submission"]


def ready(hide=()):
    """Raise Refused, and say what to do, if submissions can't run in a sandbox and are not declared
    trusted.

    Args:
        hide: folders of the course, besides the grader's own, of which the sandbox must show
            nothing.
    """
    if trusted() and sys.platform != "win32":
        return
    linux = sys.platform.startswith("linux")
    problem = (
        "bubblewrap (bwrap) is not installed"
        if linux
        else f"there is no bubblewrap (bwrap) for {sys.platform}"
    )
    data = os.environ.get("AECOURSE_DATA")
    if data and os.path.realpath(data) in private(hide):
        raise Refused(
            f"AECOURSE_DATA is {data}, and the course with its solutions lies in it, of which the "
            "sandbox shows nothing: move the data to a folder of their own, or move the course"
        )
    if linux and shutil.which("bwrap"):
        secret = [
            os.path.join(folder, name)
            for folder in private(hide)
            for name in ("solutions", "grading", "exercises", "nbgrader_config.py", "tests")
        ]
        script = 'for path; do if test -e "$path"; then echo "$path"; fi; done'
        look = [*walls(hide), "/bin/sh", "-c", script, "sh", *secret]
        done = subprocess.run(look, capture_output=True, text=True)
        if done.returncode == 0 and not done.stdout:
            return
        if done.returncode == 0:
            raise Refused(
                f"The sandbox would show {done.stdout.split()[0]} to submissions: Python or "
                "AECOURSE_DATA is in a folder of the course. Move the course, which is in "
                f"{COURSE}, or that folder"
            )
        problem = f"bubblewrap can't make a sandbox here: {done.stderr.strip()[:300]}"
    raise Refused(f"{problem}. {HOW}")


class Box:
    """A running sandbox. Use it in a `with`: at its end everything inside ends."""

    def __init__(self, limits=USUAL, hide=()):
        self.limits = limits
        self.pending = bytearray()
        self.folder = tempfile.TemporaryDirectory()
        self.group = usage.Group(limits.memory)
        self.due = self.detailed = 0.0
        self.spent = None
        program = [
            sys.executable,
            "-I",
            str(SEEN[1] / "box.py"),
            str(limits.address),
            str(int(limits.total) + 60),
        ]
        rules = None if trusted() else denied.descriptor()
        if not trusted():
            chosen = walls(hide)
            chosen[1:1] = ["--seccomp", str(rules)] if rules is not None else []
            program = [*chosen, *program]
        try:
            self.process = subprocess.Popen(
                self.group.enter(program),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables(),
                cwd=self.folder.name,
                start_new_session=True,
                pass_fds=[] if rules is None else [rules],
            )
        finally:
            if rules is not None:
                os.close(rules)
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for child in usage.family(self.process.pid):
            with contextlib.suppress(psutil.Error):
                child.kill()
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.folder.cleanup()
        self.group.end()

    def ask(self, request, seconds, clock=None):
        """The reply to `request`; ProcessDied if none of the right form arrives in time.

        Args:
            request: what to do.
            seconds: processor time that it may take.
            clock: seconds by the clock, `patience` times as many unless given: other programs use
                the processor too.
        """
        clock = seconds * self.limits.patience if clock is None else clock
        end = time.monotonic() + clock + self.limits.grace
        self.spent, self.allowed = None, seconds + self.limits.grace
        try:
            self.send(wire.pack({**request, "seconds": seconds, "clock": clock}), end)
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
        except TimeIsOver:
            self.end()
            raise
        except ProcessDied:
            full = self.group.full()
            self.end()
            if full:
                raise ProcessDied(self.too_much()) from None
            raise

    def too_much(self):
        return f"it used more than {self.limits.memory / 2**30:.3g} GB of memory"

    def send(self, data, end):
        data = memoryview(data)
        while data:
            self.wait(self.process.stdin, selectors.EVENT_WRITE, end)
            try:
                data = data[os.write(self.process.stdin.fileno(), data[:65536]) :]
            except (BrokenPipeError, OSError):
                raise ProcessDied("the process ended") from None

    def take(self, count, end):
        """The next `count` bytes, or the next line."""
        seen = 0
        while True:
            if count is not None:
                cut = count if len(self.pending) >= count else 0
            else:
                cut = self.pending.find(b"\n", seen) + 1
                seen = len(self.pending)
            if cut or count == 0:
                break
            if len(self.pending) > (self.limits.line if count is None else self.limits.reply):
                raise ProcessDied("it sent more output than is allowed")
            self.wait(self.process.stdout, selectors.EVENT_READ, end)
            piece = os.read(self.process.stdout.fileno(), 2**20)
            if not piece:
                raise ProcessDied("the process ended")
            self.pending += piece
        taken = bytes(self.pending[:cut])
        del self.pending[:cut]
        return taken

    def wait(self, pipe, event, end):
        """Until `pipe` is ready. Clock, processor time and memory are looked at before each
        piece, at whatever pace the pieces come.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            pause = 0.05
            while True:
                self.look(end)
                if selector.select(pause):
                    return
                pause = 0.25

    def look(self, end):
        """Raise ProcessDied if a limit is exceeded. The clock is read each time, the rest four
        times a second.
        """
        now = time.monotonic()
        if now > end:
            raise TimeIsOver("it did not stop when its time was over")
        if now < self.due:
            return
        family = usage.family(self.process.pid)
        usage.last_to_live(family)
        if len(family) > usage.PROCESSES:
            raise ProcessDied(f"it started more than {usage.PROCESSES} processes")
        spent = usage.seconds(family)
        self.spent = spent if self.spent is None else self.spent
        if spent - self.spent > self.allowed:
            raise TimeIsOver("it did not stop when its time was over")
        if now > self.detailed or usage.resident(family) > self.limits.memory:
            if usage.memory(family) > self.limits.memory:
                raise ProcessDied(self.too_much())
            self.detailed = time.monotonic() + max(0.5, 8 * (time.monotonic() - now))
        self.due = time.monotonic() + max(0.25, 4 * (time.monotonic() - now))


class Session:
    """A notebook's cells, run once, in order, in a sandbox that is created again if a cell ends
    it.

    ``lost`` is {id of a cell: how the process ended in it}: those cells were left out when the
    others ran again. What a call of the learner's functions ended is not asked again. ``late`` says
    whether anything ran out of time.

    Args:
        notebook: its cells.
        limits: what they may use.
        hide: folders of the course, see :func:`walls`.
        checks: ids of the cells after which the learner's names and settings are kept, if no error
            was raised in them.
    """

    def __init__(self, notebook, limits=USUAL, hide=(), checks=()):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.limits = limits
        self.hide = hide
        self.checks = frozenset(checks)
        self.lost = {}
        self.outputs = {}
        self.box = None
        self.losses = 0
        self.late = False
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
        self.box = Box(self.limits, self.hide)
        room = self.limits.outputs
        for cell in self.cells:
            if cell.id in self.lost:
                self.outputs[cell.id] = [
                    error("Lost", f"This cell was left out: when it ran, {self.lost[cell.id]}.")
                ]
                continue
            request = {"do": "run", "source": cell.source}
            if cell.id in self.checks:
                request["keep"] = cell.id
            try:
                reply = self.ask(request, self.limits.cell)
                outputs = cleaned(reply.get("outputs"), room)
                room -= size(outputs)
                self.late |= any(output.get("ename") == "OutOfTime" for output in outputs)
                self.outputs[cell.id] = outputs
            except ProcessDied as gone:
                self.lost[cell.id] = str(gone)
                if self.spent():
                    self.give_up()
                    return True
                return False
        return True

    def ask(self, request, seconds):
        left = max(0.5, self.end - time.monotonic())
        try:
            return self.box.ask(
                request, min(seconds, left), min(seconds * self.limits.patience, left)
            )
        except TimeIsOver:
            self.late = True
            raise

    def spent(self):
        self.losses += 1
        over = time.monotonic() > self.end
        self.late |= over
        return self.losses > self.limits.losses or over

    def give_up(self):
        """No further sandbox: what has no outputs yet was not run."""
        self.close()
        self.losses = self.limits.losses + 1
        for cell in self.cells:
            how = "other cells ended the process too often or took too long"
            how = f"when it ran, {self.lost[cell.id]}" if cell.id in self.lost else how
            self.outputs.setdefault(cell.id, [error("Lost", f"This cell was left out: {how}.")])

    def after(self, check):
        """`call` with the learner's names and settings as they were when `check` had passed; as
        they are at the end if it did not pass.
        """
        return lambda source, **arguments: self.call(source, after=check, **arguments)

    def call(self, source, seconds=20, after=None, **arguments):
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
        request = {"do": "call", "source": source, "arguments": arguments, "after": after}
        try:
            reply = self.ask(request, min(seconds, self.limits.cell))
        except ProcessDied:
            self.box = None
            self.spent()
            raise
        if "value" in reply:
            return reply["value"]
        told = reply.get("error")
        words = [part[:500] for part in told if isinstance(part, str)] if told else []
        name, message = (words + ["", ""])[:2]
        self.late |= name == "OutOfTime"
        raise Raised(name, message)


class Raised(Exception):
    """A learner's function raised an error: its type's name, its message."""


def error(name, words):
    return nbformat.v4.new_output("error", ename=name, evalue=words, traceback=[words])


OUTPUTS = 500  # of one cell
CONTROLS = dict.fromkeys(number for number in range(32) if chr(number) not in "\t\n")
CUT = "... the rest is left out: the outputs are longer than a submission's may be ..."


def cleaned(outputs, room=USUAL.outputs):
    """The outputs of a cell as a notebook stores them: texts and figures, and nothing of another
    form. Where they are longer than `room`, short texts are left.
    """
    kept = [one for one in map(clean, outputs if isinstance(outputs, list) else ()) if one]
    if len(kept) > OUTPUTS or size(kept) > room:
        kept = [short(one) for one in kept[:OUTPUTS] if one.output_type in ("stream", "error")]
        kept = [*kept[:5], nbformat.v4.new_output("stream", name="stdout", text=f"{CUT}\n")]
    return kept


def clean(output):
    """One output, or None if it has another form than a notebook's."""
    if not isinstance(output, dict):
        return None
    kind, name = output.get("kind"), output.get("name")
    kind = kind if isinstance(kind, str) else ""
    if kind == "stream" and isinstance(name, str) and name in ("stdout", "stderr"):
        return nbformat.v4.new_output("stream", name=name, text=text(output.get("text")))
    if kind in ("display_data", "execute_result"):
        data = output.get("data") if isinstance(output.get("data"), dict) else {}
        return nbformat.v4.new_output(
            kind, data={key: text(data[key]) for key in KEPT if key in data}
        )
    if kind == "error":
        lines = output.get("traceback") if isinstance(output.get("traceback"), list) else []
        return nbformat.v4.new_output(
            "error",
            ename=text(output.get("ename")),
            evalue=text(output.get("evalue")),
            traceback=[text(line) for line in lines[:500]],
        )
    return None


def size(outputs):
    """Characters of outputs; each counts as 100 more."""
    total = 100 * len(outputs)
    for output in outputs:
        total += len(output.get("text", "")) + len(output.get("evalue", ""))
        total += sum(map(len, output.get("data", {}).values()))
        total += sum(map(len, output.get("traceback", ())))
    return total


def short(output, most=500):
    if output.output_type == "stream":
        return nbformat.v4.new_output("stream", name=output.name, text=output.text[:most])
    return error(output.ename[:most], output.evalue[:most])


def text(value):
    """A string that a file can hold; no control character but tabs and line ends, which a traceback
    would not need. Nothing but a string is turned into text: a list may be long to write down.
    """
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().translate(CONTROLS)
