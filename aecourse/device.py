"""Choose a device, and make random generators on it."""

import numpy as np
import torch

from aecourse import validation


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The device named `device`; ``"auto"`` picks CUDA, then MPS, then the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def make_generator(device: str | torch.device, seed: int, *use: int) -> torch.Generator:
    """A generator whose stream is independent for each `seed` and `use`.

    Args:
        device: the device of the generator.
        seed: an integer of at least 0.
        use: integers of at least 0 that tell apart the streams of one seed, such as the epoch.
            Without any, the result is ``torch.Generator(device).manual_seed(seed)``.

    Returns:
        A new ``torch.Generator`` on `device`.
    """
    seed = validation.non_negative("seed", seed)
    if not use:
        return torch.Generator(device).manual_seed(seed)
    state = np.random.SeedSequence((seed, *use)).generate_state(1)[0]
    return torch.Generator(device).manual_seed(int(state))


def as_generator(generator: torch.Generator | int, x: torch.Tensor) -> torch.Generator:
    """`generator` itself, or a new generator on the device of `x` if it is an integer seed.

    Raises:
        TypeError: If `generator` is neither a generator nor an integer.
        ValueError: If the seed is negative, or the generator is on another device than `x`.
    """
    if validation.is_number(generator, int):
        return make_generator(x.device, generator)
    if not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator is a {type(generator).__name__}; expected a torch.Generator or an integer "
            "seed: pass 0, or torch.Generator(x.device).manual_seed(0)"
        )
    if generator.device.type != x.device.type:
        raise ValueError(
            f"generator is on {generator.device} and x on {x.device}; expected one device: "
            "make it with torch.Generator(x.device)"
        )
    return generator
