"""The losses of a discriminator and of whoever it judges (Goodfellow and others, 2014)."""

import torch
import torch.nn.functional as F

from aecourse import validation


def discriminator_loss(prior_logits, code_logits):
    r"""Cross entropy of telling the two apart, in nats: a mean over the prior's draws plus a mean over the codes.

    .. math:: -\ln D(z_{\text{prior}}) - \ln (1 - D(z_{\text{code}}))

    At the best discriminator it is :math:`2 \ln 2 - 2 \, \mathrm{JS}`, with JS the Jensen-Shannon divergence of codes
    and prior: 2 ln 2 = 1.386 where they are the same, 0 where they never meet.

    Args:
        prior_logits: (N, 1), the discriminator at draws of the prior, before its sigmoid.
        code_logits: (M, 1), at codes.

    Source:
        Goodfellow and others (2014), theorem 1.
    """
    validation.floating("prior_logits", prior_logits)
    validation.floating("code_logits", code_logits)
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def generator_loss(code_logits):
    r"""What the encoder pays for being found out, in nats: the mean of :math:`-\ln D(z_{\text{code}})`.

    Its gradient stays where the discriminator is sure; that of :math:`\ln (1 - D)` would vanish there.
    """
    return F.softplus(-validation.floating("code_logits", code_logits)).mean()


def gradient_penalty(discriminator, z):
    """Squared length of the gradient of the discriminator's logit at `z`, averaged: (B, k) -> scalar."""
    gradient = torch.func.grad(lambda code: discriminator(code).sum())(z.detach())  # (B, k)
    return gradient.square().sum(1).mean()
