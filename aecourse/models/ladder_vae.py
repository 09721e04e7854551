"""The Ladder VAE: a hierarchy of codes, each the meeting of evidence and expectation (Sønderby and others, 2016)."""

import math

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.kl_divergence import gaussian_kl_between
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp
from aecourse.models.vae import OUTPUTS, gaussian_sample, log_likelihood, make_log_sigma, moments


def merge(mean, log_variance, other_mean, other_log_variance):
    """The normalised product of two Gaussians: precisions add, and means are weighed by them. Four (B, k) -> two (B, k)."""
    merged = -torch.logaddexp(-log_variance, -other_log_variance)
    share = (merged - log_variance).exp()  # of the first in the sum of precisions
    return share * mean + (1 - share) * other_mean, merged


def log_density(z, mean, log_variance):
    """ln N(z; mean, variance) in nats, summed over units: three (B, k) -> (B,)."""
    return (
        -((z - mean).square() / log_variance.exp() + log_variance + math.log(2 * math.pi)).sum(1)
        / 2
    )


class LadderVAE(nn.Module):
    r"""Codes :math:`z_1, \dots, z_L`, the top one first: :math:`p(x|z_1) \, p(z_1|z_2) \cdots p(z_L)`.

    On the way up the encoder finds evidence for each level; on the way down each level's prior, which the levels
    above give, meets it: the posterior is their product, weighed by precision. At the top it is the evidence alone.

    With `skip` the features on the way down pass by each code to the next level, so that a high level can speak to
    the pixels without writing itself into every code on the way.

    Args:
        shape: shape of one sample, (C, H, W) or any other; an integer for a flat vector.
        hidden: width of the layer of each level, the lowest first.
        latent_dims: units of the code of each level, the lowest first; as many as `hidden`.
        activation: between the layers; see :class:`~aecourse.models.autoencoder.Autoencoder`.
        likelihood, sigma: as for :class:`~aecourse.models.vae.VAE`.
        skip: the deterministic path beside the codes.

    Raises:
        ValueError: where a size is not a positive integer, the numbers of levels differ, or a name is unknown.

    Source:
        Sønderby, Raiko, Maaløe, Sønderby and Winther (2016); the skip path: Maaløe and others (2019).
    """

    def __init__(
        self,
        shape=(1, 28, 28),
        hidden=(256, 128),
        latent_dims=(16, 8),
        activation="leaky_relu",
        likelihood="bernoulli",
        sigma=None,
        skip=True,
    ):
        super().__init__()
        self.shape, hidden = validation.sizes("shape", shape), validation.sizes("hidden", hidden)
        self.latent_dims = validation.sizes("latent_dims", latent_dims)
        self.skip = skip
        if len(hidden) != len(latent_dims):
            raise ValueError(
                f"hidden has {len(hidden)} levels and latent_dims {len(latent_dims)}; expected as many in both: "
                "one width for each code"
            )
        validation.one_of("activation", activation, ACTIVATIONS)
        self.log_sigma = make_log_sigma(likelihood, sigma)
        pixels = math.prod(self.shape)
        act = ACTIVATIONS[activation]
        self.output, self.output_range = (
            ACTIVATIONS[OUTPUTS[likelihood]](),
            RANGES[OUTPUTS[likelihood]],
        )
        self.up = nn.ModuleList(
            nn.Sequential(nn.Linear(*pair), act()) for pair in zip([pixels, *hidden], hidden)
        )
        self.evidence = nn.ModuleList(
            nn.Linear(width, 2 * k) for width, k in zip(hidden, latent_dims)
        )
        above = [
            k + (width if skip else 0) for k, width in zip(latent_dims, hidden)
        ]  # what a level passes down
        above[-1] = latent_dims[-1]  # no features come from above the top
        self.down = nn.ModuleList(
            nn.Sequential(nn.Linear(*pair), act()) for pair in zip(above[1:], hidden)
        )
        self.prior = nn.ModuleList(
            nn.Linear(width, 2 * k) for width, k in zip(hidden, latent_dims[:-1])
        )
        self.decoder = mlp([above[0], hidden[0], pixels], activation)

    def climb(self, x):
        """Evidence for each level, the lowest first: (B, *shape) -> L pairs of mean and log-variance, (B, k) each."""
        validation.samples("x", x, self.shape)
        h, found = x.flatten(1), []
        for up, evidence in zip(self.up, self.evidence):
            h = up(h)  # (B, width)
            found.append(moments(evidence(h)))
        return found

    def descend(self, n, choose):
        """The way down: at each level ``choose(level, prior) -> z``. Returns the input of the decoder, (n, units)."""
        like = self.evidence[0].weight
        prior, passed = [like.new_zeros(n, self.latent_dims[-1])] * 2, None
        for level in reversed(range(len(self.latent_dims))):
            z = choose(level, prior)  # (n, k)
            passed = z if passed is None or not self.skip else torch.cat([z, passed], 1)
            if level:
                passed = self.down[level - 1](passed)  # (n, width)
                prior = moments(self.prior[level - 1](passed))
        return passed

    def levels(self, x, draw):
        """Codes, posteriors and priors of each level, the lowest first, and the decoder's input.

        `draw` is ``(mean, log_variance) -> z``.
        """
        evidence = self.climb(x)
        codes = []
        posteriors = []
        priors = []

        def choose(level, prior):
            top = level == len(evidence) - 1
            posteriors.insert(0, evidence[level] if top else merge(*evidence[level], *prior))
            priors.insert(0, prior)
            codes.insert(0, draw(*posteriors[0]))
            return codes[0]

        passed = self.descend(len(x), choose)
        return codes, posteriors, priors, passed

    def posterior(self, x):
        """Mean and log-variance of each level, the lowest first, with means for the codes above: L pairs of (B, k)."""
        return self.levels(x, lambda mean, log_variance: mean)[1]

    def priors(self, x):
        """Mean and log-variance of each level's prior, the lowest first, with means for the codes above: L pairs of (B, k)."""
        return self.levels(x, lambda mean, log_variance: mean)[2]

    def encode(self, x):
        """The codes, the lowest first, each the mean of its posterior: (B, *shape) -> L times (B, k)."""
        return tuple(self.levels(x, lambda mean, log_variance: mean)[0])

    def logits(self, z):
        """The decoder before its output activation: L times (B, k) -> (B, *shape). Without skip only the lowest code speaks."""
        if len(z) != len(self.latent_dims) or any(
            code.dim() != 2 or code.shape[1] != k for code, k in zip(z, self.latent_dims)
        ):
            seen = [tuple(code.shape) for code in z]
            raise ValueError(
                f"z has shapes {seen}; expected {[('B', k) for k in self.latent_dims]}: "
                "a code for each level, the lowest first"
            )
        return self.decoder(self.descend(len(z[0]), lambda level, prior: z[level])).unflatten(
            1, self.shape
        )

    def decode(self, z):
        """The reconstruction from codes: L times (B, k) -> (B, *shape), within `output_range`."""
        return self.output(self.logits(z))

    def forward(self, x):
        """Reconstruction and codes: (B, *shape) -> (B, *shape), L times (B, k)."""
        z = self.encode(x)
        return self.decode(z), z

    def level_kl(self, x, generator=None):
        """Divergence of each unit from its top-down prior, at drawn codes, the lowest level first: L times (B, k), in nats."""
        _, posteriors, priors, _ = self.levels(x, lambda *given: gaussian_sample(*given, generator))
        return [gaussian_kl_between(*q, *p, "none") for q, p in zip(posteriors, priors)]

    def negative_elbo_terms(self, x, generator=None):
        """The two terms of the negative ELBO in nats an image: the divergences of all levels are summed, and none is left out."""
        _, posteriors, priors, passed = self.levels(
            x, lambda *given: gaussian_sample(*given, generator)
        )
        logits = self.decoder(passed).unflatten(1, self.shape)
        kl = sum(gaussian_kl_between(*q, *p) for q, p in zip(posteriors, priors))
        return {"reconstruction": -log_likelihood(logits, x, self.log_sigma).mean(), "kl": kl}

    def log_importance_weights(self, x, samples, generator=None):
        """ln p(x|z) + ln p(z) - ln q(z|x) at draws of the posterior: (B, *shape) -> (samples, B), in nats."""
        many = x.expand(samples, *x.shape).flatten(0, 1)  # (S * B, *shape)
        codes, posteriors, priors, passed = self.levels(
            many, lambda *given: gaussian_sample(*given, generator)
        )
        total = log_likelihood(self.decoder(passed).unflatten(1, self.shape), many, self.log_sigma)
        for z, q, p in zip(codes, posteriors, priors):
            total = total + log_density(z, *p) - log_density(z, *q)
        return total.unflatten(0, (samples, len(x)))  # (S, B)

    def sample(self, n, generator=None):
        """`n` new samples, each the mean of p(x|z) at codes drawn from the top down: (n, *shape)."""
        passed = self.descend(
            validation.positive("n", n), lambda level, prior: gaussian_sample(*prior, generator)
        )
        return self.output(self.decoder(passed).unflatten(1, self.shape))
