"""Models: each has `encode`, `logits`, `decode`, and `forward(x) -> (x_hat, z)`; beside it stands its objective."""
from aecourse.models.adversarial import AdversarialAutoencoder, adversarial, calm, jensen_shannon
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.ladder_vae import LadderVAE
from aecourse.models.linear import LinearAutoencoder, LinearVAE, smallest_error
from aecourse.models.masked import MaskedAutoencoder, as_mask, masked, masked_error, patchify, random_mask, unpatchify
from aecourse.models.vae import VAE, beta_elbo, importance_weighted, iwae_bound, normalised_beta
from aecourse.models.vq_vae import VQVAE, CodePrior, Codebook, code_entropy, perplexity, quantised, usage_counts
from aecourse.models.wae import WAE, mmd, wasserstein

__all__ = ["AdversarialAutoencoder", "Autoencoder", "CodePrior", "Codebook", "LadderVAE", "LinearAutoencoder", "LinearVAE", "MaskedAutoencoder",
           "VAE", "VQVAE", "WAE", "adversarial", "as_mask", "beta_elbo", "calm", "code_entropy", "importance_weighted", "iwae_bound",
           "jensen_shannon", "masked", "masked_error", "mmd", "normalised_beta", "patchify", "perplexity", "quantised", "random_mask",
           "smallest_error", "unpatchify", "usage_counts", "wasserstein"]
