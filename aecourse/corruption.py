"""Four ways to spoil an input: the denoising autoencoder's target stays the clean one (Vincent and others, 2010).

Each draws from a generator of its own, in single precision: one seed spoils the same pixels by the same amount
whatever the data's dtype.
"""

import torch

from aecourse import validation
from aecourse.device import as_generator


def bernoulli_mask(x, p, generator):
    """Entries of `x`, each with probability `p`: a mask of its shape, true where an entry was drawn.

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1]; a number, or a tensor that broadcasts to `x`, whose values are not read.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.

    Returns:
        Booleans of the shape of `x`.

    Raises:
        TypeError, ValueError: as :func:`masking`.
    """
    validation.floating("x", x)
    if not isinstance(p, torch.Tensor) and not 0 <= p <= 1:
        raise ValueError(f"p is {p!r}; expected a probability in [0, 1]")
    return torch.rand(x.shape, generator=as_generator(generator, x), device=x.device) < p


def block_mask(x, size, generator, count=1):
    """`count` squares in each image, at places drawn evenly among those inside it: true where a pixel is in one.

    Args:
        x: images, (B, C, H, W), floating point.
        size: side of a square in pixels, at most H and W.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        count: squares in an image; they may overlap.

    Returns:
        Booleans (B, 1, H, W): the same pixels in every channel.

    Raises:
        TypeError, ValueError: as :func:`blocks`.
    """
    validation.images("x", x)
    validation.positive("size", size)
    validation.positive("count", count)
    if size > min(x.shape[2:]):
        raise ValueError(
            f"size is {size} and x has images of {x.shape[2]} x {x.shape[3]}; expected a square that fits: "
            f"at most {min(x.shape[2:])}"
        )
    generator, inside = as_generator(generator, x), []
    for side in x.shape[2:]:
        first = torch.randint(
            side - size + 1, (len(x), count, 1), generator=generator, device=x.device
        )
        past = torch.arange(side, device=x.device) - first  # (B, count, side)
        inside.append((past >= 0) & (past < size))
    rows, columns = inside
    return (rows[..., None] & columns[..., None, :]).any(1, keepdim=True)  # (B, 1, H, W)


def gaussian(x, sigma, generator, clip=False):
    r"""Add Gaussian noise of standard deviation :math:`\sigma`.

    Args:
        x: data, any shape, floating point.
        sigma: standard deviation, in units of the data; a number, or a tensor that broadcasts to `x`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        clip: hold the result in [0, 1]. Off by default: a clipped pixel no longer has mean `x` and variance
            :math:`\sigma^2`. Say which one a PSNR belongs to.

    Returns:
        Noisy data, of the shape, dtype and device of `x`.

    Raises:
        TypeError: where `x` is not a floating-point tensor, or `generator` neither a generator nor a seed.
        ValueError: where `sigma` is negative, `x` empty, or the generator on another device.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    validation.floating("x", x)
    if not isinstance(sigma, torch.Tensor) and not sigma >= 0:
        raise ValueError(f"sigma is {sigma!r}; expected a standard deviation of zero or more")
    noise = torch.randn(x.shape, generator=as_generator(generator, x), device=x.device).to(x.dtype)
    noisy = x + sigma * noise
    return noisy.clamp(0, 1) if clip else noisy


def salt_and_pepper(x, p, generator, low=0.0, high=1.0):
    """Set each entry, with probability `p`, to `low` or to `high`, a fair coin deciding.

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1] that an entry is replaced (by either value); as for :func:`bernoulli_mask`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed.
        low, high: the two values; the ends of the data's range.

    Returns:
        Spoilt data, of the shape, dtype and device of `x`.

    Raises:
        TypeError, ValueError: as :func:`masking`.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    generator = as_generator(generator, validation.floating("x", x))
    replaced, salt = bernoulli_mask(x, p, generator), bernoulli_mask(x, 0.5, generator)
    return x.masked_fill(replaced & salt, high).masked_fill(replaced & ~salt, low)


def masking(x, p, generator):
    """Set each entry, with probability `p`, to zero. What is left is not rescaled (dropout would divide it by 1 - p).

    Args:
        x: data, any shape, floating point.
        p: probability in [0, 1] that an entry is hidden; as for :func:`bernoulli_mask`.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed. With the same seed
            :func:`bernoulli_mask` returns the mask.

    Returns:
        Masked data, of the shape, dtype and device of `x`.

    Raises:
        TypeError: where `x` is not a floating-point tensor, or `generator` neither a generator nor a seed.
        ValueError: where `p` is outside [0, 1], `x` empty, or the generator on another device.

    Source:
        Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.3.
    """
    return x.masked_fill(bernoulli_mask(x, p, generator), 0)


def blocks(x, size, generator, count=1, value=0.0):
    """Set `count` squares of each image to `value`: what is lost can't be read off a neighbouring pixel.

    Args:
        x: images, (B, C, H, W), floating point.
        size: side of a square in pixels, at most H and W.
        generator: a ``torch.Generator`` on the device of `x`, or an integer seed. With the same seed
            :func:`block_mask` returns the mask.
        count: squares in an image; they may overlap.
        value: what they are filled with, in every channel.

    Returns:
        Images with holes, of the shape, dtype and device of `x`.

    Raises:
        TypeError: where `x` is not a floating-point tensor, or `generator` neither a generator nor a seed.
        ValueError: where `x` holds no images, a square does not fit, a count is not a positive integer, or the
            generator is on another device.

    Source:
        Pathak, Krähenbühl, Donahue, Darrell and Efros (2016).
    """
    return x.masked_fill(block_mask(x, size, generator, count), value)
