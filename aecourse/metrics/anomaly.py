"""Reconstruction error as a sign that a sample is anomalous."""

import torch

from aecourse import validation


def anomaly_score(x_hat, x):
    """Mean squared error of each sample, in squared units of the data: (B, ...), (B, ...) -> (B,). High is anomalous."""
    validation.same("x_hat", x_hat, "x", x)
    return (x_hat - x).square().flatten(1).mean(1)


def score_threshold(scores, false_alarms=0.05):
    """The score above which a share `false_alarms` of normal samples lies.

    Args:
        scores: of normal samples that the model was not trained on, (N,), floating point.
        false_alarms: between 0 and 1.

    Returns:
        A scalar, in units of the scores, interpolated between neighbours.
    """
    if not 0 < false_alarms < 1:
        raise ValueError(
            f"false_alarms is {false_alarms!r}; expected a share between 0 and 1, both left out"
        )
    return validation.floating("scores", scores).quantile(1 - false_alarms)


def auroc(scores, is_anomaly):
    """The chance that a strange sample scores higher than a normal one, a tie counting half: the area under the ROC curve.

    Args:
        scores: (N,), floating point.
        is_anomaly: (N,) booleans, some of each kind.

    Returns:
        A scalar between 0 and 1; 0.5 is a coin.

    Raises:
        ValueError: where shapes differ, or one kind is missing.

    Source:
        Mann and Whitney (1947), for the count of pairs, without ties.
    """
    validation.floating("scores", scores)
    if not isinstance(is_anomaly, torch.Tensor):
        raise TypeError(
            f"is_anomaly is a {type(is_anomaly).__name__}; expected a torch.Tensor of booleans"
        )
    if scores.dim() != 1 or is_anomaly.shape != scores.shape or is_anomaly.dtype != torch.bool:
        raise ValueError(
            f"scores has shape {tuple(scores.shape)} and is_anomaly {tuple(is_anomaly.shape)} of {is_anomaly.dtype}; "
            "expected (N,) and (N,) booleans"
        )
    if scores.isnan().any():
        raise ValueError(
            "scores holds nan, which has no rank; expected numbers: look at the samples that it belongs to"
        )
    odd, normal = scores[is_anomaly], scores[~is_anomaly].sort().values
    if len(odd) == 0 or len(normal) == 0:
        raise ValueError(
            f"is_anomaly holds {len(odd)} true of {len(scores)}; expected samples of both kinds"
        )
    below = torch.searchsorted(normal, odd, right=False) + torch.searchsorted(
        normal, odd, right=True
    )  # twice, ties once
    return (below / 2).mean(dtype=torch.float64) / len(normal)
