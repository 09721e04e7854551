"""Principal axes, as PCA, the linear models and the linear baselines need them."""

import torch

from aecourse import validation


def principal_axes(data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, principal axes and variances along them, by an eigendecomposition of the covariance.

    The eigenvalues are computed in double precision: in single precision the decomposition fails
    if many pixels are constant.

    Args:
        data: (N, ...), floating point; flattened to (N, d). The covariance divides by N.

    Returns:
        The mean, (d,); the axes, (d, d), one a column; and the eigenvalues, (d,), largest first.
    """
    rows = validation.floating("data", data).flatten(1)  # (N, d)
    mean = rows.mean(0)
    covariance = (rows - mean).T @ (rows - mean) / len(rows)
    values, axes = torch.linalg.eigh(covariance.double())
    return mean, axes.flip(1).to(mean), values.flip(0).clamp(min=0).to(mean)
