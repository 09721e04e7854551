"""The best linear denoiser, inpainter and code: what a network has to beat (Wiener, 1949; Kolmogorov, 1956)."""

import torch
from torch import nn

from aecourse import validation


def second_moments(data):
    """Mean (d,) and covariance (d, d), over N, of `data`, (N, ...)."""
    rows = validation.floating("data", data).flatten(1)  # (N, d)
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
        for name, value in (
            ("mean", mean),
            ("covariance", covariance),
            ("weight", torch.eye(len(mean)).to(mean)),
            ("bias", 0 * mean),
        ):
            self.register_buffer(name, value)

    def gaussian(self, sigma):
        r"""Set W for noise of standard deviation `sigma`, and return the model: :math:`W = C (C + \sigma^2 I)^{-1}`."""
        noisy = self.covariance + validation.positive("sigma", sigma, float) ** 2 * torch.eye(
            len(self.mean)
        ).to(self.mean)
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
        return (
            validation.samples("x", x, self.shape).flatten(1) @ self.weight.T + self.bias
        ).reshape(x.shape)


def linear_inpaint(data, x, hidden, ridge=1e-4):
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
    validation.weight("ridge", ridge)
    if hidden.shape != x.shape or hidden.dtype != torch.bool or x.shape[1:] != data.shape[1:]:
        raise ValueError(
            f"hidden has shape {tuple(hidden.shape)} and dtype {hidden.dtype}, x {tuple(x.shape)} and data "
            f"{tuple(data.shape)}; expected booleans of the shape of x, and samples of one shape"
        )
    counts = hidden.flatten(1).sum(1)
    if (counts != counts[0]).any():
        raise ValueError(
            f"hidden hides {int(counts.min())} to {int(counts.max())} entries; expected the same number in each image: "
            "call it for each number apart"
        )
    mean, covariance = second_moments(data)
    covariance = covariance + ridge * torch.eye(len(mean)).to(mean)
    order = hidden.flatten(1).int().argsort(dim=1, stable=True)  # visible places, then hidden ones
    sizes = [order.shape[1] - int(counts[0]), int(counts[0])]
    filled = [
        fill(row, mean, covariance, *places.split(sizes))
        for row, places in zip(x.flatten(1), order)
    ]
    return torch.stack(filled).reshape(x.shape)


def fill(row, mean, covariance, visible, hidden):
    """One image, (d,), its places `hidden` filled in from those `visible`."""
    explained = torch.linalg.solve(covariance[visible][:, visible], row[visible] - mean[visible])
    return row.index_copy(0, hidden, mean[hidden] + covariance[hidden][:, visible] @ explained)
