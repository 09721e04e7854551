"""The objective of a multi-scale autoencoder: squared error at each level of a pyramid."""

from collections.abc import Sequence

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.multi_scale import pyramid
from aecourse.losses.squared_error import mse
from aecourse.types import Objective


def hierarchical(weights: Sequence[float | torch.Tensor] = (1.0, 1.0, 1.0)) -> Objective:
    r"""The objective of a multi-scale autoencoder: the squared error at each level of a pyramid.

    .. math:: \sum_l w_l \, \mathrm{MSE}(\hat x_l, P_l x)

    With a linear output the error of a level includes the errors of all coarser levels, so the
    finest term alone trains every level. A larger weight on a coarse level lowers the error of that
    level, at the expense of finer detail.

    Args:
        weights: one for each level of the model, the finest first, each at least 0.

    Returns:
        An objective with the terms ``"level_0"``, the finest, ``"level_1"``, ...: each is a mean
        over its pixels, in squared units of the data, times its weight.

    Raises:
        ValueError: If a weight is not a number of at least 0, or (when called) the model has a
            different number of levels.

    Source:
        Burt and Adelson (1983), for the pyramid.
    """
    for weight in weights:
        validation.weight("weights", weight)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        validation.requires(model, "reconstructions", "a MultiScaleAutoencoder")
        x_hats = model.reconstructions(model.encode(x))
        if len(weights) != len(x_hats):
            raise ValueError(
                f"weights are {len(weights)} and the model has {len(x_hats)} levels; expected one "
                "weight for each level, the finest first: change weights or latent_dims"
            )
        levels = zip(weights, x_hats, pyramid(x, len(x_hats)), strict=True)
        return {
            f"level_{i}": weight * mse(x_hat, target)
            for i, (weight, x_hat, target) in enumerate(levels)
        }

    return objective
