"""A codebook: K vectors, learned by gradient or by moving averages (van den Oord, Vinyals and Kavukcuoglu, 2017)."""

import torch
from torch import nn

from aecourse import validation
from aecourse.training.distributed import from_first, summed


def nearest_by_differences(vectors, codebook):
    """Index of the nearest code, as it reads: (N, D), (K, D) -> (N,). It holds N * K * D differences."""
    return (vectors[:, None] - codebook).square().sum(2).argmin(1)  # (N, K, D) -> (N,)


def nearest(vectors, codebook):
    """The same from one matrix product, without the squared length of `vectors`, which no code changes."""
    return torch.addmm(codebook.square().sum(1), vectors, codebook.T, alpha=-2).argmin(
        1
    )  # (N, K) -> (N,)


class Codebook(nn.Module):
    r"""K codes of D numbers each, learned by gradient or by moving averages.

    With a `decay` each code is the average of the vectors that chose it, older ones weighing less; sums and counts
    start at zero, a bias that their quotient cancels. A code that no vector ever chose stays where it is.

    Args:
        codes: K.
        dim: D.
        decay: of the moving averages, in [0, 1); None learns the codes by their own loss.
        restart: a code whose share of use falls below ``restart / K`` is dead, and moves to a vector of the batch.
            At the first step all are, so that the codes begin among the data. 0 never moves one.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), appendix A.1; the restart: Dhariwal and others (2020).
    """

    def __init__(self, codes, dim, decay=0.99, restart=0.03):
        super().__init__()
        validation.positive("codes", codes)
        validation.positive("dim", dim)
        for name, value in (("decay", decay or 0.0), ("restart", restart)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}; expected a number from 0 to below 1")
        self.moving = decay is not None
        self.decay = 0.99 if decay is None else decay
        self.restart = restart
        start = torch.randn(codes, dim) / dim**0.5
        self.weight = nn.Parameter(start, requires_grad=not self.moving)
        self.register_buffer("counts", torch.zeros(codes))  # moving averages, both
        self.register_buffer("sums", torch.zeros(codes, dim))

    def forward(self, z):
        """Nearest codes and their indices: (..., D) -> (..., D), (...)."""
        with (
            torch.no_grad(),
            torch.autocast(z.device.type, enabled=False),
        ):  # in half precision neighbours are taken for nearest
            indices = nearest(z.flatten(0, -2), self.weight).reshape(z.shape[:-1])
        return self.weight[indices], indices

    def usage(self):
        """Share of use of each code over the last steps: (K,), of sum 1 once there was a step."""
        return self.counts / self.counts.sum().clamp(min=1e-12)

    @torch.no_grad()
    def update(self, z, indices):
        """Take the batch `z`, (..., D), and its `indices`, (...), into the averages; with a decay, move the codes there."""
        vectors, chosen = z.detach().flatten(0, -2), indices.flatten()  # (N, D), (N,)
        n = summed(
            torch.zeros_like(self.counts).index_add_(0, chosen, torch.ones_like(vectors[:, 0]))
        )
        sums = summed(
            torch.zeros_like(self.sums).index_add_(0, chosen, vectors)
        )  # over the processes, where there are several
        for average, new in ((self.counts, n), (self.sums, sums)):
            average.mul_(self.decay).add_(new, alpha=1 - self.decay)
        if self.moving:
            used = self.counts[:, None] > 1e-12
            self.weight.copy_(
                torch.where(used, self.sums / self.counts[:, None].clamp(min=1e-12), self.weight)
            )

    @torch.no_grad()
    def revive(self, z, generator=None):
        """Move dead codes to vectors of the batch `z`, (..., D), drawn at random; each counts as used as often as the average."""
        vectors = z.detach().flatten(0, -2)  # (N, D)
        drawn = from_first(
            vectors[
                torch.randint(len(vectors), self.counts.shape, generator=generator, device=z.device)
            ]
        )  # (K, D)
        dead = self.usage() * len(self.counts) < self.restart  # (K,)
        self.weight.copy_(torch.where(dead[:, None], drawn, self.weight))
        self.counts.copy_(torch.where(dead, self.counts.mean(), self.counts))
        self.sums.copy_(torch.where(dead[:, None], self.counts[:, None] * drawn, self.sums))
