"""The state of a training run: everything that a step changes and a checkpoint stores."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from aecourse.device import make_generator
from aecourse.training import checkpoint, distributed
from aecourse.training.batches import Batches
from aecourse.training.history import History, check_finite


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

    def read(self) -> None:
        """Move the unread terms to the CPU, average them over processes, check and record them."""
        if not self.unread:
            return
        values = distributed.summed(torch.stack(self.unread)) / distributed.place()[1]
        values = values.cpu()  # (steps, terms)
        names = [*self.names, "loss"]
        check_finite(names, values, self.step, self.optimizer.param_groups[0]["lr"])
        self.history.append(names, values)
        self.unread.clear()

    def check(self, loss: float, patience: int | None) -> None:
        """Record the validation `loss`; keep the best weights; finish after `patience` checks."""
        self.history.validation_losses.append((self.step, loss))
        if patience is None:
            return
        best = self.history.best_step
        if best == self.step:
            self.best = copy.deepcopy(self.model.state_dict())
        self.finished = sum(step > best for step, _ in self.history.validation_losses) >= patience

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
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        checkpoint.set_random_states(self.generators, state["random"])
        self.batches.order = state["order"].to(self.batches.data.device)
        self.batches.at = state["at"]
        self.history.terms = state["terms"]
        self.history.validation_losses = state["validation_losses"]
        self.step = state["step"]
        self.names = state["names"]
        self.best = state["best"]
        self.finished = state["finished"]
