"""Random batches of a tensor, drawn on its own device."""

from collections.abc import Iterator

import torch

from aecourse.training import distributed


class Batches:
    """An endless iterator over batches of `data`, (N, ...), in a new random order on each pass.

    A last batch with fewer samples is left out. Among several processes each draws the same order
    and takes its share of every batch.
    """

    def __init__(self, data: torch.Tensor, batch_size: int, generator: torch.Generator):
        self.data = data
        self.generator = generator
        self.rank, self.world = distributed.place()
        self.size = min(batch_size, len(data)) // self.world * self.world
        self.order = torch.empty(0, dtype=torch.long, device=data.device)
        self.at = 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        return self

    def __next__(self) -> torch.Tensor:
        if self.at + self.size > len(self.order):
            n, device = len(self.data), self.data.device
            self.order = torch.randperm(n, generator=self.generator, device=device)
            self.at = 0
        rows = self.order[self.at : self.at + self.size]
        self.at += self.size
        return self.data.index_select(0, rows[self.rank :: self.world])  # (size / world, ...)
