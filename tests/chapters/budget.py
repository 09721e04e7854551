"""How long a page computes, in seconds of a quiet machine, measured on one that may be busy.

On a busy machine the clock counts what other programs do, and even a process's own seconds are
worth less: two programs that share a core's caches and arithmetic units each need up to twice as
many. So the page's kernel repeats a small piece of reference work after every second that it
computes, and what the page took is divided by how much longer than on a quiet machine that work
took. The median counts: a piece that was interrupted says nothing. The pieces are one part in a
thousand of the page.
"""

import json
import statistics

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from tools.environment import variables
from tools.execute import ENCRYPTED

QUIET = 0.0012  # seconds of the reference work on a quiet machine: two cores of an Intel Xeon, 2026
START = """
import signal as _signal
import time as _time

import numpy as _numpy

# One step of training a small network, without the network: products, an update, a loop.
_batch = _numpy.full((64, 784), 0.5, dtype=_numpy.float32)
_weights = _numpy.full((4, 784, 128), 0.5, dtype=_numpy.float32)
_samples = []


def _sample(*_):
    start = _time.perf_counter()
    for _ in range(3):
        hidden = _batch @ _weights[0]
        _weights[1:] += (_batch.T @ hidden) * 1e-9
        sum(i * i for i in range(1000))
    _samples.append(_time.perf_counter() - start)


for _ in range(20):
    _sample()
_samples.clear()
_signal.signal(_signal.SIGPROF, _sample)
_signal.setitimer(_signal.ITIMER_PROF, 1, 1)
"""
END = """
_signal.setitimer(_signal.ITIMER_PROF, 0)
import json as _json
import os as _os

_times = _os.times()
_sample()
print(_json.dumps([sum(_times[:4]), _samples]))
"""


def quiet_seconds(path):
    """The seconds that the notebook at `path` would compute on a quiet machine, with one thread."""
    seconds, samples = measure(nbformat.read(path, as_version=4), path.parent)
    return seconds * QUIET / statistics.median(samples)


def measure(notebook, folder):
    """The seconds that its kernel computed, and those of each piece of reference work."""
    notebook.cells = [new_code_cell(START), *notebook.cells, new_code_cell(END)]
    client = NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=120,
        kernel_name="python3",
        config=ENCRYPTED,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=variables(AECOURSE_DATASET="digits", OMP_NUM_THREADS="1"))
    return json.loads(notebook.cells[-1].outputs[0].text)
