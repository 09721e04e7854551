"""How a data set uses the codes of a codebook: counts, entropy, perplexity."""

from typing import NamedTuple

import torch

from aecourse import validation


def usage_counts(indices, codes):
    """How often each of `codes` symbols stands in `indices`, of any shape: (codes,) whole numbers."""
    flat = indices.flatten()
    return torch.zeros(codes, dtype=torch.long, device=flat.device).index_add_(
        0, flat, torch.ones_like(flat)
    )


def code_entropy(counts):
    """Entropy in nats of how the codes are used, from their counts, (K,), not all zero. Count over an epoch: over a batch it is too low."""
    counts = counts.cpu().double()
    if not counts.sum() > 0:
        raise ValueError(
            f"counts sum to {counts.sum():g}; expected uses of at least one code: count them with usage_counts"
        )
    share = counts / counts.sum()
    return -torch.special.xlogy(share, share).sum()


def perplexity(counts):
    """exp of :func:`code_entropy`: as many codes, used equally often, would carry as much. From 1 to K."""
    return code_entropy(counts).exp()


class CodebookUsage(NamedTuple):
    """How a data set uses the K codes of a codebook."""

    counts: torch.Tensor  #: (K,) whole numbers
    share: torch.Tensor  #: (K,) of sum 1
    entropy: torch.Tensor  #: in nats, from 0 to ln K
    perplexity: torch.Tensor  #: its exponential, from 1 to K


@torch.no_grad()
def codebook_usage(model, data, batch_size=500):
    """Which codes a whole data set chooses, and how evenly: an epoch, since a batch can't use more codes than it has places.

    Args:
        model: with ``indices`` and ``codebook``, as :class:`~aecourse.models.VQVAE`.
        data: (N, ...), on the device of the model.
        batch_size: samples held in memory at once; the result does not depend on it.

    Returns:
        :class:`CodebookUsage`. ``(counts > 0).sum()`` codes are used at all.

    Raises:
        ValueError: where `batch_size` is not a positive integer, or `data` do not fit the model.
    """
    validation.floating("data", data)
    validation.positive("batch_size", batch_size)
    validation.requires(model, "indices", "a VQVAE")
    counts = sum(
        usage_counts(model.indices(x), len(model.codebook.counts)) for x in data.split(batch_size)
    )  # (K,)
    return CodebookUsage(counts, counts / counts.sum(), code_entropy(counts), perplexity(counts))
