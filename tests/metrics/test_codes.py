"""Counts, entropy and perplexity of the codes, against NumPy and SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from aecourse.metrics.codes import code_entropy, codebook_usage, perplexity, usage_counts
from tests.helpers import noise, seeded, uniform
from tests.small_models import small_vq_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.CodebookUsage": (
        "through `codebook_usage`, which returns it",
        "1e-12",
        "counts",
    ),
    "metrics.code_entropy": (
        "`scipy.stats.entropy`",
        "1e-12",
        "counts",
    ),
    "metrics.codebook_usage": (
        "`numpy.bincount`; `scipy.stats.entropy`",
        "counts exact; 1e-12",
        "counts",
    ),
    "metrics.perplexity": (
        "the exponential of `scipy.stats.entropy`",
        "1e-12",
        "counts",
    ),
    "metrics.usage_counts": (
        "by hand",
        "exact",
        "counts",
    ),
}


@pytest.mark.parametrize(
    "indices, counts, wanted",
    [
        ([0, 0, 0], [3, 0, 0, 0], 1),
        ([0, 1, 2, 3], [1, 1, 1, 1], 4),
        ([[3, 1], [1, 3]], [0, 2, 0, 2], 2),
    ],
)
def test_perplexity_by_hand(indices, counts, wanted):
    seen = usage_counts(torch.tensor(indices), 4)
    assert seen.tolist() == counts and perplexity(seen).item() == pytest.approx(wanted, rel=1e-14)


def test_entropy_and_perplexity_equal_scipys():
    counts = torch.tensor([5, 0, 17, 3, 1_000_000, 41])
    assert code_entropy(counts).item() == pytest.approx(stats.entropy(counts), rel=1e-12)
    assert perplexity(counts).item() == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-12)


def test_perplexity_of_a_batch_is_too_low():
    indices = torch.randint(64, (200, 32), generator=seeded())
    whole, parts = (
        perplexity(usage_counts(indices, 64)),
        [perplexity(usage_counts(batch, 64)) for batch in indices],
    )
    assert max(parts) < whole - 10


def test_usage_over_a_data_set_equals_numpys_and_scipys():
    model, x = small_vq_vae(codes=9), uniform(23, 1, 8, 8)
    usage = codebook_usage(model, x)
    counts = np.bincount(model.indices(x).flatten(), minlength=9)
    assert usage.counts.tolist() == counts.tolist() and counts.sum() == 23 * 4 and 0 in counts, (
        "some code is never used"
    )
    np.testing.assert_allclose(usage.share, counts / counts.sum(), rtol=1e-6)
    assert usage.entropy.item() == pytest.approx(stats.entropy(counts), rel=1e-12)
    assert usage.perplexity.item() == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-12)
    assert not usage.share.requires_grad and model.training, "nothing else is touched"


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_usage_does_not_depend_on_the_batches(batch_size):
    model, x = small_vq_vae(), uniform(23, 1, 8, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for seen, wanted in zip(
        codebook_usage(model, x, batch_size), codebook_usage(model, x), strict=True
    ):
        assert torch.equal(seen, wanted)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_batch_uses_fewer_codes_than_an_epoch():
    """Entropy is concave: its mean over equal batches is never above that of all data."""
    model, x = small_vq_vae(codes=64), 4 * noise(96, 1, 8, 8)
    whole = codebook_usage(model, x)
    for size in (1, 4, 24):
        parts = [codebook_usage(model, batch) for batch in x.split(size)]
        assert sum(part.counts for part in parts).tolist() == whole.counts.tolist()
        assert np.mean([part.entropy for part in parts]) < whole.entropy - 0.01
        assert np.mean([part.perplexity for part in parts]) < whole.perplexity - 0.1
        assert max(part.perplexity for part in parts) <= size * 4, "no more codes than places"


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="batch_size is 0"):
        codebook_usage(small_vq_vae(), uniform(6, 1, 8, 8), 0)
    with pytest.raises(ValueError, match="data is empty"):
        codebook_usage(small_vq_vae(), uniform(6, 1, 8, 8)[:0])
    with pytest.raises(ValueError, match=r"x has shape \(6, 8, 8\)"):
        codebook_usage(small_vq_vae(), uniform(6, 1, 8, 8)[:, 0])


def test_indices_and_counts_that_cannot_be_are_refused():
    for index in (4, -1):
        with pytest.raises(ValueError, match=f"indices contains {index}; expected integers from 0"):
            usage_counts(torch.tensor([0, index]), 4)
    with pytest.raises(TypeError, match="indices has dtype torch.float32"):
        usage_counts(torch.ones(2), 4)
    with pytest.raises(ValueError, match="start at -1; expected counts of at least 0"):
        code_entropy(torch.tensor([3, -1]))
