"""L1 sparsity: few units speak for each sample. And the sparse code itself, by ISTA and FISTA."""

import torch

from aecourse import validation
from aecourse.losses.reduction import at_least_float32, reduce


def l1_penalty(z, reduction="mean"):
    r"""Mean of :math:`|z|` over batch and units, in units of the code.

    On its own it can be gamed: codes halved and decoder weights doubled give the same reconstruction for half the
    penalty. Hold the decoder with :func:`normalize_atoms_`, or pay for the product with :func:`scale_free_l1`.

    Args:
        z: codes, (B, ...), floating point.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over units, mean over the batch)
            or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``.

    Raises:
        TypeError: where `z` is not a floating-point tensor.
        ValueError: where `z` is empty or the reduction is unknown.

    Source:
        Tibshirani (1996).
    """
    return reduce(at_least_float32(validation.floating("z", z)).abs(), reduction)


def atom_norms(weight, axis=1):
    """The length of what each unit of the code adds to the output, along all axes but `axis`: (d, k) -> (k,).

    Args:
        weight: of a linear decoder, as `torch.nn.Linear` (d, k) or `torch.nn.ConvTranspose2d` (k, C, h, w) keeps it.
        axis: along which the units lie: 1 for ``Linear``, 0 for ``ConvTranspose2d``.
    """
    return validation.floating("weight", weight).movedim(axis, 0).flatten(1).norm(dim=1)  # (k,)


@torch.no_grad()
def normalize_atoms_(weight, axis=1):
    """Scale, in place, what each unit adds to the output to length 1. Call it after every step of the optimiser.

    Then a code can't be made small by making the decoder large. This holds for a decoder of one linear layer; a
    deeper one can take the scale up in a later layer, unless that is held too. A unit of length zero stays.

    In :func:`aecourse.training.fit` the optimizer calls it: give one on which
    ``register_step_post_hook(lambda *_: unit_norm_(weight))`` was called.

    Args:
        weight: of the decoder, as for :func:`atom_norms`; changed in place, gradient or not.
        axis: along which the units lie: 1 for ``Linear``, 0 for ``ConvTranspose2d``.

    Returns:
        `weight`.

    Source:
        Olshausen and Field (1996), who scale these vectors too, but to give every unit the same variance.
    """
    norms = atom_norms(weight, axis)
    weight.movedim(axis, -1).div_(norms.where(norms > 0, 1))
    return weight


def scale_free_l1(z, weight, axis=1, reduction="mean"):
    r"""L1 of what is added to the output, :math:`|z_j| \lVert d_j \rVert`, in units of the data: the other cure.

    It equals :func:`l1_penalty` where the decoder has unit norm, and does not move when code and decoder trade scale.

    Args:
        z: codes, (B, k) or (B, k, ...), floating point.
        weight: of the linear decoder, as for :func:`atom_norms`.
        axis: along which the units lie: 1 for ``Linear``, 0 for ``ConvTranspose2d``.
        reduction: as for :func:`l1_penalty`.
    """
    norms = atom_norms(weight, axis)
    if validation.floating("z", z).dim() < 2 or z.shape[1] != len(norms):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and weight {tuple(weight.shape)} {len(norms)} units along axis {axis}; "
            f"expected (B, {len(norms)}): choose the axis along which the weight's units lie"
        )
    return l1_penalty(z * norms.reshape(-1, *[1] * (z.dim() - 2)), reduction)


def soft_threshold(z, threshold):
    r"""Shrink towards zero by `threshold`, and to zero what is smaller: :math:`\mathrm{sign}(z)\,\max(|z| - a, 0)`.

    It minimises :math:`\tfrac12 (c - z)^2 + a |c|` over :math:`c`. Without the half the threshold is :math:`a / 2`.

    Args:
        z: any shape, floating point.
        threshold: a, zero or more; a number, or a tensor that broadcasts to `z`.

    Raises:
        TypeError: where `z` is not a floating-point tensor.
        ValueError: where `z` is empty or `threshold` is negative.

    Source:
        Donoho (1995).
    """
    validation.floating("z", z)
    check_threshold("threshold", threshold)
    return z - z.clamp(-threshold, threshold)


