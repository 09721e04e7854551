"""Training: one loop for every model."""

from aecourse.training.checkpoint import CheckpointError
from aecourse.training.loop import PRECISIONS, History, NonFinite, adam, cosine, evaluate, fit

__all__ = [
    "CheckpointError",
    "History",
    "NonFinite",
    "PRECISIONS",
    "adam",
    "cosine",
    "evaluate",
    "fit",
]
