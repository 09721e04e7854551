"""A code that separates the classes, and one that knows nothing."""
import pytest
import torch

from aecourse.metrics.linear_probe import linear_probe

LABELS = torch.arange(90) % 3
NOISE = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))


def test_what_a_line_can_separate_is_read():
    z = NOISE.clone()
    z[:, :3] += 20 * torch.nn.functional.one_hot(LABELS)
    accuracies = linear_probe(z, LABELS)
    assert accuracies.shape == (5,) and (accuracies == 1).all()


def test_codes_are_standardised():
    classes = torch.nn.functional.one_hot(LABELS)
    assert linear_probe(torch.cat([1e-4 * classes + 7, 1e3 * NOISE], 1), LABELS).mean() > 0.95


def test_noise_tells_nothing():
    assert linear_probe(NOISE, LABELS).mean() < 0.55


def test_each_sample_is_judged_by_a_model_that_has_not_seen_it():
    """One-hot codes of the samples: a probe that saw them would know them all."""
    assert linear_probe(torch.eye(90), LABELS, strength=1e6).mean() < 0.55


def test_wrong_arguments():
    with pytest.raises(ValueError, match="class of 30 samples; expected at least 31"):
        linear_probe(NOISE, LABELS, folds=31)
    with pytest.raises(ValueError, match=r"expected \(N, k\) and \(N,\)"):
        linear_probe(NOISE, LABELS[:5])