def sparse_objective(x, codes, dictionary, alpha):
    r"""What sparse coding minimises for each sample, (B,): :math:`\tfrac12 \lVert x - c D \rVert^2 + \alpha \lVert c \rVert_1`."""
    return (x - codes @ dictionary).square().sum(1) / 2 + alpha * codes.abs().sum(1)  # (B,)


def lipschitz(dictionary):
    """The largest eigenvalue of D D^T, (): how fast the gradient of the squared error turns."""
    return torch.linalg.matrix_norm(dictionary, 2).square()


def ista(x, dictionary, alpha, steps=100, start=None):
    r"""Sparse codes by iterative soft thresholding: a gradient step of size 1 / L, then :func:`soft_threshold`.

    It minimises :func:`sparse_objective`, which falls at every step; after t steps it is above the minimum by at
    most :math:`L \lVert c_0 - c^* \rVert^2 / 2t`.

    Args:
        x: data, (B, d), floating point.
        dictionary: D, (k, d), one atom a row; for a linear decoder its ``weight.T``.
        alpha: weight of the L1 norm, zero or more.
        steps: number of iterations.
        start: first codes, (B, k); zero by default.

    Returns:
        (B, k) codes, differentiable through every step.

    Raises:
        TypeError: where `x` and `dictionary` are not floating-point tensors of one dtype.
        ValueError: where their shapes do not fit, `alpha` is negative, or `steps` is not a positive integer.

    Source:
        Daubechies, Defrise and De Mol (2004); the bound: Beck and Teboulle (2009).
    """
    codes, size = prepare(x, dictionary, alpha, steps, start)
    for _ in range(steps):
        codes = soft_threshold(
            codes - size * (codes @ dictionary - x) @ dictionary.T, size * alpha
        )  # (B, k)
    return codes


def fista(x, dictionary, alpha, steps=100, start=None):
    r"""The same with momentum: above the minimum by at most :math:`2 L \lVert c_0 - c^* \rVert^2 / (t + 1)^2` after t steps.

    Each step starts from a point beyond the last code, in the direction it moved. The objective may rise for a
    while. Arguments, return value and errors are those of :func:`ista`.

    Source:
        Beck and Teboulle (2009).
    """
    codes, size = prepare(x, dictionary, alpha, steps, start)
    ahead, momentum = codes, 1.0
    for _ in range(steps):
        last, codes = (
            codes,
            soft_threshold(ahead - size * (ahead @ dictionary - x) @ dictionary.T, size * alpha),
        )  # (B, k)
        last_momentum, momentum = momentum, (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = codes + (last_momentum - 1) / momentum * (codes - last)
    return codes


def prepare(x, dictionary, alpha, steps, start):
    """The first codes, (B, k), and the step size, ()."""
    validation.floating("x", x)
    validation.floating("dictionary", dictionary)
    validation.positive("steps", steps)
    check_threshold("alpha", alpha)
    if x.dim() != 2 or dictionary.dim() != 2 or x.shape[1] != dictionary.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and dictionary {tuple(dictionary.shape)}; expected (B, d) and (k, d): "
            "one sample and one atom a row (the weight of nn.Linear is (d, k): pass its .T)"
        )
    codes = x.new_zeros(len(x), len(dictionary)) if start is None else start
    validation.same("x", x[:1, :1], "dictionary", dictionary[:1, :1])
    validation.same("start", codes, "codes", x.new_empty(len(x), len(dictionary)))
    curvature = lipschitz(dictionary)
    return codes, 1 / curvature.where(curvature > 0, 1)  # of a dictionary of zeros any step will do


def check_threshold(name, value):
    """`value` is zero or more; a tensor is taken as it is."""
    if not isinstance(value, torch.Tensor) and not value >= 0:
        raise ValueError(f"{name} is {value!r}; expected zero or more")
