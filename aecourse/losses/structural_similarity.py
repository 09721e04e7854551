"""Structural similarity, at one scale and at several.

At one scale it is that of Wang, Bovik, Sheikh and Simoncelli (2004), over several scales that of
Wang, Simoncelli and Bovik (2003).

Two images are similar at a position if their local means, standard deviations and correlation are
similar: luminance, contrast and structure. "Local" means a Gaussian window that lies inside the
image; the weights of the window sum to one, and variances are weighted means of squares.

The readable form comes first: :func:`window` to :func:`ssim_comparisons`. What :func:`ssim`
computes is equal, by the fast form at the end of this file.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.reduction import SampleReduction, reduce

K1, K2 = 0.01, 0.03  # fractions of the data range; they keep the ratios finite in flat regions
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # from experiments with human observers


# The readable form


def window(size: int, sigma: float, like: torch.Tensor) -> torch.Tensor:
    """Gaussian weights, (size,), that sum to one, with the dtype and device of `like`.

    They are computed in double precision and rounded once (MPS has no double precision).
    """
    precise = torch.float32 if like.device.type == "mps" else torch.float64
    distance = torch.arange(size, dtype=precise, device=like.device) - (size - 1) / 2
    return (-(distance / sigma).square() / 2).softmax(0).to(like.dtype)


def local_means_by_convolution(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean of each window inside the image.

    Args:
        x: images, (N, H, W).
        weights: (size,), the window along one axis.

    Returns:
        (N, H - size + 1, W - size + 1).
    """
    with torch.autocast(x.device.type, enabled=False):  # variances cancel in half precision
        return F.conv2d(x[:, None], (weights[:, None] * weights)[None, None])[:, 0]


