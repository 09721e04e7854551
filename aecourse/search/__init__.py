"""Parameter sweeps: a model for each setting and seed, and one table of results."""

from aecourse.search.ensemble import fit_ensemble
from aecourse.search.grid import HOW, sweep
from aecourse.search.summary import summarize

__all__ = [
    "HOW",
    "fit_ensemble",
    "summarize",
    "sweep",
]
