"""A checkpoint: the state of a run in one file, there whole or not at all, and read without running code from it."""

import os
from pathlib import Path

import torch


class CheckpointError(RuntimeError):
    """A file holds no checkpoint, or that of another run; the message says what to do."""


def save(path, state):
    """Write `state`, a dictionary of tensors and plain values, to `path`: the old file stands until the new one is whole.

    Args:
        path: file to write; its folder exists. A part that a killed process left is named `path` + ``.part``, and is
            written over.
        state: nested dictionaries and lists of tensors, numbers, strings and None.
    """
    part = Path(f"{path}.part")
    with open(part, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load(path, settings):
    """The state in `path`, on the CPU, or None where there is no such file.

    Args:
        path: file that :func:`save` wrote.
        settings: what the run is: plain values by name, equal to the file's own ``"settings"``.

    Raises:
        CheckpointError: where the file can't be read, or its settings are others.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["settings"]
    except FileNotFoundError:
        return None
    except Exception as error:  # torch raises what its archive, its pickle or the file system raise
        raise CheckpointError(
            f"{path} holds no checkpoint that can be read ({type(error).__name__}): "
            "remove it to start anew, or name another file"
        ) from error
    other = {
        name: (saved.get(name), value)
        for name, value in settings.items()
        if saved.get(name) != value
    }
    if other:
        told = "; ".join(f"{name} was {was!r} and is {now!r}" for name, (was, now) in other.items())
        raise CheckpointError(
            f"{path} belongs to another run: {told}. Call fit as then, name another file, or remove this one"
        )
    return state


def writable(path):
    """`path` as a file that can be written: its folder exists."""
    path = Path(path).expanduser().absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError(
            f"save_to is {str(path)!r}; expected a file in a folder that exists: create {str(path.parent)!r}, "
            "or name a file, as in 'run.pt'"
        )
    return path


def random_states(generators):
    """The states of `generators`, {name: torch.Generator}, and of PyTorch's own, which dropout draws from."""
    states = {name: generator.get_state() for name, generator in generators.items()} | {
        "torch": torch.get_rng_state()
    }
    return states | ({"cuda": torch.cuda.get_rng_state_all()} if torch.cuda.is_available() else {})


def set_random_states(generators, states):
    """Put `generators`, and PyTorch's own, where they were."""
    for name, generator in generators.items():
        generator.set_state(states[name])
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states.get("cuda", [])) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
