"""Models: each has `encode`, `logits`, `decode`, and `forward(x) -> (x_hat, z)`; beside it stands its objective."""
from aecourse.models.adversarial import AdversarialAutoencoder, adversarial, calm, jensen_shannon
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.convolutional import ConvAutoencoder
from aecourse.models.ladder_vae import LadderVAE
from aecourse.models.linear import LinearAutoencoder, LinearVAE, smallest_error
from aecourse.models.linear_filters import LinearCode, LinearDenoiser, coding_error, inpaint
from aecourse.models.masked import MaskedAutoencoder, as_mask, masked, masked_error, patchify, random_mask, unpatchify
from aecourse.models.multi_scale import MultiScaleAutoencoder, hierarchical
from aecourse.models.objectives import contractive, decayed, denoising, reconstruction, regularised, sparse_kl, sparse_l1
from aecourse.models.vae import VAE, beta_elbo, importance_weighted, iwae_bound, normalised_beta
from aecourse.models.vq_vae import (VQVAE, CodePrior, Codebook, CodebookUsage, code_entropy, codebook_usage, perplexity, quantised,
                                    usage_counts)
from aecourse.models.wae import WAE, mmd, wasserstein

__all__ = ["AdversarialAutoencoder", "Autoencoder", "CodePrior", "Codebook", "CodebookUsage", "ConvAutoencoder", "LadderVAE",
           "LinearAutoencoder", "LinearCode", "LinearDenoiser", "LinearVAE", "MaskedAutoencoder", "MultiScaleAutoencoder", "VAE", "VQVAE",
           "WAE", "adversarial", "as_mask", "beta_elbo", "calm", "code_entropy", "codebook_usage", "coding_error", "contractive", "decayed", "denoising",
           "hierarchical", "importance_weighted", "inpaint", "iwae_bound", "jensen_shannon", "masked", "masked_error", "mmd",
           "normalised_beta", "patchify", "perplexity", "quantised", "random_mask", "reconstruction", "regularised",
           "smallest_error", "sparse_kl", "sparse_l1", "unpatchify", "usage_counts", "wasserstein"]
