"""Execute notebooks, each in its folder and in a kernel of its own, several at a time."""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import nbformat
import psutil
from nbclient import NotebookClient
from traitlets.config import Config

from tools.environment import PYTHON

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
# Without encryption every kernel prints a warning.
ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})


def execute_all(jobs, timeout):
    """Execute notebooks, and yield the result of each as it ends.

    Args:
        jobs: {path of a notebook: environment variables of its kernel}.
        timeout: seconds that one cell may take.

    Yields:
        Path, executed notebook (None if it failed), seconds, and error or None.
    """
    if not jobs:
        return
    # The first import may print a warning.
    subprocess.call([PYTHON, "-c", "import matplotlib.font_manager"], stderr=subprocess.DEVNULL)
    # Models this small gain nothing from a second thread, and other pages use the other cores.
    threads = {"OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(min(CORES, 8)) as pool:
        futures = {
            pool.submit(execute, path, {**variables, **threads}, timeout): path
            for path, variables in jobs.items()
        }
        try:
            for future in as_completed(futures):
                yield futures[future], *future.result()
        except BaseException:  # the caller stopped: start no further page
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def execute(path, variables, timeout):
    """Execute one notebook: return it (None if it failed), its seconds, and the error or None.

    The error has the cell's source and the traceback.
    """
    start = time.perf_counter()
    try:
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook,
            timeout=timeout,
            startup_timeout=120,
            kernel_name="python3",
            coalesce_streams=True,
            record_timing=False,
            config=ENCRYPTED,
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.on_cell_executed = lambda **_: note_seconds(client, notebook)
        client.execute(env=variables)
        error = warned(notebook)
    except Exception as raised:  # of any kind; it is reported with those of other pages
        error = re.sub(r"\x1b\[[\d;]*m", "", str(raised)) or repr(raised)
    return None if error else notebook, time.perf_counter() - start, error


def note_seconds(client, notebook):
    """Write the CPU seconds of the kernel and its children into the notebook's metadata.

    Unlike wall-clock time, they hardly grow when other programs use the machine.
    """
    used = psutil.Process(client.km.provisioner.process.pid).cpu_times()
    notebook.metadata["cpu_seconds"] = sum(used[:4])  # user and system, its own and its children's


def warned(notebook):
    """An error for the first cell that wrote to stderr, or None.

    The tag `remove-stderr` allows a cell to do so.
    """
    rule = "------------------"
    for cell in notebook.cells:
        if "remove-stderr" in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                return f"This cell wrote to stderr:\n{rule}\n{cell.source}\n{rule}\n{output.text}"
    return None
