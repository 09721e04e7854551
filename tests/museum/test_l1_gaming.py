"""Found in public code: L1 on a code whose decoder is free.

Training shrinks the code, and the decoder compensates.
"""

import pytest
import torch
import torch.nn.functional as F

from aecourse.losses import mse
from aecourse.models import Autoencoder
from aecourse.regularizers import (
    atom_norms,
    contractive_penalty,
    l1_penalty,
    normalize_atoms_,
    scale_free_l1,
)


def sparse_data(n=256):
    """Sums of a few of eight directions in twelve dimensions."""
    generator = torch.Generator().manual_seed(0)
    directions = F.normalize(torch.randn(8, 12, generator=generator))
    return (
        torch.rand(n, 8, generator=generator) * (torch.rand(n, 8, generator=generator) < 0.25)
    ) @ directions


def rescaled(model, factor):
    """The same autoencoder, the code multiplied by `factor`, the decoder divided by it."""
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter *= factor
        model.decoder[0].weight /= factor
    return model


def free(z, model):
    """The bug: the penalty ignores the decoder, and nothing constrains its weights."""
    return l1_penalty(z)


def scale_free(z, model):
    return scale_free_l1(z, model.decoder[0].weight)


def trained(penalty, protect, steps=600):
    """Train a ReLU code of 16; return its error, its L1, and the L1 of its units' contributions."""
    torch.manual_seed(0)
    model, x = Autoencoder(12, (), 16, code_activation="relu", output="linear"), sparse_data()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    for _ in range(steps):
        x_hat, z = model(x)
        loss = mse(x_hat, x) + 0.02 * penalty(z, model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        protect(model)
    x_hat, z = model(x)
    return (
        mse(x_hat, x).item(),
        l1_penalty(z).item(),
        scale_free_l1(z, model.decoder[0].weight).item(),
    )


def nothing(model):
    pass


def unit_norm(model):
    normalize_atoms_(model.decoder[0].weight)


def can_be_gamed(penalty, protect):
    """Whether a code divided by ten has the same reconstruction for a lower penalty."""
    torch.manual_seed(0)
    model, x = Autoencoder(12, (), 16, code_activation="relu", output="linear"), sparse_data()
    protect(model)
    x_hat, z = model(x)
    before = penalty(z, model).item()
    protect(rescaled(model, 0.1))
    again, z = model(x)
    return torch.allclose(again, x_hat, atol=1e-5) and penalty(z, model).item() < 0.2 * before


def test_a_free_decoder_can_be_gamed_and_a_protected_one_cannot():
    assert can_be_gamed(free, nothing)
    assert not can_be_gamed(free, unit_norm) and not can_be_gamed(scale_free, nothing)


def test_training_games_a_free_decoder_and_no_protected_one():
    """Less than half of the penalty, but no smaller contributions to the output."""
    seen = {}
    for name, penalty, protect in (
        ("free", free, nothing),
        ("unit norm", free, unit_norm),
        ("scale free", scale_free, nothing),
    ):
        error, size, added = trained(penalty, protect)
        assert error < 0.01 * sparse_data().square().mean().item(), (
            f"{name}: it does not reconstruct"
        )
        seen[name] = size / added, added
    assert (
        seen["free"][0] < 0.5
        and seen["unit norm"][0] == pytest.approx(1, rel=1e-4)
        and seen["scale free"][0] > 0.7
    ), seen
    assert seen["free"][1] > 0.95 * seen["unit norm"][1] and seen["scale free"][1] == pytest.approx(
        seen["unit norm"][1], rel=0.1
    ), seen


def test_the_contractive_penalty_is_gamed_in_the_same_way():
    """In the linear range of tanh, a tenth of the code has a hundredth of penalty and variance."""
    torch.manual_seed(0)
    model, x = Autoencoder(12, (), 4, code_activation="tanh", output="linear"), 0.01 * sparse_data()
    x_hat, z = model(x)
    penalty, variance = contractive_penalty(model.encoder, x).item(), z.var(0).sum().item()
    x_hat_again, z_again = rescaled(model, 0.1)(x)
    assert contractive_penalty(model.encoder, x).item() == pytest.approx(penalty / 100, rel=0.3)
    assert contractive_penalty(model.encoder, x).item() / z_again.var(
        0
    ).sum().item() == pytest.approx(penalty / variance, rel=0.3)
    assert atom_norms(model.decoder[0].weight).min() > 1
