"""Checkpoints: the state of a run in one file, written whole or not at all.

Reading one never runs code from it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


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
        f"{name} was {saved.get(name)!r} and is {value!r}"
        for name, value in settings.items()
        if saved.get(name) != value
    ]
    if different:
        raise CheckpointError(
            f"{path} belongs to another run: {'; '.join(different)}. "
            "Use the former settings, name another file, or remove this one"
        )
    return state


def fingerprint(data: torch.Tensor) -> list:
    """Shape and sum of `data`, by which a checkpoint recognises them."""
    dtype = torch.float64 if data.device.type != "mps" else None
    return [list(data.shape), data.sum(dtype=dtype).item()]


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
