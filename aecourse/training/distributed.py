"""Several processes train one model: what `fit` needs of PyTorch's distributed data parallel (Li and others, 2020).

Under ``torchrun`` nothing changes in a program. Each process takes its share of every batch, and gradients are averaged,
so that means over samples are those of one process. Everything here does nothing where there is one process.
"""

import os

import torch
import torch.distributed as dist
from torch import nn


def start(device="auto"):
    """Join the processes that ``torchrun`` started, once; nothing without it, or where the program has joined already."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        on_cuda = (
            torch.cuda.is_available() if device == "auto" else torch.device(device).type == "cuda"
        )
        if on_cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if on_cuda else "gloo")


def place():
    """Which process this is, from 0, and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


@torch.no_grad()
def summed(x):
    """The sum of `x` over the processes, in place."""
    if place()[1] > 1:
        dist.all_reduce(x)
    return x


@torch.no_grad()
def from_first(x):
    """What `x` is in the first process, in place: for draws that all must share."""
    if place()[1] > 1:
        dist.broadcast(x, 0)
    return x


class Step(nn.Module):
    """An objective as a module, the form that distributed data parallel asks for: (b, ...) -> named terms."""

    def __init__(self, model, objective, generator):
        super().__init__()
        self.model = model
        self.objective = objective
        self.generator = generator

    def forward(self, x):
        """The terms of a batch."""
        return self.objective(self.model, x, self.generator)


def shared(step):
    """`step` with its gradients averaged over the processes, and the first one's start; `step` itself where there is one process."""
    if place()[1] == 1:
        return step
    return nn.parallel.DistributedDataParallel(step, static_graph=True)
