"""The four reductions, in PyTorch's words, and the precision in which they are taken."""

import torch

from aecourse.validation import one_of

REDUCTIONS = ("none", "mean", "sum", "batchmean")


def at_least_float32(x):
    """`x` in single precision at least: under autocast a code or a reconstruction may come in half of it."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def reduce(errors, reduction):
    """One number from `errors`, (B, ...), or the errors themselves.

    ``"mean"`` is over every element; ``"batchmean"`` sums over the features and averages over the batch, as a
    likelihood asks for; ``"sum"`` adds everything; ``"none"`` keeps the shape.
    """
    one_of("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return errors
    if reduction == "mean":
        return errors.mean()
    return errors.sum() if reduction == "sum" else errors.sum() / errors.shape[0]
