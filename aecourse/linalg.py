"""Principal axes: what PCA, the linear models and the linear baselines share."""

import torch

from aecourse import validation


def principal_axes(data):
    """Mean (d,), axes (d, d) in columns and eigenvalues (d,), largest first, of the covariance (over N) of `data`, (N, ...)."""
    rows = validation.floating("data", data).flatten(1)  # (N, d)
    mean = rows.mean(0)
    covariance = (rows - mean).T @ (rows - mean) / len(rows)
    values, axes = torch.linalg.eigh(
        covariance.double()
    )  # in single precision it fails where many pixels are constant
    return mean, axes.flip(1).to(mean), values.flip(0).clamp(min=0).to(mean)
