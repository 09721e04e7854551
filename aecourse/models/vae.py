"""The variational autoencoder: each image has a distribution of codes.

After Kingma and Welling (2014); the weight beta: Higgins and others (2017).
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.cross_entropy import bce
from aecourse.losses.kl_divergence import gaussian_kl
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder, mlp
from aecourse.training.distributed import place, summed
from aecourse.types import Shape

LOG_VARIANCE = 10.0  # bound of its absolute value: standard deviations from 0.0067 to 148
OUTPUTS = {"bernoulli": "sigmoid", "gaussian": "linear"}
Likelihood = Literal["bernoulli", "gaussian"]


class VAE(Autoencoder):
    r"""Posterior :math:`q(z|x) = N(\mu(x), \sigma^2(x))`, likelihood :math:`p(x|z)`.

    The prior is :math:`p(z) = N(0, I)`. The log-variance is bounded smoothly to [-10, 10], so that
    no posterior becomes a point or overflows.

    With `sigma` None, the two terms and the importance weights of a model in training mode use the
    sigma of their batch. In evaluation mode they use ``log_sigma``, the average over the last
    training batches, so that the likelihood of an image does not depend on the others.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: widths of the hidden layers of the encoder; the decoder has them in reverse.
        latent_dim: k, the number of units of the code.
        activation: between the layers; see :class:`~aecourse.models.autoencoder.Autoencoder`.
        likelihood: ``"bernoulli"`` for data in [0, 1], with a sigmoid output; ``"gaussian"`` for
            unbounded data.
        sigma: the standard deviation of the Gaussian likelihood, in units of the data, one value
            for all pixels. None computes the best one for each training batch: its mean squared
            error is sigma squared. ``"learned"`` makes ln sigma a parameter, which starts at 0 and
            which Adam moves by no more than the learning rate in a step. A Bernoulli likelihood has
            no sigma.

    Raises:
        ValueError: If a size is not a positive integer, a name is unknown, `sigma` is not positive,
            or `sigma` is given for a Bernoulli likelihood.

    Source:
        Kingma and Welling (2014); the optimal sigma: Rybkin, Daniilidis and Levine (2021).
    """

    log_sigma: torch.Tensor | None  #: ln sigma of a Gaussian likelihood, a scalar

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        hidden: Sequence[int] = (256, 128),
        latent_dim: int = 32,
        activation: str = "relu",
        likelihood: Likelihood = "bernoulli",
        sigma: float | Literal["learned"] | None = None,
    ):
        validation.one_of("likelihood", likelihood, OUTPUTS)
        super().__init__(shape, hidden, latent_dim, activation, output=OUTPUTS[likelihood])
        # A mean and a log-variance for each unit.
        self.encoder = mlp([math.prod(self.shape), *hidden, 2 * latent_dim], activation)
        add_sigma(self, likelihood, sigma)

    def posterior(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the code: (B, *shape) -> (B, k), (B, k)."""
        return moments(super().encode(x))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The mean of the posterior: (B, *shape) -> (B, k)."""
        return self.posterior(x)[0]

    def log_likelihood(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """ln p(x|z) in nats, summed over the pixels: (B, *shape), (B, k) -> (B,)."""
        return log_likelihood(self.logits(z), x, self.log_sigma)

    def negative_elbo_terms(
        self, x: torch.Tensor, generator: torch.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        """The two terms of the negative ELBO in nats for each image.

        Args:
            x: data, (B, *shape).
            generator: for the samples of the code, one for each image.

        Returns:
            ``{"reconstruction": -ln p(x|z), "kl": KL(q(z|x) || p(z))}``: each is summed over pixels
            or units, and averaged over the batch.
        """
        mean, log_variance = self.posterior(x)
        z = gaussian_sample(mean, log_variance, generator)
        logits = self.logits(z)
        log_sigma = fit_sigma(self, logits, x)
        return {
            "reconstruction": -log_likelihood(logits, x, log_sigma).mean(),
            "kl": gaussian_kl(mean, log_variance),
        }

    def log_importance_weights(
        self, x: torch.Tensor, samples: int, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """ln p(x|z) + ln p(z) - ln q(z|x) in nats, at samples z of the posterior.

        Args:
            x: data, (B, *shape).
            samples: S, for each image.
            generator: for the samples.

        Returns:
            (S, B).
        """
        mean, log_variance = (t.expand(samples, *t.shape) for t in self.posterior(x))  # (S, B, k)
        z = gaussian_sample(mean, log_variance, generator)
        # The terms (k / 2) ln(2 pi) of ln p(z) and ln q(z|x) cancel.
        prior = -z.square().sum(2) / 2  # (S, B)
        posterior = -((z - mean).square() / log_variance.exp() + log_variance).sum(2) / 2  # (S, B)
        x = x.expand(samples, *x.shape).flatten(0, 1)  # (S * B, *shape)
        logits = self.logits(z.flatten(0, 1))  # (S * B, *shape)
        log_sigma = fit_sigma(self, logits, x)
        likelihood = log_likelihood(logits, x, log_sigma).unflatten(0, prior.shape)  # (S, B)
        return likelihood + prior - posterior

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """`n` new samples, each the mean of p(x|z) for a z from the prior: (n, *shape)."""
        parameter = next(self.parameters())
        shape = validation.positive("n", n), self.latent_dim
        return self.decode(
            torch.randn(shape, generator=generator, device=parameter.device, dtype=parameter.dtype)
        )


def gaussian_sample(
    mean: torch.Tensor, log_variance: torch.Tensor, generator: torch.Generator | None
) -> torch.Tensor:
    """A sample with a gradient (reparametrized), mean + sigma * noise, of the shape of `mean`."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + (log_variance / 2).exp() * noise


