"""How sharp a reconstruction is: the energy of its edges over that of the original's."""

from aecourse import validation


def differences(x):
    """Forward differences down and across: (B, C, H, W) -> (B, C, H - 1, W), (B, C, H, W - 1)."""
    return x.diff(dim=-2), x.diff(dim=-1)


def gradient_energy(x):
    """Sum of squared differences of neighbouring pixels in each image: (B, C, H, W) -> (B,), squared units of the data."""
    down, across = differences(validation.images("x", x))
    return down.square().flatten(1).sum(1) + across.square().flatten(1).sum(1)  # (B,)


def total_variation(x):
    """Sum of absolute differences of neighbouring pixels in each image: (B, C, H, W) -> (B,), units of the data."""
    down, across = differences(validation.images("x", x))
    return down.abs().flatten(1).sum(1) + across.abs().flatten(1).sum(1)  # (B,)


def sharpness(x_hat, x, energy=gradient_energy):
    """Edge energy of each reconstruction over that of its original: 1 is as sharp, less is blurred.

    More than 1 is not better: noise has edges everywhere. With ``energy=total_variation`` a soft edge counts as
    much as a hard one of the same height, and the order of two models may turn round: show both.

    Args:
        x_hat: reconstruction, (B, C, H, W), floating point.
        x: data, of the same shape, dtype and device.
        energy: :func:`gradient_energy` or :func:`total_variation`.

    Returns:
        (B,) ratios; nan or infinite for an original without any edge, whose sharpness is not defined.

    Raises:
        TypeError, ValueError: where the tensors do not match, one is empty, or they are not images.

    Source:
        Gradient energy as a focus measure: Pertuz, Puig and Garcia (2013).
    """
    validation.same("x_hat", x_hat, "x", x)
    return energy(x_hat) / energy(x)  # (B,)
