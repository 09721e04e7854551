"""The vector-quantised autoencoder: a code of discrete symbols (van den Oord, Vinyals and Kavukcuoglu, 2017)."""
import math
from typing import NamedTuple

import torch
from torch import nn

from aecourse import check
from aecourse.distributed import from_first, summed
from aecourse.losses.reduction import single
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import ACTIVATIONS, RANGES, mlp


def nearest_by_differences(vectors, codebook):
    """Index of the nearest code, as it reads: (N, D), (K, D) -> (N,). It holds N * K * D differences."""
    return (vectors[:, None] - codebook).square().sum(2).argmin(1)  # (N, K, D) -> (N,)


def nearest(vectors, codebook):
    """The same from one matrix product, without the squared length of `vectors`, which no code changes."""
    return torch.addmm(codebook.square().sum(1), vectors, codebook.T, alpha=-2).argmin(1)  # (N, K) -> (N,)


def usage_counts(indices, codes):
    """How often each of `codes` symbols stands in `indices`, of any shape: (codes,) whole numbers."""
    flat = indices.flatten()
    return torch.zeros(codes, dtype=torch.long, device=flat.device).index_add_(0, flat, torch.ones_like(flat))


def code_entropy(counts):
    """Entropy in nats of how the codes are used, from their counts, (K,), not all zero. Count over an epoch: over a batch it is too low."""
    counts = counts.cpu().double()
    if not counts.sum() > 0:
        raise ValueError(f"counts sum to {counts.sum():g}; expected uses of at least one code: count them with usage_counts")
    share = counts / counts.sum()
    return -torch.special.xlogy(share, share).sum()


def perplexity(counts):
    """exp of :func:`code_entropy`: as many codes, used equally often, would carry as much. From 1 to K."""
    return code_entropy(counts).exp()


class Codebook(nn.Module):
    r"""K codes of D numbers each, learned by gradient or by moving averages.

    With a `decay` each code is the average of the vectors that chose it, older ones weighing less; sums and counts
    start at zero, a bias that their quotient cancels. A code that no vector ever chose stays where it is.

    Args:
        codes: K.
        dim: D.
        decay: of the moving averages, in [0, 1); None learns the codes by their own loss.
        restart: a code whose share of use falls below ``restart / K`` is dead, and moves to a vector of the batch.
            At the first step all are, so that the codes begin among the data. 0 never moves one.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), appendix A.1; the restart: Dhariwal and others (2020).
    """

    def __init__(self, codes, dim, decay=0.99, restart=0.03):
        super().__init__()
        check.positive("codes", codes), check.positive("dim", dim)
        for name, value in (("decay", decay or 0.0), ("restart", restart)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}; expected a number from 0 to below 1")
        self.moving, self.decay, self.restart = decay is not None, 0.99 if decay is None else decay, restart
        start = torch.randn(codes, dim) / dim**0.5
        self.weight = nn.Parameter(start, requires_grad=not self.moving)
        self.register_buffer("counts", torch.zeros(codes))  # moving averages, both
        self.register_buffer("sums", torch.zeros(codes, dim))

    def forward(self, z):
        """Nearest codes and their indices: (..., D) -> (..., D), (...)."""
        with torch.no_grad(), torch.autocast(z.device.type, enabled=False):  # in half precision neighbours are taken for nearest
            indices = nearest(z.flatten(0, -2), self.weight).reshape(z.shape[:-1])
        return self.weight[indices], indices

    def usage(self):
        """Share of use of each code over the last steps: (K,), of sum 1 once there was a step."""
        return self.counts / self.counts.sum().clamp(min=1e-12)

    @torch.no_grad()
    def update(self, z, indices):
        """Take the batch `z`, (..., D), and its `indices`, (...), into the averages; with a decay, move the codes there."""
        vectors, chosen = z.detach().flatten(0, -2), indices.flatten()  # (N, D), (N,)
        n = summed(torch.zeros_like(self.counts).index_add_(0, chosen, torch.ones_like(vectors[:, 0])))
        sums = summed(torch.zeros_like(self.sums).index_add_(0, chosen, vectors))  # over the processes, where there are several
        for average, new in ((self.counts, n), (self.sums, sums)):
            average.mul_(self.decay).add_(new, alpha=1 - self.decay)
        if self.moving:
            used = self.counts[:, None] > 1e-12
            self.weight.copy_(torch.where(used, self.sums / self.counts[:, None].clamp(min=1e-12), self.weight))

    @torch.no_grad()
    def revive(self, z, generator=None):
        """Move dead codes to vectors of the batch `z`, (..., D), drawn at random; each counts as used as often as the average."""
        vectors = z.detach().flatten(0, -2)  # (N, D)
        drawn = from_first(vectors[torch.randint(len(vectors), self.counts.shape, generator=generator, device=z.device)])  # (K, D)
        dead = (self.usage() * len(self.counts) < self.restart)  # (K,)
        self.weight.copy_(torch.where(dead[:, None], drawn, self.weight))
        self.counts.copy_(torch.where(dead, self.counts.mean(), self.counts))
        self.sums.copy_(torch.where(dead[:, None], self.counts[:, None] * drawn, self.sums))


