"""The Wasserstein autoencoder: codes that follow the prior, and samples."""

import pytest
import torch

from aecourse.losses import mse
from aecourse.losses.maximum_mean_discrepancy import mmd
from aecourse.models.wae import WAE, sample_prior
from aecourse.objectives.prior_matching import wasserstein
from aecourse.training import fit
from tests.helpers import noise


def test_training_brings_the_codes_to_the_prior_and_still_reconstructs():
    x, results = noise(400, 2, dtype=torch.float32) @ noise(2, 6, seed=1, dtype=torch.float32), {}
    for weight in (0.0, 10.0):
        torch.manual_seed(0)
        model = WAE(6, (16,), 2, "tanh", output="linear")
        fit(model, x, wasserstein(weight), steps=300, batch_size=100, lr=0.01, device="cpu")
        x_hat, z = model(x)
        error = mse(x_hat, x).item() / x.var(0).mean().item()
        results[weight] = mmd(z, noise(400, 2, seed=2, dtype=torch.float32)).item(), error
    assert results[10.0][0] < 0.03 < 0.1 < results[0.0][0]
    assert results[10.0][1] < 0.05


def test_new_samples_are_decoded_noise_and_follow_the_generator():
    model = WAE((1, 2, 3), (), 4).double()
    drawn = model.sample(5, torch.Generator().manual_seed(3))
    assert torch.equal(drawn, model.decode(noise(5, 4, seed=3))) and drawn.shape == (5, 1, 2, 3)
    assert sample_prior(2, model.float()).dtype == torch.float32


def test_a_wrong_weight_or_number_is_refused():
    with pytest.raises(ValueError, match="weight is -1"):
        wasserstein(-1)
    with pytest.raises(ValueError, match="n is 0"):
        WAE(4, (), 2).sample(0)
