"""Checkpoints: the state of a run in one file, written whole or not at all.

Reading one never runs code from it.
"""

import hashlib
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

# Settings of an optimizer that say how it computes an update, and not which.
HOW = {"params", "fused", "foreach", "capturable", "differentiable", "initial_lr"}


class CheckpointError(RuntimeError):
    """A file holds no checkpoint, or that of another run; the message says what to do."""


def save(path: str | os.PathLike, state: dict[str, Any]) -> None:
    """Write `state` to `path`; an existing file is replaced only once the new one is complete.

    Args:
        path: file to write, in a folder that exists. A partial file that a killed process left is
            named `path` + ``.part``, and is overwritten.
        state: nested dictionaries and lists of tensors, numbers, strings and None.
    """
    part = Path(f"{path}.part")
    with open(part, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load(path: str | os.PathLike, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state in `path`, on the CPU, or None if there is no such file.

    Args:
        path: file that :func:`save` wrote.
        settings: those of this run, plain values by name; they must equal those in the file.

    Raises:
        CheckpointError: If the file can't be read, or its settings differ.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["settings"]
    except FileNotFoundError:
        return None
    except Exception as error:  # torch passes on errors of its archive, pickle and the file system
        raise CheckpointError(
            f"{path} holds no checkpoint that can be read ({type(error).__name__}): "
            "remove it to start again, or name another file"
        ) from error
    different = [
        difference(name, saved.get(name), value)
        for name, value in settings.items()
        if saved.get(name) != value
    ]
    if different:
        raise another_run(path, "; ".join(different))
    return state


def another_run(path: str | os.PathLike, different: str) -> CheckpointError:
    """The error for a checkpoint of another run, which says what is `different`."""
    return CheckpointError(
        f"{path} belongs to another run: {different}. "
        "Use the former settings, name another file, or remove this one"
    )


def difference(name: str, was: Any, now: Any) -> str:
    """The setting `name` in both runs; of two lists or dictionaries, the first that differs."""
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        key = next(key for key in now if was[key] != now[key])
        return difference(f"{name} {key}", was[key], now[key])
    if isinstance(was, list) and isinstance(now, list):
        pairs = zip(was, now, strict=False)
        was, now = next((pair for pair in pairs if pair[0] != pair[1]), (was, now))
    return f"{name} was {was!r} and is {now!r}"


def fingerprint(data: torch.Tensor) -> list:
    """Shape, dtype and hash of `data`, by which a checkpoint recognises them and their order."""
    values = data.detach().cpu().contiguous().flatten().view(torch.uint8)
    digest = hashlib.sha256(values.numpy()).hexdigest()[:16]
    return [list(data.shape), str(data.dtype), digest]


def description(model: nn.Module) -> list[str]:
    """The layers of `model` as PyTorch prints them, a line each: activations are among them."""
    return [line.strip() for line in re.sub(r" at 0x[0-9a-f]+", "", repr(model)).splitlines()]


def optimizer_settings(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The class of `optimizer` and the settings of each group of parameters, as plain values.

    The rate is the one before a schedule.
    """
    groups = [
        {name: plain(value) for name, value in sorted(group.items()) if name not in HOW}
        | {"lr": plain(group.get("initial_lr", group.get("lr")))}
        for group in optimizer.param_groups
    ]
    return {"class": type(optimizer).__name__} | dict(enumerate(groups))


def schedule_settings(schedule: Callable[[float], float] | None, steps: int) -> list[float] | None:
    """The number of `steps`, and the factors of `schedule` after each tenth of them."""
    if schedule is None:
        return None
    return [steps, *(float(f"{float(schedule(k / 10)):.9g}") for k in range(11))]


def plain(value: Any) -> Any:
    """`value` if it is a plain one that a file can hold, else its text."""
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)


def close(was: Mapping[str, float] | None, now: Mapping[str, float] | None, share: float) -> bool:
    """Whether the terms of an objective are the same up to rounding, bounded by `share`.

    Terms that could not be computed (None) are not compared.
    """
    if was is None or now is None:
        return True
    slack = 0.01 * share * sum(map(abs, was.values()))
    return was.keys() == now.keys() and all(
        math.isclose(was[name], now[name], rel_tol=share, abs_tol=slack) for name in was
    )


def writable(path: str | os.PathLike) -> Path:
    """Check that `path` can name a file, in a folder that exists; return it as a `Path`."""
    path = Path(path).expanduser().absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError(
            f"save_to is {str(path)!r}; expected a file in a folder that exists: "
            f"create {str(path.parent)!r}, or name a file, as in 'run.pt'"
        )
    return path


def random_states(generators: Mapping[str, torch.Generator]) -> dict[str, Any]:
    """The states of `generators`, and of PyTorch's global ones, which dropout uses."""
    states = {name: generator.get_state() for name, generator in generators.items()}
    states["torch"] = torch.get_rng_state()
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def set_random_states(generators: Mapping[str, torch.Generator], states: Mapping[str, Any]) -> None:
    """Restore the states that :func:`random_states` returned."""
    for name, generator in generators.items():
        generator.set_state(states[name])
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states.get("cuda", [])) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
