"""System calls that a sandbox answers with "there is no such call", as a filter for bubblewrap.

They make memory that no process shows as its own: files in memory, segments and queues of System V,
keys, rings. Nothing in the course uses them. On a machine of another kind than those in `NUMBERS`
the filter is left out, and only a control group counts that memory. Source: seccomp(2), bpf(2),
and the kernel's tables of system calls.
"""

import os
import platform
import struct

NUMBERS = {  # the kernel's name of the machine, then the calls
    "x86_64": (
        0xC000003E,
        {
            "memfd_create": 319,
            "memfd_secret": 447,
            "shmget": 29,
            "semget": 64,
            "msgget": 68,
            "mq_open": 240,
            "add_key": 248,
            "keyctl": 250,
            "perf_event_open": 298,
            "bpf": 321,
            "userfaultfd": 323,
            "io_uring_setup": 425,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "memfd_create": 279,
            "memfd_secret": 447,
            "shmget": 194,
            "semget": 190,
            "msgget": 186,
            "mq_open": 180,
            "add_key": 217,
            "keyctl": 219,
            "perf_event_open": 241,
            "bpf": 280,
            "userfaultfd": 282,
            "io_uring_setup": 425,
        },
    ),
}
LOAD, EQUAL = 0x20, 0x15
LEAST, RETURN = 0x35, 0x06
ALLOW, NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | 38  # ENOSYS


def program():
    """The filter as the bytes that `bwrap --seccomp` reads; empty where the machine is of another
    kind.
    """
    machine, calls = NUMBERS.get(platform.machine(), (None, {}))
    if not calls:
        return b""
    tests = [(EQUAL, number) for number in calls.values()]
    if platform.machine() == "x86_64":
        tests.append((LEAST, 0x40000000))  # the calls of the x32 interface
    lines = [(LOAD, 0, 0, 4), (EQUAL, 0, len(tests) + 2, machine), (LOAD, 0, 0, 0)]
    lines += [(code, len(tests) - i, 0, number) for i, (code, number) in enumerate(tests)]
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NO_SUCH_CALL)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def descriptor():
    """A descriptor from which bubblewrap can read the filter, or None."""
    data = program()
    if not data:
        return None
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
