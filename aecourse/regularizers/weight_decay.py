"""Weight decay: a Gaussian prior on the weights."""

from torch import nn

from aecourse import validation


def prior_weight(sigma, sigma_p, elements=1):
    r"""The weight :math:`\lambda = \sigma^2 / \sigma_p^2` of :func:`l2_penalty` beside a sum of squared errors.

    With noise :math:`x \sim N(\hat x, \sigma^2)` and prior :math:`w \sim N(0, \sigma_p^2)` the negative log-posterior is
    :math:`\tfrac{1}{2\sigma^2} \sum (\hat x - x)^2 + \tfrac{1}{2\sigma_p^2} \sum w^2` plus a constant:
    :math:`\tfrac{1}{2\sigma^2}` times :math:`\sum (\hat x - x)^2 + \lambda \sum w^2`.

    Args:
        sigma: standard deviation of the noise, in units of the data.
        sigma_p: standard deviation of the prior, in units of a weight.
        elements: numbers that the squared error is a mean over, N times d over the whole training set and not a
            batch; 1 where it is a sum. A mean needs a weight that is smaller by this factor.

    Raises:
        ValueError: where an argument is not positive.

    Source:
        Bishop (2006), section 1.2.5.
    """
    validation.positive("sigma", sigma, float)
    validation.positive("sigma_p", sigma_p, float)
    validation.positive("elements", elements)
    return sigma**2 / sigma_p**2 / elements


def weight_matrices(model):
    """The parameters that weight decay holds: matrices and kernels, each once.

    Biases and the gains of normalisation have one axis and stay free: they shift and scale what the data ask for,
    as the intercept of a ridge regression does. A matrix that encoder and decoder share is one parameter.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; expected a torch.nn.Module")
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


def l2_penalty(weights):
    r"""Sum of squared weights, :math:`\sum w^2`, without the half.

    PyTorch's ``SGD(weight_decay=c)`` adds :math:`c\,w` to the gradient: that is this penalty with weight :math:`c / 2`.
    ``AdamW`` shrinks the weights outside the gradient: that is no penalty.

    Args:
        weights: an iterable of floating-point tensors, such as :func:`weight_matrices` returns.

    Returns:
        A scalar, in squared units of a weight.

    Raises:
        TypeError: where an entry is not a floating-point tensor.
        ValueError: where there is none, or one is empty.

    Source:
        Krogh and Hertz (1992).
    """
    squares = [validation.floating("a weight", weight).square().sum() for weight in weights]
    if not squares:
        raise ValueError(
            "weights is empty; expected at least one tensor, such as weights_of(model)"
        )
    return sum(squares)
