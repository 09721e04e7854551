"""How much each coordinate of a code tells about each factor that generated the data."""

import torch
import torch.nn.functional as F

from aecourse import validation


def binned(z: torch.Tensor, bins: int = 20) -> torch.Tensor:
    """Each coordinate in `bins` of equal width between its extremes: (N, k) -> (N, k) integers."""
    validation.floating("z", z)
    validation.positive("bins", bins)
    low, high = z.min(0).values, z.max(0).values
    width = torch.where(high > low, high - low, 1.0) / bins
    return ((z - low) / width).long().clamp(max=bins - 1)


def pair_counts(codes: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """How often each pair of values occurs: (N, k), (N, F) integers -> (k, F, codes, values)."""
    code = F.one_hot(codes).double()  # (N, k, B)
    factor = F.one_hot(factors).double()  # (N, F, K)
    return torch.einsum("nib,njc->ijbc", code, factor)


def entropy(counts: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """Entropy in nats of the distribution that is proportional to `counts`, over `dims`."""
    shares = counts / counts.sum(dims, keepdim=True)
    return -torch.xlogy(shares, shares).sum(dims)


def mutual_information(
    z: torch.Tensor, factors: torch.Tensor, bins: int = 20, correct: bool = False
) -> torch.Tensor:
    r"""Mutual information of each coordinate of a code with each factor, from histograms.

    Args:
        z: codes (posterior means), (N, k), floating point.
        factors: (N, F) integers from 0, one column for each factor.
        bins: of each coordinate.
        correct: subtract the bias of the histogram estimate, about
            :math:`(B - 1)(K - 1) / 2N` for B bins and K values that occur.

    Returns:
        (k, F) nats, at least 0.

    Raises:
        TypeError: If `factors` are not integers.
        ValueError: If `z` or `factors` is not a matrix, or their numbers of rows differ.

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
    pairs = pair_counts(binned(z, bins), factors)  # (k, F, B, K)
    codes, values = pairs.sum(3), pairs.sum(2)  # (k, F, B), (k, F, K)
    information = entropy(codes, (2,)) + entropy(values, (2,)) - entropy(pairs, (2, 3))
    if correct:
        bias = ((codes > 0).sum(2) - 1) * ((values > 0).sum(2) - 1) / (2 * len(z))
        information = information - bias
    return information.clamp(min=0).to(z.dtype)


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
    values = F.one_hot(factors).double().sum(0)  # (F, K)
    return (best - second) / entropy(values, (1,)).to(z.dtype)


def invariances(
    z: torch.Tensor, factors: torch.Tensor, bins: int = 20, threshold: float = 0.05
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which factors each coordinate ignores, and whether it depends on exactly one.

    A coordinate is *invariant* to a factor if their mutual information, corrected for its bias, is
    below `threshold` times the factor's entropy. It is *disentangled* if it is invariant to all
    factors but one. These are two different properties.

    Args:
        z, factors, bins: as for :func:`mutual_information`.
        threshold: a share of the factor's entropy.

    Returns:
        invariant, (k, F) booleans, and disentangled, (k,) booleans.
    """
    validation.integers("factors", factors)
    values = F.one_hot(factors).double().sum(0)  # (F, K)
    known = mutual_information(z, factors, bins, correct=True) / entropy(values, (1,))  # (k, F)
    invariant = known < threshold
    return invariant, (~invariant).sum(1) == 1
