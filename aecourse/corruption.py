"""Four ways to corrupt the input of a denoising autoencoder, whose target remains the clean data.

Each draws from its own generator, in single precision: one seed corrupts the same pixels by the
same amount, whatever the dtype of the data.
"""

import math

import torch

from aecourse import validation
from aecourse.device import as_generator


def bernoulli_mask(
    x: torch.Tensor, p: float | torch.Tensor, generator: torch.Generator | int
) -> torch.Tensor:
    """A random mask of the shape of `x`: each entry is true with probability `p`, independently.

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1]; a number, or a tensor that broadcasts to `x`, whose values are
            not checked.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.

    Returns:
        Booleans of the shape of `x`.

    Raises:
        TypeError, ValueError: As :func:`masking`.
    """
    validation.floating("x", x)
    if not isinstance(p, torch.Tensor) and not (validation.is_number(p) and 0 <= p <= 1):
        raise ValueError(
            f"p is {p!r}; expected a probability in [0, 1]: write 30 per cent as p=0.3"
        )
    return torch.rand(x.shape, generator=as_generator(generator, x), device=x.device) < p


def block_mask(
    x: torch.Tensor, size: int, generator: torch.Generator | int, count: int = 1
) -> torch.Tensor:
    """A mask that is true inside `count` randomly placed squares of each image.

    Every position that lies inside the image is equally likely.

    Args:
        x: images, (B, C, H, W), floating point.
        size: side of a square in pixels, at most H and W.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        count: number of squares in an image; they may overlap.

    Returns:
        Booleans (B, 1, H, W): the same pixels in every channel.

    Raises:
        TypeError, ValueError: As :func:`blocks`.
    """
    validation.images("x", x)
    validation.positive("size", size)
    validation.positive("count", count)
    if size > min(x.shape[2:]):
        raise ValueError(
            f"size is {size} and x has images of {x.shape[2]} x {x.shape[3]}; "
            f"expected a square that fits: at most {min(x.shape[2:])}"
        )
    generator = as_generator(generator, x)
    inside = []
    for side in x.shape[2:]:
        first = torch.randint(
            side - size + 1, (len(x), count, 1), generator=generator, device=x.device
        )
        offset = torch.arange(side, device=x.device) - first  # (B, count, side)
        inside.append((offset >= 0) & (offset < size))
    rows, columns = inside
    return (rows[..., None] & columns[..., None, :]).any(1, keepdim=True)  # (B, 1, H, W)


def gaussian(
    x: torch.Tensor,
    sigma: float | torch.Tensor,
    generator: torch.Generator | int,
    clip: bool = False,
) -> torch.Tensor:
    r"""Add Gaussian noise of standard deviation :math:`\sigma`.

    Args:
        x: data, any shape, floating point.
        sigma: standard deviation, in units of the data; a number, or a tensor that broadcasts
            to `x`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        clip: clip the result to [0, 1]. Off by default: a clipped pixel no longer has mean `x` and
            variance :math:`\sigma^2`. When you report a PSNR of noisy images, say which it was.

    Returns:
        Noisy data, of the shape, dtype and device of `x`.

    Raises:
        TypeError: If `x` is not a floating-point tensor, or `generator` is neither a generator nor
            a seed.
        ValueError: If `sigma` is negative, `x` is empty, or the generator is on another device.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    validation.floating("x", x)
    is_number = validation.is_number(sigma)
    if not isinstance(sigma, torch.Tensor) and not (is_number and 0 <= sigma < math.inf):
        raise ValueError(f"sigma is {sigma!r}; expected a standard deviation of zero or more")
    noise = torch.randn(x.shape, generator=as_generator(generator, x), device=x.device).to(x.dtype)
    noisy = x + (sigma * noise).to(x.dtype)
    return noisy.clamp(0, 1) if clip else noisy


def salt_and_pepper(
    x: torch.Tensor,
    p: float | torch.Tensor,
    generator: torch.Generator | int,
    low: float = 0.0,
    high: float = 1.0,
) -> torch.Tensor:
    """Replace each entry, with probability `p`, by `low` or `high`, which are equally likely.

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1] that an entry is replaced (by either value); as for
            :func:`bernoulli_mask`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        low, high: the two values; the ends of the data's range.

    Returns:
        Corrupted data, of the shape, dtype and device of `x`.

    Raises:
        TypeError, ValueError: As :func:`masking`.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    generator = as_generator(generator, validation.floating("x", x))
    replaced = bernoulli_mask(x, p, generator)
    salt = bernoulli_mask(x, 0.5, generator)
    return x.masked_fill(replaced & salt, high).masked_fill(replaced & ~salt, low)


def masking(
    x: torch.Tensor, p: float | torch.Tensor, generator: torch.Generator | int
) -> torch.Tensor:
    """Set each entry, with probability `p`, to zero.

    The other entries are not rescaled (dropout would divide them by 1 - p).

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1] that an entry is hidden; as for :func:`bernoulli_mask`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed. With the same
            seed :func:`bernoulli_mask` returns the mask.

    Returns:
        Masked data, of the shape, dtype and device of `x`.

    Raises:
        TypeError: If `x` is not a floating-point tensor, or `generator` is neither a generator nor
            a seed.
        ValueError: If `p` is outside [0, 1], `x` is empty, or the generator is on another device.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    return x.masked_fill(bernoulli_mask(x, p, generator), 0)


def blocks(
    x: torch.Tensor,
    size: int,
    generator: torch.Generator | int,
    count: int = 1,
    value: float = 0.0,
) -> torch.Tensor:
    """Set `count` squares of each image to `value`.

    Unlike a single hidden pixel, the inside of a square can't be copied from its neighbours.

    Args:
        x: images, (B, C, H, W), floating point.
        size: side of a square in pixels, at most H and W.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed. With the same
            seed :func:`block_mask` returns the mask.
        count: number of squares in an image; they may overlap.
        value: the new value of their pixels, in every channel.

    Returns:
        Images with holes, of the shape, dtype and device of `x`.

    Raises:
        TypeError: If `x` is not a floating-point tensor, or `generator` is neither a generator nor
            a seed.
        ValueError: If `x` is not a batch of images, a square does not fit, `size` or `count` is not
            a positive integer, or the generator is on another device.

    Source:
        Pathak, Krähenbühl, Donahue, Darrell and Efros (2016).
    """
    return x.masked_fill(block_mask(x, size, generator, count), value)
