"""The Wasserstein autoencoder: the distribution of all codes together follows the prior.

After Tolstikhin, Bousquet, Gelly and Schölkopf (2018).
"""

import torch
from torch import nn

from aecourse import validation
from aecourse.models.autoencoder import Autoencoder


class WAE(Autoencoder):
    """An :class:`~aecourse.models.autoencoder.Autoencoder` whose codes can be sampled.

    Its objective, :func:`~aecourse.objectives.wasserstein`, matches the codes to the prior N(0, I).
    """

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """`n` new samples, decoded from the prior: (n, *shape)."""
        return self.decode(sample_prior(validation.positive("n", n), self, generator))


def sample_prior(
    n: int, model: nn.Module, generator: torch.Generator | None = None
) -> torch.Tensor:
    """`n` codes from N(0, I), with the device and dtype of `model`: (n, k)."""
    parameter = next(model.parameters())
    return torch.randn(
        n, model.latent_dim, generator=generator, device=parameter.device, dtype=parameter.dtype
    )
