"""Binary cross entropy: the negative log-likelihood of a Bernoulli variable."""

import torch.nn.functional as F

from aecourse.losses.reduction import at_least_float32, reduce
from aecourse.validation import same, within


def bce(logits, x, reduction="mean"):
    r"""Cross entropy in nats between data :math:`x` and :math:`\hat x = \sigma(a)`, computed from the logits :math:`a`.

    .. math:: -x \ln \hat x - (1 - x) \ln (1 - \hat x) = -x \ln \sigma(a) - (1 - x) \ln \sigma(-a)

    The right-hand side uses :math:`\ln \sigma(a) = \min(a, 0) - \ln (1 + e^{-|a|})` and never takes the logarithm of a
    rounded probability, so it is finite for every finite logit. Its gradient with respect to the logit is
    :math:`\hat x - x`. It is smallest at :math:`\hat x = x`, where it equals the entropy of :math:`x`: zero only for
    data that are 0 or 1.

    Args:
        logits: the decoder's output before the sigmoid, (B, ...), floating point.
        x: data in [0, 1], of the same shape, dtype and device.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features, mean over the
            batch) or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats.

    Raises:
        TypeError: where an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: where shapes or devices differ, a tensor is empty, data lie outside [0, 1] (read once where
            data enter, see ``aecourse/check.py``), or the reduction is unknown.

    Source:
        Bishop (2006), section 5.2.
    """
    same("logits", logits, "x", x)
    within("x", x, 0, 1)
    logits = at_least_float32(logits)
    return reduce(-x * F.logsigmoid(logits) - (1 - x) * F.logsigmoid(-logits), reduction)


def bce_from_probabilities(x_hat, x, reduction="mean"):
    r"""The same cross entropy from probabilities :math:`\hat x`: for tables and figures. Train with :func:`bce`.

    Each logarithm is held above -100, as PyTorch does, since a sigmoid rounds to exactly 0 or 1: a confident mistake
    then costs 100 nats instead of infinity, and its gradient is nan.

    Args:
        x_hat: probabilities in [0, 1], (B, ...), floating point.
        x: data in [0, 1], of the same shape, dtype and device.
        reduction: as for :func:`bce`.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats.

    Raises:
        TypeError, ValueError: as :func:`bce`; also where `x_hat` lies outside [0, 1].
    """
    same("x_hat", x_hat, "x", x)
    within("x_hat", x_hat, 0, 1)
    within("x", x, 0, 1)
    return reduce(
        -x * x_hat.log().clamp(min=-100) - (1 - x) * (-x_hat).log1p().clamp(min=-100), reduction
    )
