"""How far all codes together are from the prior, as a discriminator sees it (Goodfellow and others, 2014)."""

import torch

from aecourse.losses.adversarial import discriminator_loss
from aecourse.models.wae import sample_prior


def jensen_shannon(model, x, generator=None):
    """The Jensen-Shannon divergence between codes and prior in nats, as far as the discriminator knows.

    It is :func:`discriminator_loss` read backwards: from 0 to ln 2 for the best discriminator; any other gives less on
    average, and below 0 where it is worse than a guess.
    """
    with torch.no_grad():
        z = model.encode(x)
        loss = discriminator_loss(
            model.discriminator(sample_prior(len(z), model, generator)), model.discriminator(z)
        )
    return loss.new_tensor(2).log() - loss / 2
