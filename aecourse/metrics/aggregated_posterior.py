"""The distance of all codes together from the prior, as a discriminator sees it.

After Goodfellow and others (2014).
"""

import torch
from torch import nn

from aecourse.losses.adversarial import discriminator_loss
from aecourse.models.wae import sample_prior


def jensen_shannon(
    model: nn.Module, x: torch.Tensor, generator: torch.Generator | None = None
) -> torch.Tensor:
    """The Jensen-Shannon divergence between codes and prior, in nats, estimated by a discriminator.

    It is :func:`discriminator_loss`, rescaled: for the best discriminator it lies between 0 and
    ln 2. Any other discriminator gives a lower value on average, and one that is worse than
    guessing gives a negative value.

    Args:
        model: with ``encode`` and ``discriminator``, such as
            :class:`~aecourse.models.AdversarialAutoencoder`.
        x: data, (B, *shape).
        generator: for the samples of the prior.

    Returns:
        A scalar in nats, without a gradient.
    """
    with torch.no_grad():
        z = model.encode(x)
        loss = discriminator_loss(
            model.discriminator(sample_prior(len(z), model, generator)), model.discriminator(z)
        )
    return loss.new_tensor(2).log() - loss / 2