def moments(raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance from the output of an encoder: (B, 2k) -> (B, k), (B, k).

    The log-variance is bounded.
    """
    mean, raw = at_least_float32(raw).chunk(2, dim=1)
    return mean, LOG_VARIANCE * (raw / LOG_VARIANCE).tanh()


def log_likelihood(
    logits: torch.Tensor, x: torch.Tensor, log_sigma: torch.Tensor | None = None
) -> torch.Tensor:
    """ln p(x|z) in nats, summed over pixels: two tensors (B, ...) -> (B,).

    Gaussian with the standard deviation of `log_sigma`; Bernoulli if it is None.
    """
    if log_sigma is None:
        return -sum_features(bce(logits, x, "none"))
    log_sigma = at_least_float32(log_sigma)
    errors = mse(logits, x, "none") / (2 * log_sigma).exp()
    return -sum_features(errors / 2 + log_sigma + math.log(2 * math.pi) / 2)


def sum_features(x: torch.Tensor) -> torch.Tensor:
    """The sum over all dimensions but the batch: (B, ...) -> (B,)."""
    return x.flatten(1).sum(1)


def add_sigma(
    model: nn.Module, likelihood: Likelihood, sigma: float | Literal["learned"] | None
) -> None:
    """Give `model` a scalar ``log_sigma``: None for a Bernoulli likelihood.

    It is a parameter if sigma is learned or given, and a buffer if :func:`fit_sigma` computes it.
    """
    model.computes_sigma = sigma is None and likelihood == "gaussian"
    if validation.one_of("likelihood", likelihood, OUTPUTS) == "bernoulli":
        if sigma is not None:
            raise ValueError(
                f"sigma is {sigma!r} with a Bernoulli likelihood; expected None: "
                "only likelihood='gaussian' has a sigma"
            )
        model.log_sigma = None
    elif model.computes_sigma:
        model.register_buffer("log_sigma", torch.tensor(0.0))
        model.register_buffer("sigma_batches", torch.tensor(0))  # that were averaged
    elif sigma == "learned":
        model.log_sigma = nn.Parameter(torch.tensor(0.0))
    else:
        if isinstance(sigma, str):
            raise ValueError(
                f"sigma is {sigma!r}; expected a positive float, 'learned', or None, which "
                "computes the best for each batch"
            )
        start = math.log(validation.positive("sigma", sigma, float))
        model.log_sigma = nn.Parameter(torch.tensor(start), requires_grad=False)


def fit_sigma(model: nn.Module, logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor | None:
    """ln sigma for a batch, from two tensors (B, ...): the best one in training, else the stored.

    The likelihood of a batch is highest if sigma squared is the mean squared error.
    """
    if not (model.training and model.computes_sigma):
        return model.log_sigma
    return best_log_sigma(model, mse(logits, x))


def best_log_sigma(model: nn.Module, error: torch.Tensor) -> torch.Tensor:
    """ln sigma for a mean squared `error`, a scalar; the average that `model` stores includes it.

    It is the mean of the first ten batches, and moves by a tenth from then on. If several
    processes share a batch, the error is the mean of all, and has no gradient: none is missing,
    since the derivative of the likelihood with respect to the best sigma is zero.
    """
    processes = place()[1]
    if processes > 1:
        error = summed(error.detach().clone()) / processes
    error = error.clamp(min=torch.finfo(error.dtype).tiny)  # the logarithm stays finite
    with torch.no_grad():
        share = (model.sigma_batches + 1).to(error).reciprocal().clamp(min=0.1)
        average = torch.lerp((2 * model.log_sigma).exp().to(error), error, share)
        model.log_sigma.copy_(average.log() / 2)
        model.sigma_batches.add_(1)
    return error.log() / 2
