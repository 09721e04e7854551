"""The best linear denoiser, inpainter and code: what a network has to beat (Wiener, 1949; Kolmogorov, 1956)."""
import torch
from torch import nn

from aecourse import check
from aecourse.models.linear import principal_axes


def second_moments(data):
    """Mean (d,) and covariance (d, d), over N, of `data`, (N, ...)."""
    rows = check.floating("data", data).flatten(1)  # (N, d)
    mean = rows.mean(0)
    return mean, (rows - mean).T @ (rows - mean) / len(rows)


class LinearDenoiser(nn.Module):
    r"""The map :math:`\hat x = W \tilde x + b` of least squared error from spoilt to clean data, found without training.

    The same map is what a linear denoising autoencoder of full width tends to.

    Args:
        data: clean training data, (N, ...).

    Source:
        Wiener (1949), for the Gaussian noise.
    """

    def __init__(self, data):
        super().__init__()
        mean, covariance = second_moments(data)
        self.shape = tuple(data.shape[1:])
        for name, value in (("mean", mean), ("covariance", covariance), ("weight", torch.eye(len(mean)).to(mean)), ("bias", 0 * mean)):
            self.register_buffer(name, value)

    def gaussian(self, sigma):
        r"""Set W for noise of standard deviation `sigma`, and return the model: :math:`W = C (C + \sigma^2 I)^{-1}`."""
        noisy = self.covariance + check.positive("sigma", sigma, float)**2 * torch.eye(len(self.mean)).to(self.mean)
        self.weight = torch.linalg.solve(noisy, self.covariance).T
        self.bias = self.mean - self.weight @ self.mean
        return self

    def masking(self, p):
        r"""Set W for entries hidden with probability `p`, and return the model: :math:`W = q C Q^+`, with :math:`q = 1 - p`.

        What is seen has the covariance :math:`Q = q^2 C + q (1 - q) \, \mathrm{diag}(E[x^2])`: hiding adds noise in
        proportion to an entry's own size. An entry that is always zero makes Q singular, hence the pseudo-inverse.
        """
        if not 0 < p < 1:
            raise ValueError(f"p is {p!r}; expected a probability between 0 and 1, both left out")
        q = 1 - p
        seen = q**2 * self.covariance + q * p * (self.covariance.diagonal() + self.mean**2).diag()
        self.weight = q * self.covariance @ torch.linalg.pinv(seen, hermitian=True)
        self.bias = self.mean - q * self.weight @ self.mean
        return self

    def forward(self, x):
        """The clean data that `x` suggests: (B, ...) -> (B, ...)."""
        return (check.samples("x", x, self.shape).flatten(1) @ self.weight.T + self.bias).reshape(x.shape)


def inpaint(data, x, hidden, ridge=1e-4):
    r"""Fill in the `hidden` entries of each image linearly from its visible ones, by the covariance of `data`.

    .. math:: \hat x_h = \mu_h + C_{hv} (C_{vv} + r I)^{-1} (x_v - \mu_v)

    Args:
        data: clean training data, (N, ...), floating point.
        x: (B, ...), what to fill in; its hidden entries have no say.
        hidden: (B, ...) booleans, the same number in each image.
        ridge: r, in squared units of the data: what keeps pixels that hardly vary from counting.

    Returns:
        `x` with its hidden entries replaced.

    Raises:
        ValueError: where shapes differ, or the images hide different numbers of entries.
    """
    check.weight("ridge", ridge)
    if hidden.shape != x.shape or hidden.dtype != torch.bool or x.shape[1:] != data.shape[1:]:
        raise ValueError(f"hidden has shape {tuple(hidden.shape)} and dtype {hidden.dtype}, x {tuple(x.shape)} and data "
                         f"{tuple(data.shape)}; expected booleans of the shape of x, and samples of one shape")
    counts = hidden.flatten(1).sum(1)
    if (counts != counts[0]).any():
        raise ValueError(f"hidden hides {int(counts.min())} to {int(counts.max())} entries; expected the same number in each image: "
                         "call it for each number apart")
    mean, covariance = second_moments(data)
    covariance = covariance + ridge * torch.eye(len(mean)).to(mean)
    order = hidden.flatten(1).int().argsort(dim=1, stable=True)  # visible places, then hidden ones
    sizes = [order.shape[1] - int(counts[0]), int(counts[0])]
    filled = [fill(row, mean, covariance, *places.split(sizes)) for row, places in zip(x.flatten(1), order)]
    return torch.stack(filled).reshape(x.shape)


def fill(row, mean, covariance, visible, hidden):
    """One image, (d,), its places `hidden` filled in from those `visible`."""
    explained = torch.linalg.solve(covariance[visible][:, visible], row[visible] - mean[visible])
    return row.index_copy(0, hidden, mean[hidden] + covariance[hidden][:, visible] @ explained)


