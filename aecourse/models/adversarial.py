"""The adversarial autoencoder: a discriminator holds the codes to the prior (Makhzani and others, 2016)."""

from aecourse import validation
from aecourse.models.autoencoder import Autoencoder, mlp
from aecourse.models.wae import sample_prior


class AdversarialAutoencoder(Autoencoder):
    r"""An autoencoder with a discriminator :math:`D(z)`, which tells draws of the prior N(0, I) from codes.

    Args:
        shape, hidden, latent_dim, activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        discriminator_hidden: widths of the hidden layers of the discriminator.

    Raises:
        ValueError: where a size is not a positive integer or a name is unknown.

    Source:
        Makhzani, Shlens, Jaitly, Goodfellow and Frey (2016).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        hidden=(256, 128),
        latent_dim=8,
        activation="relu",
        output="sigmoid",
        discriminator_hidden=(64, 64),
    ):
        super().__init__(shape, hidden, latent_dim, activation, output=output)
        self.discriminator = mlp(
            [
                latent_dim,
                *(
                    validation.positive("discriminator_hidden", size)
                    for size in discriminator_hidden
                ),
                1,
            ],
            "leaky_relu",
        )

    def sample(self, n, generator=None):
        """`n` new samples, decoded from the prior: (n, *shape)."""
        return self.decode(sample_prior(validation.positive("n", n), self, generator))
