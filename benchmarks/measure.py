"""What the benchmarks share: forms of one computation, timed in turn in one run, so that a busy machine slows all of them."""

import argparse
import ctypes
import functools
import gc
import os
import platform
import statistics
import time
from pathlib import Path

import torch

from aecourse.data import load_images


def options(description):
    """The command line: device, threads and repeats."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="of PyTorch on the CPU"
    )
    parser.add_argument("--repeats", type=int, default=20, help="timed calls of each form")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    return chosen


@functools.lru_cache(maxsize=1)
def images(name):
    """The data set, on the CPU, once in each process."""
    return load_images(name, device="cpu", quiet=True)


def machine(device):
    """One line on where the numbers come from."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")] or [
        platform.processor() or platform.machine()
    ]
    where = f"{models[0]}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    if device.startswith("cuda"):
        where = f"{torch.cuda.get_device_name(device)} ({where})"
    return f"{where}; Python {platform.python_version()}, PyTorch {torch.__version__}"


def seconds(call, device):
    """How long one call takes, the device's queue included."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    start = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - start


def peak(call, device):
    """The most memory that a call adds to what stood before, in MiB; None where it can't be read (CPU: Linux only)."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    except (OSError, AttributeError):
        return None
    before = resident("VmRSS")
    call()
    return (resident("VmHWM") - before) / 1024


def resident(field):
    """A line of this process's status, in KiB."""
    return next(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(field)
    )


def compare(forms, device, repeats, warm=2):
    """Least and median milliseconds and peak MiB of each form, {name: call}, timed in turn after `warm` calls of each.

    Each turn begins with another form: some machines slow down under load, and one form must not always come after the heaviest.
    """
    for call in list(forms.values()) * warm:
        call()
    spent = {name: [] for name in forms}
    order = list(forms)
    for _ in range(repeats):
        for name in order:
            spent[name].append(1000 * seconds(forms[name], device))
        order.append(order.pop(0))
    return {
        name: (min(times), statistics.median(times), peak(forms[name], device))
        for name, times in spent.items()
    }


def show(measured, reference, title):
    """A table of what :func:`compare` measured; ratios are those of the least times, of `reference` over the row."""
    print(f"\n{title}\n{'form':<44}{'least ms':>10}{'median ms':>11}{'ratio':>8}{'peak MiB':>10}")
    for name, (least, median, memory) in measured.items():
        memory = "-" if memory is None else f"{memory:.1f}"
        print(
            f"{name:<44}{least:>10.2f}{median:>11.2f}{measured[reference][0] / least:>8.1f}{memory:>10}"
        )


def curve(results, reference, what):
    """Ratios over growing size, {size: what compare measured}, one row a size."""
    names = [name for name in next(iter(results.values())) if name != reference]
    print(
        f"\nleast time of '{reference}' over that of each form\n{what:<12}"
        + "".join(f"{name:>34}" for name in names)
    )
    for size, measured in results.items():
        print(
            f"{size!s:<12}"
            + "".join(f"{measured[reference][0] / measured[name][0]:>34.1f}" for name in names)
        )
