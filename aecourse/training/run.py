"""The state of a training run: everything that a step changes and a checkpoint stores."""

import contextlib
import copy
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from aecourse.device import make_generator
from aecourse.training import checkpoint, distributed
from aecourse.training.batches import Batches
from aecourse.training.history import History, Interrupted, NonFinite, check_finite
from aecourse.training.mode import evaluating
from aecourse.training.precision import autocast
from aecourse.validation import trusted

# By what share of its value a term of the objective may differ between two machines.
ROUNDING = {"float32": 1e-4, "bfloat16": 1e-2}


class Run:
    """Model, optimizer, schedule, order of the data, noise, history, and the best weights so far.

    Args:
        model: the module that is trained.
        data: (N, ...), on the model's device.
        objective: ``(model, x, generator) -> {name: scalar}``.
        optimizer: of the model's parameters.
        schedule: a scheduler of PyTorch, or None.
        batch_size: samples in a batch.
        precision: a key of ``PRECISIONS``.
        seed: of the order of the data and the noise, which have a generator each.
    """

    def __init__(
        self,
        model: nn.Module,
        data: torch.Tensor,
        objective: Callable,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler | None,
        batch_size: int,
        precision: str,
        seed: int,
    ):
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.schedule = schedule
        self.precision = precision
        self.history = History()
        self.generators = {
            "order": make_generator(data.device, seed),
            "noise": make_generator(data.device, seed, 1, distributed.place()[0]),
        }
        self.batches = Batches(data, batch_size, self.generators["order"])
        self.forward = distributed.shared(
            distributed.Step(model, objective, self.generators["noise"])
        )
        self.step = 0
        self.names = None
        self.unread = []  # terms of each step that are still on the device
        self.best = None
        self.finished = False
        self.saved = None  # the step of the last checkpoint

    def read(self, checked: bool = True) -> None:
        """Move the unread terms to the CPU, average them over processes, check and record them."""
        if not self.unread:
            return
        values = distributed.summed(torch.stack(self.unread)) / distributed.place()[1]
        values = values.cpu()  # (steps, terms)
        names = [*self.names, "loss"]
        if checked:
            check_finite(names, values, self.step, self.optimizer.param_groups[0]["lr"])
        self.history.append(names, values)
        self.unread.clear()

    def check(self, loss: float, patience: int | None, last: bool) -> None:
        """Record the validation `loss`; keep the best weights; finish after `patience` checks.

        Args:
            loss: on the validation data. One that is not finite is never the best.
            patience: checks without a better loss until the run is finished; None for any number.
            last: whether no other check follows.
        """
        self.history.validation_losses.append((self.step, loss))
        if patience is None:
            return
        best = self.history.best_step
        if best == self.step:
            self.best = copy.deepcopy(self.model.state_dict())
        since = sum(step > (best or 0) for step, _ in self.history.validation_losses)
        self.finished = since >= patience
        if best is None and (self.finished or last):
            raise NonFinite(
                f"loss on validation was {loss} at step {self.step}, and at no check finite, so "
                "that none is the best: look for a logarithm or a division of zero in the "
                "objective, or for data unlike those of training in validation"
            )

    def finish(self) -> None:
        """Put the model into evaluation mode, with the best weights if there are any."""
        if self.best is not None:
            self.model.load_state_dict(self.best)
        self.model.eval()

    @contextlib.contextmanager
    def interruptible(self, steps: int, path: str | os.PathLike | None) -> Iterator[None]:
        """Finish the run if it is stopped by Ctrl-C within this block, and say what is left of it.

        Raises:
            Interrupted: In place of KeyboardInterrupt, with the history.
        """
        try:
            yield
        except KeyboardInterrupt:
            if distributed.place()[1] == 1:  # the other processes may have stopped elsewhere
                self.read(checked=False)
            self.finish()
            raise Interrupted(self.left(steps, path), self.history) from None

    def left(self, steps: int, path: str | os.PathLike | None) -> str:
        """What a run that was stopped leaves."""
        done = len(self.history.steps)
        weights = (
            "the last step" if self.best is None else f"step {self.history.best_step}, the best"
        )
        if path is None:
            saved = "nothing was saved: with save_to= the same call would continue"
        elif self.saved is None:
            saved = (
                f"nothing was saved to {path} yet: with a smaller save_every= it is saved earlier"
            )
        else:
            saved = f"{path} has the state after step {self.saved}: the same call continues from it"
        return (
            f"training was stopped after step {done} of {steps}. The model is in evaluation mode, "
            f"with the weights of {weights}. The history is the attribute history of this error, "
            f"in a notebook sys.last_value.history; {saved}"
        )

    def signature(self) -> dict[str, float] | None:
        """The terms on the first rows of the data, by which a checkpoint recognises the objective.

        They are computed in evaluation mode, with noise of a fixed seed. None if they can't be, or
        are not finite.
        """
        rows = self.batches.data[: min(self.batches.size, 64)]
        states = checkpoint.random_states({})
        torch.manual_seed(0)  # for an objective that draws from the global generator
        try:
            with torch.no_grad(), trusted(), evaluating(self.model):
                with autocast(rows.device, self.precision):
                    generator = make_generator(rows.device, 0)
                    terms = self.objective(self.model, rows, generator)
            values = {name: term.item() for name, term in terms.items()}
        except Exception:  # an objective that can't be evaluated outside of training
            return None
        finally:
            checkpoint.set_random_states({}, states)
        return values if all(map(math.isfinite, values.values())) else None

    def state(self) -> dict[str, Any]:
        """The whole state, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule and self.schedule.state_dict(),
            "random": checkpoint.random_states(self.generators),
            "order": self.batches.order,
            "at": self.batches.at,
            "terms": self.history.terms,
            "validation_losses": self.history.validation_losses,
            "step": self.step,
            "names": self.names,
            "best": self.best,
            "finished": self.finished,
            "objective": self.signature(),
        }

    def resume(self, state: dict[str, Any], path: str | os.PathLike) -> None:
        """Continue from `state`, which was read from `path`.

        Raises:
            CheckpointError: If the objective has other values at the saved weights.
        """
        self.model.load_state_dict(state["model"])
        was, now = state["objective"], self.signature()
        if not checkpoint.close(was, now, ROUNDING[self.precision]):
            raise checkpoint.another_run(
                path,
                "on the first rows of the data, at the saved weights, the terms of the objective "
                f"were {was} and are {now}",
            )
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        checkpoint.set_random_states(self.generators, state["random"])
        self.batches.order = state["order"].to(self.batches.data.device)
        self.batches.at = state["at"]
        self.history.terms = state["terms"]
        self.history.validation_losses = state["validation_losses"]
        self.step = self.saved = state["step"]
        self.names = state["names"]
        self.best = state["best"]
        self.finished = state["finished"]
