"""The Wasserstein autoencoder: codes that as a whole follow the prior (Tolstikhin, Bousquet, Gelly and Schölkopf, 2018)."""

import torch

from aecourse import validation
from aecourse.models.autoencoder import Autoencoder


class WAE(Autoencoder):
    """An :class:`~aecourse.models.autoencoder.Autoencoder` whose codes are held to the prior N(0, I) by its objective."""

    def sample(self, n, generator=None):
        """`n` new samples, decoded from the prior: (n, *shape)."""
        return self.decode(sample_prior(validation.positive("n", n), self, generator))


def sample_prior(n, model, generator=None):
    """`n` codes from N(0, I), on the device and of the dtype of `model`: (n, k)."""
    parameter = next(model.parameters())
    return torch.randn(
        n, model.latent_dim, generator=generator, device=parameter.device, dtype=parameter.dtype
    )
