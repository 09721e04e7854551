"""Type aliases that several modules share."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

# The shape of one sample, such as (1, 28, 28); an integer for a flat vector.
Shape = int | Sequence[int]

# What `fit` minimizes: (model, x, generator) -> {name: scalar}, the terms of a batch.
Objective = Callable[[nn.Module, torch.Tensor, torch.Generator | None], dict[str, torch.Tensor]]
