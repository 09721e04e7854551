"""Linear models with a known optimum: PCA and probabilistic PCA.

After Baldi and Hornik (1989), and Tipping and Bishop (1999).
"""

import math
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import MultivariateNormal

from aecourse import validation
from aecourse.linalg import at_least_float32, principal_axes
from aecourse.losses.kl_divergence import gaussian_kl
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.vae import VAE, best_log_sigma, log_likelihood
from aecourse.types import Shape


class LinearAutoencoder(Autoencoder):
    r"""Encoder :math:`z = W_1 x + c`, decoder :math:`\hat x = W_2 z + b`.

    At its optimum it projects onto the subspace of PCA.

    Args:
        shape: shape of one sample, or an integer.
        latent_dim: k, the number of units of the code.
        tied: the matrix of the decoder is the transpose of the encoder's.

    Raises:
        ValueError: If a size is not a positive integer.

    Source:
        Baldi and Hornik (1989); with a penalty: Kunin and others (2019).
    """

    def __init__(self, shape: Shape, latent_dim: int, tied: bool = False):
        super().__init__(shape, (), latent_dim, output="linear", tied=tied)
        self.encoder = self.encoder[0][0]
        self.decoder = self.decoder[0]

    @torch.no_grad()
    def solve(self, data: torch.Tensor, penalty: float = 0.0) -> Self:
        r"""Set the weights to the optimum for `data`, without training, and return the model.

        The rows of the encoder are the first k principal axes, and the decoder is its transpose.
        With a `penalty` :math:`\lambda` on the squares of both matrices, in addition to the squared
        error *summed* over samples, each axis shrinks:
        :math:`W_2 W_1 = U \, \mathrm{diag}((1 - \lambda / s_i^2)_+) \, U^T`, with the singular
        values :math:`s_i` of the centered data.

        Args:
            data: (N, \*shape), with N > 1.
            penalty: lambda, at least 0, in squared units of the data.

        Raises:
            ValueError: If `penalty` is not a number of at least 0, or `data` does not fit.
        """
        validation.weight("penalty", penalty)
        mean, axes, values, _ = leading_axes(data, self)
        shrinkage = 1.0
        if penalty:
            squares = len(data) * values  # of the singular values, (k,)
            shrinkage = (1 - penalty / squares.clamp(min=1e-30)).clamp(min=0)
        rows = (axes * shrinkage**0.5).T  # (k, d)
        self.encoder.weight.copy_(rows)
        self.encoder.bias.copy_(-rows @ mean)
        self.decoder.bias.copy_(mean)
        if isinstance(self.decoder, nn.Linear):
            self.decoder.weight.copy_(rows.T)
        return self


