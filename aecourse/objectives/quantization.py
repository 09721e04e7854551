"""The objective of a VQ-VAE (van den Oord, Vinyals and Kavukcuoglu, 2017)."""

from aecourse import validation
from aecourse.losses.squared_error import mse


def vq_vae(commitment=0.25):
    r"""The objective of a VQ-VAE, each of its terms a mean over elements:

    .. math:: \|x - \hat x\|^2 + \|\mathrm{sg}[z] - e\|^2 + \beta \|z - \mathrm{sg}[e]\|^2

    sg stops the gradient: the second term moves the codes to the vectors (absent where the codebook moves by
    averages), the third holds the vectors near their codes. Dead codes are revived, and averages updated, here and
    nowhere else: calling the model changes nothing.

    Args:
        commitment: beta, the weight of the third term, at least 0.

    Returns:
        An objective with the terms ``"reconstruction"``, ``"codebook"`` (with a learned codebook) and ``"commitment"``.

    Source:
        van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    validation.weight("commitment", commitment)

    def objective(model, x, generator):
        book = validation.requires(model, "codebook", "a VQVAE").codebook
        z = model.features(x)
        if model.training and book.restart:
            book.revive(z, generator)
        codes, indices = book(z)
        x_hat = model.decode(z + (codes - z).detach())
        terms = {"reconstruction": mse(x_hat, x)}
        if not book.moving:
            terms["codebook"] = mse(codes, z.detach())
        if model.training:
            book.update(z, indices)
        return terms | {"commitment": commitment * mse(z, codes.detach())}

    return objective
