"""The adversarial autoencoder: a discriminator matches the codes to the prior.

After Makhzani and others (2016).
"""

from collections.abc import Sequence

import torch

from aecourse import validation
from aecourse.models.autoencoder import Autoencoder, mlp
from aecourse.models.wae import sample_prior
from aecourse.types import Shape


class AdversarialAutoencoder(Autoencoder):
    r"""An autoencoder with a discriminator :math:`D(z)` between samples of N(0, I) and codes.

    Args:
        shape, hidden, latent_dim, activation, output: as for
            :class:`~aecourse.models.autoencoder.Autoencoder`.
        discriminator_hidden: widths of the hidden layers of the discriminator.

    Raises:
        ValueError: If a size is not a positive integer or a name is unknown.

    Source:
        Makhzani, Shlens, Jaitly, Goodfellow and Frey (2016).
    """

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        hidden: Sequence[int] = (256, 128),
        latent_dim: int = 8,
        activation: str = "relu",
        output: str = "sigmoid",
        discriminator_hidden: Sequence[int] = (64, 64),
    ):
        super().__init__(shape, hidden, latent_dim, activation, output=output)
        validation.sizes("discriminator_hidden", discriminator_hidden, least=0)
        self.discriminator = mlp([latent_dim, *discriminator_hidden, 1], "leaky_relu")

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """`n` new samples, decoded from the prior: (n, *shape)."""
        return self.decode(sample_prior(validation.positive("n", n), self, generator))
