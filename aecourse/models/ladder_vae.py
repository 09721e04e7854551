"""The Ladder VAE: a hierarchy of codes that combines bottom-up evidence with top-down priors.

After Sønderby and others (2016).
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.kl_divergence import gaussian_kl_between
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp
from aecourse.models.vae import (
    OUTPUTS,
    Likelihood,
    add_sigma,
    fit_sigma,
    gaussian_sample,
    log_likelihood,
    moments,
)
from aecourse.types import Shape

# Mean and log-variance of a Gaussian with a diagonal covariance, (B, k) each.
Gaussian = tuple[torch.Tensor, torch.Tensor]


class LadderVAE(nn.Module):
    r"""A hierarchy of codes, :math:`p(x|z_1) \, p(z_1|z_2) \cdots p(z_L)`, with L at the top.

    The encoder computes evidence for each level from the bottom up. From the top down, the levels
    above give the prior of each level. The posterior is the normalized product of evidence and
    prior, in which each is weighted by its precision. At the top it is the evidence alone.

    With `skip` the features of the top-down path bypass each code, so that a high level can
    influence the pixels without being encoded again in every lower code.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: width of the layer of each level, the lowest first.
        latent_dims: units of the code of each level, the lowest first; as many as `hidden`.
        activation: between the layers; see :class:`~aecourse.models.autoencoder.Autoencoder`.
        likelihood, sigma: as for :class:`~aecourse.models.vae.VAE`.
        skip: whether there is a deterministic path around the codes.

    Raises:
        ValueError: If a size is not a positive integer, the numbers of levels differ, or a name is
            unknown.

    Source:
        Sønderby, Raiko, Maaløe, Sønderby and Winther (2016); the skip path: Maaløe and others
        (2019).
    """

    shape: tuple[int, ...]  #: of one sample
    latent_dims: tuple[int, ...]  #: units of the code of each level, the lowest first
    output_range: tuple[float, float]  #: the values that a reconstruction can reach
    log_sigma: torch.Tensor | None  #: ln sigma of a Gaussian likelihood, a scalar

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        hidden: Sequence[int] = (256, 128),
        latent_dims: Sequence[int] = (16, 8),
        activation: str = "leaky_relu",
        likelihood: Likelihood = "bernoulli",
        sigma: float | Literal["learned"] | None = None,
        skip: bool = True,
    ):
        super().__init__()
        self.shape = validation.sizes("shape", shape)
        hidden = validation.sizes("hidden", hidden)
        self.latent_dims = validation.sizes("latent_dims", latent_dims)
        self.skip = skip
        if len(hidden) != len(latent_dims):
            raise ValueError(
                f"hidden has {len(hidden)} levels and latent_dims {len(latent_dims)}; expected as "
                "many in both: pass one width for each code"
            )
        validation.one_of("activation", activation, ACTIVATIONS)
        add_sigma(self, likelihood, sigma)
        self.output = ACTIVATIONS[OUTPUTS[likelihood]]()
        self.output_range = RANGES[OUTPUTS[likelihood]]
        pixels = math.prod(self.shape)
        act = ACTIVATIONS[activation]
        self.up = nn.ModuleList(
            nn.Sequential(nn.Linear(*pair), act())
            for pair in zip([pixels, *hidden[:-1]], hidden, strict=True)
        )
        self.evidence = nn.ModuleList(
            nn.Linear(width, 2 * k) for width, k in zip(hidden, latent_dims, strict=True)
        )
        # What each level passes down: its code and, below the top, the features from above.
        passed = [k + (width if skip else 0) for k, width in zip(latent_dims, hidden, strict=True)]
        passed[-1] = latent_dims[-1]
        self.down = nn.ModuleList(
            nn.Sequential(nn.Linear(*pair), act())
            for pair in zip(passed[1:], hidden[:-1], strict=True)
        )
        self.prior = nn.ModuleList(
            nn.Linear(width, 2 * k) for width, k in zip(hidden[:-1], latent_dims[:-1], strict=True)
        )
        self.decoder = mlp([passed[0], hidden[0], pixels], activation)

    def climb(self, x: torch.Tensor) -> list[Gaussian]:
        """The evidence for each level, from the bottom up: (B, *shape) -> L pairs of (B, k).

        Each pair is a mean and a log-variance; the lowest level comes first.
        """
        validation.samples("x", x, self.shape, self)
        h = x.flatten(1)  # (B, pixels)
        pairs = []
        for up, evidence in zip(self.up, self.evidence, strict=True):
            h = up(h)  # (B, width)
            pairs.append(moments(evidence(h)))
        return pairs

    def descend(self, n: int, choose: Callable[[int, Gaussian], torch.Tensor]) -> torch.Tensor:
        """The top-down path, with ``choose(level, prior) -> z`` for the code of each level.

        Returns:
            The input of the decoder, (n, units).
        """
        weight = self.evidence[0].weight
        zeros = at_least_float32(weight.new_zeros(n, self.latent_dims[-1]))
        prior = (zeros, zeros)  # N(0, I) at the top
        passed = None
        for level in reversed(range(len(self.latent_dims))):
            z = choose(level, prior).to(weight.dtype)  # (n, k)
            passed = z if passed is None or not self.skip else torch.cat([z, passed], 1)
            if level:
                passed = self.down[level - 1](passed)  # (n, width)
                prior = moments(self.prior[level - 1](passed))
        return passed

    def levels(
        self, x: torch.Tensor, draw: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[Gaussian], list[Gaussian], torch.Tensor]:
        """Codes, posteriors and priors of each level, the lowest first, and the decoder's input.

        Args:
            x: data, (B, *shape).
            draw: ``(mean, log_variance) -> z``, the code from its posterior.
        """
        evidence = self.climb(x)
        codes = []
        posteriors = []
        priors = []

        def choose(level: int, prior: Gaussian) -> torch.Tensor:
            top = level == len(evidence) - 1
            posteriors.insert(0, evidence[level] if top else merge(*evidence[level], *prior))
            priors.insert(0, prior)
            codes.insert(0, draw(*posteriors[0]))
            return codes[0]

        passed = self.descend(x.shape[0], choose)
        return codes, posteriors, priors, passed

    def posterior(self, x: torch.Tensor) -> list[Gaussian]:
        """The posterior of each level, the lowest first: (B, *shape) -> L pairs of (B, k).

        Each pair is a mean and a log-variance, given the posterior means of the codes above.
        """
        return self.levels(x, lambda mean, log_variance: mean)[1]

    def priors(self, x: torch.Tensor) -> list[Gaussian]:
        """The prior of each level, the lowest first: (B, *shape) -> L pairs of (B, k).

        Each pair is a mean and a log-variance, given the posterior means of the codes above.
        """
        return self.levels(x, lambda mean, log_variance: mean)[2]

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The posterior mean of each level, the lowest first: (B, *shape) -> L tensors (B, k)."""
        return tuple(self.levels(x, lambda mean, log_variance: mean)[0])

    def logits(self, z: Sequence[torch.Tensor]) -> torch.Tensor:
        """The decoder before its output activation: L tensors (B, k) -> (B, *shape).

        Without `skip` the result depends on the lowest code alone.
        """
        if len(z) != len(self.latent_dims) or any(
            code.dim() != 2 or code.shape[1] != k
            for code, k in zip(z, self.latent_dims, strict=True)
        ):
            raise ValueError(
                f"z has shapes {[tuple(code.shape) for code in z]}; expected "
                f"{[('B', k) for k in self.latent_dims]}: "
                "pass a code for each level, the lowest first"
            )
        z = [validation.codes("z", code, self) for code in z]
        passed = self.descend(z[0].shape[0], lambda level, prior: z[level])
        return self.decoder(passed).unflatten(1, self.shape)

    def decode(self, z: Sequence[torch.Tensor]) -> torch.Tensor:
        """The reconstruction from codes, within `output_range`: L tensors (B, k) -> (B, *shape)."""
        return self.output(self.logits(z))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Reconstruction and codes: (B, *shape) -> (B, *shape), L tensors (B, k)."""
        z = self.encode(x)
        return self.decode(z), z

    def level_kl(
        self, x: torch.Tensor, generator: torch.Generator | None = None
    ) -> list[torch.Tensor]:
        """Divergence of each unit from its top-down prior, in nats, at sampled codes.

        Returns:
            L tensors (B, k), the lowest level first.
        """
        _, posteriors, priors, _ = self.levels(x, sampler(generator))
        return [
            gaussian_kl_between(*q, *p, "none") for q, p in zip(posteriors, priors, strict=True)
        ]

    def negative_elbo_terms(
        self, x: torch.Tensor, generator: torch.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        """The two terms of the negative ELBO in nats for each image, at sampled codes.

        Args:
            x: data, (B, *shape).
            generator: for the samples of the codes.

        Returns:
            ``{"reconstruction": -ln p(x|z), "kl": ...}``: the divergence is the sum over all
            levels, including the top.
        """
        _, posteriors, priors, passed = self.levels(x, sampler(generator))
        logits = self.decoder(passed).unflatten(1, self.shape)  # (B, *shape)
        kl = sum(gaussian_kl_between(*q, *p) for q, p in zip(posteriors, priors, strict=True))
        log_sigma = fit_sigma(self, logits, x)
        return {"reconstruction": -log_likelihood(logits, x, log_sigma).mean(), "kl": kl}

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
        many = x.expand(samples, *x.shape).flatten(0, 1)  # (S * B, *shape)
        codes, posteriors, priors, passed = self.levels(many, sampler(generator))
        logits = self.decoder(passed).unflatten(1, self.shape)  # (S * B, *shape)
        log_sigma = fit_sigma(self, logits, many)
        total = log_likelihood(logits, many, log_sigma)  # (S * B,)
        for z, q, p in zip(codes, posteriors, priors, strict=True):
            total = total + log_density(z, *p) - log_density(z, *q)
        return total.unflatten(0, (samples, x.shape[0]))  # (S, B)

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """`n` new samples, each the mean of p(x|z) at codes from the priors: (n, *shape)."""
        validation.positive("n", n)
        passed = self.descend(n, lambda level, prior: gaussian_sample(*prior, generator))
        return self.output(self.decoder(passed).unflatten(1, self.shape))


def merge(
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    other_mean: torch.Tensor,
    other_log_variance: torch.Tensor,
) -> Gaussian:
    """The normalized product of two Gaussians: four tensors (B, k) -> two tensors (B, k).

    Precisions add, and the means are averaged with the precisions as weights.
    """
    merged = -torch.logaddexp(-log_variance, -other_log_variance)
    share = (merged - log_variance).exp()  # of the first in the sum of precisions
    return share * mean + (1 - share) * other_mean, merged


def log_density(z: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """ln N(z; mean, variance) in nats, summed over units: three tensors (B, k) -> (B,)."""
    squares = (z - mean).square() / log_variance.exp()
    return -(squares + log_variance + math.log(2 * math.pi)).sum(1) / 2


def sampler(
    generator: torch.Generator | None,
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A function ``(mean, log_variance) -> z`` that samples with `generator`."""
    return lambda mean, log_variance: gaussian_sample(mean, log_variance, generator)
