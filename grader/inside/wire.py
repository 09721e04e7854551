"""What passes between the grader and a sandbox: a line of JSON, then arrays as `.npy`. Nothing that
is read is ever run.

Lists, numbers, strings, truth values and None are JSON's own; {"t": [...]} is a tuple, {"d": [[key,
value], ...]} a dictionary, {"a": 3} the fourth array, and {"o": "set"} stands for a value of a type
that can't pass.

What a message becomes in memory is bounded by what it weighs: an array is named at most once, and
the parts of the JSON are counted before it is parsed.
"""

import io
import json
import re

import numpy as np

KINDS = "biufc"  # truth values, integers, floats, complex numbers: no dtype of objects
ARRAYS = 2**14  # of one message
PARTS = 2**20  # brackets, braces and commas of one message, each of which may become an object
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)


class Garbled(Exception):
    """What came is not what the other side may send."""


class Foreign:
    """A value that could not pass; `name` is its type's."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"a {self.name}"


def pack(value):
    """`value` as bytes. Tensors become arrays."""
    blobs = []
    body = json.dumps(_encoded(value, blobs))
    head = json.dumps({"sizes": [len(blob) for blob in blobs], "body": body})
    return b"".join([head.encode(), b"\n", *blobs])


def _encoded(value, blobs):
    if isinstance(value, np.str_ | np.bool_) and type(value).__module__ == "numpy":
        value = value.item()  # they behave like Python's own
    if (
        value is None
        or isinstance(value, (bool, int, float, str))
        and type(value).__module__ == "builtins"
    ):
        return value
    if isinstance(value, list):
        return [_encoded(item, blobs) for item in value]
    if isinstance(value, tuple):
        return {"t": [_encoded(item, blobs) for item in value]}
    if isinstance(value, dict):
        return {"d": [[_encoded(key, blobs), _encoded(item, blobs)] for key, item in value.items()]}
    try:
        array = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
        if array.dtype.kind in KINDS:
            file = io.BytesIO()
            np.save(file, array, allow_pickle=False)
            blobs.append(file.getvalue())
            return {"a": len(blobs) - 1}
    except (TypeError, ValueError, RuntimeError):
        pass
    return {"o": type(value).__name__}


def parts(text, marks="[{,"):
    """How many of these marks JSON has; where there are many, those outside strings."""
    count = sum(map(text.count, marks))
    return count if count <= 100_000 else sum(map(STRING.sub("", text).count, marks))


def _read(text):
    """The value of JSON that has no more parts than a message may have."""
    if parts(text) > PARTS:
        raise Garbled("a message of too many parts")
    return json.loads(text)


def sizes(line):
    """(body, sizes of the arrays that follow) of a first line."""
    try:
        head = _read(line.decode())
        body, counts = head["body"], head["sizes"]
        if (
            isinstance(body, str)
            and isinstance(counts, list)
            and len(counts) <= ARRAYS
            and all(type(count) is int and count >= 0 for count in counts)
        ):
            return body, counts
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise Garbled("not a first line")


def unpack(body, blobs, array=lambda array: array):
    """The value of a body and its arrays; `array` says what to make of an array."""
    try:
        return _decoded(_read(body), [array(_array(blob)) for blob in blobs])
    except Exception as error:  # NumPy's reader of a head raises SyntaxError and others besides
        raise Garbled(str(error)[:200]) from None


def _decoded(value, arrays):
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "a":
        found, arrays[inner] = arrays[inner], None
        if found is None:
            raise Garbled("an array that is named twice")
        return found
    if kind == "o":
        return Foreign(inner[:80])
    items = [_decoded(item, arrays) for item in inner]
    return {"t": tuple, "d": dict}[kind](items)


def _array(blob):
    """An array of numbers from the bytes of an `.npy` file, as large as the bytes say and no
    larger.
    """
    file = io.BytesIO(blob)
    if np.lib.format.read_magic(file) != (1, 0):
        raise Garbled("another version of .npy")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in KINDS:
        raise Garbled(f"an array of {dtype}")
    flat = np.frombuffer(blob, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy()
