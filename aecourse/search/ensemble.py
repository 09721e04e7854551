"""Many models of one shape, trained at once: ``torch.vmap`` maps a step over their stacked weights.

Each member receives the batches and the noise that it would receive alone, and has an update of its
own. It is faster because the device computes one large product instead of many small ones.
"""

import copy
import io
import itertools
import pickle
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, stack_module_state
from torch.overrides import TorchFunctionMode

from aecourse import validation
from aecourse.device import make_generator
from aecourse.training import adam
from aecourse.training.batches import Batches
from aecourse.training.distributed import Step
from aecourse.training.history import check_terms
from aecourse.training.loop import READ_EVERY
from aecourse.training.settings import check_data, check_settings
from aecourse.types import Objective


def fit_ensemble(
    models: Sequence[nn.Module],
    objective: Callable[[Mapping[str, torch.Tensor]], Objective],
    numbers: Mapping[str, Sequence[float]],
    seeds: Sequence[int],
    data: torch.Tensor,
    *,
    steps: int = 1000,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
) -> dict[str, torch.Tensor]:
    """Train `models` together, each as :func:`~aecourse.training.fit` would train it alone.

    Args:
        models: modules on one device, which differ only in the values of their parameters and
            buffers. A number that a module keeps as a plain attribute, such as the decay of a
            codebook, must be the same in all.
        objective: ``numbers of one member -> objective``; the numbers are scalar tensors, such as a
            weight or a noise level.
        numbers: {name: a number for each member}.
        seeds: one for each member, of the order of its data and of its noise.
        data: (N, ...), on the device of the models, shared by all.
        steps, batch_size, lr: as for :func:`~aecourse.training.fit`.
        optimizer: one that updates each element on its own, as Adam, RMSprop and SGD do.

    Returns:
        {term: (members, steps)} with ``"loss"``, their sum, on the CPU. A member whose loss becomes
        nan does not disturb the others.

    Raises:
        ValueError: If the models differ in more than their weights, the objective can't be mapped
            over the members, or :func:`~aecourse.training.fit` would refuse a number, the data or
            a setting.
        TypeError: If the data are not floating point, or differ in dtype from the weights.
    """
    for seed in seeds:
        check_settings(
            counts={"steps": steps, "batch_size": batch_size},
            rates={"lr": lr},
            precision="float32",
            patience=None,
            validation=None,
            seed=seed,
        )
    check_alike([model.train() for model in models])
    check_data(models[0], data, None)
    device = data.device
    parameters, buffers = stack_module_state(list(models))
    places = places_of(models[0])
    try_each(models, objective, numbers, seeds, data[:batch_size])
    numbers = {
        name: torch.tensor(values, device=device, dtype=data.dtype)
        for name, values in numbers.items()
    }
    distinct = list(dict.fromkeys(seeds))
    which = torch.tensor([distinct.index(seed) for seed in seeds], device=device)  # (members,)
    batches = [Batches(data, batch_size, make_generator(device, seed)) for seed in distinct]
    generators = [make_generator(device, seed, 1, 0) for seed in distinct]
    token = torch.Generator(device)

    def terms_of(parameters, buffers, numbers, which, x):
        """The terms of one member, on its batch."""
        with Draws(token, generators, which):
            step = Step(models[0], objective(numbers), token)
            state = parameters | buffers
            state = {f"model.{place}": state[name] for place, name in places.items()}
            return functional_call(step, state, (x,), tie_weights=False)

    update = optimizer(list(parameters.values()), lr=lr)
    mapped = torch.vmap(terms_of, randomness="same")
    names = None
    unread = []
    read = []
    with validation.trusted():
        for step in range(1, steps + 1):
            x = torch.stack([next(stream) for stream in batches])[which]  # (members, B, ...)
            try:
                terms = mapped(parameters, buffers, numbers, which, x)
            except (RuntimeError, ValueError, TypeError) as error:
                raise ValueError(
                    f"objective can't be mapped over members, each with its own "
                    f"{', '.join(numbers) or 'seed'} ({error}); expected arithmetic on tensors "
                    "only: otherwise train with how='processes' or 'sequential'"
                ) from error
            names = check_terms({name: term[0] for name, term in terms.items()}, names)
            loss = sum(terms.values())  # (members,)
            update.zero_grad()
            loss.sum().backward()
            update.step()
            values = torch.stack([*(terms[name] for name in names), loss], 1)  # (members, terms)
            unread.append(values.detach())
            if step % READ_EVERY == 0 or step == steps:
                read.append(torch.stack(unread).cpu())
                unread.clear()
    values = torch.cat(read).permute(2, 1, 0)  # (terms, members, steps)
    for i, model in enumerate(models):
        with torch.no_grad():
            for name, tensor in itertools.chain(model.named_parameters(), model.named_buffers()):
                tensor.copy_((parameters | buffers)[name][i])
        model.eval()
    return dict(zip([*names, "loss"], values, strict=True))


