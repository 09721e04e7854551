"""How far a long call has come: one line that is rewritten in place."""

import os
import sys

from aecourse.training import distributed


def in_kernel():
    """Does a notebook's kernel run this process?"""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


class Progress:
    """One line that is rewritten in place: in a terminal or a notebook, never on stderr; silent elsewhere."""

    def __init__(self, steps, wanted, what="step"):
        self.steps = steps
        self.what = what
        self.handle = None
        self.wanted = (
            wanted if wanted is not None else os.environ.get("AECOURSE_PROGRESS", "1") != "0"
        )
        self.notebook = in_kernel()
        self.wanted = (
            self.wanted and (self.notebook or sys.stdout.isatty()) and distributed.place()[0] == 0
        )

    def __call__(self, step, loss):
        if not self.wanted:
            return
        line = f"{self.what} {step} of {self.steps}, loss {loss:.4g}"
        if not self.notebook:
            print("\r" + line.ljust(60), end="\n" if step == self.steps else "", flush=True)
        elif self.handle is None:
            from IPython.display import display

            self.handle = display({"text/plain": line}, raw=True, display_id=True)
        else:
            self.handle.update({"text/plain": line}, raw=True)
