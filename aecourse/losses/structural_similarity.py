"""Structural similarity (Wang, Bovik, Sheikh and Simoncelli, 2004), and over several scales (Wang, Simoncelli and Bovik, 2003).

Two images are alike at a place where their local means, standard deviations and correlation are: luminance, contrast
and structure. Local is a Gaussian window that lies inside the image; variances divide by the window's weight.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.losses.reduction import at_least_float32, reduce

K1, K2 = 0.01, 0.03  # of the data range; they keep the ratios finite where an image is flat
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # found with viewers, for five scales


class Comparisons(NamedTuple):
    """Three maps, (B, C, H - size + 1, W - size + 1), whose product is the structural similarity; each at most 1."""

    luminance: torch.Tensor
    contrast: torch.Tensor
    structure: torch.Tensor


def window(size, sigma, like):
    """Gaussian weights that sum to one, (size,), of the dtype and on the device of `like`; rounded once, from double precision."""
    wide = (
        torch.float32 if like.device.type == "mps" else torch.float64
    )  # Apple's devices have no double precision
    distance = torch.arange(size, dtype=wide, device=like.device) - (size - 1) / 2
    return (-(distance / sigma).square() / 2).softmax(0).to(like.dtype)


def local_means_by_convolution(x, weights):
    """The readable form: each window inside the image, weighted and summed: (N, H, W), (size,) -> (N, H - size + 1, W - size + 1)."""
    with torch.autocast(
        x.device.type, enabled=False
    ):  # half precision would leave nothing of a variance
        return F.conv2d(x[:, None], (weights[:, None] * weights)[None, None])[:, 0]


def local_means(x, down, across):
    """The fast form: the window is a product of one down and one across, and each is a :func:`band`: T_H x T_W'."""
    with torch.autocast(x.device.type, enabled=False):
        return down @ (x @ across.T)


def band(weights, side):
    """The window at each of its places along an axis: (side - size + 1, side), zero outside the band."""
    room = side - len(weights)
    return F.pad(weights, (room, room)).unfold(0, side, 1).flip(0)


def moments(x_hat, x, size, sigma):
    """Local means, variances and covariance as the definition has them, each (B, C, H - size + 1, W - size + 1)."""
    maps = torch.stack([x_hat, x, x_hat * x_hat, x * x, x_hat * x])  # (5, B, C, H, W)
    maps = local_means_by_convolution(maps.flatten(0, 2), window(size, sigma, x)).unflatten(
        0, maps.shape[:3]
    )
    mean_hat, mean, square_hat, square, product = maps
    return (
        mean_hat,
        mean,
        square_hat - mean_hat * mean_hat,
        square - mean * mean,
        product - mean_hat * mean,
    )


def two_factors(x_hat, x, data_range, size, sigma):
    """Luminance, and contrast times structure: two maps whose product is the similarity.

    Of two numbers, 2ab is half of the square of their sum less that of their difference; of two images, twice their
    covariance is half of the variance of their sum less that of their difference. The difference of images that are alike
    is small, and so are its rounding errors.
    """
    both, centred, level, bands = difference_and_sum(
        at_least_float32(x_hat), at_least_float32(x), size, sigma
    )
    means = local_means(both, *bands)  # (2, B, C, H - size + 1, W - size + 1)
    variances = local_means(centred * centred, *bands) - (means - level).square()
    return likeness(means.square(), (K1 * data_range) ** 2)[0], likeness(
        variances, (K2 * data_range) ** 2
    )[0]


def difference_and_sum(x_hat, x, size, sigma):
    """Difference and sum, the same about their means, those means, (2, B, C, 1, 1), and the bands down and across."""
    both = x_hat + signs(x) * x  # (2, B, C, H, W)
    level = both.detach().mean(
        (-2, -1), keepdim=True
    )  # no variance depends on it, but the squares are smaller without it
    weights = window(size, sigma, x)
    return both, both - level, level, (band(weights, x.shape[2]), band(weights, x.shape[3]))


def signs(x):
    """Minus one and one, for differences and sums: (2, 1, 1, 1, 1)."""
    return torch.arange(-1, 2, 2, dtype=x.dtype, device=x.device).view(2, 1, 1, 1, 1)


def likeness(parts, c):
    """2ab + C over a^2 + b^2 + C, from the squares of a - b and of a + b, (2, ...), and twice the latter: (...) both."""
    difference, total = parts
    whole = difference + total + 2 * c
    return 1 - 2 * difference / whole, whole


