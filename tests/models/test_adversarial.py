"""The adversarial autoencoder: its samples, and what it refuses."""

import pytest
import torch

from aecourse.models.adversarial import AdversarialAutoencoder
from tests.helpers import noise, seeded
from tests.small_models import small_adversarial

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.AdversarialAutoencoder": (
        "its game ends where the discriminator pays 2 ln 2; a sample is decoded noise",
        "absolute 0.01, float32; sample exact",
        "no",
        "objectives/test_prior_matching.py",
    ),
}


def test_new_samples_are_decoded_noise():
    model = small_adversarial()
    assert torch.equal(model.sample(5, seeded(3)), model.decode(noise(5, 2, seed=3)))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: AdversarialAutoencoder(discriminator_hidden=(0,)),
            ValueError,
            "discriminator_hidden is 0",
        ),
        (lambda: small_adversarial().sample(0), ValueError, "n is 0"),
    ],
)
def test_an_invalid_size_or_number_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
