"""Training: one loop for every model.

Read ``loop`` first: a step, then :func:`fit`. The other modules are one idea each: batches, the
history, schedules, precision, checkpoints, several processes, progress.
"""

from aecourse.training.checkpoint import CheckpointError
from aecourse.training.history import History, Interrupted, NonFinite
from aecourse.training.loop import adam, evaluate, fit
from aecourse.training.precision import PRECISIONS
from aecourse.training.schedules import cosine

__all__ = [
    "CheckpointError",
    "History",
    "Interrupted",
    "NonFinite",
    "PRECISIONS",
    "adam",
    "cosine",
    "evaluate",
    "fit",
]
