"""Peak signal-to-noise ratio."""

from aecourse import validation


def psnr(x_hat, x, data_range=1.0):
    r"""Peak signal-to-noise ratio of each image in decibels, :math:`10 \log_{10} (R^2 / \text{MSE})`.

    Average it over images: the PSNR of the pooled error is another, lower number.

    Args:
        x_hat: reconstruction, (B, ...), floating point.
        x: data, of the same shape, dtype and device.
        data_range: R, largest minus smallest possible value of the data (not of this batch).

    Returns:
        (B,) decibels; infinite where an image is reproduced exactly.

    Raises:
        TypeError, ValueError: where the tensors do not match, one is empty, or `data_range` is not positive.

    Source:
        Wang and Bovik (2009).
    """
    validation.same("x_hat", x_hat, "x", x)
    if x.dim() < 2:
        raise ValueError(
            f"x_hat has shape {tuple(x_hat.shape)}; expected (B, ...): one image is x_hat[None], x[None]"
        )
    validation.positive("data_range", data_range, float)
    return 10 * (data_range**2 / (x_hat - x).square().flatten(1).mean(1)).log10()  # (B,)
