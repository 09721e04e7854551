"""The best linear denoiser and inpainter, as a baseline for networks."""

from typing import Self

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32, double, second_moments


class LinearDenoiser(nn.Module):
    r"""The affine map :math:`\hat x = W \tilde x + b` with the least squared error, in closed form.

    It maps corrupted to clean data. A linear denoising autoencoder of full width converges to the
    same map. Call :meth:`gaussian` or :meth:`masking` to choose the corruption; before that it is
    the identity. W and b are computed in double precision, and rounded to that of the data.

    Args:
        data: clean training data, (N, ...), floating point, finite.

    Raises:
        TypeError: If `data` is not a floating-point tensor.
        ValueError: If `data` is empty or contains nan or infinity.

    Source:
        Wiener (1949), for the Gaussian noise.
    """

    def __init__(self, data: torch.Tensor):
        super().__init__()
        mean, covariance = second_moments(data)
        self.shape = tuple(data.shape[1:])
        self.register_buffer("mean", mean)
        self.register_buffer("covariance", covariance)
        dtype = at_least_float32(data).dtype
        self.register_buffer("weight", torch.eye(len(mean), dtype=dtype, device=mean.device))
        self.register_buffer("bias", torch.zeros_like(self.weight[0]))

    def gaussian(self, sigma: float) -> Self:
        r"""Set W and b for Gaussian noise: :math:`W = C (C + \sigma^2 I)^{-1}`.

        Args:
            sigma: standard deviation of the noise, in units of the data.

        Returns:
            This model.

        Raises:
            ValueError: If `sigma` is not positive.
        """
        validation.positive("sigma", sigma, float)
        noisy = self.covariance + sigma**2 * torch.eye(len(self.mean)).to(self.mean)
        return self.set(torch.linalg.solve(noisy, self.covariance).T)

    def masking(self, p: float) -> Self:
        r"""Set W and b for masking: :math:`W = q C Q^+`, with :math:`q = 1 - p`.

        The visible data have the covariance
        :math:`Q = q^2 C + q (1 - q) \, \mathrm{diag}(E[x^2])`: masking adds noise whose variance is
        proportional to the mean square of an entry. If an entry is always zero, Q is singular,
        hence the pseudo-inverse. It is computed with every entry divided by the root of its mean
        square: the eigenvalues are then at least q (1 - q).

        Args:
            p: probability that an entry is hidden.

        Returns:
            This model.

        Raises:
            ValueError: If `p` is not strictly between 0 and 1.
        """
        if not (validation.is_number(p) and 0 < p < 1):
            raise ValueError(
                f"p is {p!r}; expected a probability between 0 and 1, exclusive: try 0.5"
            )
        q = 1 - p
        squares = self.covariance.diagonal() + self.mean.square()  # (d,), E[x^2]
        scale = torch.where(squares > 0, squares, torch.inf).rsqrt()  # 0 for what is always zero
        scaled = self.covariance * scale  # (d, d), each column divided
        seen = q**2 * scale[:, None] * scaled + q * p * torch.eye(len(scale)).to(scaled)
        return self.set(q * torch.linalg.solve(seen, scaled.T).T * scale, q)

    def set(self, weight: torch.Tensor, q: float = 1.0) -> Self:
        """Set W, (d, d), and the b that gives the mean for a corruption of mean q times the data's.

        Both are rounded to the precision of the data.
        """
        self.bias = (self.mean - q * weight @ self.mean).to(self.weight)
        self.weight = weight.to(self.weight)
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Estimate the clean data from corrupted data: (B, ...) -> (B, ...)."""
        rows = validation.samples("x", x, self.shape, self.weight).flatten(1)  # (B, d)
        return (rows @ self.weight.T + self.bias).reshape(x.shape)


def linear_inpaint(
    data: torch.Tensor, x: torch.Tensor, hidden: torch.Tensor, ridge: float = 1e-4
) -> torch.Tensor:
    r"""Fill in the hidden entries of each image by linear regression on its visible ones.

    .. math:: \hat x_h = \mu_h + C_{hv} (C_{vv} + r I)^{-1} (x_v - \mu_v)

    The mean and the covariance C are those of `data`.

    Args:
        data: clean training data, (N, ...), floating point, finite.
        x: images to fill in, (B, ...), of the dtype of `data`; their visible entries are finite,
            and the values of their hidden entries are ignored.
        hidden: (B, ...) booleans, the same number in each image.
        ridge: r, in squared units of the data: it limits the weight of pixels that hardly vary.

    Returns:
        `x` with its hidden entries replaced.

    Raises:
        TypeError: If `data` or `x` is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes differ, the images hide different numbers of entries, or `data` or a
            visible entry is nan or infinite.
    """
    validation.weight("ridge", ridge)
    validation.floating("x", x)
    validation.floating("data", data)
    if not isinstance(hidden, torch.Tensor):
        raise TypeError(
            f"hidden is a {type(hidden).__name__}; expected a torch.Tensor of booleans: convert it "
            "with torch.as_tensor(hidden)"
        )
    if hidden.shape != x.shape or hidden.dtype != torch.bool or x.shape[1:] != data.shape[1:]:
        raise ValueError(
            f"hidden has shape {tuple(hidden.shape)} and dtype {hidden.dtype}, "
            f"x {tuple(x.shape)} and data {tuple(data.shape)}; "
            "expected booleans of the shape of x, and samples of one shape: "
            "expand the mask to x with hidden.expand_as(x)"
        )
    validation.same("x", x[:1], "data", data[:1])
    x = x.masked_fill(hidden, 0)
    validation.finite("x", x)
    counts = hidden.flatten(1).sum(1)
    if (counts != counts[0]).any():
        raise ValueError(
            f"hidden hides {int(counts.min())} to {int(counts.max())} entries; "
            "expected the same number in each image: "
            "call it separately for the images with each number"
        )
    mean, covariance = second_moments(data)
    covariance = covariance + ridge * torch.eye(len(mean)).to(mean)
    order = hidden.flatten(1).int().argsort(dim=1, stable=True)  # (B, d), visible indices first
    sizes = [order.shape[1] - int(counts[0]), int(counts[0])]
    filled = [
        fill(row, mean, covariance, *indices.split(sizes))
        for row, indices in zip(double(x).flatten(1), order, strict=True)
    ]
    return torch.stack(filled).reshape(x.shape).to(x.dtype)


def fill(
    row: torch.Tensor,
    mean: torch.Tensor,
    covariance: torch.Tensor,
    visible: torch.Tensor,
    hidden: torch.Tensor,
) -> torch.Tensor:
    """One image, (d,), with its `hidden` indices predicted from its `visible` indices."""
    seen, centred = covariance[visible][:, visible], row[visible] - mean[visible]
    explained, failed = torch.linalg.solve_ex(seen, centred)
    if failed:
        raise ValueError(
            "ridge is 0 and the covariance of the visible entries is singular; expected a positive "
            "ridge where an entry is constant or follows from others: try 1e-4"
        )
    return row.index_copy(0, hidden, mean[hidden] + covariance[hidden][:, visible] @ explained)
