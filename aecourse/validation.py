"""Checks of arguments. An error names the argument, what was seen, what was wanted, and the way out.

Shapes and dtypes are checked at every call. Values are checked where data enter: `fit` checks them once and then
trusts them (`trusted`), so that a training step never waits for the device; under `vmap` and compilation values
can't be read, and no check of them runs.
"""

import contextlib
import contextvars
import math
import numbers

import torch

_trusted = contextvars.ContextVar("values were checked before", default=False)


@contextlib.contextmanager
def trusted(values=True):
    """Within this block values are taken as checked: nothing reads them back from the device."""
    token = _trusted.set(values)
    try:
        yield
    finally:
        _trusted.reset(token)


def floating(name, x):
    """`x` is a tensor of floating point that holds something."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(
            f"{name} is a {type(x).__name__}; expected a torch.Tensor: convert it with torch.as_tensor({name})"
        )
    if not x.is_floating_point():
        raise TypeError(
            f"{name} has dtype {x.dtype}; expected floating point: convert it with {name}.float(), "
            "and divide by 255 where it holds bytes"
        )
    if x.numel() == 0:
        raise ValueError(
            f"{name} is empty, of shape {tuple(x.shape)}; expected at least one element: its mean is not defined"
        )
    return x


def same(name, x, other_name, other):
    """`x` and `other` are both floating point, of one shape, one dtype and on one device.

    Under autocast the dtypes may differ: a half-precision reconstruction is compared with data in single precision.
    """
    floating(name, x)
    floating(other_name, other)
    if x.shape != other.shape:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)} and {other_name} {tuple(other.shape)}; expected the same: "
            "reshape one of them, since broadcasting would compare every image with every other"
        )
    if x.dtype != other.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"{name} has dtype {x.dtype} and {other_name} {other.dtype}; expected the same: convert one with .to()"
        )
    if x.device != other.device:
        raise ValueError(
            f"{name} is on {x.device} and {other_name} on {other.device}; expected one device: move one with .to()"
        )


def images(name, x):
    """`x` is a batch of images, (B, C, H, W)."""
    floating(name, x)
    if x.dim() != 4:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected images of shape (B, C, H, W): "
            "add what is missing with .unflatten() or [None]"
        )
    return x


def within(name, x, low, high):
    """Every value of `x` is finite and lies in [low, high]; skipped where values are trusted or can't be read."""
    if _trusted.get() or torch.compiler.is_compiling():
        return x
    smallest, largest = x.detach().aminmax()
    try:
        smallest, largest = smallest.item(), largest.item()
    except RuntimeError:  # under vmap
        return x
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise ValueError(
            f"{name} holds nan or infinity; expected finite values: look at {name}[~{name}.isfinite()], "
            f"and mend them with torch.nan_to_num({name}) or leave their rows out"
        )
    if not low <= smallest <= largest <= high:
        raise ValueError(
            f"{name} runs from {smallest:.7g} to {largest:.7g}; expected values in [{low:g}, {high:g}]: "
            f"rescale with ({name} - {name}.min()) / ({name}.max() - {name}.min()), clip a rounding error with "
            f"{name}.clamp({low:g}, {high:g}), or choose a loss and an output for unbounded data (squared error, "
            "linear output)"
        )
    return x


def samples(name, x, shape):
    """`x` is a batch of samples of `shape`: (B, *shape)."""
    floating(name, x)
    if x.shape[1:] != shape:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (B, {', '.join(map(str, shape))}): "
            "reshape it, or build the model with the shape of one sample"
        )
    return x


def integers(name, values, below=math.inf):
    """`values` is a tensor of whole numbers from 0, all of them `below`."""
    if not isinstance(values, torch.Tensor) or values.dtype != torch.int64:
        raise TypeError(
            f"{name} has dtype {getattr(values, 'dtype', type(values).__name__)}; expected whole numbers from 0, torch.int64: "
            "number what they stand for"
        )
    if values.numel():
        low, high = (value.item() for value in values.aminmax())
        if low < 0 or high >= below:
            raise ValueError(
                f"{name} holds {low if low < 0 else high}; expected whole numbers from 0"
                f"{'' if below == math.inf else f' to {below - 1}'}: number what they stand for"
            )
    return values


def one_of(name, value, choices):
    """`value` is one of `choices`."""
    if value not in tuple(choices):
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")
    return value


def positive(name, value, kind=int):
    """`value` is a positive number of type `kind`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, numbers.Integral if kind is int else numbers.Real)
        or not value > 0
    ):
        raise ValueError(f"{name} is {value!r}; expected a positive {kind.__name__}")
    return value


def requires(model, part, expected):
    """`model` has the method or module `part`, as those that are `expected` have."""
    if not hasattr(model, part):
        raise TypeError(
            f"model is of class {type(model).__name__}, which has no {part}; expected {expected}: "
            "give it the objectives and measures of its own kind"
        )
    return model


def sizes(name, values, least=1):
    """`values` is a tuple of positive integers, `least` or more; a shape may be a single integer."""
    values = (values,) if name == "shape" and isinstance(values, int) else values
    if not isinstance(values, (tuple, list)) or len(values) < least:
        raise ValueError(
            f"{name} is {values!r}; expected a tuple of positive integers, as in (1, 28, 28)"
        )
    return tuple(positive(name, value) for value in values)


def weight(name, value):
    """`value` is a finite number of at least 0, or a scalar tensor, whose value is not read: a sweep may map over it."""
    if isinstance(value, torch.Tensor):
        if value.dim():
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; expected one number: map over several with torch.vmap"
            )
    elif (
        isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf
    ):
        raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0")
    return value
