"""The objective of a multi-scale autoencoder: squared error at each level of a pyramid."""

from aecourse import validation
from aecourse.losses.multi_scale import pyramid
from aecourse.losses.squared_error import mse


def hierarchical(weights=(1.0, 1.0, 1.0)):
    r"""The objective of a multi-scale autoencoder: squared error at each level, :math:`\sum_l w_l \mathrm{MSE}(\hat x_l, P_l x)`.

    With a linear output the error of a level holds that of all coarser ones, so that the finest alone trains every
    level; more weight on a coarse level buys its code more care.

    Args:
        weights: one a level of the model, the finest first, each at least 0.

    Returns:
        An objective with the terms ``"level_0"``, the finest, ``"level_1"``, ...: each a mean over its pixels, in
        squared units of the data, times its weight.

    Raises:
        ValueError: where a weight is not a number of at least 0, or (when called) the model has not as many levels.

    Source:
        Burt and Adelson (1983), for the pyramid.
    """
    for weight in weights:
        validation.weight("weights", weight)

    def objective(model, x, generator):
        x_hats = validation.requires(
            model, "reconstructions", "a MultiScaleAutoencoder"
        ).reconstructions(model.encode(x))
        if len(weights) != len(x_hats):
            raise ValueError(
                f"weights are {len(weights)} and the model has {len(x_hats)} levels; expected one a level, the finest first"
            )
        levels = zip(weights, x_hats, pyramid(x, len(x_hats)))
        return {
            f"level_{i}": weight * mse(x_hat, wanted)
            for i, (weight, x_hat, wanted) in enumerate(levels)
        }

    return objective
