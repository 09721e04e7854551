"""A code that separates the classes, and one of noise."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from aecourse.metrics.probe import linear_probe

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.linear_probe": (
        "`LogisticRegression` fitted by hand on the rest of each part, scaled by its moments; "
        "classes that a line separates, and noise",
        "exact",
        "no",
    ),
}

LABELS = torch.arange(90) % 3
NOISE = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))


def test_linearly_separable_classes_are_predicted():
    z = NOISE.clone()
    z[:, :3] += 20 * torch.nn.functional.one_hot(LABELS)
    accuracies = linear_probe(z, LABELS)
    assert accuracies.shape == (5,) and (accuracies == 1).all()


def test_codes_are_standardized():
    classes = torch.nn.functional.one_hot(LABELS)
    assert linear_probe(torch.cat([1e-4 * classes + 7, 1e3 * NOISE], 1), LABELS).mean() > 0.95


def test_noise_predicts_nothing():
    assert linear_probe(NOISE, LABELS).mean() < 0.55


def test_each_sample_is_classified_by_a_model_not_trained_on_it():
    """One-hot codes of the samples: a probe trained on them would be right for all."""
    assert linear_probe(torch.eye(90), LABELS, C=1e6).mean() < 0.55


def test_wrong_arguments():
    with pytest.raises(ValueError, match="class of 30 samples; expected at least 31"):
        linear_probe(NOISE, LABELS, folds=31)
    with pytest.raises(ValueError, match=r"expected \(N, k\) and \(N,\)"):
        linear_probe(NOISE, LABELS[:5])


@pytest.mark.parametrize("seed, folds, inverse_penalty", [(0, 5, 1.0), (3, 3, 0.01)])
def test_it_is_logistic_regression_on_each_held_out_part(seed, folds, inverse_penalty):
    """Scaled and fitted by hand on the other folds, without a pipeline or cross-validation."""
    z = NOISE + 1.5 * torch.nn.functional.one_hot(LABELS, 4)
    wanted = []
    for known, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(z, LABELS):
        mean, scale = z[known].double().mean(0), z[known].double().std(0, correction=0)
        rows = ((z.double() - mean) / scale).numpy()
        model = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(
            rows[known], LABELS[known].numpy()
        )
        wanted.append((model.predict(rows[held]) == LABELS[held].numpy()).mean())
    assert linear_probe(z, LABELS, folds, inverse_penalty, seed).tolist() == pytest.approx(wanted)
    assert 0.4 < sum(wanted) / folds < 0.99


def test_labels_may_be_an_array_or_a_list_of_numbers_or_names():
    z = NOISE + 1.5 * torch.nn.functional.one_hot(LABELS, 4)
    wanted = linear_probe(z, LABELS).tolist()
    names = np.array(["four", "nine", "one"])[LABELS.numpy()]
    for labels in (LABELS.numpy(), LABELS.tolist(), LABELS.int(), names):
        assert linear_probe(z, labels).tolist() == wanted


def test_codes_that_are_not_finite_and_labels_that_are_no_classes_are_refused():
    z = NOISE.clone()
    z[4, 1] = float("inf")
    with pytest.raises(ValueError, match="z contains nan or infinity"):
        linear_probe(z, LABELS)
    with pytest.raises(TypeError, match="labels has dtype float32; expected integers or names"):
        linear_probe(NOISE, LABELS.float())
    with pytest.raises(ValueError, match="labels contains 1 class; expected at least two"):
        linear_probe(NOISE, 0 * LABELS)