def similarity(x_hat, x, data_range, size, sigma):
    """Mean of the two factors' product over the places of each image: (B,). What :class:`Similarity` gives, by autograd."""
    luminance, contrast_structure = two_factors(x_hat, x, data_range, size, sigma)
    return (luminance * contrast_structure).flatten(1).mean(1)


class Similarity(torch.autograd.Function):
    """The same with its slope by hand, in two thirds of the time; a second derivative is left to :func:`similarity`."""

    @staticmethod
    def forward(ctx, x_hat, x, data_range, size, sigma):
        both, centred, level, bands = difference_and_sum(x_hat, x, size, sigma)
        means = local_means(both, *bands)
        apart = means - level
        variances = torch.addcmul(local_means(centred * centred, *bands), apart, apart, value=-1)
        luminance, light = likeness(means * means, (K1 * data_range) ** 2)
        contrast_structure, spread = likeness(variances, (K2 * data_range) ** 2)
        ctx.save_for_backward(
            x_hat, x, centred, means, apart, luminance, light, contrast_structure, spread, *bands
        )
        ctx.numbers = data_range, size, sigma
        return (luminance * contrast_structure).flatten(1).mean(1)

    @staticmethod
    def backward(ctx, slope):
        (
            x_hat,
            x,
            centred,
            means,
            apart,
            luminance,
            light,
            contrast_structure,
            spread,
            down,
            across,
        ) = ctx.saved_tensors
        if torch.is_grad_enabled():
            pull = torch.func.vjp(lambda x_hat, x: similarity(x_hat, x, *ctx.numbers), x_hat, x)[1]
            return *pull(slope), None, None, None
        slope = slope[:, None, None, None] * (2 / luminance[0].numel())
        of_variances = (signs(x) - contrast_structure) * (
            luminance / spread * slope
        )  # (2, B, C, H - size + 1, W - size + 1)
        of_means = (signs(x) - luminance) * (contrast_structure / light * slope) * means
        of_means = torch.addcmul(of_means, of_variances, apart, value=-1)
        of_both = torch.addcmul(
            local_means(of_means, down.T, across.T),
            centred,
            local_means(of_variances, down.T, across.T),
        )
        of_difference, of_sum = of_both
        return (
            of_sum + of_difference,
            of_sum - of_difference if ctx.needs_input_grad[1] else None,
            None,
            None,
            None,
        )


def ssim_comparisons(x_hat, x, data_range=1.0, window_size=11, sigma=1.5):
    """Where and in what two images differ: the maps of luminance, contrast and structure, for looking at.

    Their product is the map that :func:`ssim` averages, here as it was published. The standard deviations have no slope
    where an image is flat: train with :func:`ssim_loss`, which needs none.

    Args, raises and source: as :func:`ssim`.

    Returns:
        :class:`Comparisons`.
    """
    check_pair(x_hat, x, data_range, window_size, sigma)
    mean_hat, mean, variance_hat, variance, covariance = moments(
        at_least_float32(x_hat), at_least_float32(x), window_size, sigma
    )
    deviations = (variance_hat.clamp(min=0) * variance.clamp(min=0)).sqrt()
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_hat * mean + c1) / (mean_hat * mean_hat + mean * mean + c1)
    contrast = (2 * deviations + c2) / (variance_hat + variance + c2)
    return Comparisons(luminance, contrast, (2 * covariance + c2) / (2 * deviations + c2))


def ssim(x_hat, x, reduction="mean", data_range=1.0, window_size=11, sigma=1.5):
    r"""Structural similarity of each image: the mean over places and channels, without unit, 1 for equal images.

    .. math:: \frac{(2 \mu_{\hat x} \mu_x + C_1)(2 \sigma_{\hat x x} + C_2)}
              {(\mu_{\hat x}^2 + \mu_x^2 + C_1)(\sigma_{\hat x}^2 + \sigma_x^2 + C_2)}, \qquad C_i = (K_i R)^2

    It is below zero where local structure is turned round. A window reaches `window_size` pixels: of 28 x 28 images
    the default sees 18 x 18 places.

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
        TypeError: where an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: where shapes or devices differ, they are not images, the window does not fit, a number is not
            positive, or the reduction is unknown.

    Source:
        Wang, Bovik, Sheikh and Simoncelli (2004).
    """
    check_pair(x_hat, x, data_range, window_size, sigma, reduction)
    transformed = (
        torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
    )  # they write slopes themselves
    form = similarity if transformed else Similarity.apply
    return reduce(
        form(at_least_float32(x_hat), at_least_float32(x), data_range, window_size, sigma),
        reduction,
    )


