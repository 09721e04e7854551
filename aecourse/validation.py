"""Checks of arguments.

Each error names the argument and says what was seen, what was expected, and what to do about it.

Shapes and dtypes are checked on every call. Values are checked once, when data enter: `fit` checks
them and then marks them as `trusted`, so that a training step never waits for the device. Under
`vmap` and compilation values can't be read, and their checks are skipped.
"""

import contextlib
import contextvars
import math
import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

_trusted = contextvars.ContextVar("values were checked before", default=False)


@contextlib.contextmanager
def trusted(values: bool = True) -> Iterator[None]:
    """Within this block values count as checked: none is read back from the device."""
    token = _trusted.set(values)
    try:
        yield
    finally:
        _trusted.reset(token)


def read(scalars: Callable[[], Iterable[torch.Tensor]]) -> list[Any] | None:
    """The values of `scalars()`; None if values are :func:`trusted` or can't be read.

    If they are trusted nothing is computed, so that a training step does not pay for the check.
    """
    if _trusted.get() or torch.compiler.is_compiling():
        return None
    computed = scalars()
    try:
        return [scalar.item() for scalar in computed]
    except RuntimeError:  # under vmap
        return None


def floating(name: str, x: Any) -> torch.Tensor:
    """Check that `x` is a floating-point tensor with at least one element, and return it."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(
            f"{name} is a {type(x).__name__}; expected a torch.Tensor: "
            f"convert it with torch.as_tensor({name})"
        )
    if not x.is_floating_point():
        raise TypeError(
            f"{name} has dtype {x.dtype}; expected floating point: convert it with "
            f"{name}.float(), and divide by 255 if its values are bytes"
        )
    if x.numel() == 0:
        raise ValueError(
            f"{name} is empty, of shape {tuple(x.shape)}; expected at least one element: "
            "check the slice or filter that it came from (the mean of no elements is undefined)"
        )
    return x


def same(name: str, x: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    """Check that `x` and `other` are floating point, with one shape, one dtype and one device.

    Under autocast the dtypes may differ: a half-precision reconstruction is compared with
    single-precision data.
    """
    floating(name, x)
    floating(other_name, other)
    if x.shape != other.shape:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)} and {other_name} {tuple(other.shape)}; "
            "expected the same: "
            + pair_advice(name, tuple(x.shape), other_name, tuple(other.shape))
        )
    if x.dtype != other.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"{name} has dtype {x.dtype} and {other_name} {other.dtype}; "
            "expected the same: convert one with .to()"
        )
    if x.device != other.device:
        raise ValueError(
            f"{name} is on {x.device} and {other_name} on {other.device}; "
            "expected one device: move one with .to()"
        )


def images(name: str, x: torch.Tensor) -> torch.Tensor:
    """Check that `x` is a batch of images, (B, C, H, W), and return it."""
    floating(name, x)
    if x.dim() != 4:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected images of shape (B, C, H, W): "
            "add the missing axes with .unflatten() or [None]"
        )
    return x


def within(name: str, x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Check that every value of `x` is finite and in [low, high], and return `x`.

    The check is skipped if values are :func:`trusted` or can't be read.
    """
    ends = read(x.detach().aminmax)
    if ends is None:
        return x
    smallest, largest = ends
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise ValueError(
            f"{name} contains nan or infinity; expected finite values: look at "
            f"{name}[~{name}.isfinite()], and replace them with torch.nan_to_num({name}) "
            "or drop their rows"
        )
    if not low <= smallest <= largest <= high:
        raise ValueError(
            f"{name} runs from {smallest:.7g} to {largest:.7g}; "
            f"expected values in [{low:g}, {high:g}]: "
            f"rescale with ({name} - {name}.min()) / ({name}.max() - {name}.min()), "
            f"clip a rounding error with {name}.clamp({low:g}, {high:g}), "
            "or choose a loss and an output for unbounded data (squared error, linear output)"
        )
    return x


def finite(name: str, x: Any) -> torch.Tensor:
    """Check that `x` is a floating-point tensor without nan or infinity, and return it.

    For functions that compare or rank values: nan is neither above nor below a threshold.
    """
    return within(name, floating(name, x), -math.inf, math.inf)


def dtype_of_weights(name: str, x: Any, weights: nn.Module | torch.Tensor) -> torch.Tensor:
    """Check that `x` is floating point, of the dtype of a model's `weights`, and return it.

    Under autocast the dtypes may differ.
    """
    floating(name, x)
    tensors = [weights] if isinstance(weights, torch.Tensor) else weights.parameters()
    dtypes = {weight.dtype for weight in tensors if weight.is_floating_point()}
    if dtypes and x.dtype not in dtypes and not torch.is_autocast_enabled(x.device.type):
        dtype = str(next(iter(dtypes)))
        raise TypeError(
            f"{name} has dtype {x.dtype} and the model's weights {dtype}; expected the same: "
            f"convert one, as in {name}.to({dtype})"
        )
    return x


def codes(name: str, z: Any, model: nn.Module) -> torch.Tensor:
    """Check that `z` is floating point, of the dtype of the `model`, and return it.

    A model in half precision computes distributions and quantization of its codes in single, and
    decodes both: codes in single precision are rounded.
    """
    first = next(model.parameters(), None)  # a replica of data parallel has none
    if first is None:
        return floating(name, z)
    if getattr(z, "dtype", None) == torch.float32 and first.dtype.itemsize == 2:
        z = z.to(first.dtype)
    return dtype_of_weights(name, z, first)


def non_negative(name: str, value: Any) -> int:
    """Check that `value` is an integer of at least 0, such as a seed; return it as an int."""
    if not (is_number(value, int) and value >= 0):
        raise ValueError(f"{name} is {value!r}; expected an integer of at least 0: try 0")
    return int(value)


