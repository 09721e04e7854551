"""L1 sparsity: few units are active for each sample. And sparse coding, by ISTA and FISTA."""

import torch

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.losses.reduction import Reduction, reduce


def l1_penalty(z: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    r"""Mean of :math:`|z|` over batch and units, in units of the code.

    On its own it can be gamed: halve the code and double the decoder's weights, and the
    reconstruction is the same for half the penalty. Fix the decoder's norm with
    :func:`normalize_atoms_`, or penalise the product with :func:`scale_free_l1`.

    Args:
        z: codes, (B, ...), floating point.
        reduction: ``"mean"`` over every element, ``"sum"``, ``"batchmean"`` (sum over units, mean
            over the batch) or ``"none"``.

    Returns:
        A scalar, or (B, ...) for ``"none"``.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If `z` is empty or the reduction is unknown.

    Source:
        Tibshirani (1996).
    """
    return reduce(at_least_float32(validation.floating("z", z)).abs(), reduction)


def atom_norms(weight: torch.Tensor, axis: int = 1) -> torch.Tensor:
    """The norm of each atom: the vector that a unit of the code adds to the output at activation 1.

    Args:
        weight: of a linear decoder: (d, k) as in ``torch.nn.Linear``, or (k, C, h, w) as in
            ``torch.nn.ConvTranspose2d``.
        axis: the axis of the units: 1 for ``Linear``, 0 for ``ConvTranspose2d``.

    Returns:
        (k,), in units of the data over those of the code, in single precision or better.
    """
    atoms = at_least_float32(validation.floating("weight", weight)).movedim(axis, 0)  # (k, ...)
    return atoms.flatten(1).norm(dim=1)  # (k,)


@torch.no_grad()
def normalize_atoms_(weight: torch.Tensor, axis: int = 1) -> torch.Tensor:
    """Scale every atom to norm 1, in place. Call it after every step of the optimizer.

    Then the code can't be made small by making the decoder large. This works for a decoder of one
    linear layer; a deeper one can restore the scale in a later layer, unless that is normalized
    too. An atom of norm zero is not changed.

    In :func:`aecourse.training.fit` let the optimizer call it: pass one on which
    ``register_step_post_hook(lambda *_: normalize_atoms_(weight))`` was called.

    Args:
        weight: of the decoder, as for :func:`atom_norms`; changed in place, whether or not it
            requires a gradient.
        axis: the axis of the units: 1 for ``Linear``, 0 for ``ConvTranspose2d``.

    Returns:
        `weight`.

    Source:
        Olshausen and Field (1996), who scale these vectors too, but to give every unit the same
        variance.
    """
    norms = atom_norms(weight, axis)
    weight.movedim(axis, -1).div_(norms.where(norms > 0, 1))
    return weight


def scale_free_l1(
    z: torch.Tensor, weight: torch.Tensor, axis: int = 1, reduction: Reduction = "mean"
) -> torch.Tensor:
    r"""L1 of each unit's contribution to the output, :math:`|z_j| \lVert d_j \rVert`.

    It is in units of the data. It equals :func:`l1_penalty` if the atoms have norm 1, and does not
    change if the code is divided by a factor and the decoder multiplied by it.

    Args:
        z: codes, (B, k) or (B, k, ...), floating point.
        weight: of the linear decoder, as for :func:`atom_norms`.
        axis: the axis of the units: 1 for ``Linear``, 0 for ``ConvTranspose2d``.
        reduction: as for :func:`l1_penalty`.

    Returns:
        A scalar, or the shape of `z` for ``"none"``.

    Raises:
        TypeError: If `z` or `weight` is not a floating-point tensor.
        ValueError: If the number of units differs, or the reduction is unknown.
    """
    norms = atom_norms(weight, axis)
    if validation.floating("z", z).dim() < 2 or z.shape[1] != len(norms):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and weight {tuple(weight.shape)} {len(norms)} units "
            f"along axis {axis}; expected (B, {len(norms)}): "
            "choose the axis of the weight along which its units lie"
        )
    return l1_penalty(z * norms.reshape(-1, *[1] * (z.dim() - 2)), reduction)


def soft_threshold(z: torch.Tensor, threshold: float | torch.Tensor) -> torch.Tensor:
    r"""Shrink each value towards zero by `threshold`: :math:`\mathrm{sign}(z)\,\max(|z| - a, 0)`.

    Values with :math:`|z| \le a` become zero. The result minimises
    :math:`\tfrac12 (c - z)^2 + a |c|` over :math:`c`. Without the factor of one half the threshold
    is :math:`a / 2`.

    Args:
        z: any shape, floating point.
        threshold: a, zero or more; a number, or a tensor that broadcasts to `z`.

    Returns:
        A tensor of the shape of `z`.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If `z` is empty or `threshold` is negative.

    Source:
        Donoho (1995).
    """
    validation.floating("z", z)
    check_threshold("threshold", threshold)
    return z - z.clamp(-threshold, threshold)


