"""Models: each has `encode`, `logits`, `decode`, and `forward(x) -> (x_hat, z)`."""
from aecourse.models.autoencoder import Autoencoder

__all__ = ["Autoencoder"]
