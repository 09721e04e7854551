"""What the processes of a sandbox use: memory wherever it is kept, and processor time.

Pages that a fork shares are counted once (proportional set size). What no process shows as its own
is counted too: files in the sandbox's disks in memory, their inodes, shared mappings, and buffers
of sockets. Where the system lets this user make a control group, the kernel counts all of it as
well and ends what goes beyond. Source: proc(5), cgroups(7).
"""

import contextlib
import os
import tempfile
from pathlib import Path

import psutil

DISKS = "/tmp", "/submission", "/dev/shm"
INODE = 1280  # bytes of the kernel's memory for a file that is empty
SOCKET = 2 * 212_992  # bytes that a socket may hold back, as the kernel's default has it
FEW = 64  # sockets that any program may have
PROCESSES = 100


def family(process):
    """All processes below `process`."""
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.Error:
        return []


def resident(processes):
    """Bytes that `processes` show as theirs, each page as often as it is shown: quick to read."""
    total = 0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            total += one.memory_info().rss
    return total


def memory(processes):
    """Bytes in use by `processes`, and by the disks in memory of the sandbox that they are in."""
    private = 0
    mappings, disks = {}, {}
    sockets = {}
    for one in processes:
        place = Path("/proc", str(one.pid))
        try:
            for line in (place / "smaps_rollup").read_text().splitlines():
                if line.startswith(("Pss_Anon:", "SwapPss:")):
                    private += 1024 * int(line.split()[1])
        except OSError:  # it ended, or it may not be read
            private += resident([one])
        with contextlib.suppress(OSError, ValueError):
            for line in (place / "maps").read_text(errors="replace").splitlines():
                span, rights, _, device, inode = line.split(maxsplit=5)[:5]
                if rights[1] == "w" and rights[3] == "s":
                    start, end = (int(part, 16) for part in span.split("-"))
                    size = mappings.get((device, inode), 0)
                    mappings[device, inode] = max(size, end - start)
        for name in () if disks else DISKS:
            with contextlib.suppress(OSError):
                root = place / "root"
                if os.stat(root).st_dev != os.stat("/").st_dev:
                    here = os.statvfs(f"{root}{name}")
                    disks[name] = (here.f_blocks - here.f_bfree) * here.f_frsize
                    disks[name] += (here.f_files - here.f_ffree) * INODE
        with contextlib.suppress(OSError):
            space = os.readlink(place / "ns" / "net")
            if space not in sockets and space != os.readlink("/proc/self/ns/net"):
                with open(place / "net" / "unix", "rb") as file:
                    sockets[space] = max(0, sum(1 for _ in file) - 1 - FEW) * SOCKET
    return private + sum(map(sum, (mappings.values(), disks.values(), sockets.values())))


def seconds(processes):
    """Processor time of these processes, and of those that they waited for."""
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            total += sum(one.cpu_times()[:4])
    return total


def last_to_live(processes):
    """Let the system end these processes first where memory runs out, whatever they wrote there."""
    for one in processes:
        with contextlib.suppress(OSError):
            Path("/proc", str(one.pid), "oom_score_adj").write_text("1000")


class Group:
    """A control group (version 2) for one sandbox, below that of this process or beside it.

    ``folder`` is None where there is none that this user may make, or that limits memory.
    """

    def __init__(self, most, own=None):
        self.folder = None
        for place in own if own is not None else own_groups():
            with contextlib.suppress(OSError):
                folder = Path(tempfile.mkdtemp(prefix="aecourse-", dir=place))
                self.folder = folder
                if (folder / "memory.max").exists():
                    (folder / "memory.max").write_text(str(most))
                    for name, value in (("memory.swap.max", "0"), ("pids.max", "1000")):
                        with contextlib.suppress(OSError):
                            (folder / name).write_text(value)
                    return
            self.end()

    def enter(self, command):
        """The command line that runs `command` in the group."""
        if not self.folder:
            return command
        script = 'echo $$ > "$0"; exec "$@"'
        return ["/bin/sh", "-c", script, str(self.folder / "cgroup.procs"), *command]

    def full(self):
        """Did the kernel end a process because the group had no memory left?"""
        with contextlib.suppress(OSError, AttributeError, TypeError):
            words = (self.folder / "memory.events").read_text().split()
            return int(dict(zip(words[::2], words[1::2], strict=False)).get("oom_kill", 0)) > 0
        return False

    def end(self):
        """Remove the group, whose processes have ended."""
        if self.folder:
            if (self.folder / "cgroup.kill").exists():
                with contextlib.suppress(OSError):
                    (self.folder / "cgroup.kill").write_text("1")
            with contextlib.suppress(OSError):
                self.folder.rmdir()
        self.folder = None


def own_groups():
    """The folders of this process's control group (version 2) and of the one around it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            top = Path("/sys/fs/cgroup")
            if line.startswith("0::") and (top / "cgroup.controllers").exists():
                own = top / line[3:].lstrip("/")
                return [own, own.parent] if own != top else [own]
    return []
