"""The objective of a VQ-VAE: its terms by hand, and which part of the model each one trains."""

import pytest
import torch
from scipy.cluster import vq

from aecourse.losses import mse
from aecourse.metrics.codes import perplexity, usage_counts
from aecourse.models.vq_vae import VQVAE
from aecourse.objectives.quantization import vq_vae
from aecourse.training import fit
from tests.helpers import noise, seeded, uniform
from tests.small_models import small_vq_vae

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.vq_vae": (
        "`scipy.cluster.vq.vq` and NumPy",
        "1e-12",
        "not smooth",
    ),
}


KINDS = pytest.mark.parametrize("decay", [None, 0.9])


@KINDS
def test_the_objective_by_hand(decay):
    model, x = small_vq_vae(decay=decay, restart=0), uniform(6, 1, 8, 8)
    z = model.features(x).detach().numpy()
    indices, _ = vq.vq(z.reshape(-1, 3), model.codebook.weight.detach().numpy())
    codes = model.codebook.weight.detach().numpy()[indices].reshape(z.shape)
    error = ((z - codes) ** 2).mean()
    terms = vq_vae(0.25)(model, x, seeded())
    assert list(terms) == ["reconstruction", "codebook", "commitment"][:: 1 if decay is None else 2]
    assert terms["commitment"].item() == pytest.approx(0.25 * error, rel=1e-12)
    assert terms.get("codebook", torch.tensor(error)).item() == pytest.approx(error, rel=1e-6)
    x_hat = small_vq_vae(decay=decay, restart=0).decode(torch.as_tensor(codes))
    assert terms["reconstruction"].item() == pytest.approx(
        (x_hat - x).square().mean().item(), rel=1e-12
    )


def test_each_term_has_gradients_for_its_own_part():
    model, x = small_vq_vae(decay=None), uniform(6, 1, 8, 8)
    encoder = model.encoder[0].weight
    decoder = model.decoder[0].weight
    codes = model.codebook.weight

    def has_gradient(name):
        terms = vq_vae(0.25)(model, x, seeded())
        gradients = torch.autograd.grad(terms[name], [encoder, decoder, codes], allow_unused=True)
        return [gradient is not None and bool(gradient.any()) for gradient in gradients]

    assert has_gradient("reconstruction") == [True, True, False]
    assert has_gradient("codebook") == [False, False, True]
    assert has_gradient("commitment") == [True, False, False]


@KINDS
def test_a_doubled_batch_has_the_same_loss(decay):
    model, x = small_vq_vae(decay=decay, restart=0).eval(), uniform(6, 1, 8, 8)
    once, twice = (vq_vae()(model, batch, seeded()) for batch in (x, torch.cat([x, x])))
    for name in once:
        torch.testing.assert_close(once[name], twice[name])


@KINDS
def test_only_training_with_the_objective_changes_the_codebook(decay):
    model, x = small_vq_vae(decay=decay), uniform(6, 1, 8, 8)

    def state():
        return {name: value.clone() for name, value in model.codebook.state_dict().items()}

    def same(one, two):
        return all(torch.equal(one[name], two[name]) for name in one)

    before = state()
    model.train()(x)
    model.indices(x)
    assert same(before, state())
    vq_vae()(model.eval(), x, seeded())
    assert same(before, state())
    vq_vae()(model.train(), x, seeded())
    assert not same(before, state())


@KINDS
def test_training_beats_the_mean_of_the_data(decay):
    x = (noise(400, 4) > 0).float().repeat(1, 2)  # 16 patterns of 4 bits
    torch.manual_seed(0)
    model = VQVAE(8, codes=8, dim=4, width=32, grid=(2,), decay=decay)
    history = fit(model, x, vq_vae(), steps=400, batch_size=100, lr=0.01, device="cpu")
    assert mse(model(x)[0], x).item() < 0.02 < 0.2 < x.var(0).mean().item()
    assert perplexity(usage_counts(model.indices(x), 8)).item() > 3.5
    assert set(history.terms) == {"reconstruction", "commitment", "loss"} | (
        {"codebook"} if decay is None else set()
    )
    copied = VQVAE(8, codes=8, dim=4, width=32, grid=(2,), decay=decay)
    copied.load_state_dict(model.state_dict())
    assert torch.equal(copied(x)[0], model(x)[0]) and torch.equal(
        copied.codebook.usage(), model.codebook.usage()
    )


def test_restarting_cures_a_codebook_that_starts_far_away():
    x, used = (noise(200, 4) > 0).float().repeat(1, 2), {}
    for restart in (0, 0.03):
        torch.manual_seed(0)
        model = VQVAE(8, codes=32, dim=4, width=32, grid=(2,), restart=restart)
        model.codebook.weight.data.add_(20)
        fit(model, x, vq_vae(), steps=100, batch_size=100, lr=0.01, device="cpu")
        used[restart] = perplexity(usage_counts(model.indices(x), 32)).item()
    assert used[0] < 2 and used[0.03] > 4


def test_a_negative_commitment_is_refused():
    with pytest.raises(ValueError, match="commitment is -1"):
        vq_vae(-1)
