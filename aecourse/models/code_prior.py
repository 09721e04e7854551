"""A prior over grids of codebook indices, estimated by counting (after Shannon, 1948)."""

import math

import torch

from aecourse import validation
from aecourse.metrics.codes import usage_counts


class CodePrior:
    r"""A prior over grids of indices: each position depends on the one before it, row by row.

    It mixes the frequencies of pairs, counted over all positions, with the smoothed frequencies
    :math:`p_i` of the codes at position i:

    .. math:: p(c_i | c_{i-1}) = (n(c_{i-1}, c_i) + s \, p_i(c_i)) / (n(c_{i-1}) + s)

    With an infinite `concentration` the positions are independent.

    Args:
        indices: (N, *grid) integers below `codes`.
        codes: K, the number of codes.
        concentration: s, in counts, above 0; ``math.inf`` for independent positions.
        smoothing: counts spread over the K codes of a position, above 0, so that a code that was
            never seen there has a probability above 0.

    Raises:
        TypeError: If `indices` are not integers.
        ValueError: If an index is not below `codes`, `indices` are not grids, or an argument is
            not positive.

    Source:
        Shannon (1948), section 3; the mixture: MacKay and Peto (1995); the added counts: Chen and
        Goodman (1999).
    """

    grid: torch.Size  #: shape of one grid
    codes: int  #: K, the number of codes

    def __init__(
        self,
        indices: torch.Tensor,
        codes: int,
        concentration: float = 4.0,
        smoothing: float = 1.0,
    ):
        validation.integers("indices", indices, below=validation.positive("codes", codes))
        if concentration != math.inf:
            validation.positive("concentration", concentration, float)
        validation.positive("smoothing", smoothing, float)
        if indices.dim() < 2 or not indices.numel():
            raise ValueError(
                f"indices has shape {tuple(indices.shape)}; expected (N, *grid), one grid of "
                "indices a row: pass model.indices(data)"
            )
        self.grid = indices.shape[1:]
        self.codes = codes
        self.concentration = concentration
        flat = indices.flatten(1)  # (N, P)
        positions = torch.arange(flat.shape[1], device=flat.device)
        counts = usage_counts(positions * codes + flat, len(positions) * codes)
        counts = counts.unflatten(0, (-1, codes))  # (P, K)
        self.shares = (counts + smoothing / codes) / (len(flat) + smoothing)
        pairs = usage_counts(flat[:, :-1] * codes + flat[:, 1:], codes**2)
        self.pairs = pairs.unflatten(0, (codes, codes)).to(self.shares)  # (K, K)

    def conditional(self, position: int, previous: torch.Tensor) -> torch.Tensor:
        """Probabilities of each code at `position`, given the previous one: (N,) -> (N, K)."""
        share = self.shares[position].expand(len(previous), -1)
        if position == 0 or self.concentration == math.inf:
            return share
        pairs = self.pairs[previous]  # (N, K)
        total = pairs.sum(1, keepdim=True)  # (N, 1)
        return (pairs + self.concentration * share) / (total + self.concentration)

    def log_prob(self, indices: torch.Tensor) -> torch.Tensor:
        """ln p of each grid, in nats: (N, *grid) -> (N,)."""
        validation.integers("indices", indices, below=self.codes)
        if indices.shape[1:] != self.grid:
            raise ValueError(
                f"indices has shape {tuple(indices.shape)}; expected "
                f"(N, {', '.join(map(str, self.grid))}): pass grids of the shape that was counted"
            )
        flat = indices.flatten(1)  # (N, P)
        total = 0
        for position in range(flat.shape[1]):
            probabilities = self.conditional(position, flat[:, max(position - 1, 0)])  # (N, K)
            total = total + probabilities.gather(1, flat[:, position, None])[:, 0].log()
        return total

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """`n` new grids of indices: (n, *grid)."""
        validation.positive("n", n)
        previous = torch.zeros(n, dtype=torch.long, device=self.pairs.device)
        drawn = []
        for position in range(len(self.shares)):
            probabilities = self.conditional(position, previous)  # (n, K)
            previous = torch.multinomial(probabilities, 1, generator=generator)[:, 0]  # (n,)
            drawn.append(previous)
        return torch.stack(drawn, 1).unflatten(1, self.grid)  # (n, P) -> (n, *grid)
