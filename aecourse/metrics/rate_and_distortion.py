"""Rate and distortion: what a variational code costs, and what it leaves out (Alemi and others, 2018)."""

from typing import NamedTuple

import torch

from aecourse import validation


class RateDistortion(NamedTuple):
    """Two scalars, in nats an image; their sum is the negative ELBO."""

    rate: torch.Tensor  #: KL(q(z|x) || p(z)), summed over units
    distortion: torch.Tensor  #: -ln p(x|z) at drawn codes, summed over pixels


@torch.no_grad()
def rate_distortion(model, data, generator, batch_size=500):
    r"""Rate and distortion of a variational autoencoder, averaged over a data set.

    The same objective value hides many models: one that says nothing and draws well, one that copies. A curve over
    beta shows them apart. The distortion comes from one draw of the code for each sample: its own standard error
    falls as one over the root of the number of samples.

    Args:
        model: with ``negative_elbo_terms``, as :class:`~aecourse.models.VAE` or :class:`~aecourse.models.LadderVAE`.
        data: (N, ...), on the device of the model.
        generator: ``torch.Generator`` of the draws.
        batch_size: samples held in memory at once; the average does not depend on it beyond which noise falls where.

    Returns:
        :class:`RateDistortion`.

    Raises:
        ValueError: where `batch_size` is not a positive integer, or `data` do not fit the model.

    Source:
        Alemi, Poole, Fischer, Dillon, Saurous and Murphy (2018).
    """
    validation.floating("data", data)
    validation.positive("batch_size", batch_size)
    validation.requires(model, "negative_elbo_terms", "a VAE, LinearVAE or LadderVAE")
    rate = distortion = 0
    for x in data.split(batch_size):
        terms, share = (
            model.negative_elbo_terms(x, generator),
            len(x) / len(data),
        )  # the last batch may be short
        rate, distortion = rate + share * terms["kl"], distortion + share * terms["reconstruction"]
    return RateDistortion(rate, distortion)
