"""Objectives that match all codes together to a prior: by a kernel (Wasserstein autoencoder) or a discriminator (adversarial one)."""

from functools import partial

import torch
from torch.func import functional_call

from aecourse import validation
from aecourse.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from aecourse.losses.maximum_mean_discrepancy import inverse_multiquadric, mmd
from aecourse.losses.squared_error import mse
from aecourse.models.wae import sample_prior


def wasserstein(weight=10.0, kernel=inverse_multiquadric):
    r"""The objective :math:`\|x - \hat x\|^2 + \lambda \, \mathrm{MMD}^2(q(z), p(z))`.

    The squared error is summed over pixels and averaged over the batch. The second term looks at the batch of codes
    as a whole: no single code has to look like noise, as in a VAE, and no single code is promised to.

    Args:
        weight: lambda, at least 0.
        kernel: of :func:`mmd`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"mmd"`` (times lambda).

    Source:
        Tolstikhin and others (2018), algorithm 2.
    """
    validation.weight("weight", weight)

    def objective(model, x, generator):
        x_hat, z = model(x)
        distance = mmd(z, sample_prior(len(z), model, generator), kernel)
        return {"reconstruction": mse(x_hat, x, "batchmean"), "mmd": weight * distance}

    return objective


# Adam with a short memory: with its usual one the players circle each other.
adam_for_gans = partial(torch.optim.Adam, betas=(0.5, 0.9), fused=True)


def adversarial(weight=0.5, penalty=0.3):
    r"""The objective of an adversarial autoencoder, both phases in one step; train it with ``optimizer=calm``.

    Each term teaches its own part: ``"reconstruction"`` (squared error, summed over pixels, averaged over the batch)
    the encoder and the decoder; ``"discriminator"`` the discriminator alone, at codes without gradient; ``"generator"``
    the encoder alone, through a discriminator that is held fixed; ``"gradient_penalty"`` keeps the discriminator flat where
    the prior is, without which the game need not settle. So one optimizer serves both players, and they move at once.
    The sum is no measure of progress: read the terms.

    Args:
        weight: the weight of ``"generator"``, at least 0. The discriminator's own term has weight 1.
        penalty: gamma, the weight of half the squared gradient of the discriminator; 0 is the game as first published.

    Returns:
        An objective with the four terms.

    Source:
        Makhzani and others (2016), section 2; Goodfellow and others (2014), section 3, for the encoder's form;
        Mescheder, Geiger and Nowozin (2018), equation 9, for the penalty.
    """
    validation.weight("weight", weight)
    validation.weight("penalty", penalty)

    def objective(model, x, generator):
        x_hat, z = model(x)
        discriminator = validation.requires(
            model, "discriminator", "an AdversarialAutoencoder"
        ).discriminator
        fixed = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
        drawn = sample_prior(len(z), model, generator)
        return {
            "reconstruction": mse(x_hat, x, "batchmean"),
            "discriminator": discriminator_loss(discriminator(drawn), discriminator(z.detach())),
            "generator": weight * generator_loss(functional_call(discriminator, fixed, (z,))),
            "gradient_penalty": penalty / 2 * gradient_penalty(discriminator, drawn),
        }

    return objective
