"""Which device, and which generator of random numbers on it."""

import numpy as np
import torch


def pick_device(device="auto"):
    """The device that `device` names; ``"auto"`` is CUDA, then MPS, then the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def make_generator(device, seed, *use):
    """A generator of its own for each `seed` and `use`, whole numbers of at least 0; without a use, the one of the seed itself."""
    return torch.Generator(device).manual_seed(
        int(np.random.SeedSequence((seed, *use)).generate_state(1)[0]) if use else seed
    )


def as_generator(generator, x):
    """`generator` itself, or a new one on the device of `x` where it is an integer seed."""
    if isinstance(generator, int) and not isinstance(generator, bool):
        return torch.Generator(x.device).manual_seed(generator)
    if not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator is a {type(generator).__name__}; expected a torch.Generator or an integer seed"
        )
    if generator.device.type != x.device.type:
        raise ValueError(
            f"generator is on {generator.device} and x on {x.device}; expected one device: "
            "make it with torch.Generator(x.device)"
        )
    return generator
