"""Wrong arguments raise errors that help, right ones pass, and trusted values are not read."""

import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from aecourse import validation


class Readings(TorchDispatchMode):
    """Counts how often a value is read back from the device."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floating_returns_what_it_accepts(dtype):
    x = torch.zeros(2, dtype=dtype)
    assert validation.floating("x", x) is x


@pytest.mark.parametrize(
    "x, error, words",
    [
        ([0.5], TypeError, ["scan is a list", "torch.Tensor", "torch.as_tensor(scan)"]),
        (torch.arange(3), TypeError, ["scan has dtype torch.int64", "scan.float()"]),
        (
            torch.zeros(3, dtype=torch.uint8),
            TypeError,
            ["scan has dtype torch.uint8", "divide by 255"],
        ),
        (torch.zeros(3, dtype=torch.bool), TypeError, ["torch.bool"]),
        (torch.zeros(3, dtype=torch.complex64), TypeError, ["torch.complex64"]),
        (torch.zeros(0, 4), ValueError, ["scan is empty", "(0, 4)"]),
    ],
)
def test_floating_says_what_is_wrong_and_what_to_do(x, error, words):
    with pytest.raises(error) as caught:
        validation.floating("scan", x)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "other, error, words",
    [
        (torch.zeros(1, 3), ValueError, ["(2, 3)", "(1, 3)", "broadcasting"]),
        (torch.zeros(2, 3, 1), ValueError, ["(2, 3, 1)"]),
        (
            torch.zeros(2, 3, dtype=torch.float64),
            TypeError,
            ["torch.float32", "torch.float64", ".to()"],
        ),
        (torch.zeros(2, 3, device="meta"), ValueError, ["cpu", "meta", ".to()"]),
        ([[0.0]], TypeError, ["right is a list"]),
    ],
)
def test_same_compares_shape_dtype_and_device(other, error, words):
    x = torch.zeros(2, 3)
    validation.same("left", x, "right", x.clone())
    for names, pair in ((("left", "right"), (x, other)), (("right", "left"), (other, x))):
        with pytest.raises(error) as caught:
            validation.same(names[0], pair[0], names[1], pair[1])
        assert all(word in str(caught.value) for word in ["right", *words])


def test_images_have_four_dimensions():
    x = torch.zeros(2, 3, 5, 7)
    assert validation.images("x", x) is x
    for wrong in (x[0], x[None]):
        with pytest.raises(
            ValueError, match=r"x has shape .*expected images of shape \(B, C, H, W\)"
        ):
            validation.images("x", wrong)


def test_within_accepts_its_bounds_and_may_be_unbounded():
    x = torch.tensor([-1.0, 1.0])
    assert (
        validation.within("x", x, -1, 1) is x
        and validation.within("x", x, -math.inf, math.inf) is x
    )


@pytest.mark.parametrize(
    "values, words",
    [
        ([0.25, 1.5], ["scan runs from 0.25 to 1.5", "[0, 1]", "scan.min()", "linear output"]),
        ([-0.125, 0.5], ["from -0.125 to 0.5"]),
        ([0.0, 1.0 + 2**-20], ["from 0 to 1.000001", "scan.clamp(0, 1)"]),
        ([0.5, math.nan], ["scan contains nan or infinity", "nan_to_num(scan)"]),
        ([0.5, math.inf], ["nan or infinity"]),
        ([-math.inf, 0.5], ["nan or infinity"]),
    ],
)
def test_within_says_what_it_saw(values, words):
    with pytest.raises(ValueError) as caught:
        validation.within("scan", torch.tensor(values), 0, 1)
    assert all(word in str(caught.value) for word in words)


def test_within_refuses_nan_if_the_range_is_unbounded():
    with pytest.raises(ValueError, match="nan"):
        validation.within("x", torch.tensor([math.nan]), -math.inf, math.inf)


class Operations(TorchDispatchMode):
    """Counts what is computed."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is not torch.ops.aten.detach.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "check",
    [
        lambda: validation.within("x", torch.ones(3), 0, 1),
        lambda: validation.finite("x", torch.ones(3)),
        lambda: validation.integers("x", torch.ones(3, dtype=torch.int64), 2),
    ],
)
def test_a_check_of_trusted_values_computes_nothing(check):
    """A training step would pay for it."""
    with Operations() as trusted, validation.trusted():
        check()
    with Operations() as checked:
        check()
    assert trusted.count == 1 < checked.count, "the tensor itself"


def test_trusted_values_are_not_read_until_the_block_ends():
    wrong = torch.tensor([2.0])
    with Readings() as readings, validation.trusted():
        validation.within("x", wrong, 0, 1)
        with validation.trusted(False), pytest.raises(ValueError):
            validation.within("x", wrong, 0, 1)
        seen = readings.count
        validation.within("x", wrong, 0, 1)
    assert 1 <= seen == readings.count
    with pytest.raises(ZeroDivisionError), validation.trusted():
        raise ZeroDivisionError
    with pytest.raises(ValueError):
        validation.within("x", wrong, 0, 1)


def test_values_that_cannot_be_read_pass_under_vmap_and_compilation():
    def identity(x):
        return validation.within("x", x, 0, 1)

    wrong = torch.tensor([[2.0], [3.0]])
    assert torch.equal(torch.vmap(identity)(wrong), wrong)
    assert torch.equal(torch.compile(identity, backend="eager", fullgraph=True)(wrong), wrong)


