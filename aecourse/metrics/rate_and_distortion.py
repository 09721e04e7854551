"""Rate and distortion: the cost of a variational code, and what it loses.

After Alemi and others (2018).
"""

from typing import NamedTuple

import torch
from torch import nn

from aecourse import validation
from aecourse.training.mode import evaluating


class RateDistortion(NamedTuple):
    """Two scalars, in nats for each image; their sum is the negative ELBO."""

    rate: torch.Tensor  #: KL(q(z|x) || p(z)), summed over units
    distortion: torch.Tensor  #: -ln p(x|z) at sampled codes, summed over pixels


@torch.no_grad()
def rate_distortion(
    model: nn.Module, data: torch.Tensor, generator: torch.Generator, batch_size: int = 500
) -> RateDistortion:
    r"""Rate and distortion of a variational autoencoder, averaged over a data set.

    Models with the same ELBO may differ: one ignores its code and has a good decoder, another
    copies the input. A curve over beta shows the difference. The distortion is estimated from one
    sample of the code for each image; its standard error falls as one over the square root of the
    number of images.

    Args:
        model: with ``negative_elbo_terms``, such as :class:`~aecourse.models.VAE` or
            :class:`~aecourse.models.LadderVAE`; used in evaluation mode.
        data: (N, ...), on the device of the model.
        generator: for the samples of the codes.
        batch_size: images in memory at once; it only changes which noise each image gets.

    Returns:
        :class:`RateDistortion`.

    Raises:
        TypeError: If the model has no ``negative_elbo_terms``.
        ValueError: If `batch_size` is not a positive integer, or `data` does not fit the model.

    Source:
        Alemi, Poole, Fischer, Dillon, Saurous and Murphy (2018).
    """
    validation.floating("data", data)
    validation.positive("batch_size", batch_size)
    validation.requires(model, "negative_elbo_terms", "a VAE, LinearVAE or LadderVAE")
    rate = distortion = 0
    with evaluating(model):
        for x in data.split(batch_size):
            terms = model.negative_elbo_terms(x, generator)
            share = len(x) / len(data)  # the last batch may be smaller
            rate = rate + share * terms["kl"]
            distortion = distortion + share * terms["reconstruction"]
    return RateDistortion(rate, distortion)
