"""Models: each has `encode`, `logits`, `decode`, and `forward(x) -> (x_hat, z)`; beside it stands its objective."""
from aecourse.models.adversarial import AdversarialAutoencoder, adversarial
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.ladder_vae import LadderVAE
from aecourse.models.linear import LinearAutoencoder, LinearVAE
from aecourse.models.masked import MaskedAutoencoder, masked
from aecourse.models.vae import VAE, beta_elbo, importance_weighted, iwae_bound, normalised_beta
from aecourse.models.vq_vae import VQVAE, CodePrior, Codebook, code_entropy, perplexity, quantised, usage_counts
from aecourse.models.wae import WAE, mmd, wasserstein

__all__ = ["AdversarialAutoencoder", "Autoencoder", "CodePrior", "Codebook", "LadderVAE", "LinearAutoencoder", "LinearVAE", "MaskedAutoencoder",
           "VAE", "VQVAE", "WAE", "adversarial", "beta_elbo", "code_entropy", "importance_weighted", "iwae_bound", "masked", "mmd",
           "normalised_beta", "perplexity", "quantised", "usage_counts", "wasserstein"]
