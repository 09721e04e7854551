"""What each coordinate of a code knows about each factor that made the data."""

import torch

from aecourse import validation


def binned(z, bins=20):
    """Each coordinate cut into `bins` of equal width between its extremes: (N, k) -> (N, k) whole numbers from 0."""
    validation.floating("z", z)
    validation.positive("bins", bins)
    low, high = z.min(0).values, z.max(0).values
    width = torch.where(high > low, high - low, 1.0) / bins
    return ((z - low) / width).long().clamp(max=bins - 1)


def counted(codes, factors):
    """How often each pair of values occurs together: (N, k), (N, F) whole numbers -> (k, F, codes, values)."""
    a, b = (
        torch.nn.functional.one_hot(codes).double(),
        torch.nn.functional.one_hot(factors).double(),
    )  # (N, k, B), (N, F, K)
    return torch.einsum("nib,njc->ijbc", a, b)


def entropy(counts, dims):
    """Entropy in nats of shares given by `counts`, over `dims`."""
    shares = counts / counts.sum(dims, keepdim=True)
    return -torch.xlogy(shares, shares).sum(dims)


def mutual_information(z, factors, bins=20, correct=False):
    r"""Mutual information in nats of each coordinate of a code with each factor, from histograms.

    Args:
        z: codes (posterior means), (N, k), floating point.
        factors: (N, F) whole numbers from 0, one column a factor.
        bins: of each coordinate.
        correct: subtract the bias of counting, about :math:`(B - 1)(K - 1) / 2N` for B bins and K values that occur.

    Returns:
        (k, F) nats; with `correct` at least 0.

    Raises:
        TypeError, ValueError: where `factors` are not whole numbers, or do not have a row for each code.

    Source:
        Shannon (1948); the bias: Miller (1955).
    """
    validation.floating("z", z)
    validation.integers("factors", factors)
    if z.dim() != 2 or factors.dim() != 2 or len(z) != len(factors):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and factors {tuple(factors.shape)}; expected (N, k) and (N, F): one sample a row"
        )
    pairs = counted(binned(z, bins), factors)  # (k, F, B, K)
    codes, values = pairs.sum(3), pairs.sum(2)  # (k, F, B), (k, F, K)
    information = entropy(codes, (2,)) + entropy(values, (2,)) - entropy(pairs, (2, 3))
    if correct:
        information = information - ((codes > 0).sum(2) - 1) * ((values > 0).sum(2) - 1) / (
            2 * len(z)
        )
    return information.clamp(min=0).to(z.dtype)


def mig(z, factors, bins=20, correct=False):
    """Mutual information gap of each factor: the best coordinate's lead over the second best, over the factor's entropy.

    1 where one coordinate alone knows the factor; 0 where two know it equally well, or none does. Arguments and
    errors are those of :func:`mutual_information`.

    Returns:
        (F,) gaps; nan for a factor that does not vary.

    Source:
        Chen, Li, Grosse and Duvenaud (2018).
    """
    information = mutual_information(z, factors, bins, correct)  # (k, F)
    if len(information) < 2:
        raise ValueError(
            "z has one coordinate; expected at least two: the gap is between the best and the second"
        )
    best, second = information.topk(2, dim=0).values
    values = torch.nn.functional.one_hot(factors).double().sum(0)  # (F, K)
    return (best - second) / entropy(values, (1,)).to(z.dtype)


def invariances(z, factors, bins=20, threshold=0.05):
    """For each coordinate, which factors it ignores, and whether it knows exactly one: two different properties.

    A coordinate is *invariant* to a factor if it tells less than `threshold` of the factor's entropy, the bias of
    counting taken off. It is *disentangled* if it is invariant to all factors but one.

    Returns:
        invariant (k, F) booleans, disentangled (k,) booleans.
    """
    validation.integers("factors", factors)
    values = torch.nn.functional.one_hot(factors).double().sum(0)  # (F, K)
    known = mutual_information(z, factors, bins, correct=True) / entropy(values, (1,))  # (k, F)
    invariant = known < threshold
    return invariant, (~invariant).sum(1) == 1