def test_one_of_lists_the_choices():
    assert validation.one_of("order", "up", ("up", "down")) == "up"
    with pytest.raises(ValueError, match="order is 'left'; expected one of 'up', 'down'"):
        validation.one_of("order", "left", ("up", "down"))


@pytest.mark.parametrize("value", [0, -3, True, 2.0, "4", None, math.nan])
def test_positive_refuses_what_is_not_a_positive_integer(value):
    with pytest.raises(ValueError, match="steps is .*; expected a positive int"):
        validation.positive("steps", value)


@pytest.mark.parametrize(
    "value, kind",
    [
        (1, int),
        (7, int),
        (np.int64(3), int),
        (7, float),
        (0.5, float),
        (np.float32(0.5), float),
    ],
)
def test_positive_returns_what_it_accepts(value, kind):
    assert validation.positive("value", value, kind) == value


@pytest.mark.parametrize(
    "value",
    [0, 0.0, 3, 1e-300, np.float32(0.5), torch.tensor(0.5), torch.tensor(-1.0), torch.tensor(2)],
)
def test_weight_returns_what_it_accepts(value):
    assert validation.weight("beta", value) is value


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, True, None, "1", [1.0]])
def test_weight_refuses_anything_but_a_finite_number_of_at_least_zero(value):
    with pytest.raises(ValueError, match="beta is .*; expected a finite number of at least 0"):
        validation.weight("beta", value)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_weight_refuses_several_numbers_and_suggests_vmap(shape):
    with pytest.raises(
        ValueError,
        match=r"beta has shape \(.*; expected one number: map over several with torch.vmap",
    ):
        validation.weight("beta", torch.ones(shape))


def test_a_sweep_maps_over_a_weight_without_reading_its_value():
    def twice(value):
        return 2 * validation.weight("beta", value)

    values = torch.tensor([0.5, -1.0])
    assert torch.equal(torch.vmap(twice)(values), 2 * values)
    with Readings() as readings:
        validation.weight("beta", values[0])
    assert readings.count == 0


ADVICE = {  # the shape of data, of a sample of the model, and what to do
    "channels last": ((9, 4, 6, 3), (3, 4, 6), "pass scan.permute(0, 3, 1, 2)"),
    "one channel, last": ((9, 4, 6, 1), (1, 4, 6), "pass scan.permute(0, 3, 1, 2)"),
    "a model with channels last": ((9, 3, 4, 6), (4, 6, 3), "build it with shape=(3, 4, 6)"),
    "no channel": ((9, 4, 6), (1, 4, 6), "as in scan[:, None]"),
    "one sample": ((3, 4, 6), (3, 4, 6), "as in scan[None]"),
    "rows": ((9, 24), (1, 4, 6), "pass scan.unflatten(1, (1, 4, 6))"),
    "rows of colours": (
        (9, 72),
        (3, 4, 6),
        "scan.unflatten(1, (4, 6, 3)).permute(0, 3, 1, 2)",
    ),
    "a flat model": ((9, 1, 4, 6), (24,), "pass scan.flatten(1)"),
    "other columns": ((9, 5), (6,), "pass rows of 6 values"),
    "no sample": ((9,), (1, 4, 6), "pass a batch of samples, of shape (B, 1, 4, 6)"),
}


@pytest.mark.parametrize("name", ADVICE)
def test_samples_advises_what_makes_them_fit(name):
    """The advice is code: run, it turns the data into samples of the model's shape."""
    seen, shape, advice = ADVICE[name]
    scan = torch.rand(seen)
    with pytest.raises(ValueError) as caught:
        validation.samples("scan", scan, shape)
    text = str(caught.value)
    assert text.startswith(f"scan has shape {seen}; expected (B, ") and advice in text
    assert "reshape it" not in text
    if "scan" in advice:
        fitting = eval(advice.removeprefix("pass ").removeprefix("as in "), {"scan": scan})
        assert fitting.shape[1:] == shape
        if seen[-1] == 3 and len(seen) == 4:
            assert torch.equal(fitting[2, 1, 3, 5], scan[2, 3, 5, 1]), "pixels keep their channels"


@pytest.mark.parametrize(
    "seen, shape",
    [
        ((9, 1, 32, 32), (1, 28, 28)),
        ((9, 1, 4, 6), (1, 6, 4)),
        ((9, 2, 12), (1, 4, 6)),
        ((9, 784), (1, 8, 8)),
        ((9, 4, 6, 3), (4, 18)),
    ],
)
def test_samples_of_another_size_are_not_advised_to_be_reshaped(seen, shape):
    with pytest.raises(ValueError) as caught:
        validation.samples("scan", torch.zeros(seen), shape)
    text = str(caught.value)
    assert f"build the model with shape={seen[1:]}, or crop or resize the samples" in text
    assert not any(word in text for word in ("reshape", "unflatten", "permute", "view"))


def test_two_images_one_with_channels_last():
    x, other = torch.zeros(2, 3, 8, 9), torch.zeros(2, 8, 9, 3)
    for pair in ((x, other), (other, x)):
        one = "b" if pair[0] is x else "a"
        with pytest.raises(ValueError, match=rf"channels of {one} come last: pass {one}\.permute"):
            validation.same("a", pair[0], "b", pair[1])
