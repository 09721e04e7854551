"""Models: each has `encode`, `logits`, `decode`, and `forward(x) -> (x_hat, z)`.

Codebook and CodePrior are parts of the VQ-VAE.
"""

from aecourse.models.adversarial import AdversarialAutoencoder
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.code_prior import CodePrior
from aecourse.models.codebook import Codebook
from aecourse.models.convolutional import ConvAutoencoder
from aecourse.models.ladder_vae import LadderVAE
from aecourse.models.linear import LinearAutoencoder, LinearVAE
from aecourse.models.masked import MaskedAutoencoder
from aecourse.models.multi_scale import MultiScaleAutoencoder
from aecourse.models.sparse import SparseAutoencoder
from aecourse.models.vae import VAE
from aecourse.models.vq_vae import VQVAE
from aecourse.models.wae import WAE

__all__ = [
    "AdversarialAutoencoder",
    "Autoencoder",
    "CodePrior",
    "Codebook",
    "ConvAutoencoder",
    "LadderVAE",
    "LinearAutoencoder",
    "LinearVAE",
    "MaskedAutoencoder",
    "MultiScaleAutoencoder",
    "SparseAutoencoder",
    "VAE",
    "VQVAE",
    "WAE",
]
