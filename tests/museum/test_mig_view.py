"""Found in public code: ``.view`` instead of a transpose, in a mutual information gap.

Both give a tensor of the expected shape. ``.view`` reads the numbers in their order in memory.
"""

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from aecourse.metrics import mig, mutual_information
from aecourse.metrics.disentanglement import entropy

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.mig": (
        "`sklearn.metrics.mutual_info_score`, sorted; 1 for the factors, 0 for a copy",
        "absolute 1e-12; 1 within 2e-3",
        "counts",
        "metrics/test_disentanglement.py",
    ),
}


def codes_and_factors(n=3000):
    """Three factors, five coordinates: two encode one each, one two weakly, and two are noise."""
    generator = torch.Generator().manual_seed(0)
    factors = torch.stack(
        [torch.randint(values, (n,), generator=generator) for values in (4, 3, 2)], 1
    )
    noise = torch.randn(n, 5, generator=generator, dtype=torch.float64)
    first, second, third = factors.double().unbind(1)
    return torch.stack(
        [first, second + 0.3 * noise[:, 0], third + first + noise[:, 1], noise[:, 2], noise[:, 3]],
        1,
    ), factors


def gaps(information, factors):
    """From mutual information, (k, F), to the gap of each factor."""
    best, second = information.topk(2, dim=0).values
    return (best - second) / entropy(torch.nn.functional.one_hot(factors).double().sum(0), (1,))


def viewed_information(z, factors):
    """The bug: a table with a row for each factor, (F, k), viewed as (k, F)."""
    table = mutual_information(z, factors).T.contiguous()
    return gaps(table.view(z.shape[1], factors.shape[1]), factors)


def viewed_codes(z, factors):
    """The bug, earlier: codes with one coordinate a row, (k, N), viewed as (N, k)."""
    return mig(z.T.contiguous().view(z.shape), factors)


def transposed(z, factors):
    """The correct form of both."""
    return gaps(mutual_information(z.T.contiguous().T, factors).T.contiguous().T, factors)


def by_scikit_learn(z, factors):
    gap = []
    for factor in factors.T.numpy():
        cut = [np.digitize(column, np.histogram(column, 20)[1][:-1]) for column in z.T.numpy()]
        *_, second, best = sorted(mutual_info_score(factor, column) for column in cut)
        gap.append((best - second) / mutual_info_score(factor, factor))
    return gap


def agrees(form):
    z, factors = codes_and_factors()
    return form(z, factors).tolist() == pytest.approx(by_scikit_learn(z, factors), abs=1e-12)


def order_does_not_matter(form):
    """Whether the gaps are the same if the coordinates are permuted."""
    z, factors = codes_and_factors()
    return form(z[:, [4, 2, 0, 3, 1]], factors).tolist() == pytest.approx(
        form(z, factors).tolist(), abs=1e-12
    )


def test_a_view_is_no_transpose():
    for form in (mig, transposed):
        assert agrees(form) and order_does_not_matter(form)
    for bug in (viewed_information, viewed_codes):
        assert not agrees(bug) and not order_does_not_matter(bug)


def test_the_bug_goes_unseen_where_nothing_is_known():
    """Its shape is right, and noise has a small gap either way; a disentangled code shows it."""
    z, factors = codes_and_factors()
    for bug in (viewed_information, viewed_codes):
        assert bug(z, factors).shape == mig(z, factors).shape
        assert (
            bug(torch.randn(z.shape, generator=torch.Generator().manual_seed(1)).double(), factors)
            .abs()
            .max()
            < 0.02
        )
    assert mig(z, factors)[0] > 0.5 and viewed_codes(z, factors)[0] < 0.05
