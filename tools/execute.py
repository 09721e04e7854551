"""Notebooks executed from top to bottom, each in its folder and in a kernel of its own, several at a time."""

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
ENCRYPTED = Config(
    {"KernelManager": {"transport_encryption": "auto"}}
)  # else every kernel warns that it is not


def execute_all(jobs, timeout):
    """Execute notebooks; as each ends, yield its path, the executed notebook (None where it failed), its seconds and the error.

    Args:
        jobs: The path of a notebook -> the environment variables of its kernel.
        timeout: Seconds that one cell may take.
    """
    if not jobs:
        return
    subprocess.call(
        [PYTHON, "-c", "import matplotlib.font_manager"], stderr=subprocess.DEVNULL
    )  # its first import may warn
    threads = {
        "OMP_NUM_THREADS": "1"
    }  # models this small only wait for a second one, and other pages use the other cores
    with ThreadPoolExecutor(min(CORES, 8)) as pool:
        futures = {
            pool.submit(execute, path, {**variables, **threads}, timeout): path
            for path, variables in jobs.items()
        }
        try:
            for future in as_completed(futures):
                yield futures[future], *future.result()
        except BaseException:  # the reader gave up: begin no further page
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def execute(path, variables, timeout):
    """One notebook: what it became, its seconds, and what went wrong (the cell's source and the traceback) or None."""
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
    except Exception as raised:  # whatever it was, it is told beside the other pages'
        error = re.sub(r"\x1b\[[\d;]*m", "", str(raised)) or repr(raised)
    return None if error else notebook, time.perf_counter() - start, error


def note_seconds(client, notebook):
    """Write into the notebook's metadata the seconds that its kernel, and what it started, computed.

    Unlike seconds by the clock, they hardly grow when other programs use the machine as well.
    """
    used = psutil.Process(client.km.provisioner.process.pid).cpu_times()
    notebook.metadata["cpu_seconds"] = sum(used[:4])  # its own, and its children's: user and system


def warned(notebook):
    """The first cell that wrote to stderr, and what it wrote; no page does, unless the cell's tag `remove-stderr` allows it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and "remove-stderr" not in cell.metadata.get(
                "tags", []
            ):
                return f"This cell wrote to stderr:\n------------------\n{cell.source}\n------------------\n{output.text}"
    return None
