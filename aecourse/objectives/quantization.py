"""The objective of a VQ-VAE (van den Oord, Vinyals and Kavukcuoglu, 2017)."""

import torch
from torch import nn

from aecourse import validation
from aecourse.losses.squared_error import mse
from aecourse.types import Objective


def vq_vae(commitment: float | torch.Tensor = 0.25) -> Objective:
    r"""The objective of a VQ-VAE, each of its terms a mean over elements.

    .. math:: \|x - \hat x\|^2 + \|\mathrm{sg}[z] - e\|^2 + \beta \|z - \mathrm{sg}[e]\|^2

    sg stops the gradient. The second term moves the codes e towards the encoder's outputs z (it is
    absent if the codebook uses moving averages); the third keeps the outputs close to their codes.
    Restarts of dead codes and updates of the averages happen here and nowhere else: calling the
    model changes nothing.

    Args:
        commitment: beta, the weight of the third term, at least 0.

    Returns:
        An objective with the terms ``"reconstruction"``, ``"codebook"`` (only if the codebook is
        learned by gradient) and ``"commitment"`` (times beta).

    Raises:
        ValueError: If `commitment` is not a number of at least 0.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    validation.weight("commitment", commitment)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        validation.requires(model, "codebook", "a VQVAE")
        codebook = model.codebook
        z = model.features(x)
        if model.training and codebook.restart:
            codebook.revive(z, generator)
        codes, indices = codebook(z)
        x_hat = model.decode(z + (codes - z).detach())
        terms = {"reconstruction": mse(x_hat, x)}
        if not codebook.moving:
            terms["codebook"] = mse(codes, z.detach())
        if model.training:
            codebook.update(z, indices)
        return terms | {"commitment": commitment * mse(z, codes.detach())}

    return objective
