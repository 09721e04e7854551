"""How a data set uses the codes of a codebook: counts, entropy, perplexity."""

from typing import NamedTuple

import torch
from torch import nn

from aecourse import validation


def usage_counts(indices: torch.Tensor, codes: int) -> torch.Tensor:
    """How often each of `codes` codes occurs in `indices`, of any shape: (codes,) integers.

    Raises:
        TypeError: If `indices` are not integers.
        ValueError: If an index is negative or not below `codes`.
    """
    validation.integers("indices", indices, below=validation.positive("codes", codes))
    flat = indices.flatten()
    return torch.zeros(codes, dtype=torch.long, device=flat.device).index_add_(
        0, flat, torch.ones_like(flat)
    )


def code_entropy(counts: torch.Tensor) -> torch.Tensor:
    """Entropy of the use of the codes, in nats, from their counts.

    Count over a whole data set: the entropy of a single batch is too low.

    Args:
        counts: (K,), at least 0 and not all zero, as :func:`usage_counts` returns them.

    Returns:
        A scalar in nats, from 0 to ln K.

    Raises:
        ValueError: If `counts` is not (K,), all are zero, or one is negative or nan.
    """
    if counts.dim() != 1:
        raise ValueError(
            f"counts has shape {tuple(counts.shape)}; expected (K,), one number for each code: "
            "sum the other axes"
        )
    counts = counts.cpu().double()
    if not (counts.sum() > 0 and (counts >= 0).all()):
        raise ValueError(
            f"counts sum to {counts.sum():g} and start at {counts.min():g}; expected counts of at "
            "least 0, and uses of at least one code: count them with usage_counts"
        )
    share = counts / counts.sum()
    return -torch.special.xlogy(share, share).sum()


def perplexity(counts: torch.Tensor) -> torch.Tensor:
    """The exponential of :func:`code_entropy`, from 1 to K: the effective number of codes.

    As many codes, used equally often, would have the same entropy.
    """
    return code_entropy(counts).exp()


class CodebookUsage(NamedTuple):
    """How a data set uses the K codes of a codebook."""

    counts: torch.Tensor  #: (K,) integers
    share: torch.Tensor  #: (K,), with sum 1
    entropy: torch.Tensor  #: in nats, from 0 to ln K
    perplexity: torch.Tensor  #: its exponential, from 1 to K


@torch.no_grad()
def codebook_usage(model: nn.Module, data: torch.Tensor, batch_size: int = 500) -> CodebookUsage:
    """Which codes a whole data set uses, and how evenly.

    It takes the whole data set, since a batch cannot use more codes than it has grid positions.

    Args:
        model: with ``indices`` and ``codebook``, such as :class:`~aecourse.models.VQVAE`.
        data: (N, ...), on the device of the model.
        batch_size: samples in memory at once; the result does not depend on it.

    Returns:
        :class:`CodebookUsage`. ``(counts > 0).sum()`` is the number of codes that are used at all.

    Raises:
        TypeError: If the model has no ``indices``.
        ValueError: If `batch_size` is not a positive integer, or `data` does not fit the model.
    """
    validation.finite("data", data)  # nan would choose a code
    validation.positive("batch_size", batch_size)
    validation.requires(model, "indices", "a VQVAE")
    counts = sum(
        usage_counts(model.indices(x), len(model.codebook.counts)) for x in data.split(batch_size)
    )  # (K,)
    return CodebookUsage(counts, counts / counts.sum(), code_entropy(counts), perplexity(counts))