def convolutions(shape, width, dim, halvings, activation):
    """Encoder and decoder of `halvings` steps of stride 2, and the grid that (C, H, W) becomes."""
    if len(shape) != 3 or shape[1] % 2**halvings or shape[2] % 2**halvings:
        raise ValueError(f"shape is {shape} with {halvings} halvings; expected (C, H, W) with H and W divisible by "
                         f"{2**halvings}: pad the images, take fewer halvings, or give grid= for fully connected layers")
    widths, act = [width] * halvings, ACTIVATIONS[activation]
    down, up = [], [nn.Conv2d(dim, width, 3, padding=1), act()]
    for n_in, n_out in zip([shape[0], *widths], widths):
        down += [nn.Conv2d(n_in, n_out, 4, 2, 1), act()]
    for n_in, n_out in zip(widths, [*widths[1:], shape[0]]):
        up += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), act()]
    down.append(nn.Conv2d(width, dim, 3, padding=1))
    return nn.Sequential(*down), nn.Sequential(*up[:-1]), (shape[1] // 2**halvings, shape[2] // 2**halvings)


class VQVAE(nn.Module):
    r"""Each place of a grid holds the nearest of K codes; the gradient passes straight through the choice.

    Args:
        shape: shape of one sample; (C, H, W) for the convolutional form.
        codes: K, the number of codes.
        dim: D, the length of a code.
        width: channels, or units of the hidden layer.
        halvings: steps of stride 2: 28 x 28 and 2 halvings give a grid of 7 x 7. Height and width must divide.
        grid: fully connected layers instead, for any shape, with a grid of this shape, such as ``(8,)``.
        activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        decay, restart: of the :class:`Codebook`.

    Raises:
        ValueError: where a size is not a positive integer, the image does not divide, or a name is unknown.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017).
    """

    def __init__(self, shape=(1, 28, 28), codes=512, dim=64, width=64, halvings=2, grid=None, activation="relu", output="sigmoid",
                 decay=0.99, restart=0.03):
        super().__init__()
        self.shape = check.sizes("shape", shape)
        check.positive("width", width), check.positive("halvings", halvings)
        check.one_of("activation", activation, ACTIVATIONS), check.one_of("output", output, RANGES)
        self.codebook, self.connected = Codebook(codes, dim, decay, restart), grid is not None
        if self.connected:
            self.grid = check.sizes("grid", grid)
            widths = [math.prod(self.shape), width, math.prod(self.grid) * dim]
            self.encoder, self.decoder = mlp(widths, activation), mlp(widths[::-1], activation)
        else:
            self.encoder, self.decoder, self.grid = convolutions(self.shape, width, dim, halvings, activation)
        self.output, self.output_range = ACTIVATIONS[output](), RANGES[output]

    def features(self, x):
        """The encoder before quantisation: (B, *shape) -> (B, *grid, D)."""
        check.samples("x", x, self.shape)
        if self.connected:
            z = self.encoder(x.flatten(1)).unflatten(1, (*self.grid, -1))  # (B, *grid, D)
        else:
            z = self.encoder(x).movedim(1, -1)  # (B, h, w, D)
        return single(z)

    def indices(self, x):
        """The symbols of `x`: (B, *shape) -> (B, *grid), whole numbers below K."""
        return self.codebook(self.features(x))[1]

    def encode(self, x):
        """The quantised code, with the gradient of the code before it (straight-through): (B, *shape) -> (B, *grid, D)."""
        z = self.features(x)
        return z + (self.codebook(z)[0] - z).detach()

    def logits(self, z):
        """The decoder before its output activation: (B, *grid, D) -> (B, *shape)."""
        check.floating("z", z)
        expected = (*self.grid, self.codebook.weight.shape[1])
        if z.shape[1:] != expected:
            raise ValueError(f"z has shape {tuple(z.shape)}; expected (B, {', '.join(map(str, expected))}): "
                             "one code for each place of the grid")
        return self.decoder(z.flatten(1)).unflatten(1, self.shape) if self.connected else self.decoder(z.movedim(-1, 1))

    def decode(self, z):
        """The reconstruction from a code: (B, *grid, D) -> (B, *shape), within `output_range`."""
        return self.output(self.logits(z))

    def decode_indices(self, indices):
        """The reconstruction from symbols: (B, *grid) -> (B, *shape)."""
        return self.decode(self.codebook.weight[indices])

    def forward(self, x):
        """Reconstruction and quantised code: (B, *shape) -> (B, *shape), (B, *grid, D)."""
        z = self.encode(x)
        return self.decode(z), z


def quantised(commitment=0.25):
    r"""The objective of a VQ-VAE, each of its terms a mean over elements:

    .. math:: \|x - \hat x\|^2 + \|\mathrm{sg}[z] - e\|^2 + \beta \|z - \mathrm{sg}[e]\|^2

    sg stops the gradient: the second term moves the codes to the vectors (absent where the codebook moves by
    averages), the third holds the vectors near their codes. Dead codes are revived, and averages updated, here and
    nowhere else: calling the model changes nothing.

    Args:
        commitment: beta, the weight of the third term, at least 0.

    Returns:
        An objective with the terms ``"reconstruction"``, ``"codebook"`` (with a learned codebook) and ``"commitment"``.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    check.weight("commitment", commitment)

    def objective(model, x, generator):
        book = check.offers(model, "codebook", "a VQVAE").codebook
        z = model.features(x)
        if model.training and book.restart:
            book.revive(z, generator)
        codes, indices = book(z)
        x_hat = model.decode(z + (codes - z).detach())
        terms = {"reconstruction": mse(x_hat, x)}
        if not book.moving:
            terms["codebook"] = mse(codes, z.detach())
        if model.training:
            book.update(z, indices)
        return terms | {"commitment": commitment * mse(z, codes.detach())}
    return objective


class CodebookUsage(NamedTuple):
    """How a data set uses the K codes of a codebook."""

    counts: torch.Tensor  #: (K,) whole numbers
    share: torch.Tensor  #: (K,) of sum 1
    entropy: torch.Tensor  #: in nats, from 0 to ln K
    perplexity: torch.Tensor  #: its exponential, from 1 to K


@torch.no_grad()
def codebook_usage(model, data, batch_size=500):
    """Which codes a whole data set chooses, and how evenly: an epoch, since a batch can't use more codes than it has places.

    Args:
        model: with ``indices`` and ``codebook``, as :class:`VQVAE`.
        data: (N, ...), on the device of the model.
        batch_size: samples held in memory at once; the result does not depend on it.

    Returns:
        :class:`CodebookUsage`. ``(counts > 0).sum()`` codes are used at all.

    Raises:
        ValueError: where `batch_size` is not a positive integer, or `data` do not fit the model.
    """
    check.floating("data", data), check.positive("batch_size", batch_size)
    check.offers(model, "indices", "a VQVAE")
    counts = sum(usage_counts(model.indices(x), len(model.codebook.counts)) for x in data.split(batch_size))  # (K,)
    return CodebookUsage(counts, counts / counts.sum(), code_entropy(counts), perplexity(counts))


class CodePrior:
    r"""A prior over grids of symbols, counted: each place follows the one before it, row by row.

    The conditional is :math:`p(c_i | c_{i-1}) = (n(c_{i-1}, c_i) + s \, p_i(c_i)) / (n(c_{i-1}) + s)`: pairs are
    counted over all places, and each place has its own shares :math:`p_i`, smoothed. Where `strength` is infinite
    the places are independent.

    Args:
        indices: (N, *grid) whole numbers below `codes`.
        codes: K.
        strength: s, in counts, above 0; ``math.inf`` for independent places.
        smoothing: counts spread over the K codes of a place, above 0: what was never seen is not impossible.

    Raises:
        TypeError: where `indices` are not whole numbers.
        ValueError: where one of them is not below `codes`, they are no grids, or an argument is not positive.

    Source:
        Shannon (1948), section 3; the mixture: MacKay and Peto (1995); the added counts: Chen and Goodman (1999).
    """

    def __init__(self, indices, codes, strength=4.0, smoothing=1.0):
        check.whole("indices", indices, below=check.positive("codes", codes))
        check.positive("strength", strength, float), check.positive("smoothing", smoothing, float)
        if indices.dim() < 2 or not indices.numel():
            raise ValueError(f"indices has shape {tuple(indices.shape)}; expected (N, *grid), one grid of symbols a row")
        self.grid, self.codes, self.strength = indices.shape[1:], codes, strength
        flat = indices.flatten(1)  # (N, P)
        places = torch.arange(flat.shape[1], device=flat.device)
        counts = usage_counts(places * codes + flat, len(places) * codes).unflatten(0, (-1, codes))  # (P, K)
        self.shares = (counts + smoothing / codes) / (len(flat) + smoothing)
        self.pairs = usage_counts(flat[:, :-1] * codes + flat[:, 1:], codes**2).unflatten(0, (codes, codes)).to(self.shares)

    def conditional(self, place, before):
        """Probabilities of the code at `place` after the codes `before`, (N,) -> (N, K)."""
        share = self.shares[place].expand(len(before), -1)
        if place == 0 or self.strength == math.inf:
            return share
        pairs = self.pairs[before]  # (N, K)
        return (pairs + self.strength * share) / (pairs.sum(1, keepdim=True) + self.strength)

    def log_prob(self, indices):
        """ln p of each grid, in nats: (N, *grid) -> (N,)."""
        check.whole("indices", indices, below=self.codes)
        if indices.shape[1:] != self.grid:
            raise ValueError(f"indices has shape {tuple(indices.shape)}; expected (N, {', '.join(map(str, self.grid))}), grids as counted")
        flat, total = indices.flatten(1), 0
        for place in range(flat.shape[1]):
            chances = self.conditional(place, flat[:, max(place - 1, 0)])
            total = total + chances.gather(1, flat[:, place, None])[:, 0].log()
        return total

    def sample(self, n, generator=None):
        """`n` new grids of symbols: (n, *grid)."""
        before, places = torch.zeros(check.positive("n", n), dtype=torch.long, device=self.pairs.device), []
        for place in range(len(self.shares)):
            before = torch.multinomial(self.conditional(place, before), 1, generator=generator)[:, 0]
            places.append(before)
        return torch.stack(places, 1).unflatten(1, self.grid)  # (n, P) -> (n, *grid)
