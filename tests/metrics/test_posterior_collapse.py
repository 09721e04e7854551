"""A code of four units: informative, collapsed, shifted, and narrow around a constant."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse.metrics.posterior_collapse import active_units, collapse_report
from aecourse.models import LadderVAE

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "metrics.Collapse": (
        "through `collapse_report`, which returns it",
        "`assert_close`, float32",
        "no",
    ),
    "metrics.active_units": (
        "by hand: four units of known kinds",
        "exact",
        "counts",
    ),
    "metrics.collapse_report": (
        "`numpy.var`; `torch.distributions.kl_divergence`",
        "`approx`; `assert_close`; float32",
        "no",
    ),
}

MEAN = torch.stack(
    [torch.linspace(-2, 2, 11), torch.zeros(11), torch.full((11,), 3.0), torch.zeros(11)], 1
)  # (11, 4)
LOG_VARIANCE = torch.tensor([-4.0, 0.0, 0.0, -6.0]).expand(11, 4)


def test_each_kind_of_unit_is_classified():
    report = collapse_report(MEAN, LOG_VARIANCE)
    assert report.active_by_variance.tolist() == [True, False, False, False]
    assert report.active_by_kl.tolist() == [True, False, True, True], (
        "a constant that differs from the prior costs nats without information"
    )
    assert active_units(MEAN) == 1


def test_values_against_numpy_and_torch():
    report = collapse_report(MEAN, LOG_VARIANCE)
    assert report.variance.tolist() == pytest.approx(MEAN.numpy().var(0).tolist())
    divergence = kl_divergence(Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(0.0, 1.0)).mean(0)
    torch.testing.assert_close(report.kl, divergence)


def test_each_number_is_held_to_its_own_threshold():
    """Units with variance 1 and 0.04, divergences of about 0.5 and 0.02 nats."""
    mean = torch.tensor([[1.0, 0.2], [-1.0, -0.2]])
    report = collapse_report(mean, torch.zeros(2, 2), by_variance=0.5, by_kl=0.01)
    assert report.kl.tolist() == pytest.approx([0.5, 0.02])
    assert report.active_by_variance.tolist() == [True, False]
    assert report.active_by_kl.tolist() == [True, True]
    report = collapse_report(mean, torch.zeros(2, 2), by_variance=0.01, by_kl=0.1)
    assert report.active_by_variance.tolist() == [True, True]
    assert report.active_by_kl.tolist() == [True, False]


def test_the_variance_divides_by_the_number_of_samples():
    """Means at -0.1 and 0.1 have the variance 0.01; divided by N - 1 it would be 0.02."""
    mean = torch.tensor([[0.1], [-0.1]])
    assert active_units(mean, 0.015) == 0 and active_units(mean, 0.005) == 1
    report = collapse_report(mean, torch.zeros(2, 1), by_variance=0.015)
    assert not report.active_by_variance.any()


def silent_lower_level():
    """A ladder whose lower level has no evidence and a prior that depends on the code above."""
    torch.manual_seed(0)
    model = LadderVAE(6, (5, 4), (3, 2), "tanh").double()
    with torch.no_grad():
        low, high = model.evidence
        low.weight.zero_()
        low.bias.zero_()[3:].fill_(1e6)  # a log-variance of 10, the largest there is
        model.prior[0].weight.mul_(4)
        model.prior[0].bias[:3].fill_(1.5)
        high.weight.mul_(6)
    return model, torch.rand(
        200, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )


def test_a_level_of_a_hierarchy_is_compared_with_its_own_prior():
    """The lower level equals its prior: no information, although its mean varies, far from 0."""
    model, x = silent_lower_level()
    low, high = (
        collapse_report(*q, prior=p)
        for q, p in zip(model.posterior(x), model.priors(x), strict=True)
    )
    assert not low.active_by_variance.any() and not low.active_by_kl.any() and low.kl.max() < 1e-6
    assert high.active_by_variance.all() and high.active_by_kl.all()
    fooled = collapse_report(*model.posterior(x)[0])
    assert fooled.active_by_variance.all() and fooled.active_by_kl.all()
    for ours, theirs in zip(high, collapse_report(*model.posterior(x)[1]), strict=True):
        assert torch.equal(ours, theirs), "the prior at the top is N(0, I)"


def test_values_with_a_prior_against_numpy_and_torch():
    m, s = torch.randn(2, 11, 4, generator=torch.Generator().manual_seed(0))
    report = collapse_report(MEAN, LOG_VARIANCE, prior=(m, s))
    assert report.variance.tolist() == pytest.approx((MEAN - m).numpy().var(0).tolist())
    torch.testing.assert_close(
        report.kl,
        kl_divergence(Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(m, (s / 2).exp())).mean(0),
    )


def test_wrong_arguments():
    with pytest.raises(ValueError, match="one posterior a row"):
        collapse_report(MEAN[None], LOG_VARIANCE[None])
    with pytest.raises(ValueError, match="prior_mean"):
        collapse_report(MEAN, LOG_VARIANCE, prior=(MEAN[:, :3], LOG_VARIANCE[:, :3]))


def test_nan_is_neither_active_nor_collapsed():
    wrong = MEAN.clone()
    wrong[2, 0] = float("nan")
    calls = {
        "mean": [lambda: active_units(wrong), lambda: collapse_report(wrong, LOG_VARIANCE)],
        "log_variance": [lambda: collapse_report(MEAN, wrong)],
        "prior": [
            lambda: collapse_report(MEAN, LOG_VARIANCE, prior=(wrong, LOG_VARIANCE)),
            lambda: collapse_report(MEAN, LOG_VARIANCE, prior=(MEAN, wrong)),
        ],
    }
    for name, attempts in calls.items():
        for attempt in attempts:
            with pytest.raises(ValueError, match=f"{name} contains nan or infinity"):
                attempt()