class Structure(pickle.Pickler):
    """Writes a model without the values of its parameters and buffers; see :func:`structure`."""

    def __init__(self, file: io.BytesIO, model: nn.Module):
        super().__init__(file)
        state = itertools.chain(model.parameters(), model.buffers())
        self.place = {id(tensor): i for i, tensor in enumerate(state)}

    def persistent_id(self, thing: Any) -> tuple | None:
        """What stands for `thing`; None if it is written as it is."""
        if isinstance(thing, torch.Tensor):
            kind = tuple(thing.shape), str(thing.dtype), str(thing.device), thing.requires_grad
            return kind, self.place[id(thing)] if id(thing) in self.place else thing.tolist()
        if isinstance(thing, (type, FunctionType, BuiltinFunctionType)):
            return thing.__qualname__, id(thing)
        return None


def structure(model: nn.Module) -> bytes | int:
    """Everything that makes up `model` except the values of its parameters and buffers.

    Models of the same structure differ in nothing else: neither in a shape nor in a number that a
    module keeps as a plain attribute. A model that can't be written has a structure of its own.
    """
    file = io.BytesIO()
    try:
        Structure(file, model).dump(model)
    except Exception:  # pickle passes on whatever a class raises
        return id(model)
    return file.getvalue()


def places_of(model: nn.Module) -> dict[str, str]:
    """Where `model` keeps each parameter and buffer, once for each module: {place: first name}."""
    named = itertools.chain(model.named_parameters(), model.named_buffers())
    first = {id(tensor): name for name, tensor in named}
    return {
        f"{path}.{name}".lstrip("."): first[id(tensor)]
        for path, module in model.named_modules()
        for name, tensor in (module._parameters | module._buffers).items()
        if tensor is not None
    }


def check_alike(models: Sequence[nn.Module]) -> None:
    """Check that `models` differ only in the values of their parameters and buffers."""
    if len(models) > 1 and len({structure(model) for model in models}) > 1:
        raise ValueError(
            f"models of class {type(models[0]).__name__} differ in more than the values of their "
            "parameters and buffers; expected the same shapes and the same plain attributes, since "
            "all are computed with those of the first: train them with sweep, which separates "
            "them, or keep the number in a buffer"
        )


@torch.no_grad()
def try_each(
    models: Sequence[nn.Module],
    objective: Callable[[Mapping[str, Any]], Objective],
    numbers: Mapping[str, Sequence[float]],
    seeds: Sequence[int],
    x: torch.Tensor,
) -> None:
    """Compute the terms of each member once, alone, so that values are checked as `fit` does.

    Under vmap no value can be read. Weights, buffers and generators are left as they were.
    """
    for i, (model, seed) in enumerate(zip(models, seeds, strict=True)):
        own = objective({name: values[i] for name, values in numbers.items()})
        step = Step(copy.deepcopy(model), own, make_generator(x.device, seed, 1, 0))
        with torch.random.fork_rng([x.device] if x.device.type == "cuda" else []):
            step(x)


class Draws(TorchFunctionMode):
    """In this block random numbers from `token` come, for each member, from its own generator.

    Args:
        token: the generator that the objective receives.
        generators: one for each distinct seed.
        which: a scalar tensor, mapped by vmap: the index of the member's generator.
    """

    def __init__(
        self, token: torch.Generator, generators: Sequence[torch.Generator], which: torch.Tensor
    ):
        super().__init__()
        self.token = token
        self.generators = generators
        self.which = which

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if kwargs.get("generator") is not self.token:
            return function(*args, **kwargs)
        if any(isinstance(value, torch.Tensor) for value in args):
            raise TypeError(
                f"objective draws with {function.__name__} into a tensor; expected torch.randn, "
                "rand, randint or randperm with generator=, which can be drawn for each member: "
                "or train with how='processes'"
            )
        drawn = [function(*args, **kwargs | {"generator": one}) for one in self.generators]
        return torch.stack(drawn).index_select(0, self.which[None])[0]  # (S, ...) -> (...)
