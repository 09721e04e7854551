"""The prior over grids of indices, by enumeration and by hand."""

import itertools
import math

import pytest
import torch
from scipy import stats

from aecourse.metrics.codes import usage_counts
from aecourse.models.code_prior import CodePrior
from tests.helpers import seeded, uniform
from tests.small_models import small_vq_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.CodePrior": (
        "by hand; the chances of all 27 grids sum to 1; `scipy.stats.chisquare` of 20,000 samples",
        "by hand 1e-6, float32; sum 1e-5; p > 0.001",
        "no",
    ),
}


def every_grid(codes, shape):
    return torch.tensor(list(itertools.product(range(codes), repeat=math.prod(shape)))).reshape(
        -1, *shape
    )


@pytest.mark.parametrize("concentration", [0.5, 4.0, math.inf])
def test_the_prior_is_a_distribution_and_samples_follow_it(concentration):
    prior = CodePrior(
        torch.randint(2, (9, 3, 1), generator=seeded())
        + torch.randint(2, (9, 3, 1), generator=seeded(1)),
        3,
        concentration,
    )
    grids = every_grid(3, (3, 1))
    chances = prior.log_prob(grids).exp().double()
    assert chances.sum().item() == pytest.approx(1, rel=1e-5)
    drawn = prior.sample(20_000, seeded())
    assert drawn.shape == (20_000, 3, 1)
    seen = usage_counts((drawn.flatten(1) * torch.tensor([9, 3, 1])).sum(1), 27)
    assert stats.chisquare(seen, 20_000 * chances / chances.sum()).pvalue > 0.001
    assert torch.equal(
        prior.sample(5, seeded()), drawn[:0].new_tensor(prior.sample(5, seeded()).tolist())
    )


def test_independent_positions_by_hand():
    prior = CodePrior(torch.tensor([[0, 1], [0, 1], [0, 0], [1, 1]]), 2, math.inf, smoothing=1.0)
    chances = prior.log_prob(torch.tensor([[0, 1], [1, 0]])).exp()
    assert chances.tolist() == pytest.approx([(3.5 / 5) ** 2, (1.5 / 5) ** 2], rel=1e-6)


def test_pairs_by_hand():
    prior = CodePrior(torch.tensor([[0, 1, 0], [0, 1, 1]]), 2, concentration=2.0, smoothing=1.0)
    second = (2 + 2 * 2.5 / 3) / (
        2 + 2
    )  # 1 after 0: twice out of twice, with a share of 2.5 of 3 at that place
    third = (1 + 2 * 1.5 / 3) / (2 + 2)  # 0 after 1: once out of twice
    assert prior.log_prob(torch.tensor([[0, 1, 0]])).exp().item() == pytest.approx(
        2.5 / 3 * second * third, rel=1e-6
    )


def test_pairs_learn_an_alternation_that_independent_positions_cannot():
    bits = torch.randint(2, (300, 1), generator=seeded())
    rows = (bits + torch.arange(8)) % 2  # 0101... or 1010...
    back, alone = CodePrior(rows[:200], 2), CodePrior(rows[:200], 2, math.inf)
    assert -back.log_prob(rows[200:]).mean().item() == pytest.approx(math.log(2), abs=0.1)
    assert -alone.log_prob(rows[200:]).mean().item() == pytest.approx(8 * math.log(2), abs=0.1)
    assert (back.sample(100, seeded()).diff(dim=1) != 0).float().mean() > 0.95


def test_a_trained_model_decodes_new_samples_from_its_prior():
    model, x = small_vq_vae(), uniform(20, 1, 8, 8)
    new = model.decode_indices(CodePrior(model.indices(x), 7).sample(5, seeded()))
    assert new.shape == (5, 1, 8, 8) and 0 <= new.min() and new.max() <= 1


def test_a_sample_of_no_grids_is_refused():
    with pytest.raises(ValueError, match="n is 0"):
        CodePrior(small_vq_vae().indices(uniform(6, 1, 8, 8)), 7).sample(0)
