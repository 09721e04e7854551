"""Linear models, whose optimum is known: PCA (Baldi and Hornik, 1989) and probabilistic PCA (Tipping and Bishop, 1999)."""

import math

import torch
from torch import nn
from torch.distributions import MultivariateNormal

from aecourse import validation
from aecourse.linalg import principal_axes
from aecourse.losses.kl_divergence import gaussian_kl
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.vae import VAE


class LinearAutoencoder(Autoencoder):
    r"""Encoder :math:`z = W_1 x + c`, decoder :math:`\hat x = W_2 z + b`: at its optimum the subspace of PCA.

    Args:
        shape: shape of one sample, or an integer.
        latent_dim: k, the number of units in the code.
        tied: the decoder's matrix is the transpose of the encoder's.

    Raises:
        ValueError: where a size is not a positive integer.

    Source:
        Baldi and Hornik (1989); with a penalty: Kunin and others (2019).
    """

    def __init__(self, shape, latent_dim, tied=False):
        super().__init__(shape, (), latent_dim, output="linear", tied=tied)
        self.encoder, self.decoder = self.encoder[0][0], self.decoder[0]

    @torch.no_grad()
    def solve(self, data, penalty=0.0):
        r"""Set the weights to the optimum for `data` without training, and return the model.

        The encoder's rows are the first k axes of PCA, and the decoder is its transpose. With a `penalty`
        :math:`\lambda` on the squares of both matrices, beside the squared error *summed* over samples, each axis
        shrinks: :math:`W_2 W_1 = U \, \mathrm{diag}((1 - \lambda / s_i^2)_+) \, U^T`, with :math:`s_i` the
        singular values of the centred data.

        Args:
            data: (N, \\*shape), with N > 1.
            penalty: lambda, at least 0, in squared units of the data.
        """
        validation.weight("penalty", penalty)
        mean, axes, values = principal_axes(data)
        keep = (
            (1 - penalty / (len(data) * values[: self.latent_dim]).clamp(min=1e-30)).clamp(min=0)
            if penalty
            else 1
        )
        rows = (axes[:, : self.latent_dim] * keep**0.5).T  # (k, d)
        self.encoder.weight.copy_(rows)
        self.encoder.bias.copy_(-rows @ mean)
        self.decoder.bias.copy_(mean)
        if isinstance(self.decoder, nn.Linear):
            self.decoder.weight.copy_(rows.T)
        return self


class LinearVAE(VAE):
    r"""Likelihood :math:`N(W z + b, s^2 I)`, posterior :math:`N(V x + c, \mathrm{diag}\, D)`: probabilistic PCA.

    Everything that is estimated elsewhere is exact here. The likelihood is :math:`N(b, W W^T + s^2 I)`; the true
    posterior is a Gaussian with covariance :math:`s^2 (W^T W + s^2 I)^{-1}`, and diagonal where the columns of W are
    orthogonal; there the ELBO *is* the log-likelihood. At the optimum column i has the squared length
    :math:`(\lambda_i - s^2)_+`: a direction of less variance than the noise collapses.

    Args:
        shape: shape of one sample, or an integer.
        latent_dim: k, the number of units in the code.
        sigma: s, the standard deviation of the noise, in units of the data; None learns it.

    Raises:
        ValueError: where a size is not a positive integer, or `sigma` is not positive.

    Source:
        Tipping and Bishop (1999); Lucas, Tucker, Grosse and Norouzi (2019).
    """

    def __init__(self, shape, latent_dim, sigma=None):
        super().__init__(shape, (), latent_dim, likelihood="gaussian", sigma=sigma)
        self.encoder = nn.Linear(math.prod(self.shape), latent_dim)
        self.decoder = self.decoder[0]
        self.log_variance = nn.Parameter(torch.zeros(latent_dim))

    def posterior(self, x):
        """Mean and log-variance of the code, the latter the same for every sample: (B, *shape) -> (B, k), (B, k)."""
        mean = Autoencoder.encode(self, x)
        return mean, self.log_variance.expand_as(mean)

    def precision(self):
        """Of the true posterior, :math:`I + W^T W / s^2`: (k, k)."""
        weight = self.decoder.weight
        return (
            torch.eye(self.latent_dim).to(weight) + weight.T @ weight / (2 * self.log_sigma).exp()
        )

    def true_posterior(self, x):
        """p(z|x), a Gaussian with a full covariance: (B, *shape) -> a distribution over (B, k)."""
        residual = (x.flatten(1) - self.decoder.bias) / (2 * self.log_sigma).exp()  # (B, d)
        mean = torch.linalg.solve(self.precision(), (residual @ self.decoder.weight).T).T  # (B, k)
        return MultivariateNormal(mean, precision_matrix=self.precision(), validate_args=False)

    def true_log_likelihood(self, x):
        """ln p(x) in nats, without a sample: (B, *shape) -> (B,)."""
        weight, variance = self.decoder.weight, (2 * self.log_sigma).exp()
        covariance = weight @ weight.T + variance * torch.eye(len(weight)).to(weight)  # (d, d)
        return MultivariateNormal(self.decoder.bias, covariance, validate_args=False).log_prob(
            x.flatten(1)
        )

    def true_elbo(self, x):
        """The ELBO in nats, its expectation taken by hand: (B, *shape) -> (B,)."""
        mean, log_variance = self.posterior(x)
        blur = (self.decoder.weight.square().sum(0) * log_variance.exp()).sum(1) / (
            2 * self.log_sigma
        ).exp()
        return (
            self.log_likelihood(x, mean) - blur / 2 - gaussian_kl(mean, log_variance, "none").sum(1)
        )

    @torch.no_grad()
    def fit_posterior(self):
        """Set the encoder to the best posterior for this decoder, and return the model.

        It is the true posterior where the columns of W are orthogonal.
        """
        precision = self.precision()
        rows = (
            torch.linalg.solve(precision, self.decoder.weight.T) / (2 * self.log_sigma).exp()
        )  # (k, d)
        self.encoder.weight.copy_(rows)
        self.encoder.bias.copy_(-rows @ self.decoder.bias)
        self.log_variance.copy_(-precision.diagonal().log())
        return self

    @torch.no_grad()
    def solve(self, data):
        """Set every weight to the maximum of the likelihood of `data`, (N, *shape), and return the model.

        A learned sigma becomes the root of the mean discarded eigenvalue, which asks for k < d and for data that do
        not lie in k dimensions.
        """
        mean, axes, values = principal_axes(data)
        if self.log_sigma.requires_grad:
            noise = values[self.latent_dim :].mean()
            if not noise > 0:
                raise ValueError(
                    f"data leave a variance of {noise:.4g} beyond {self.latent_dim} axes; expected more than 0: "
                    "lower latent_dim, or give the model a sigma"
                )
            self.log_sigma.copy_(noise.log() / 2)
        lengths = (
            (values[: self.latent_dim] - (2 * self.log_sigma).exp()).clamp(min=0).sqrt()
        )  # 0 is a collapsed unit
        self.decoder.weight.copy_(axes[:, : self.latent_dim] * lengths)
        self.decoder.bias.copy_(mean)
        return self.fit_posterior()