def sparse_objective(
    x: torch.Tensor, codes: torch.Tensor, dictionary: torch.Tensor, alpha: float | torch.Tensor
) -> torch.Tensor:
    r"""The objective of sparse coding, for each sample.

    .. math:: \tfrac12 \lVert x - c D \rVert^2 + \alpha \lVert c \rVert_1

    Args:
        x: data, (B, d), floating point.
        codes: c, (B, k).
        dictionary: D, (k, d), one atom a row.
        alpha: weight of the L1 norm.

    Returns:
        (B,), in squared units of the data, in single precision or better.
    """
    x, codes, dictionary = map(at_least_float32, (x, codes, dictionary))
    return (x - codes @ dictionary).square().sum(1) / 2 + alpha * codes.abs().sum(1)  # (B,)


def ista(
    x: torch.Tensor,
    dictionary: torch.Tensor,
    alpha: float | torch.Tensor,
    steps: int = 100,
    start: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Sparse codes by iterative soft thresholding.

    Each iteration is a gradient step of size 1 / L, then :func:`soft_threshold`. It minimises
    :func:`sparse_objective`, which decreases at every step; after t steps it is above the minimum
    by no more than :math:`L \lVert c_0 - c^* \rVert^2 / 2t`.

    Args:
        x: data, (B, d), floating point.
        dictionary: D, (k, d), one atom a row; for a linear decoder its ``weight.T``.
        alpha: weight of the L1 norm, zero or more.
        steps: number of iterations.
        start: initial codes, (B, k); zero by default.

    Returns:
        Codes, (B, k), differentiable through every step.

    Raises:
        TypeError: If `x` and `dictionary` are not floating-point tensors of one dtype.
        ValueError: If their shapes do not fit, `alpha` is negative, or `steps` is not a positive
            integer.

    Source:
        Daubechies, Defrise and De Mol (2004); the bound: Beck and Teboulle (2009).
    """
    codes, step = initial_codes_and_step(x, dictionary, alpha, steps, start)
    for _ in range(steps):
        error = codes @ dictionary - x  # (B, d)
        codes = soft_threshold(codes - step * error @ dictionary.T, step * alpha)  # (B, k)
    return codes


def fista(
    x: torch.Tensor,
    dictionary: torch.Tensor,
    alpha: float | torch.Tensor,
    steps: int = 100,
    start: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""The same with momentum, which converges faster.

    After t steps the objective is above the minimum by no more than
    :math:`2 L \lVert c_0 - c^* \rVert^2 / (t + 1)^2`. Each step starts from a point extrapolated in
    the direction of the last change. The objective may increase temporarily.

    Arguments, return value and errors are those of :func:`ista`.

    Source:
        Beck and Teboulle (2009).
    """
    codes, step = initial_codes_and_step(x, dictionary, alpha, steps, start)
    ahead, momentum = codes, 1.0
    for _ in range(steps):
        last = codes
        error = ahead @ dictionary - x  # (B, d)
        codes = soft_threshold(ahead - step * error @ dictionary.T, step * alpha)  # (B, k)
        last_momentum, momentum = momentum, (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = codes + (last_momentum - 1) / momentum * (codes - last)
    return codes


def lipschitz(dictionary: torch.Tensor) -> torch.Tensor:
    """The Lipschitz constant L of the gradient of the squared error: top eigenvalue of D D^T."""
    return torch.linalg.matrix_norm(dictionary, 2).square()


def initial_codes_and_step(
    x: torch.Tensor,
    dictionary: torch.Tensor,
    alpha: float | torch.Tensor,
    steps: int,
    start: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Check the arguments of :func:`ista`; return the initial codes, (B, k), and the step, ()."""
    validation.finite("x", x)
    validation.finite("dictionary", dictionary)
    validation.positive("steps", steps)
    check_threshold("alpha", alpha)
    if x.dim() != 2 or dictionary.dim() != 2 or x.shape[1] != dictionary.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and dictionary {tuple(dictionary.shape)}; "
            "expected (B, d) and (k, d), one sample and one atom a row: "
            "the weight of nn.Linear is (d, k), so pass its .T"
        )
    codes = x.new_zeros(len(x), len(dictionary)) if start is None else start
    validation.same("x", x[:1, :1], "dictionary", dictionary[:1, :1])
    validation.same("start", codes, "codes", x.new_empty(len(x), len(dictionary)))
    curvature = lipschitz(dictionary)
    return codes, 1 / curvature.where(curvature > 0, 1)  # D = 0 has gradient zero: any step works


def check_threshold(name: str, value: float | torch.Tensor) -> None:
    """Check that `value` is zero or more; the values of a tensor are not read."""
    if not isinstance(value, torch.Tensor) and not (validation.is_number(value) and value >= 0):
        raise ValueError(
            f"{name} is {value!r}; expected zero or more: 0 leaves every value as it is"
        )