def local_moments(
    x_hat: torch.Tensor, x: torch.Tensor, size: int, sigma: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Local means, variances and covariance by the definition.

    Returns:
        Mean of `x_hat`, mean of `x`, variance of `x_hat`, variance of `x`, and covariance, each
        (B, C, H - size + 1, W - size + 1).
    """
    # Products of deviations from each image's mean: those of the values cancel far from zero.
    centre_hat, centre = (image.mean((-2, -1), keepdim=True) for image in (x_hat, x))
    a, b = x_hat - centre_hat, x - centre
    products = torch.stack([x_hat, x, a * a, b * b, a * b])  # (5, B, C, H, W)
    means = local_means_by_convolution(products.flatten(0, 2), window(size, sigma, x))
    mean_hat, mean, square_hat, square, product = means.unflatten(0, products.shape[:3])
    a, b = mean_hat - centre_hat, mean - centre
    return mean_hat, mean, square_hat - a * a, square - b * b, product - a * b


def ssim_by_convolution(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    data_range: float = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
) -> torch.Tensor:
    """The readable form of :func:`ssim`: one value an image, (B,)."""
    mean_hat, mean, variance_hat, variance, covariance = local_moments(x_hat, x, window_size, sigma)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_hat * mean + c1) / (mean_hat.square() + mean.square() + c1)
    contrast_structure = (2 * covariance + c2) / (variance_hat + variance + c2)
    return (luminance * contrast_structure).flatten(1).mean(1)


class Comparisons(NamedTuple):
    """Three maps, (B, C, H - size + 1, W - size + 1), whose product is the structural similarity.

    No value is greater than 1.
    """

    luminance: torch.Tensor
    contrast: torch.Tensor
    structure: torch.Tensor


def ssim_comparisons(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    data_range: float = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
) -> Comparisons:
    """Where two images differ, and in what: maps of luminance, contrast and structure for figures.

    Their product is the map that :func:`ssim` averages, here as it was published. The gradient of
    the standard deviations is undefined in flat regions: train with :func:`ssim_loss`, which does
    not need them.

    Arguments, errors and source are those of :func:`ssim`.

    Returns:
        :class:`Comparisons`.
    """
    check_pair(x_hat, x, data_range, window_size, sigma)
    mean_hat, mean, variance_hat, variance, covariance = local_moments(
        at_least_float32(x_hat), at_least_float32(x), window_size, sigma
    )
    deviations = (variance_hat.clamp(min=0) * variance.clamp(min=0)).sqrt()
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_hat * mean + c1) / (mean_hat * mean_hat + mean * mean + c1)
    contrast = (2 * deviations + c2) / (variance_hat + variance + c2)
    return Comparisons(luminance, contrast, (2 * covariance + c2) / (2 * deviations + c2))


# The losses and metrics


def ssim(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    reduction: SampleReduction = "mean",
    data_range: float = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
) -> torch.Tensor:
    r"""Structural similarity: mean over positions and channels, without unit, 1 for equal images.

    .. math:: \frac{(2 \mu_{\hat x} \mu_x + C_1)(2 \sigma_{\hat x x} + C_2)}
              {(\mu_{\hat x}^2 + \mu_x^2 + C_1)(\sigma_{\hat x}^2 + \sigma_x^2 + C_2)},
              \qquad C_i = (K_i R)^2

    It is negative if local structure is inverted, as in a photographic negative. The window lies
    inside the image: with the default of 11 pixels, a 28 x 28 image has 18 x 18 positions.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point.
        x: data, of the same shape, dtype and device.
        reduction: over images: ``"mean"``, ``"sum"`` or ``"none"``.
        data_range: R, largest minus smallest possible value of the data (not of this batch).
        window_size: side of the window in pixels, odd, at most H and W.
        sigma: standard deviation of the window in pixels.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, they are not images, the window does not fit, a
            number is not positive, or the reduction is unknown.

    Source:
        Wang, Bovik, Sheikh and Simoncelli (2004).
    """
    check_pair(x_hat, x, data_range, window_size, sigma, reduction)
    # Compilation, torch.func and forward-mode differentiation derive gradients themselves, and
    # can't use the one of SsimFunction.
    transformed = torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
    by_hand = not (transformed or is_dual(x_hat) or is_dual(x))
    form = SsimFunction.apply if by_hand else ssim_per_image
    return reduce(
        form(at_least_float32(x_hat), at_least_float32(x), data_range, window_size, sigma),
        reduction,
    )


def ssim_loss(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    reduction: SampleReduction = "mean",
    data_range: float = 1.0,
    window_size: int = 11,
    sigma: float = 1.5,
) -> torch.Tensor:
    """One minus :func:`ssim`, for training: between 0, for equal images, and 2.

    Arguments, return value and errors are those of :func:`ssim`.
    """
    similarity = ssim(x_hat, x, reduction, data_range, window_size, sigma)
    return len(x) - similarity if reduction == "sum" else 1 - similarity


def ms_ssim(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    reduction: SampleReduction = "mean",
    data_range: float = 1.0,
    scales: int | None = None,
    window_size: int = 11,
    sigma: float = 1.5,
) -> torch.Tensor:
    r"""Structural similarity over several scales, without unit, 1 for equal images.

    .. math:: L_S^{w_S} \prod_{s < S} C_s^{w_s}

    Each scale halves the image of the one before. :math:`C_s` is the mean of contrast times
    structure at scale s, and :math:`L_S` the mean of the full similarity at the last, coarsest
    scale. The weights are the published ones for five scales (they sum to 1.0001); for fewer, the
    first S divided by their sum. A negative mean counts as zero; the product is then zero, with
    zero gradient: early in training add another loss.

    Args:
        x_hat, x, data_range, window_size, sigma: as for :func:`ssim`. If a side is odd, halving
            drops its last pixel.
        reduction: over images: ``"mean"``, ``"sum"`` or ``"none"``.
        scales: S, 1 to 5; by default as many as fit the window. At 28 x 28 that is 2 with a window
            of 11 pixels, 3 with 7, 4 with 3. Values with different S are not comparable.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError, ValueError: As :func:`ssim`; also if `scales` is not one of 1 to 5, or the image
            at the coarsest scale is smaller than the window.

    Source:
        Wang, Simoncelli and Bovik (2003).
    """
    check_pair(x_hat, x, data_range, window_size, sigma, reduction)
    x_hat, x = at_least_float32(x_hat), at_least_float32(x)
    scales = check_scales(x.shape[2:], scales, window_size)
    total_weight = sum(SCALE_WEIGHTS[:scales]) if scales < len(SCALE_WEIGHTS) else 1
    product = 1
    for scale, weight in enumerate(SCALE_WEIGHTS[:scales], 1):
        luminance, factor = two_factors(x_hat, x, data_range, window_size, sigma)
        factor = luminance * factor if scale == scales else factor
        mean = factor.mean((2, 3))  # (B, C)
        # The power of 1 where it is clipped: the derivatives of a power of 0 are infinite.
        power = mean.where(mean > 0, 1.0).pow(weight / total_weight)
        product = product * power.where(mean > 0, 0.0)  # (B, C)
        if scale < scales:
            x_hat, x = F.avg_pool2d(x_hat, 2), F.avg_pool2d(x, 2)
    return reduce(product.mean(1), reduction)


def check_pair(
    x_hat: torch.Tensor,
    x: torch.Tensor,
    data_range: float,
    window_size: int,
    sigma: float,
    reduction: str = "mean",
) -> None:
    """Check two batches of images that the window fits in, and a reduction over images."""
    validation.same("x_hat", x_hat, "x", x)
    validation.images("x", x)
    validation.one_of("reduction", reduction, ("mean", "sum", "none"))
    validation.positive("data_range", data_range, float)
    validation.positive("sigma", sigma, float)
    height, width = x.shape[2:]
    if validation.positive("window_size", window_size) % 2 == 0 or window_size > min(height, width):
        raise ValueError(
            f"window_size is {window_size} and x has images of {height} x {width}; "
            f"expected an odd number, at most {(min(height, width) - 1) // 2 * 2 + 1} here"
        )


def check_scales(sides: tuple[int, int], scales: int | None, window_size: int) -> int:
    """The number of scales: `scales` if the window fits at each, or by default as many as fit."""
    side = min(sides)
    most = 1
    while most < len(SCALE_WEIGHTS) and side >> most >= window_size:
        most += 1
    if scales is None:
        return most
    validation.one_of("scales", scales, range(1, len(SCALE_WEIGHTS) + 1))
    if scales > most:
        largest = ((side >> (scales - 1)) - 1) // 2 * 2 + 1
        smaller = f", a window_size of at most {largest}" if largest > 0 else ""
        raise ValueError(
            f"scales is {scales} and x has images of {sides[0]} x {sides[1]}; "
            f"with a window of {window_size} pixels expected at most {most}: "
            f"use fewer scales{smaller}, or images with sides of at least "
            f"{window_size * 2 ** (scales - 1)}"
        )
    return scales


# The fast form: the window as two matrix products, differences in place of cancelling squares, and
# a gradient written by hand.


def band_matrix(weights: torch.Tensor, side: int) -> torch.Tensor:
    """The window at each of its positions along an axis: (side - size + 1, side).

    Entries outside the window are zero, so that the matrix times a column is its local means.
    """
    room = side - len(weights)
    return F.pad(weights, (room, room)).unfold(0, side, 1).flip(0)


def local_means(x: torch.Tensor, down: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """The fast form of local means: the window is separable, one :func:`band_matrix` for each axis.

    Args:
        x: images, (..., H, W).
        down: (H - size + 1, H).
        across: (W - size + 1, W).

    Returns:
        (..., H - size + 1, W - size + 1).
    """
    with torch.autocast(x.device.type, enabled=False):
        return down @ (x @ across.T)


def signs(x: torch.Tensor) -> torch.Tensor:
    """Minus one and one, for differences and sums: (2, 1, 1, 1, 1)."""
    return torch.arange(-1, 2, 2, dtype=x.dtype, device=x.device).view(2, 1, 1, 1, 1)


def difference_and_sum(
    x_hat: torch.Tensor, x: torch.Tensor, size: int, sigma: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Difference and sum of two images, with what their local moments need.

    The mean of each image is subtracted first: the variances do not depend on it, and their squares
    have smaller rounding errors without it.

    Returns:
        Difference and sum, (2, B, C, H, W); the same minus their means; those means,
        (2, B, C, 1, 1), without gradient; and the two band matrices.
    """
    both = x_hat + signs(x) * x  # (2, B, C, H, W)
    centre = both.detach().mean((-2, -1), keepdim=True)  # (2, B, C, 1, 1)
    weights = window(size, sigma, x)
    bands = (band_matrix(weights, x.shape[2]), band_matrix(weights, x.shape[3]))
    return both, both - centre, centre, bands


def ratio_and_denominator(squares: torch.Tensor, c: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The ratio (2ab + C) / (a^2 + b^2 + C), without cancellation if a and b are close.

    Args:
        squares: (2, ...), (a - b)^2 and (a + b)^2.
        c: C.

    Returns:
        The ratio and twice its denominator, both (...).
    """
    difference, total = squares
    denominator = difference + total + 2 * c
    return 1 - 2 * difference / denominator, denominator


def two_factors(
    x_hat: torch.Tensor, x: torch.Tensor, data_range: float, size: int, sigma: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Luminance, and contrast times structure: two maps whose product is the similarity.

    Both are computed from the sum and the difference of the images. For two numbers,
    4ab = (a + b)^2 - (a - b)^2; for two images, four times their covariance is the variance of
    their sum minus that of their difference. The difference of similar images is small, and so are
    its rounding errors.
    """
    both, centred, centre, bands = difference_and_sum(
        at_least_float32(x_hat), at_least_float32(x), size, sigma
    )
    means = local_means(both, *bands)  # (2, B, C, H - size + 1, W - size + 1)
    variances = local_means(centred * centred, *bands) - (means - centre).square()
    luminance, _ = ratio_and_denominator(means.square(), (K1 * data_range) ** 2)
    contrast_structure, _ = ratio_and_denominator(variances, (K2 * data_range) ** 2)
    return luminance, contrast_structure


def ssim_per_image(
    x_hat: torch.Tensor, x: torch.Tensor, data_range: float, size: int, sigma: float
) -> torch.Tensor:
    """Mean of the product of the two factors over each image, (B,), differentiated by autograd."""
    luminance, contrast_structure = two_factors(x_hat, x, data_range, size, sigma)
    return (luminance * contrast_structure).flatten(1).mean(1)


def is_dual(x: torch.Tensor) -> bool:
    """Whether `x` carries a tangent of forward-mode differentiation."""
    return torch.autograd.forward_ad.unpack_dual(x).tangent is not None


class SsimFunction(torch.autograd.Function):
    """:func:`ssim_per_image` with a gradient written by hand, in two thirds of the time.

    A second derivative goes through :func:`ssim_per_image`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_hat: torch.Tensor,
        x: torch.Tensor,
        data_range: float,
        size: int,
        sigma: float,
    ) -> torch.Tensor:
        both, centred, centre, bands = difference_and_sum(x_hat, x, size, sigma)
        means = local_means(both, *bands)
        offsets = means - centre
        variances = torch.addcmul(
            local_means(centred * centred, *bands), offsets, offsets, value=-1
        )
        luminance, luminance_denominator = ratio_and_denominator(
            means * means, (K1 * data_range) ** 2
        )
        contrast_structure, contrast_denominator = ratio_and_denominator(
            variances, (K2 * data_range) ** 2
        )
        ctx.save_for_backward(
            x_hat,
            x,
            centred,
            means,
            offsets,
            luminance,
            luminance_denominator,
            contrast_structure,
            contrast_denominator,
            *bands,
        )
        ctx.numbers = data_range, size, sigma
        return (luminance * contrast_structure).flatten(1).mean(1)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (
            x_hat,
            x,
            centred,
            means,
            offsets,
            luminance,
            luminance_denominator,
            contrast_structure,
            contrast_denominator,
            down,
            across,
        ) = ctx.saved_tensors
        if torch.is_grad_enabled():
            pull = torch.func.vjp(lambda x_hat, x: ssim_per_image(x_hat, x, *ctx.numbers), x_hat, x)
            return *pull[1](grad_output), None, None, None
        scale = grad_output[:, None, None, None] * (2 / luminance[0].numel())  # (B, 1, 1, 1)
        grad_variances = (signs(x) - contrast_structure) * (
            luminance / contrast_denominator * scale
        )  # (2, B, C, H - size + 1, W - size + 1)
        grad_means = (signs(x) - luminance) * (
            contrast_structure / luminance_denominator * scale
        )  # the same shape
        grad_means = torch.addcmul(grad_means * means, grad_variances, offsets, value=-1)
        grad_both = torch.addcmul(
            local_means(grad_means, down.T, across.T),
            centred,
            local_means(grad_variances, down.T, across.T),
        )  # (2, B, C, H, W)
        grad_difference, grad_sum = grad_both
        return (
            grad_sum + grad_difference,
            grad_sum - grad_difference if ctx.needs_input_grad[1] else None,
            None,
            None,
            None,
        )
