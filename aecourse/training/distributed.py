"""Several processes train one model: PyTorch's distributed data parallel (Li and others, 2020).

Under ``torchrun`` a program needs no change: each process takes its share of every batch, and
gradients are averaged, so that means over samples are those of one process. With a single process
all functions here do nothing.
"""

import os
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import nn


def start(device: str | torch.device = "auto") -> None:
    """Join the processes that ``torchrun`` started, unless the program has done so already."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        on_cuda = (
            torch.cuda.is_available() if device == "auto" else torch.device(device).type == "cuda"
        )
        if on_cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if on_cuda else "gloo")


def place() -> tuple[int, int]:
    """The rank of this process, from 0, and the number of processes."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


@torch.no_grad()
def summed(x: torch.Tensor) -> torch.Tensor:
    """The sum of `x` over all processes, in place."""
    if place()[1] > 1:
        dist.all_reduce(x)
    return x


@torch.no_grad()
def from_first(x: torch.Tensor) -> torch.Tensor:
    """The value of `x` in the first process, in place: for random numbers that all must share."""
    if place()[1] > 1:
        dist.broadcast(x, 0)
    return x


class Step(nn.Module):
    """An objective as a module, which distributed data parallel requires: (b, ...) -> terms."""

    def __init__(self, model: nn.Module, objective: Callable, generator: torch.Generator):
        super().__init__()
        self.model = model
        self.objective = objective
        self.generator = generator

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """The terms of a batch."""
        return self.objective(self.model, x, self.generator)


def shared(step: nn.Module) -> nn.Module:
    """`step`, with the first process's weights, and gradients averaged over the processes."""
    if place()[1] == 1:
        return step
    return nn.parallel.DistributedDataParallel(step, static_graph=True)
