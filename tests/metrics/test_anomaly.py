"""Scores, thresholds and the area under the ROC curve, against NumPy and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from aecourse.metrics.anomaly import anomaly_score, auroc, score_threshold

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.anomaly_score": (
        "by hand",
        "exact",
        "yes",
        "test_smooth.py",
    ),
    "metrics.auroc": (
        "`sklearn.metrics.roc_auc_score`, with ties",
        "absolute 1e-12",
        "counts",
    ),
    "metrics.score_threshold": (
        "`numpy.quantile`",
        "`approx`",
        "no",
    ),
}

GENERATOR = torch.Generator().manual_seed(0)


def test_scores_by_hand():
    assert anomaly_score(
        torch.tensor([[[0.0, 1.0]], [[3.0, 0.0]]]), torch.zeros(2, 1, 2)
    ).tolist() == [0.5, 4.5]


@pytest.mark.parametrize("values", [1000, 5])  # few values: many ties
def test_auroc_against_scikit_learn(values):
    scores = torch.randint(values, (300,), generator=GENERATOR).double()
    is_anomaly = torch.rand(300, generator=GENERATOR) < 0.2
    assert auroc(scores, is_anomaly).item() == pytest.approx(
        roc_auc_score(is_anomaly, scores), abs=1e-12
    )


def test_auroc_of_a_perfect_a_reversed_and_a_constant_score():
    is_anomaly = torch.tensor([True, False, False])
    scores = torch.tensor([3.0, 1.0, 2.0])
    assert [auroc(s, is_anomaly).item() for s in (scores, -scores, torch.ones(3))] == [1, 0, 0.5]


def test_the_share_of_false_alarms_is_as_requested():
    scores = torch.rand(999, generator=GENERATOR, dtype=torch.float64)
    threshold = score_threshold(scores, 0.1)
    assert threshold.item() == pytest.approx(np.quantile(scores, 0.9))
    assert (scores > threshold).double().mean().item() == pytest.approx(0.1, abs=1 / 999)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="samples of both kinds"):
        auroc(torch.rand(3), torch.zeros(3, dtype=torch.bool))
    with pytest.raises(ValueError, match="booleans"):
        auroc(torch.rand(3), torch.zeros(3))
    with pytest.raises(ValueError, match="false_alarms is 0"):
        score_threshold(torch.rand(3), 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_threshold_of_scores_that_are_not_finite_is_refused(value):
    """A threshold of nan would never raise an alarm."""
    scores = torch.rand(50, generator=GENERATOR)
    scores[7] = value
    with pytest.raises(ValueError, match="scores contains nan or infinity"):
        score_threshold(scores)
    with pytest.raises(ValueError, match=r"scores has shape \(5, 2\); expected \(N,\)"):
        score_threshold(torch.rand(5, 2))


def test_scores_need_a_batch():
    with pytest.raises(ValueError, match=r"x has shape \(3,\); expected \(B, ...\)"):
        anomaly_score(torch.rand(3), torch.rand(3))
