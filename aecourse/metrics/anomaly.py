"""Anomaly detection by reconstruction error."""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32, double
from aecourse.losses.reduction import compared


def anomaly_score(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Mean squared error of each sample: two tensors (B, ...) -> (B,). High means anomalous.

    In squared units of the data, in single precision or better.
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    if x.dim() < 2:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (B, ...): for a single sample pass "
            "x_hat[None] and x[None]"
        )
    return (x_hat - x).square().flatten(1).mean(1)


def score_threshold(scores: torch.Tensor, false_alarms: float = 0.05) -> torch.Tensor:
    """The threshold that a share `false_alarms` of normal samples exceeds.

    Args:
        scores: of normal samples that the model was not trained on, (N,), floating point, finite.
        false_alarms: between 0 and 1.

    Returns:
        A scalar in units of the scores, interpolated between neighbouring scores.

    Raises:
        TypeError: If `scores` is not a floating-point tensor.
        ValueError: If `false_alarms` is not strictly between 0 and 1, or `scores` is empty, not
            (N,), or contains nan or infinity.
    """
    if not 0 < false_alarms < 1:
        raise ValueError(
            f"false_alarms is {false_alarms!r}; expected a share above 0 and below 1: "
            "0.05 is one false alarm in 20 normal samples"
        )
    if validation.finite("scores", scores).dim() != 1:
        raise ValueError(
            f"scores has shape {tuple(scores.shape)}; expected (N,), one number for each sample: "
            "pass what anomaly_score returns"
        )
    return at_least_float32(scores).quantile(1 - false_alarms)


def auroc(scores: torch.Tensor, is_anomaly: torch.Tensor) -> torch.Tensor:
    """The area under the ROC curve.

    It is the probability that an anomalous sample scores higher than a normal one; a tie counts
    half.

    Args:
        scores: (N,), floating point.
        is_anomaly: (N,) booleans, with at least one of each kind.

    Returns:
        A scalar between 0 and 1; 0.5 is no better than guessing.

    Raises:
        TypeError: If `scores` is not a floating-point tensor or `is_anomaly` is not a tensor.
        ValueError: If the shapes differ, `scores` contains nan, or one kind is missing.

    Source:
        Mann and Whitney (1947), for the count of pairs, without ties.
    """
    validation.floating("scores", scores)
    if not isinstance(is_anomaly, torch.Tensor):
        raise TypeError(
            f"is_anomaly is a {type(is_anomaly).__name__}; expected a torch.Tensor of booleans: "
            "convert it with torch.as_tensor(is_anomaly)"
        )
    if scores.dim() != 1 or is_anomaly.shape != scores.shape or is_anomaly.dtype != torch.bool:
        raise ValueError(
            f"scores has shape {tuple(scores.shape)} and is_anomaly {tuple(is_anomaly.shape)} "
            f"of {is_anomaly.dtype}; expected (N,) and (N,) booleans: flatten both, and compare "
            "labels with the normal class"
        )
    if scores.isnan().any():
        raise ValueError(
            "scores contains nan, which has no rank; expected numbers: look at the samples "
            "with these scores"
        )
    anomalous, normal = scores[is_anomaly], scores[~is_anomaly].sort().values
    if len(anomalous) == 0 or len(normal) == 0:
        raise ValueError(
            f"is_anomaly is true for {len(anomalous)} of {len(scores)} samples; expected samples "
            "of both kinds: the area compares one kind with the other"
        )
    below = torch.searchsorted(normal, anomalous, right=False)  # normal scores below each
    below_or_tied = torch.searchsorted(normal, anomalous, right=True)
    return double((below + below_or_tied).sum()) / (2 * len(anomalous) * len(normal))
