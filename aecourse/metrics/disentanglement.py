"""How much each coordinate of a code tells about each factor that generated the data."""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32


def binned(z: torch.Tensor, bins: int = 20) -> torch.Tensor:
    """Each coordinate in `bins` of equal width between its extremes: (N, k) -> (N, k) integers."""
    z = at_least_float32(validation.finite("z", z))
    validation.positive("bins", bins)
    low, high = z.min(0).values, z.max(0).values
    width = torch.where(high > low, high - low, 1.0) / bins
    return ((z - low) / width).long().clamp(max=bins - 1)


def numbered(values: torch.Tensor) -> torch.Tensor:
    """Each column with its distinct values numbered from 0: (N, m) -> (N, m) integers.

    Only which values are equal matters: without it the counts would have a row for each integer
    up to the largest.
    """
    columns = [column.unique(return_inverse=True)[1] for column in values.T]
    return torch.stack(columns, 1)


def pair_counts(codes: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """How often each pair of values occurs: (N, k), (N, F) integers -> (k, F, codes, values).

    Its memory is that of the result, and of N pairs at a time.
    """
    n_codes, n_values = int(codes.max()) + 1, int(factors.max()) + 1
    counts = [
        torch.bincount(code * n_values + factor, minlength=n_codes * n_values)
        for code in codes.T
        for factor in factors.T
    ]
    shape = codes.shape[1], factors.shape[1], n_codes, n_values
    return torch.stack(counts).reshape(shape).double()


def entropy(counts: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """Entropy in nats of the distribution that is proportional to `counts`, over `dims`."""
    shares = counts / counts.sum(dims, keepdim=True)
    return -torch.xlogy(shares, shares).sum(dims)


def factor_entropies(factors: torch.Tensor) -> torch.Tensor:
    """Entropy of each factor in nats, (N, F) integers -> (F,): exactly 0 if it does not vary."""
    counts = [column.unique(return_counts=True)[1].double() for column in factors.T]
    return torch.stack([entropy(count, (0,)) for count in counts])


def mutual_information(
    z: torch.Tensor, factors: torch.Tensor, bins: int = 20, correct: bool = False
) -> torch.Tensor:
    r"""Mutual information of each coordinate of a code with each factor, from histograms.

    Args:
        z: codes (posterior means), (N, k), floating point, finite.
        factors: (N, F) integers from 0, one column for each factor; only which are equal matters.
        bins: of each coordinate.
        correct: subtract the bias of the histogram estimate, about
            :math:`(B - 1)(K - 1) / 2N` for B bins and K values that occur.

    Returns:
        (k, F) nats, at least 0.

    Raises:
        TypeError: If `factors` are not integers.
        ValueError: If `z` or `factors` is not a matrix, their numbers of rows differ, or a value
            of `z` is not finite.

    Source:
        Shannon (1948); the bias: Miller (1955).
    """
    validation.floating("z", z)
    validation.integers("factors", factors)
    if z.dim() != 2 or factors.dim() != 2 or len(z) != len(factors):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and factors {tuple(factors.shape)}; expected (N, k) "
            "and (N, F): one row for each sample, in the same order"
        )
    pairs = pair_counts(binned(z, bins), numbered(factors))  # (k, F, B, K)
    codes, values = pairs.sum(3), pairs.sum(2)  # (k, F, B), (k, F, K)
    information = entropy(codes, (2,)) + entropy(values, (2,)) - entropy(pairs, (2, 3))
    if correct:
        used = [(counts > 0).sum(2).double() - 1 for counts in (codes, values)]  # (k, F) each
        information = information - used[0] * used[1] / (2 * len(z))
    return information.clamp(min=0).to(at_least_float32(z).dtype)


def mig(
    z: torch.Tensor, factors: torch.Tensor, bins: int = 20, correct: bool = False
) -> torch.Tensor:
    """Mutual information gap of each factor.

    It is the difference between the two coordinates that tell most about the factor, divided by
    the factor's entropy. It is 1 if a single coordinate determines the factor, and 0 if two tell
    equally much about it, or none tells anything. Arguments and errors are those of
    :func:`mutual_information`.

    Returns:
        (F,) gaps; nan for a factor that does not vary.

    Source:
        Chen, Li, Grosse and Duvenaud (2018).
    """
    information = mutual_information(z, factors, bins, correct)  # (k, F)
    if len(information) < 2:
        raise ValueError(
            "z has one coordinate; expected at least two, since the gap is between the best and "
            "the second: use mutual_information"
        )
    best, second = information.topk(2, dim=0).values
    return (best - second) / factor_entropies(factors).to(best)


def invariances(
    z: torch.Tensor, factors: torch.Tensor, bins: int = 20, threshold: float = 0.05
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which factors each coordinate ignores, and whether it depends on exactly one.

    A coordinate is *invariant* to a factor if their mutual information, corrected for its bias, is
    below `threshold` times the factor's entropy, or if the factor does not vary. It is
    *disentangled* if it is invariant to all factors but one. These are two different properties.

    Args:
        z, factors, bins: as for :func:`mutual_information`.
        threshold: a share of the factor's entropy.

    Returns:
        invariant, (k, F) booleans, and disentangled, (k,) booleans.
    """
    known = mutual_information(z, factors, bins, correct=True)  # (k, F)
    total = factor_entropies(factors)  # (F,)
    invariant = (known < threshold * total) | (total == 0)  # nothing to know about a constant
    return invariant, (~invariant).sum(1) == 1
