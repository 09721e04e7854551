"""What the benchmarks share: they time several forms of one computation by turns, in one run.

So a busy machine slows all forms alike.
"""

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
    """The options of the command line: device, threads and repeats."""
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
    """The data set `name` on the CPU, loaded once in each process."""
    return load_images(name, device="cpu", quiet=True)


def machine(device):
    """One line that describes the machine and the versions."""
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
    """Seconds of one call, including the work that is queued on the device."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    start = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - start


def peak(call, device):
    """Peak memory of a call beyond what was in use before, in MiB.

    None if it can't be read (on a CPU, anywhere but on Linux).
    """
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
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
    """Time forms, {name: call}, by turns, after `warm` calls of each.

    Each turn begins with another form: some machines slow down under load, and no form should
    always come after the heaviest.

    Returns:
        {name: (least milliseconds, median milliseconds, peak MiB)}.
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
    """Print the results of :func:`compare`.

    The ratio is the least time of `reference`, divided by that of the row.
    """
    print(f"\n{title}\n{'form':<44}{'least ms':>10}{'median ms':>11}{'ratio':>8}{'peak MiB':>10}")
    for name, (least, median, memory) in measured.items():
        ratio = measured[reference][0] / least
        memory = "-" if memory is None else f"{memory:.1f}"
        print(f"{name:<44}{least:>10.2f}{median:>11.2f}{ratio:>8.1f}{memory:>10}")


def curve(results, reference, what):
    """Print the ratios of {size: results of `compare`}: one row for each size."""
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
