"""Losses of a discriminator and of the encoder trained against it (Goodfellow and others, 2014)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.linalg import at_least_float32


def discriminator_loss(prior_logits: torch.Tensor, code_logits: torch.Tensor) -> torch.Tensor:
    r"""Cross entropy in nats of a discriminator that separates samples of the prior from codes.

    .. math:: -\ln D(z_{\text{prior}}) - \ln (1 - D(z_{\text{code}}))

    Each term is a mean over its samples. For the optimal discriminator the loss is
    :math:`2 \ln 2 - 2 \, \mathrm{JS}`, with JS the Jensen-Shannon divergence between codes and
    prior: 2 ln 2 = 1.386 if the two distributions are equal, 0 if they do not overlap.

    Args:
        prior_logits: (N, 1), the discriminator's output for samples of the prior, before the
            sigmoid.
        code_logits: (M, 1), its output for codes.

    Returns:
        A scalar, in nats.

    Raises:
        TypeError: If an argument is not a floating-point tensor.
        ValueError: If a tensor is empty.

    Source:
        Goodfellow and others (2014), theorem 1.
    """
    prior_logits = at_least_float32(validation.floating("prior_logits", prior_logits))
    code_logits = at_least_float32(validation.floating("code_logits", code_logits))
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def generator_loss(code_logits: torch.Tensor) -> torch.Tensor:
    r"""Non-saturating loss of the encoder, in nats: the mean of :math:`-\ln D(z_{\text{code}})`.

    It is small if the discriminator takes codes for samples of the prior. Its gradient does not
    vanish if the discriminator rejects every code with confidence; that of :math:`\ln (1 - D)`
    would.

    Args:
        code_logits: (M, 1), the discriminator's output for codes, before the sigmoid.

    Returns:
        A scalar, in nats.

    Raises:
        TypeError: If `code_logits` is not a floating-point tensor.
        ValueError: If it is empty.

    Source:
        Goodfellow and others (2014).
    """
    validation.floating("code_logits", code_logits)
    return F.softplus(-at_least_float32(code_logits)).mean()


def gradient_penalty(
    discriminator: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor
) -> torch.Tensor:
    """Mean squared norm of the gradient of the discriminator's logit with respect to its input.

    Args:
        discriminator: (B, k) -> (B, 1), logits; each row depends on its own code only.
        z: codes or samples of the prior, (B, k); treated as constants.

    Returns:
        A scalar, in squared units of the logit over the code, with a gradient with respect to the
        discriminator's parameters.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If `z` is not (B, k).
    """
    if validation.floating("z", z).dim() != 2:
        raise ValueError(
            f"z has shape {tuple(z.shape)}; expected (B, k), one code a row: flatten it with "
            "z.flatten(1)"
        )
    gradient = torch.func.grad(lambda code: discriminator(code).sum())(z.detach())  # (B, k)
    return at_least_float32(gradient).square().sum(1).mean()
