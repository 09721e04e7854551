"""The sparse autoencoder: its sums written out in NumPy, its support by matching pursuit."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import sparse_encode

from aecourse.data import make_planted_dictionary
from aecourse.metrics import matched_cosines
from aecourse.models import Autoencoder, SparseAutoencoder
from aecourse.objectives import reconstruction, sparse_l0, sparse_l1
from aecourse.regularizers import l0_penalty
from aecourse.training import fit
from tests.helpers import noise, seeded

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.SparseAutoencoder": (
        "its formula in NumPy; with orthonormal atoms, top k is orthogonal matching pursuit "
        "(`sparse_encode`); a planted dictionary is found",
        "absolute 1e-12; the atoms to a mean cosine above 0.85",
        "but for the jump",
    ),
    "objectives.sparse_l0": (
        "the error and the count by NumPy",
        "relative 1e-6",
        "estimated at the jump",
        "test_precisions.py",
    ),
}
KINDS = [("relu", {}), ("top_k", {"active": 4}), ("jump_relu", {})]


def built(activation="relu", seed=0, **options):
    """A small model in double precision with biases other than zero."""
    torch.manual_seed(seed)
    model = SparseAutoencoder((2, 4), 12, activation, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("activation, options", KINDS)
def test_the_formula_in_numpy(activation, options):
    model, x = built(activation, **options), noise(9, 2, 4)
    named = {name: value.detach().numpy() for name, value in model.named_parameters()}
    b = named["decoder.bias"]
    flat = x.numpy().reshape(9, 8)
    a = (flat - b) @ named["encoder.weight"].T + named["encoder.bias"]
    z = np.maximum(a, 0)
    if activation == "top_k":
        z = np.where(a >= np.sort(a, 1)[:, [-4]], z, 0)
    if activation == "jump_relu":
        z = np.where(a > np.exp(named["log_threshold"]), a, 0)
    columns = named["decoder.weight"]
    atoms = columns / np.linalg.norm(columns, axis=0)
    x_hat, code = model(x)
    np.testing.assert_allclose(code.detach().numpy(), z, atol=1e-12)
    np.testing.assert_allclose(x_hat.detach().numpy().reshape(9, 8), b + z @ atoms.T, atol=1e-12)
    np.testing.assert_allclose(model.atoms.detach().numpy(), atoms.T, atol=1e-12)


def test_a_model_starts_with_the_transpose_of_its_atoms():
    model = SparseAutoencoder(6, 10, "jump_relu")
    assert torch.equal(model.encoder.weight, model.atoms)
    assert not model.encoder.bias.any() and not model.decoder.bias.any()
    torch.testing.assert_close(model.atoms.norm(dim=1), torch.ones(10))


def test_longer_atoms_and_smaller_codes_gain_nothing():
    model, x = built(), noise(9, 2, 4)
    before, _ = model(x)
    with torch.no_grad():
        model.decoder.weight.mul_(10)
    torch.testing.assert_close(model(x)[0], before)


@pytest.mark.parametrize("active", [1, 2, 5])
def test_with_orthonormal_atoms_top_k_is_matching_pursuit(active):
    """For data whose coefficients are positive, as those of a ReLU are."""
    axes = torch.linalg.qr(noise(8, 8)).Q
    x = noise(20, 8, seed=1).abs() @ axes  # coefficients above 0
    model = SparseAutoencoder(8, 8, "top_k", active=active).double()
    with torch.no_grad():
        model.decoder.weight.copy_(axes.T)
        model.encoder.weight.copy_(axes)
    wanted = sparse_encode(x.numpy(), axes.numpy(), algorithm="omp", n_nonzero_coefs=active)
    np.testing.assert_allclose(model.encode(x).detach().numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("activation, options", KINDS)
def test_a_planted_dictionary_is_found(activation, options):
    planted = make_planted_dictionary(4096, 32, 64, active=4, seed=0)
    torch.manual_seed(0)
    model = SparseAutoencoder(32, 64, activation, **options)
    objective = {
        "relu": sparse_l1(1.0),
        "top_k": reconstruction(),
        "jump_relu": sparse_l0(0.3),
    }[activation]
    chance = matched_cosines(model.atoms, planted.atoms).mean()
    fit(model, planted.x, objective, steps=1000, batch_size=256, lr=3e-3, seed=0)
    assert chance < 0.5
    assert matched_cosines(model.atoms, planted.atoms).mean() > 0.85


def test_the_objective_of_thresholds():
    model, x = built("jump_relu"), noise(40, 2, 4)
    terms = sparse_l0(0.7)(model, x, None)
    x_hat, z = model(x)
    wanted = ((x_hat - x) ** 2).mean().item()
    assert terms["reconstruction"].item() == pytest.approx(wanted, rel=1e-6)
    share = (z.detach().numpy() > 0).mean()
    assert terms["l0"].item() == pytest.approx(0.7 * share, rel=1e-6)
    a = model.pre_activations(x)
    wanted = 0.7 * l0_penalty(a, model.log_threshold.exp(), model.bandwidth)
    gradient, other = (
        torch.autograd.grad(value, model.log_threshold, retain_graph=True)[0]
        for value in (terms["l0"], wanted)
    )
    assert gradient.any() and torch.equal(gradient, other)


def test_dead_units_get_the_residual_of_a_sample_that_is_copied_badly():
    model = built()
    x = noise(200, 2, 4)
    with torch.no_grad():
        model.encoder.bias[:4] = -100
    x_hat, z = model(x)
    dead = (z == 0).all(0)
    kept = [model.atoms[~dead], model.encoder.weight[~dead], model.encoder.bias[~dead]]
    residual = torch.nn.functional.normalize((x - x_hat).flatten(1), dim=1)
    assert model.revive(x, seeded()) == dead.sum() >= 4
    assert all(
        torch.equal(before, after)
        for before, after in zip(
            kept,
            [model.atoms[~dead], model.encoder.weight[~dead], model.encoder.bias[~dead]],
            strict=True,
        )
    )
    cosines = model.atoms[dead] @ residual.T
    torch.testing.assert_close(cosines.max(1).values, torch.ones(len(cosines)).double())
    wanted = 0.2 * kept[1].norm(dim=1).mean() * model.atoms[dead]
    torch.testing.assert_close(model.encoder.weight[dead], wanted)
    assert not model.encoder.bias[dead].any()


def test_samples_with_a_large_error_are_drawn_for_new_atoms():
    model = SparseAutoencoder(2, 1000, "relu").double()
    with torch.no_grad():
        model.encoder.bias.fill_(-100)  # all are dead: the residual is the sample
    x = torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert model.revive(x, seeded()) == 1000
    share = (model.atoms[:, 0] > 0.5).double().mean().item()
    assert share == pytest.approx(0.9, abs=0.04)  # 9 of 10, as the squared errors


def test_nothing_is_revived_where_nothing_is_dead_or_lacking():
    model = SparseAutoencoder(3, 6, "jump_relu")
    assert model.revive(torch.zeros(4, 3), seeded()) == 0  # dead, but no error


def test_wrong_arguments():
    for wrong, words in [
        ({"activation": "gelu"}, "activation"),
        ({"activation": "top_k"}, "active is None"),
        ({"active": 3}, "active is 3 and activation 'relu'"),
        ({"activation": "top_k", "active": 13}, "active is 13 and latent_dim 12"),
        ({"activation": "jump_relu", "bandwidth": 0.0}, "bandwidth is 0.0"),
    ]:
        with pytest.raises(ValueError, match=words):
            SparseAutoencoder(8, 12, **wrong)
    with pytest.raises(ValueError, match=r"expected \(B, 12\)"):
        SparseAutoencoder(8, 12).decode(torch.zeros(2, 8))
    with pytest.raises(ValueError, match="without thresholds"):
        sparse_l0(0.1)(Autoencoder(8), torch.zeros(2, 8), None)
