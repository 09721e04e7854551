"""KL sparsity against SciPy's relative entropy, from activations and logits, near 0 and 1."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from aecourse.regularizers import kl_sparsity_penalty, kl_sparsity_penalty_from_logits
from aecourse.validation import trusted

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "regularizers.kl_sparsity_penalty": (
        "two terms of `scipy.special.rel_entr`",
        "1e-13; float32 1e-5",
        "yes, twice",
    ),
    "regularizers.kl_sparsity_penalty_from_logits": (
        "the same for the sigmoid; at large logits its asymptote, from `scipy.special.entr`",
        "1e-13; float32 1e-5",
        "yes, twice",
    ),
}

FLOATS = pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
SHAPES = [(1, 1), (7, 1), (1, 5), (16, 12), (4, 3, 2, 2)]


def codes(shape=(16, 12), dtype=torch.float64):
    """Logits, and their sigmoid."""
    a = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    return a.to(dtype), a.to(dtype).sigmoid()


@FLOATS
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9])
def test_it_agrees_with_scipy(shape, rho, dtype, rtol):
    a, z = codes(shape, dtype)
    rounding = 10 * torch.finfo(dtype).eps  # of terms as large as 1 that cancel close to the target
    on = z.double().numpy().mean(0)
    wanted = special.rel_entr(rho, on) + special.rel_entr(1 - rho, 1 - on)
    for value in (
        kl_sparsity_penalty(z, rho, "none"),
        kl_sparsity_penalty_from_logits(a, rho, "none"),
    ):
        assert value.shape == shape[1:] and value.dtype == dtype
        np.testing.assert_allclose(value, wanted, rtol=rtol, atol=rounding)
    np.testing.assert_allclose(kl_sparsity_penalty(z, rho), wanted.sum(), rtol=rtol, atol=rounding)
    np.testing.assert_allclose(
        kl_sparsity_penalty_from_logits(a, rho, "mean"), wanted.mean(), rtol=rtol, atol=rounding
    )


@pytest.mark.parametrize(
    "reduction, value", [("sum", math.log(2 / 3**0.5)), ("mean", math.log(2 / 3**0.5) / 2)]
)
def test_two_units_by_hand(reduction, value):
    """Mean activations 1/2 and 1/4, target 1/2: no penalty, and (ln 2 + ln 2/3) / 2."""
    z = torch.tensor([[0.0, 0.0], [1.0, 0.5]], dtype=torch.float64)
    assert kl_sparsity_penalty(z, 0.5, "none").tolist() == pytest.approx([0, math.log(2 / 3**0.5)])
    assert kl_sparsity_penalty(z, 0.5, reduction).item() == pytest.approx(value)


def test_it_is_zero_at_the_target_and_nowhere_else():
    means = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)[None]
    values = kl_sparsity_penalty(means, 0.05, "none")
    assert values.argmin() == 4 and values[4].abs() < 1e-15 and (values >= -1e-15).all()


def test_it_constrains_the_mean_and_not_the_single_code():
    """Always at 0.1, or at 1 for a tenth of the samples: one penalty; only the second is sparse."""
    grey, rare = torch.full((10, 1), 0.1), torch.eye(10)[:, :1]
    assert kl_sparsity_penalty(grey, 0.1).item() == pytest.approx(
        0, abs=1e-6
    ) and kl_sparsity_penalty(rare, 0.1).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_doubled_batch_does_not_move_it(reduction):
    a, z = codes()
    assert kl_sparsity_penalty(torch.cat([z, z]), 0.05, reduction).item() == pytest.approx(
        kl_sparsity_penalty(z, 0.05, reduction).item()
    )
    assert kl_sparsity_penalty_from_logits(
        torch.cat([a, a]), 0.05, reduction
    ).item() == pytest.approx(kl_sparsity_penalty(z, 0.05, reduction).item())


@FLOATS
@pytest.mark.parametrize("logit", [-200.0, -1e4, 200.0, 1e4])
def test_saturated_units_keep_value_and_gradient_from_logits(dtype, rtol, logit):
    """At very negative logits a the KL is -rho a plus a constant, and its gradient is -rho."""
    a = torch.full((8, 1), logit, dtype=dtype, requires_grad=True)
    value = kl_sparsity_penalty_from_logits(a, 0.05)
    value.backward()
    share = -0.05 if logit < 0 else 0.95
    assert value.item() == pytest.approx(
        share * logit - special.entr(0.05) - special.entr(0.95), rel=rtol
    )
    spacing = abs(logit) * torch.finfo(dtype).eps  # of logits this large
    assert a.grad.sum().item() == pytest.approx(share, rel=max(rtol, spacing))


def test_from_activations_a_dead_unit_has_an_infinite_penalty():
    assert (
        kl_sparsity_penalty(torch.zeros(4, 1), 0.05).isinf()
        and kl_sparsity_penalty(torch.ones(4, 1), 0.05).isinf()
    )


def test_its_gradient_by_hand():
    """For each sample it is (-rho / mean + (1 - rho) / (1 - mean)) / B."""
    z = torch.tensor([[0.2], [0.6]], dtype=torch.float64, requires_grad=True)
    kl_sparsity_penalty(z, 0.1).backward()
    assert z.grad.flatten().tolist() == pytest.approx([(-0.1 / 0.4 + 0.9 / 0.6) / 2] * 2)


@pytest.mark.parametrize("loss", [kl_sparsity_penalty, kl_sparsity_penalty_from_logits])
def test_it_has_the_gradient_of_its_value_and_runs_under_vmap_and_compilation(loss):
    z = codes((3, 4, 2))[1]
    assert torch.autograd.gradcheck(loss, z[0].clone().requires_grad_())
    assert torch.autograd.gradgradcheck(loss, z[0].clone().requires_grad_())
    torch.testing.assert_close(torch.vmap(loss)(z), torch.stack([loss(part) for part in z]))
    torch.testing.assert_close(
        torch.compile(loss, backend="eager", fullgraph=True)(z[0]), loss(z[0])
    )


@pytest.mark.parametrize(
    "z", [torch.tensor([[-0.5, 0.5]]), torch.tensor([[0.5, 3.0]]), torch.tensor([[math.nan, 0.5]])]
)
def test_activations_outside_the_unit_interval_are_refused_once(z):
    with pytest.raises(
        ValueError,
        match=r"z (runs from|contains nan).*; "
        r"for a code, use a sigmoid activation \(code_activation='sigmoid'\)",
    ):
        kl_sparsity_penalty(z)
    with trusted():
        kl_sparsity_penalty(z)
    kl_sparsity_penalty_from_logits(z)


@pytest.mark.parametrize(
    "loss, name", [(kl_sparsity_penalty, "z"), (kl_sparsity_penalty_from_logits, "logits")]
)
@pytest.mark.parametrize(
    "z, rho, reduction, error, words",
    [
        (
            torch.full((5,), 0.5),
            0.05,
            "sum",
            ValueError,
            r"has shape \(5,\); expected \(B, units\)",
        ),
        (torch.zeros(0, 3), 0.05, "sum", ValueError, "is empty"),
        (torch.zeros(2, 3, dtype=torch.int64), 0.05, "sum", TypeError, "has dtype torch.int64"),
        (
            torch.full((2, 3), 0.5),
            0.0,
            "sum",
            ValueError,
            "rho is 0.0; expected a mean activation between 0 and 1",
        ),
        (torch.full((2, 3), 0.5), 1.0, "sum", ValueError, "rho is 1.0"),
        (
            torch.full((2, 3), 0.5),
            0.05,
            "batchmean",
            ValueError,
            "reduction is 'batchmean'; expected one of 'sum', 'mean', 'none'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(loss, name, z, rho, reduction, error, words):
    with pytest.raises(error, match=words) as caught:
        loss(z, rho, reduction)
    assert str(caught.value).split()[0] in (name, "rho", "reduction")


@pytest.mark.parametrize(
    "loss", [lambda a, rho: kl_sparsity_penalty(a.sigmoid(), rho), kl_sparsity_penalty_from_logits]
)
def test_targets_can_be_mapped_over(loss):
    """As a sweep over targets does, to train its models at once."""
    targets, a = torch.tensor([0.05, 0.3, 0.9], dtype=torch.float64), codes()[0]
    alone = torch.stack([loss(a, float(rho)) for rho in targets])
    torch.testing.assert_close(
        torch.vmap(lambda rho: loss(a, rho))(targets), alone, rtol=1e-13, atol=0
    )
    with pytest.raises(ValueError, match=r"rho has shape \(3,\)"):
        loss(a, targets)