def leading_axes(
    data: torch.Tensor, model: Autoencoder
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, (d,), first k principal axes, (d, k), and variances, (k,), for a model of k units.

    Units beyond d have an axis of zeros. The fourth are the variances of the axes beyond k.
    """
    mean, axes, values = principal_axes(validation.samples("data", data, model.shape))
    k = model.latent_dim
    beyond = k - len(mean)  # a negative number cuts
    return mean, F.pad(axes, (0, beyond)), F.pad(values, (0, beyond)), values[k:]


class LinearVAE(VAE):
    r"""Likelihood :math:`N(W z + b, s^2 I)`, posterior :math:`N(V x + c, \mathrm{diag}\, D)`.

    This is probabilistic PCA: everything that other VAEs estimate has a closed form. The marginal
    likelihood is :math:`N(b, W W^T + s^2 I)`. The true posterior is a Gaussian with covariance
    :math:`s^2 (W^T W + s^2 I)^{-1}`, which is diagonal if the columns of W are orthogonal; with
    this posterior the ELBO *equals* the log-likelihood. At the optimum column i has the squared
    length :math:`(\lambda_i - s^2)_+`: a unit collapses if the variance of its direction is below
    that of the noise.

    Args:
        shape: shape of one sample, or an integer.
        latent_dim: k, the number of units of the code.
        sigma: s, the standard deviation of the noise, in units of the data; None computes it for
            each training batch, and ``"learned"`` learns it, as in :class:`VAE`.

    Raises:
        ValueError: If a size is not a positive integer, or `sigma` is not positive.

    Source:
        Tipping and Bishop (1999); Lucas, Tucker, Grosse and Norouzi (2019).
    """

    def __init__(
        self, shape: Shape, latent_dim: int, sigma: float | Literal["learned"] | None = None
    ):
        super().__init__(shape, (), latent_dim, likelihood="gaussian", sigma=sigma)
        self.encoder = nn.Linear(math.prod(self.shape), latent_dim)
        self.decoder = self.decoder[0]
        self.log_variance = nn.Parameter(torch.zeros(latent_dim))

    def posterior(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the code: (B, *shape) -> (B, k), (B, k).

        The log-variance is the same for every sample.
        """
        mean = at_least_float32(Autoencoder.encode(self, x))
        return mean, at_least_float32(self.log_variance).expand_as(mean)

    def precision(self) -> torch.Tensor:
        """The precision matrix of the true posterior, :math:`I + W^T W / s^2`: (k, k)."""
        weight = self.decoder.weight  # (d, k)
        identity = torch.eye(self.latent_dim).to(weight)
        return identity + weight.T @ weight / (2 * self.log_sigma).exp()

    def true_posterior(self, x: torch.Tensor) -> MultivariateNormal:
        """p(z|x), a Gaussian with a full covariance: (B, *shape) -> a distribution over (B, k)."""
        residual = (x.flatten(1) - self.decoder.bias) / (2 * self.log_sigma).exp()  # (B, d)
        mean = torch.linalg.solve(self.precision(), (residual @ self.decoder.weight).T).T  # (B, k)
        return MultivariateNormal(mean, precision_matrix=self.precision(), validate_args=False)

    def true_log_likelihood(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x) in nats, in closed form: (B, *shape) -> (B,)."""
        weight, variance = self.decoder.weight, (2 * self.log_sigma).exp()
        covariance = weight @ weight.T + variance * torch.eye(len(weight)).to(weight)  # (d, d)
        marginal = MultivariateNormal(self.decoder.bias, covariance, validate_args=False)
        return marginal.log_prob(x.flatten(1))

    def true_elbo(self, x: torch.Tensor) -> torch.Tensor:
        """The ELBO in nats, with its expectation in closed form: (B, *shape) -> (B,)."""
        mean, log_variance = self.posterior(x)
        logits = self.logits(mean)
        squares = self.decoder.weight.square().sum(0)  # (k,)
        spread = (squares * log_variance.exp()).sum(1)  # (B,), of the reconstruction
        log_sigma = self.log_sigma
        if self.training and self.computes_sigma:
            log_sigma = best_log_sigma(self, mse(logits, x) + spread.mean() / x[0].numel())
        kl = gaussian_kl(mean, log_variance, "none").sum(1)  # (B,)
        return log_likelihood(logits, x, log_sigma) - spread / (2 * log_sigma).exp() / 2 - kl

    @torch.no_grad()
    def fit_posterior(self) -> Self:
        """Set the encoder to the best posterior for this decoder, and return the model.

        It is the true posterior if the columns of W are orthogonal.
        """
        precision = self.precision()
        variance = (2 * self.log_sigma).exp()
        rows = torch.linalg.solve(precision, self.decoder.weight.T) / variance  # (k, d)
        self.encoder.weight.copy_(rows)
        self.encoder.bias.copy_(-rows @ self.decoder.bias)
        self.log_variance.copy_(-precision.diagonal().log())
        return self

    @torch.no_grad()
    def solve(self, data: torch.Tensor) -> Self:
        """Set all weights to the maximum likelihood solution, and return the model.

        The model is then in evaluation mode. Unless sigma was given, its square becomes the mean of
        the discarded eigenvalues; this requires k < d, and data that do not lie in a subspace of k
        dimensions.

        Args:
            data: (N, *shape), with N > 1.

        Raises:
            ValueError: If sigma was not given and `data` has no variance beyond k axes.
        """
        mean, axes, values, discarded = leading_axes(data, self)
        if self.computes_sigma or self.log_sigma.requires_grad:
            noise = discarded.mean()
            if not noise > 0:
                raise ValueError(
                    f"data has a variance of {noise:.4g} beyond {self.latent_dim} axes; expected "
                    "more than 0: lower latent_dim, or pass a sigma to the model"
                )
            self.log_sigma.copy_(noise.log() / 2)
        variance = (2 * self.log_sigma).exp()
        lengths = (values - variance).clamp(min=0).sqrt()  # 0: collapsed
        self.decoder.weight.copy_(axes * lengths)
        self.decoder.bias.copy_(mean)
        return self.fit_posterior().eval()
