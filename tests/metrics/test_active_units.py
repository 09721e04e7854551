"""A code of known units: one that speaks, one collapsed, one shifted, one narrow about a constant."""
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse.metrics.active_units import active_units, collapse_report

MEAN = torch.stack([torch.linspace(-2, 2, 11), torch.zeros(11), torch.full((11,), 3.0), torch.zeros(11)], 1)  # (11, 4)
LOG_VARIANCE = torch.tensor([-4.0, 0.0, 0.0, -6.0]).expand(11, 4)


def test_each_kind_of_unit_is_told():
    report = collapse_report(MEAN, LOG_VARIANCE)
    assert report.active_by_variance.tolist() == [True, False, False, False]
    assert report.active_by_kl.tolist() == [True, False, True, True], "a constant that the prior does not expect costs nats and says nothing"
    assert active_units(MEAN) == 1


def test_figures_against_numpy_and_torch():
    report = collapse_report(MEAN, LOG_VARIANCE)
    assert report.variance.tolist() == pytest.approx(MEAN.numpy().var(0).tolist())
    divergence = kl_divergence(Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(0.0, 1.0)).mean(0)
    torch.testing.assert_close(report.kl, divergence)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="one posterior a row"):
        collapse_report(MEAN[None], LOG_VARIANCE[None])
