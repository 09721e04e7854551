"""The variational autoencoder: a code that is a distribution (Kingma and Welling, 2014; beta: Higgins and others, 2017)."""

import math

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.cross_entropy import bce
from aecourse.losses.kl_divergence import gaussian_kl
from aecourse.losses.reduction import at_least_float32
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder, mlp

LOG_VARIANCE = 10.0  # of a code's unit, at most, in size: standard deviations from 0.0067 to 148
OUTPUTS = {"bernoulli": "sigmoid", "gaussian": "linear"}


def gaussian_sample(mean, log_variance, generator):
    """A draw that gradients pass through: mean + sigma * noise, of the shape of `mean`."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + (log_variance / 2).exp() * noise


def summed(x):
    """The sum over everything but the batch: (B, ...) -> (B,)."""
    return x.flatten(1).sum(1)


def moments(raw):
    """Mean and log-variance from the two halves of an encoder's output, the latter bounded: (B, 2k) -> (B, k), (B, k)."""
    mean, raw = at_least_float32(raw).chunk(2, dim=1)
    return mean, LOG_VARIANCE * (raw / LOG_VARIANCE).tanh()


def log_likelihood(logits, x, log_sigma=None):
    """ln p(x|z) in nats, summed over pixels, Gaussian where ln sigma is given, else Bernoulli: twice (B, ...) -> (B,)."""
    if log_sigma is None:
        return -summed(bce(logits, x, "none"))
    errors = mse(logits, x, "none") / (2 * log_sigma).exp()
    return -summed(errors / 2 + log_sigma + math.log(2 * math.pi) / 2)


def make_log_sigma(likelihood, sigma):
    """The parameter ln sigma of a Gaussian likelihood, learned where `sigma` is None; None for a Bernoulli likelihood."""
    if validation.one_of("likelihood", likelihood, OUTPUTS) == "bernoulli":
        if sigma is not None:
            raise ValueError(
                f"sigma is {sigma!r} with a Bernoulli likelihood; expected None: "
                "only likelihood='gaussian' has a sigma"
            )
        return None
    start = math.log(validation.positive("sigma", 1.0 if sigma is None else sigma, float))
    return nn.Parameter(torch.tensor(start), requires_grad=sigma is None)


class VAE(Autoencoder):
    r"""Posterior :math:`q(z|x) = N(\mu(x), \sigma^2(x))`, prior :math:`p(z) = N(0, I)`, likelihood :math:`p(x|z)`.

    The log-variance is bounded smoothly to [-10, 10], so that no posterior becomes a point or overflows.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: widths of the hidden layers of the encoder; the decoder has them in reverse.
        latent_dim: k, the number of units in the code.
        activation: between the layers; see :class:`~aecourse.models.autoencoder.Autoencoder`.
        likelihood: ``"bernoulli"`` for data in [0, 1], through a sigmoid; ``"gaussian"`` for unbounded data.
        sigma: the standard deviation of the Gaussian likelihood, in units of the data; None learns one for all
            pixels. A Bernoulli likelihood has none.

    Raises:
        ValueError: where a size is not a positive integer, a name is unknown, or `sigma` is not positive or not
            asked for.

    Source:
        Kingma and Welling (2014); the learned sigma: Rybkin, Daniilidis and Levine (2021).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        hidden=(256, 128),
        latent_dim=32,
        activation="relu",
        likelihood="bernoulli",
        sigma=None,
    ):
        validation.one_of("likelihood", likelihood, OUTPUTS)
        super().__init__(shape, hidden, latent_dim, activation, output=OUTPUTS[likelihood])
        self.encoder = mlp(
            [math.prod(self.shape), *hidden, 2 * latent_dim], activation
        )  # a mean and a log-variance a unit
        self.log_sigma = make_log_sigma(likelihood, sigma)

    def posterior(self, x):
        """Mean and log-variance of the code: (B, *shape) -> (B, k), (B, k)."""
        return moments(super().encode(x))

    def encode(self, x):
        """The mean of the posterior: (B, *shape) -> (B, k)."""
        return self.posterior(x)[0]

    def log_likelihood(self, x, z):
        """ln p(x|z) in nats, summed over the pixels: (B, *shape), (B, k) -> (B,)."""
        return log_likelihood(self.logits(z), x, self.log_sigma)

    def negative_elbo_terms(self, x, generator=None):
        """The two terms of the negative ELBO in nats an image, from one draw of the code for each.

        Args:
            x: data, (B, *shape).
            generator: of the draw.

        Returns:
            ``{"reconstruction": -ln p(x|z), "kl": KL(q(z|x) || p(z))}``: each summed over pixels or units, and
            averaged over the batch.
        """
        mean, log_variance = self.posterior(x)
        z = gaussian_sample(mean, log_variance, generator)
        return {
            "reconstruction": -self.log_likelihood(x, z).mean(),
            "kl": gaussian_kl(mean, log_variance),
        }

    def log_importance_weights(self, x, samples, generator=None):
        """ln p(x|z) + ln p(z) - ln q(z|x) at draws of the posterior: (B, *shape) -> (samples, B), in nats."""
        mean, log_variance = (t.expand(samples, *t.shape) for t in self.posterior(x))  # (S, B, k)
        z = gaussian_sample(mean, log_variance, generator)
        prior = -z.square().sum(2) / 2  # ln p(z) and ln q(z|x) share (k/2) ln 2 pi: it cancels
        posterior = -((z - mean).square() / log_variance.exp() + log_variance).sum(2) / 2
        x = x.expand(samples, *x.shape).flatten(0, 1)  # (S * B, *shape)
        return (
            self.log_likelihood(x, z.flatten(0, 1)).unflatten(0, prior.shape) + prior - posterior
        )  # (S, B)

    def sample(self, n, generator=None):
        """`n` new samples, each the mean of p(x|z) at a z from the prior: (n, *shape)."""
        parameter = next(self.parameters())
        shape = validation.positive("n", n), self.latent_dim
        return self.decode(
            torch.randn(shape, generator=generator, device=parameter.device, dtype=parameter.dtype)
        )
