"""The four reductions, named as in PyTorch, and the precision in which they are computed."""

from typing import Literal

import torch

from aecourse.linalg import at_least_float32
from aecourse.validation import one_of, same

REDUCTIONS = ("none", "mean", "sum", "batchmean")
Reduction = Literal["none", "mean", "sum", "batchmean"]
SampleReduction = Literal["none", "mean", "sum"]  # of losses with one value a sample


def compared(
    name: str, x: torch.Tensor, other_name: str, other: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Check that two tensors match, as `validation.same` does; return both in float32 or better.

    Errors in half precision round to 0, and their sums overflow at 65504.
    """
    same(name, x, other_name, other)
    return at_least_float32(x), at_least_float32(other)


def reduce(errors: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """Reduce `errors`, (B, ...), to one number, or return them unchanged.

    Args:
        errors: (B, ...), one value an element.
        reduction: ``"mean"`` averages over every element; ``"batchmean"`` sums over the features
            and averages over the batch, as a likelihood does; ``"sum"`` adds everything;
            ``"none"`` keeps the shape.

    Raises:
        ValueError: If the reduction is unknown, or there is no batch to average over.
    """
    one_of("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return errors
    if reduction == "mean":
        return errors.mean()
    if reduction == "batchmean" and errors.dim() == 0:
        raise ValueError(
            "reduction is 'batchmean' for a tensor without axes; expected (B, ...): "
            "add the batch axis with [None], or use 'sum'"
        )
    return errors.sum() if reduction == "sum" else errors.sum() / errors.shape[0]
