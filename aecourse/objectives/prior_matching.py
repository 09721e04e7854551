"""Objectives that match the distribution of all codes to a prior.

The Wasserstein autoencoder compares the two by a kernel, the adversarial autoencoder by a
discriminator.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.func import functional_call

from aecourse import validation
from aecourse.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from aecourse.losses.maximum_mean_discrepancy import inverse_multiquadric, mmd
from aecourse.losses.squared_error import mse
from aecourse.models.wae import sample_prior
from aecourse.types import Objective


def wasserstein(
    weight: float | torch.Tensor = 10.0,
    kernel: Callable[[torch.Tensor, int], torch.Tensor] = inverse_multiquadric,
) -> Objective:
    r"""The objective of a Wasserstein autoencoder.

    .. math:: \|x - \hat x\|^2 + \lambda \, \mathrm{MMD}^2(q(z), p(z))

    The squared error is summed over pixels and averaged over the batch. The second term depends on
    the distribution of the whole batch of codes: unlike in a VAE, the code of a single image need
    not be close to the prior. Training needs batches of two or more. In evaluation mode the second
    term of a single image is the discrepancy between its code, as a distribution of one point, and
    the prior.

    Args:
        weight: lambda, at least 0.
        kernel: as for :func:`mmd`.

    Returns:
        An objective with the terms ``"reconstruction"`` and ``"mmd"`` (times lambda).

    Raises:
        ValueError: If `weight` is not a number of at least 0.

    Source:
        Tolstikhin and others (2018), algorithm 2.
    """
    validation.weight("weight", weight)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        x_hat, z = model(x)
        if len(z) == 1 and not model.training:
            z = z.expand(2, -1)  # the discrepancy of one code from the prior
        distance = mmd(z, sample_prior(len(z), model, generator), kernel)
        return {"reconstruction": mse(x_hat, x, "batchmean"), "mmd": weight * distance}

    return objective


# Adam with short moving averages: with the usual ones the two networks oscillate.
adam_for_gans = partial(torch.optim.Adam, betas=(0.5, 0.9), fused=True)


def adversarial(
    weight: float | torch.Tensor = 0.5, penalty: float | torch.Tensor = 0.3
) -> Objective:
    r"""The objective of an adversarial autoencoder, both phases in one step.

    Train it with ``optimizer=adam_for_gans``. Each term has a gradient for its own part of the
    model:

    - ``"reconstruction"`` (squared error, summed over pixels, averaged over the batch) for the
      encoder and the decoder;
    - ``"discriminator"`` for the discriminator, at codes without a gradient;
    - ``"generator"`` for the encoder, through a discriminator with fixed weights;
    - ``"gradient_penalty"`` for the discriminator: it keeps its gradient small at samples of the
      prior. Without it the training need not converge.

    So a single optimizer updates both players simultaneously. The sum of the terms does not measure
    progress: look at each of them.

    Args:
        weight: the weight of ``"generator"``, at least 0. That of ``"discriminator"`` is 1.
        penalty: gamma, the weight of half the squared gradient of the discriminator, at least 0;
            0 is the objective as first published.

    Returns:
        An objective with the four terms.

    Raises:
        ValueError: If `weight` or `penalty` is not a number of at least 0.

    Source:
        Makhzani and others (2016), section 2; Goodfellow and others (2014), section 3, for the
        form of the generator's loss; Mescheder, Geiger and Nowozin (2018), equation 9, for the
        penalty.
    """
    validation.weight("weight", weight)
    validation.weight("penalty", penalty)

    def objective(
        model: nn.Module, x: torch.Tensor, generator: torch.Generator | None
    ) -> dict[str, torch.Tensor]:
        validation.requires(model, "discriminator", "an AdversarialAutoencoder")
        x_hat, z = model(x)
        discriminator = model.discriminator
        fixed = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
        prior = sample_prior(len(z), model, generator)
        return {
            "reconstruction": mse(x_hat, x, "batchmean"),
            "discriminator": discriminator_loss(discriminator(prior), discriminator(z.detach())),
            "generator": weight * generator_loss(functional_call(discriminator, fixed, (z,))),
            "gradient_penalty": penalty / 2 * gradient_penalty(discriminator, prior),
        }

    return objective
