"""Small models in float64, each from a fixed seed, that several tests build."""

import torch

from aecourse.models import (
    VAE,
    VQVAE,
    AdversarialAutoencoder,
    MaskedAutoencoder,
    MultiScaleAutoencoder,
)


def small_vae(likelihood="bernoulli", shape=6, hidden=(5,), latent_dim=2, seed=0, **options):
    """A VAE whose weights are doubled, so that codes and reconstructions differ by sample."""
    torch.manual_seed(seed)
    model = VAE(shape, hidden, latent_dim, "tanh", likelihood, **options).double()
    with torch.no_grad():
        for parameter in [*model.encoder.parameters(), *model.decoder.parameters()]:
            parameter.mul_(2)
    return model


def small_vq_vae(shape=(1, 8, 8), seed=0, **options):
    """A VQ-VAE of 7 codes of 3 numbers."""
    torch.manual_seed(seed)
    return VQVAE(
        shape, **{"codes": 7, "dim": 3, "width": 5, "activation": "tanh", **options}
    ).double()


def small_masked(shape=(1, 8, 8), patch=2, seed=0, **options):
    """A masked autoencoder with large positions and a large token."""
    torch.manual_seed(seed)
    model = MaskedAutoencoder(
        shape,
        patch,
        **{"width": 8, "depth": 2, "decoder_width": 4, "decoder_depth": 1, "heads": 2, **options},
    ).double()
    for parameter in (model.positions, model.decoder_positions, model.token):
        parameter.data.mul_(20)
    return model


def small_adversarial(**options):
    """An adversarial autoencoder of six inputs and a code of two units."""
    torch.manual_seed(0)
    return AdversarialAutoencoder(
        6,
        **{
            "hidden": (5,),
            "latent_dim": 2,
            "activation": "tanh",
            "discriminator_hidden": (4,),
            "output": "linear",
            **options,
        },
    ).double()


def small_multi_scale(shape=(2, 8, 12), hidden=(6,), latent_dims=(5, 4, 3), seed=0, **options):
    """A multi-scale autoencoder of three levels."""
    torch.manual_seed(seed)
    return MultiScaleAutoencoder(shape, hidden, latent_dims, "tanh", **options).double()
