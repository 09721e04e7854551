"""The progress of a long call, on one line that is rewritten in place."""

import os
import sys

from aecourse.training import distributed


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


class Progress:
    """One line in a terminal or a notebook, never on stderr; silent elsewhere.

    Args:
        steps: how many there are in all.
        wanted: True or False; None is on unless the environment variable AECOURSE_PROGRESS is 0.
        what: a word for what is counted.
    """

    def __init__(self, steps: int, wanted: bool | None, what: str = "step"):
        self.steps = steps
        self.what = what
        self.handle = None
        self.notebook = in_kernel()
        if wanted is None:
            wanted = os.environ.get("AECOURSE_PROGRESS", "1") != "0"
        visible = self.notebook or sys.stdout.isatty()
        self.wanted = wanted and visible and distributed.place()[0] == 0

    def __call__(self, step: int, loss: float) -> None:
        """Show that `step` is done, with its `loss`."""
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
