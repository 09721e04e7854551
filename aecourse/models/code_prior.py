"""A prior over grids of symbols, counted from data (Shannon, 1948)."""

import math

import torch

from aecourse import validation
from aecourse.metrics.codes import usage_counts


class CodePrior:
    r"""A prior over grids of symbols, counted: each place follows the one before it, row by row.

    The conditional is :math:`p(c_i | c_{i-1}) = (n(c_{i-1}, c_i) + s \, p_i(c_i)) / (n(c_{i-1}) + s)`: pairs are
    counted over all places, and each place has its own shares :math:`p_i`, smoothed. Where `concentration` is infinite
    the places are independent.

    Args:
        indices: (N, *grid) whole numbers below `codes`.
        codes: K.
        concentration: s, in counts, above 0; ``math.inf`` for independent places.
        smoothing: counts spread over the K codes of a place, above 0: what was never seen is not impossible.

    Raises:
        TypeError: where `indices` are not whole numbers.
        ValueError: where one of them is not below `codes`, they are no grids, or an argument is not positive.

    Source:
        Shannon (1948), section 3; the mixture: MacKay and Peto (1995); the added counts: Chen and Goodman (1999).
    """

    def __init__(self, indices, codes, concentration=4.0, smoothing=1.0):
        validation.integers("indices", indices, below=validation.positive("codes", codes))
        validation.positive("concentration", concentration, float)
        validation.positive("smoothing", smoothing, float)
        if indices.dim() < 2 or not indices.numel():
            raise ValueError(
                f"indices has shape {tuple(indices.shape)}; expected (N, *grid), one grid of symbols a row"
            )
        self.grid = indices.shape[1:]
        self.codes = codes
        self.concentration = concentration
        flat = indices.flatten(1)  # (N, P)
        places = torch.arange(flat.shape[1], device=flat.device)
        counts = usage_counts(places * codes + flat, len(places) * codes).unflatten(
            0, (-1, codes)
        )  # (P, K)
        self.shares = (counts + smoothing / codes) / (len(flat) + smoothing)
        self.pairs = (
            usage_counts(flat[:, :-1] * codes + flat[:, 1:], codes**2)
            .unflatten(0, (codes, codes))
            .to(self.shares)
        )

    def conditional(self, place, before):
        """Probabilities of the code at `place` after the codes `before`, (N,) -> (N, K)."""
        share = self.shares[place].expand(len(before), -1)
        if place == 0 or self.concentration == math.inf:
            return share
        pairs = self.pairs[before]  # (N, K)
        return (pairs + self.concentration * share) / (
            pairs.sum(1, keepdim=True) + self.concentration
        )

    def log_prob(self, indices):
        """ln p of each grid, in nats: (N, *grid) -> (N,)."""
        validation.integers("indices", indices, below=self.codes)
        if indices.shape[1:] != self.grid:
            raise ValueError(
                f"indices has shape {tuple(indices.shape)}; expected (N, {', '.join(map(str, self.grid))}), grids as counted"
            )
        flat, total = indices.flatten(1), 0
        for place in range(flat.shape[1]):
            chances = self.conditional(place, flat[:, max(place - 1, 0)])
            total = total + chances.gather(1, flat[:, place, None])[:, 0].log()
        return total

    def sample(self, n, generator=None):
        """`n` new grids of symbols: (n, *grid)."""
        before, places = (
            torch.zeros(validation.positive("n", n), dtype=torch.long, device=self.pairs.device),
            [],
        )
        for place in range(len(self.shares)):
            before = torch.multinomial(self.conditional(place, before), 1, generator=generator)[
                :, 0
            ]
            places.append(before)
        return torch.stack(places, 1).unflatten(1, self.grid)  # (n, P) -> (n, *grid)
