"""The four reductions, named as in PyTorch, and the precision in which they are computed."""

from typing import Literal

import torch

from aecourse.validation import one_of

REDUCTIONS = ("none", "mean", "sum", "batchmean")
Reduction = Literal["none", "mean", "sum", "batchmean"]
SampleReduction = Literal["none", "mean", "sum"]  # of losses with one value a sample


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """`x` in single precision or better: autocast produces reconstructions in half precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def reduce(errors: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """Reduce `errors`, (B, ...), to one number, or return them unchanged.

    Args:
        errors: (B, ...), one value an element.
        reduction: ``"mean"`` averages over every element; ``"batchmean"`` sums over the features
            and averages over the batch, as a likelihood does; ``"sum"`` adds everything;
            ``"none"`` keeps the shape.

    Raises:
        ValueError: If the reduction is unknown.
    """
    one_of("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return errors
    if reduction == "mean":
        return errors.mean()
    return errors.sum() if reduction == "sum" else errors.sum() / errors.shape[0]
