"""Weight decay: a Gaussian prior on the weights."""

from collections.abc import Iterable

import torch
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32


def prior_weight(sigma: float, sigma_p: float, elements: int = 1) -> float:
    r"""The weight of :func:`l2_penalty` that follows from noise and a prior, for squared errors.

    .. math:: \lambda = \sigma^2 / \sigma_p^2

    With noise :math:`x \sim N(\hat x, \sigma^2)` and prior :math:`w \sim N(0, \sigma_p^2)` the
    negative log-posterior is
    :math:`\tfrac{1}{2\sigma^2} \sum (\hat x - x)^2 + \tfrac{1}{2\sigma_p^2} \sum w^2` plus a
    constant: :math:`\tfrac{1}{2\sigma^2}` times :math:`\sum (\hat x - x)^2 + \lambda \sum w^2`.

    Args:
        sigma: standard deviation of the noise, in units of the data.
        sigma_p: standard deviation of the prior, in units of a weight.
        elements: number of elements that the squared error averages over: N times d for the whole
            training set (not for a batch); 1 if it is a sum. The weight is divided by it.

    Returns:
        The weight, in squared units of the data over those of a weight.

    Raises:
        ValueError: If an argument is not positive.

    Source:
        Bishop (2006), section 1.2.5.
    """
    validation.positive("sigma", sigma, float)
    validation.positive("sigma_p", sigma_p, float)
    validation.positive("elements", elements)
    return sigma**2 / sigma_p**2 / elements


def weight_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that weight decay applies to: matrices and kernels, each once.

    Biases and the gains of normalization layers have one axis and are left out: they shift and
    scale the output, like the intercept of a ridge regression, which is not penalised either. A
    matrix that encoder and decoder share is one parameter.

    Args:
        model: any module.

    Returns:
        Its parameters with two or more axes.

    Raises:
        TypeError: If `model` is not a ``torch.nn.Module``.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model is a {type(model).__name__}; expected a torch.nn.Module: "
            "pass the module that has the weights"
        )
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


def l2_penalty(weights: Iterable[torch.Tensor]) -> torch.Tensor:
    r"""Sum of squared weights, :math:`\sum w^2`, without a factor of one half.

    PyTorch's ``SGD(weight_decay=c)`` adds :math:`c\,w` to the gradient: it is this penalty with
    weight :math:`c / 2`. ``AdamW`` shrinks the weights directly, not through the gradient, which is
    not equivalent to a penalty.

    Args:
        weights: an iterable of floating-point tensors, such as :func:`weight_matrices` returns.

    Returns:
        A scalar, in squared units of a weight, in single precision or better.

    Raises:
        TypeError: If an entry is not a floating-point tensor.
        ValueError: If there is none, or one is empty.

    Source:
        Krogh and Hertz (1992).
    """
    if isinstance(weights, nn.Module):
        raise TypeError(
            f"weights is a {type(weights).__name__}; expected an iterable of tensors: "
            "pass weight_matrices(model)"
        )
    squares = [
        at_least_float32(validation.floating("a weight", weight)).square().sum()
        for weight in weights
    ]
    if not squares:
        raise ValueError(
            "weights is empty; expected at least one tensor: pass weight_matrices(model)"
        )
    return sum(squares)