def samples(
    name: str,
    x: torch.Tensor,
    shape: tuple[int, ...],
    weights: nn.Module | torch.Tensor | None = None,
) -> torch.Tensor:
    """Check that `x` is a batch of samples of `shape`, (B, *shape), and return it.

    Its dtype must be that of the model's `weights`, if they are given.
    """
    floating(name, x)
    if x.shape[1:] != shape:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (B, {', '.join(map(str, shape))}): "
            f"{shape_advice(name, tuple(x.shape), shape)}"
        )
    first = next(weights.parameters(), None) if isinstance(weights, nn.Module) else weights
    return x if first is None else dtype_of_weights(name, x, first)


def shape_advice(name: str, seen: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What to do with `name`, of shape `seen`, for a model of samples of `shape`.

    A new shape is advised only if no value moves to another pixel.
    """
    sample = seen[1:]
    numbers = ", ".join(map(str, shape))
    if len(seen) == 4 and len(shape) == 3 and (seen[3], *seen[1:3]) == shape:
        return (
            f"its channels come last: pass {name}.permute(0, 3, 1, 2) (another shape of the same "
            "values would mix pixels and channels)"
        )
    if len(seen) == 4 and len(shape) == 3 and (*seen[2:], seen[1]) == shape:
        return f"the channels come last in the model's shape: build it with shape={sample}"
    if (1, *sample) == shape:
        return f"add the axis of the channel, as in {name}[:, None]"
    if seen == shape:
        return f"add the axis of the batch, as in {name}[None]"
    if sample == (math.prod(shape),):
        order = ""
        if len(shape) == 3 and shape[0] > 1:
            order = (
                ", if a row has all pixels of the first channel first; if the channels of a pixel "
                f"lie together, {name}.unflatten(1, {(*shape[1:], shape[0])}).permute(0, 3, 1, 2)"
            )
        return f"pass {name}.unflatten(1, ({numbers})){order}"
    if shape == (math.prod(sample),):
        return f"pass {name}.flatten(1)"
    if not sample:
        return f"pass a batch of samples, of shape (B, {numbers})"
    if len(sample) == len(shape) == 1:
        return f"pass rows of {shape[0]} values; a model may be built for rows of {sample[0]}"
    return f"build the model with shape={sample}, or crop or resize the samples"


def pair_advice(name: str, seen: tuple[int, ...], other_name: str, other: tuple[int, ...]) -> str:
    """What to do with two tensors of different shapes, `seen` and `other`."""
    for one, last, first in ((name, seen, other), (other_name, other, seen)):
        if len(first) == len(last) == 4 and (last[0], last[3], *last[1:3]) == first:
            return f"the channels of {one} come last: pass {one}.permute(0, 3, 1, 2)"
    return (
        "take both from the same samples and give them the same axes, since broadcasting would "
        "compare every image with every other"
    )


def integers(name: str, values: Any, below: float = math.inf) -> torch.Tensor:
    """Check that `values` is a tensor of integers from 0, all less than `below`, and return it.

    The values are not read if they are :func:`trusted` or can't be read.
    """
    encode = f"number the classes from 0, as torch.unique({name}, return_inverse=True) does"
    if not isinstance(values, torch.Tensor) or values.dtype != torch.int64:
        raise TypeError(
            f"{name} has dtype {getattr(values, 'dtype', type(values).__name__)}; "
            f"expected integers of at least 0, torch.int64: {encode}"
        )
    ends = read(values.aminmax) if values.numel() else None
    if ends is not None:
        low, high = ends
        if low < 0 or high >= below:
            wanted = "of at least 0" if below == math.inf else f"from 0 to {below - 1}"
            raise ValueError(
                f"{name} contains {low if low < 0 else high}; expected integers {wanted}: {encode}"
            )
    return values


def one_of(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """Check that `value` is one of `choices`, and return it."""
    if value not in tuple(choices):
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")
    return value


def positive(name: str, value: Any, kind: type = int) -> Any:
    """Check that `value` is a positive number of type `kind`, and return it."""
    if not (is_number(value, kind) and 0 < value < math.inf):
        raise ValueError(f"{name} is {value!r}; expected a positive {kind.__name__}")
    return value


def is_number(value: Any, kind: type = float) -> bool:
    """Whether `value` is a real number, or an integer if `kind` is int; a boolean is neither."""
    number = numbers.Integral if kind is int else numbers.Real
    return isinstance(value, number) and not isinstance(value, bool)


def requires(model: Any, part: str, expected: str) -> Any:
    """Check that `model` has the method or module `part`, and return it.

    Args:
        model: the model that an objective or a metric was given.
        part: the name of the attribute that they use.
        expected: the class of model that has it, for the error.
    """
    if not hasattr(model, part):
        raise TypeError(
            f"model is of class {type(model).__name__}, which has no {part}; expected {expected}: "
            "use the objectives and metrics made for its class"
        )
    return model


def sizes(name: str, values: Any, least: int = 1) -> tuple[int, ...]:
    """Check that `values` are positive integers, `least` or more of them; return them as a tuple.

    A `shape` may be a single integer.
    """
    values = (values,) if name == "shape" and isinstance(values, int) else values
    if not isinstance(values, (tuple, list)) or len(values) < least:
        raise ValueError(
            f"{name} is {values!r}; expected a tuple of positive integers, as in (1, 28, 28)"
        )
    return tuple(positive(name, value) for value in values)


def weight(name: str, value: Any) -> Any:
    """Check that `value` is a finite number of at least 0, and return it.

    A scalar tensor passes without its value being read, so that a sweep can map over it.
    """
    if isinstance(value, torch.Tensor):
        if value.dim():
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; expected one number: "
                "map over several with torch.vmap"
            )
        return value
    if not (is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0")
    return value
