"""The adversarial autoencoder: a discriminator holds the codes to the prior (Makhzani and others, 2016)."""
from functools import partial

import torch
import torch.nn.functional as F
from torch.func import functional_call

from aecourse import check
from aecourse.losses.squared_error import mse
from aecourse.models.autoencoder import Autoencoder, mlp
from aecourse.models.wae import prior_codes

# Adam with a short memory: with its usual one the players circle each other.
calm = partial(torch.optim.Adam, betas=(0.5, 0.9), fused=True)


class AdversarialAutoencoder(Autoencoder):
    r"""An autoencoder with a discriminator :math:`D(z)`, which tells draws of the prior N(0, I) from codes.

    Args:
        shape, hidden, latent_dim, activation, output: as for :class:`~aecourse.models.autoencoder.Autoencoder`.
        judge: widths of the hidden layers of the discriminator.

    Raises:
        ValueError: where a size is not a positive integer or a name is unknown.

    Source:
        Makhzani, Shlens, Jaitly, Goodfellow and Frey (2016).
    """

    def __init__(self, shape=(1, 28, 28), hidden=(256, 128), latent_dim=8, activation="relu", output="sigmoid", judge=(64, 64)):
        super().__init__(shape, hidden, latent_dim, activation, output=output)
        self.discriminator = mlp([latent_dim, *(check.positive("judge", size) for size in judge), 1], "leaky_relu")

    def sample(self, n, generator=None):
        """`n` new samples, decoded from the prior: (n, *shape)."""
        return self.decode(prior_codes(check.positive("n", n), self, generator))


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
    check.floating("prior_logits", prior_logits), check.floating("code_logits", code_logits)
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def fooling_loss(code_logits):
    r"""What the encoder pays for being found out, in nats: the mean of :math:`-\ln D(z_{\text{code}})`.

    Its gradient stays where the discriminator is sure; that of :math:`\ln (1 - D)` would vanish there.
    """
    return F.softplus(-check.floating("code_logits", code_logits)).mean()


def steepness(judge, z):
    """Squared length of the gradient of the discriminator's logit at `z`, averaged: (B, k) -> scalar."""
    gradient = torch.func.grad(lambda code: judge(code).sum())(z.detach())  # (B, k)
    return gradient.square().sum(1).mean()


def adversarial(strength=0.5, penalty=0.3):
    r"""The objective of an adversarial autoencoder, both phases in one step; train it with ``optimizer=calm``.

    Each term teaches its own part: ``"reconstruction"`` (squared error, summed over pixels, averaged over the batch)
    the encoder and the decoder; ``"discriminator"`` the discriminator alone, at codes without gradient; ``"fooling"``
    the encoder alone, through a discriminator that is held fixed; ``"penalty"`` keeps the discriminator flat where
    the prior is, without which the game need not settle. So one optimizer serves both players, and they move at once.
    The sum is no measure of progress: read the terms.

    Args:
        strength: the weight of ``"fooling"``, at least 0. The discriminator's own term has weight 1.
        penalty: gamma, the weight of half the squared gradient of the discriminator; 0 is the game as first published.

    Returns:
        An objective with the four terms.

    Source:
        Makhzani and others (2016), section 2; Goodfellow and others (2014), section 3, for the encoder's form;
        Mescheder, Geiger and Nowozin (2018), equation 9, for the penalty.
    """
    check.weight("strength", strength), check.weight("penalty", penalty)

    def objective(model, x, generator):
        x_hat, z = model(x)
        judge = check.offers(model, "discriminator", "an AdversarialAutoencoder").discriminator
        fixed = {name: parameter.detach() for name, parameter in judge.named_parameters()}
        drawn = prior_codes(len(z), model, generator)
        return {"reconstruction": mse(x_hat, x, "batchmean"),
                "discriminator": discriminator_loss(judge(drawn), judge(z.detach())),
                "fooling": strength * fooling_loss(functional_call(judge, fixed, (z,))),
                "penalty": penalty / 2 * steepness(judge, drawn)}
    return objective


def jensen_shannon(model, x, generator=None):
    """The Jensen-Shannon divergence between codes and prior in nats, as far as the discriminator knows.

    It is :func:`discriminator_loss` read backwards: from 0 to ln 2 for the best discriminator; any other gives less on
    average, and below 0 where it is worse than a guess.
    """
    with torch.no_grad():
        z = model.encode(x)
        loss = discriminator_loss(model.discriminator(prior_codes(len(z), model, generator)), model.discriminator(z))
    return loss.new_tensor(2).log() - loss / 2
