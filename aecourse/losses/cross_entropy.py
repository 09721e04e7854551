"""Binary cross entropy: the negative log-likelihood of a Bernoulli variable."""

import torch
import torch.nn.functional as F

from aecourse.losses.reduction import Reduction, compared, reduce
from aecourse.validation import within


def bce(logits: torch.Tensor, x: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    r"""Cross entropy in nats between data :math:`x` and :math:`\hat x = \sigma(a)`, by logits.

    .. math:: -x \ln \hat x - (1 - x) \ln (1 - \hat x) = -x \ln \sigma(a) - (1 - x) \ln \sigma(-a)

    The right-hand side uses :math:`\ln \sigma(a) = \min(a, 0) - \ln (1 + e^{-|a|})` and never takes
    the logarithm of a rounded probability, so it is finite for every finite logit. Its gradient
    with respect to the logit is :math:`\hat x - x`. Its minimum is at :math:`\hat x = x`, where it
    equals the entropy of :math:`x`: zero only for data that are 0 or 1.

    Args:
        logits: the decoder's output before the sigmoid, (B, ...), floating point.
        x: data in [0, 1], of the same shape, dtype and device.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over features,
            mean over the batch) or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats; in single precision or better.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If shapes or devices differ, a tensor is empty, data are outside [0, 1] (checked
            once when data enter, see ``aecourse/validation.py``), or the reduction is unknown.

    Source:
        Bishop (2006), section 5.2.
    """
    logits, x = compared("logits", logits, "x", x)
    within("x", x, 0, 1)
    return reduce(-x * F.logsigmoid(logits) - (1 - x) * F.logsigmoid(-logits), reduction)


def bce_from_probabilities(
    x_hat: torch.Tensor, x: torch.Tensor, reduction: Reduction = "mean"
) -> torch.Tensor:
    r"""The same cross entropy from probabilities :math:`\hat x`, for tables and figures.

    Train with :func:`bce` instead. A sigmoid can round to exactly 0 or 1, so each logarithm is
    clamped at -100, as in PyTorch: a confident mistake then costs 100 nats instead of infinity,
    and its gradient is nan.

    Args:
        x_hat: probabilities in [0, 1], (B, ...), floating point.
        x: data in [0, 1], of the same shape, dtype and device.
        reduction: as for :func:`bce`.

    Returns:
        A scalar, or (B, ...) for ``"none"``, in nats; in single precision or better.

    Raises:
        TypeError, ValueError: As :func:`bce`; also if `x_hat` is outside [0, 1].
    """
    x_hat, x = compared("x_hat", x_hat, "x", x)
    within("x_hat", x_hat, 0, 1)
    within("x", x, 0, 1)
    log_on = x_hat.log().clamp(min=-100)
    log_off = (-x_hat).log1p().clamp(min=-100)
    return reduce(-x * log_on - (1 - x) * log_off, reduction)