def coding_error(data, bits):
    r"""The squared error that no linear code of `bits` bits a sample falls below, summed over entries: reverse water-filling.

    Principal axes are coded as independent Gaussians of variance :math:`\lambda_i`, each to the error
    :math:`\min(\theta, \lambda_i)`, with the level :math:`\theta` such that
    :math:`\sum_i \tfrac12 \log_2 (\lambda_i / \min(\theta, \lambda_i))` is `bits`. It is the limit for very long
    messages of Gaussian data; a real quantiser of principal axes does worse.

    Args:
        data: (N, ...), floating point.
        bits: more than 0.

    Returns:
        A scalar, in squared units of the data.

    Source:
        Kolmogorov (1956); Cover and Thomas (2006), theorem 10.3.3.
    """
    check.positive("bits", bits, float)
    values = principal_axes(data)[2].double()  # (d,), the largest first
    values = values[values > 1e-12 * values[0]]
    logs = values.log2()
    kept = torch.arange(1, len(values) + 1, device=values.device)  # with the first m axes coded, log2 of the level
    levels = (logs.cumsum(0) - 2 * bits) / kept
    m = int((levels < logs).sum())  # as many as stand above the water
    return m * 2 ** levels[m - 1] + values[m:].sum()


def scalar_quantiser(values, levels, iterations=60):
    """Lloyd's quantiser of each column on its own: cells bounded half-way between the means of what they hold.

    Args:
        values: (N, m), each column sorted upwards.
        levels: how many.

    Returns:
        (m, levels) representatives.

    Source:
        Lloyd (1982).
    """
    if levels == 1:
        return values.mean(0)[:, None]
    shares = (torch.arange(levels, device=values.device) + 0.5) / levels
    centres = values[(shares * len(values)).long()].T.contiguous()  # (m, levels), the quantiles
    sums = torch.cat([torch.zeros_like(values[:1]), values.cumsum(0)]).T.contiguous()  # (m, N + 1)
    columns = values.T.contiguous()
    for _ in range(iterations):
        borders = (centres[:, 1:] + centres[:, :-1]) / 2  # (m, levels - 1)
        ends = torch.searchsorted(columns, borders)
        ends = torch.cat([torch.zeros_like(ends[:, :1]), ends, torch.full_like(ends[:, :1], columns.shape[1])], 1)  # (m, levels + 1)
        counts, totals = ends.diff(dim=1), sums.gather(1, ends).diff(dim=1)
        centres = torch.where(counts > 0, totals / counts.clamp(min=1), centres)
    return centres


class LinearCode(nn.Module):
    """Principal axes, each rounded to levels of its own: the linear code of `bits` bits a sample that can be built.

    Each bit in turn goes to the axis where it saves most, and doubles its levels.

    Args:
        data: (N, ...) to fit it on, floating point.
        bits: of each sample, a positive integer.
        axes: how many axes can get bits.
        most: bits that an axis can get.

    Source:
        Huang and Schultheiss (1963), who split the bits by a formula and a few trials; the levels: Lloyd (1982).
    """

    def __init__(self, data, bits, axes=128, most=6):
        super().__init__()
        check.positive("bits", bits)
        self.shape = tuple(data.shape[1:])
        mean, directions, _ = principal_axes(data)
        self.register_buffer("mean", mean), self.register_buffer("axes", directions[:, :axes])
        codes = ((data.flatten(1) - mean) @ self.axes).double()  # (N, m)
        columns = codes.sort(0).values
        self.levels = [scalar_quantiser(columns, 2**b).to(mean) for b in range(most + 1)]
        errors = torch.stack([(codes - self.rounded(codes.to(mean), b).double()).square().mean(0)
                              for b in range(most + 1)])  # (most + 1, m)
        savings = torch.cat([errors[:-1] - errors[1:], torch.full_like(errors[:1], -1)])  # of the next bit of each axis
        self.register_buffer("spent", torch.zeros(codes.shape[1], dtype=torch.long))
        for _ in range(min(bits, most * codes.shape[1])):
            self.spent[savings.gather(0, self.spent[None])[0].argmax()] += 1

    def rounded(self, codes, bits):
        """Each of `codes`, (N, m), at the nearest of the levels for `bits`."""
        if bits == 0:
            return self.levels[0].T.expand_as(codes)
        borders = (self.levels[bits][:, 1:] + self.levels[bits][:, :-1]) / 2
        return self.levels[bits].gather(1, torch.searchsorted(borders, codes.T.contiguous())).T

    def forward(self, x):
        """What the code leaves of `x`: (B, ...) -> (B, ...)."""
        codes = (check.samples("x", x, self.shape).flatten(1) - self.mean) @ self.axes  # (B, m)
        kept = torch.stack([self.rounded(codes, b) for b in range(len(self.levels))]).gather(0, self.spent.expand(1, *codes.shape))[0]
        return (kept @ self.axes.T + self.mean).reshape(x.shape)