def ssim_loss(x_hat, x, reduction="mean", data_range=1.0, window_size=11, sigma=1.5):
    """One minus :func:`ssim`, for training: zero for equal images, at most 2. Everything else as there."""
    similarity = ssim(x_hat, x, reduction, data_range, window_size, sigma)
    return len(x) - similarity if reduction == "sum" else 1 - similarity


def ms_ssim(x_hat, x, reduction="mean", data_range=1.0, scales=None, window_size=11, sigma=1.5):
    r"""Structural similarity over several scales, each half the size of the last, without unit, 1 for equal images.

    .. math:: L_S^{w_S} \prod_{s < S} C_s^{w_s}

    :math:`C_s` is the mean of contrast times structure at scale s, :math:`L_S` that of the whole similarity at the
    last, coarsest, one. The weights are the published ones for five scales (they sum to 1.0001), and for fewer the first
    S divided by their sum. A mean below zero counts as zero, and then so does the product, without a slope: early in
    training add another loss.

    Args:
        x_hat, x, data_range, window_size, sigma: as for :func:`ssim`. An odd side loses its last pixel when halved.
        reduction: over images: ``"mean"``, ``"sum"`` or ``"none"``.
        scales: S, 1 to 5; by default as many as have room for the window. At 28 x 28 that is 2 with a window of 11
            pixels, 3 with 7, 4 with 3: values of different S do not compare.

    Returns:
        A scalar, or (B,) for ``"none"``.

    Raises:
        TypeError, ValueError: as :func:`ssim`; also where `scales` is not one of 1 to 5, or more than have room.

    Source:
        Wang, Simoncelli and Bovik (2003).
    """
    check_pair(x_hat, x, data_range, window_size, sigma, reduction)
    scales = check_scales(x.shape[2:], scales, window_size)
    whole, product = sum(SCALE_WEIGHTS[:scales]) if scales < len(SCALE_WEIGHTS) else 1, 1
    for scale, weight in enumerate(SCALE_WEIGHTS[:scales], 1):
        luminance, factor = two_factors(x_hat, x, data_range, window_size, sigma)
        factor = luminance * factor if scale == scales else factor
        product = product * factor.mean((2, 3)).relu().pow(weight / whole)  # (B, C)
        if scale < scales:
            x_hat, x = F.avg_pool2d(x_hat, 2), F.avg_pool2d(x, 2)
    return reduce(product.mean(1), reduction)


def check_pair(x_hat, x, data_range, window_size, sigma, reduction="mean"):
    """Two batches of images that have room for the window, and a reduction over images."""
    validation.same("x_hat", x_hat, "x", x)
    validation.images("x", x)
    validation.one_of("reduction", reduction, ("mean", "sum", "none"))
    validation.positive("data_range", data_range, float)
    validation.positive("sigma", sigma, float)
    height, width = x.shape[2:]
    if validation.positive("window_size", window_size) % 2 == 0 or window_size > min(height, width):
        raise ValueError(
            f"window_size is {window_size} and x has images of {height} x {width}; expected an odd number, "
            f"at most {(min(height, width) - 1) // 2 * 2 + 1} here"
        )


def check_scales(sides, scales, window_size):
    """The number of scales: what was asked for, or as many as have room for the window."""
    side, room = min(sides), 1
    while room < len(SCALE_WEIGHTS) and side >> room >= window_size:
        room += 1
    if scales is None:
        return room
    validation.one_of("scales", scales, range(1, len(SCALE_WEIGHTS) + 1))
    if scales > room:
        largest = ((side >> (scales - 1)) - 1) // 2 * 2 + 1
        smaller = f", a window_size of at most {largest}" if largest > 0 else ""
        raise ValueError(
            f"scales is {scales} and x has images of {sides[0]} x {sides[1]}; with a window of {window_size} pixels "
            f"expected at most {room}: use fewer scales{smaller}, or images with sides of at least "
            f"{window_size * 2 ** (scales - 1)}"
        )
    return scales
