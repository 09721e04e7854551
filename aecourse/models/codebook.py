"""A codebook: K vectors, learned by gradient or by moving averages.

After van den Oord, Vinyals and Kavukcuoglu (2017).
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.training.distributed import from_first, summed


def nearest_by_differences(vectors: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    """Index of the nearest code, in its readable form: (N, D), (K, D) -> (N,).

    It needs memory for N * K * D differences.
    """
    return (vectors[:, None] - codebook).square().sum(2).argmin(1)  # (N, K, D) -> (N,)


def nearest(vectors: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    """The same from one matrix product: (N, D), (K, D) -> (N,).

    It leaves out the squared length of each vector, which is the same for all codes. The mean of
    the codes is subtracted first: lengths far from zero would round away the differences of codes.
    """
    centre = codebook.mean(0)  # (D,)
    vectors, codebook = vectors - centre, codebook - centre
    lengths = codebook.square().sum(1)  # (K,)
    return torch.addmm(lengths, vectors, codebook.T, alpha=-2).argmin(1)  # (N, K) -> (N,)


class Codebook(nn.Module):
    r"""K codes of D numbers each, learned by gradient or by moving averages.

    With a `decay` each code is an exponentially weighted average of the vectors that were assigned
    to it. Sums and counts start at zero; this bias cancels in their quotient. A code that was never
    used stays as it is.

    Args:
        codes: K, the number of codes.
        dim: D, the length of a code.
        decay: of the moving averages, in [0, 1); None learns the codes by gradient.
        restart: a code is dead if its share of use is below ``restart / K``; it is then replaced by
            a vector of the batch. At the first step all codes are dead, so that they start among
            the data. 0 never replaces a code.

    Raises:
        ValueError: If `codes` or `dim` is not a positive integer, or `decay` or `restart` is not
            in [0, 1).

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), appendix A.1; the restart: Dhariwal and others
        (2020).
    """

    weight: nn.Parameter  #: the codes, (K, D)
    counts: torch.Tensor  #: moving average of the number of uses of each code, (K,)
    sums: torch.Tensor  #: moving average of the sum of the vectors assigned to each code, (K, D)

    def __init__(self, codes: int, dim: int, decay: float | None = 0.99, restart: float = 0.03):
        super().__init__()
        validation.positive("codes", codes)
        validation.positive("dim", dim)
        for name, value in (("decay", decay or 0.0), ("restart", restart)):
            if not (validation.is_number(value) and 0 <= value < 1):
                raise ValueError(
                    f"{name} is {value!r}; expected a number of at least 0 and below 1: "
                    "the default is a good start"
                )
        self.moving = decay is not None
        self.decay = 0.99 if decay is None else decay
        self.restart = restart
        start = torch.randn(codes, dim) / dim**0.5
        self.weight = nn.Parameter(start, requires_grad=not self.moving)
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, dim))

    def forward(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Nearest codes and their indices: (..., D) -> (..., D), (...).

        The codes are in single precision or better.
        """
        codes = at_least_float32(self.weight)
        if validation.floating("z", z).dim() < 2 or z.shape[-1] != codes.shape[1]:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (..., {codes.shape[1]}), vectors as long "
                "as the codes: move the axis of the features to the end"
            )
        # Without autocast: half precision confuses codes that are close to each other.
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
            vectors = z.to(torch.promote_types(z.dtype, codes.dtype)).flatten(0, -2)
            indices = nearest(vectors, codes.to(vectors)).reshape(z.shape[:-1])
        return codes[indices], indices

    def _apply(self, function: Callable, recurse: bool = True) -> Self:
        """Convert as any module, but keep the averages in single precision or better.

        In half precision steps of a hundredth would round away, and sums would overflow.
        """
        averages = {"counts": self.counts, "sums": self.sums}
        super()._apply(function, recurse)
        for name, average in averages.items():
            converted = getattr(self, name)
            if converted.dtype.itemsize == 2:
                setattr(self, name, average.to(converted.device, torch.float32))
        return self

    def usage(self) -> torch.Tensor:
        """Share of use of each code over the last steps: (K,), with sum 1 after the first step."""
        return self.counts / self.counts.sum().clamp(min=1e-12)

    @torch.no_grad()
    def update(self, z: torch.Tensor, indices: torch.Tensor) -> None:
        """Include a batch in the moving averages; with a decay, move the codes to the averages.

        Sums and counts are those of all processes, if there are several.

        Args:
            z: vectors, (..., D).
            indices: of their codes, (...).
        """
        vectors = z.detach().to(self.sums.dtype).flatten(0, -2)  # (N, D)
        assigned = indices.flatten()  # (N,)
        ones = torch.ones_like(vectors[:, 0])
        counts = summed(torch.zeros_like(self.counts).index_add_(0, assigned, ones))
        sums = summed(torch.zeros_like(self.sums).index_add_(0, assigned, vectors))
        for average, new in ((self.counts, counts), (self.sums, sums)):
            average.mul_(self.decay).add_(new, alpha=1 - self.decay)
        if self.moving:
            used = self.counts[:, None] > 1e-12
            means = self.sums / self.counts[:, None].clamp(min=1e-12)
            self.weight.copy_(torch.where(used, means, self.weight))

    @torch.no_grad()
    def revive(self, z: torch.Tensor, generator: torch.Generator | None = None) -> None:
        """Replace dead codes by random vectors of a batch, each with the average number of uses.

        Args:
            z: vectors, (..., D).
            generator: for the choice of the vectors.
        """
        vectors = z.detach().to(self.sums.dtype).flatten(0, -2)  # (N, D)
        rows = torch.randint(len(vectors), self.counts.shape, generator=generator, device=z.device)
        drawn = from_first(vectors[rows])  # (K, D)
        dead = self.usage() * len(self.counts) < self.restart  # (K,)
        self.weight.copy_(torch.where(dead[:, None], drawn, self.weight))
        self.counts.copy_(torch.where(dead, self.counts.mean(), self.counts))
        self.sums.copy_(torch.where(dead[:, None], self.counts[:, None] * drawn, self.sums))
