"""Many models of one shape, trained at once: ``torch.vmap`` maps a step over their stacked weights.

Each member receives the batches and the noise that it would receive alone, and has an update of its
own. It is faster because the device computes one large product instead of many small ones.
"""

from collections.abc import Callable, Mapping, Sequence

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
        models: modules of one shape and on one device, which differ only in their weights.
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
        ValueError: If the objective can't be mapped over the members.
    """
    device = data.device
    parameters, buffers = stack_module_state([model.train() for model in models])
    numbers = {name: torch.tensor(values, device=device) for name, values in numbers.items()}
    distinct = list(dict.fromkeys(seeds))
    which = torch.tensor([distinct.index(seed) for seed in seeds], device=device)  # (members,)
    batches = [Batches(data, batch_size, make_generator(device, seed)) for seed in distinct]
    generators = [make_generator(device, seed, 1, 0) for seed in distinct]
    token = torch.Generator(device)

    def terms_of(parameters, buffers, numbers, which, x):
        """The terms of one member, on its batch."""
        with Draws(token, generators, which):
            step = Step(models[0], objective(numbers), token)
            state = {f"model.{name}": value for name, value in (parameters | buffers).items()}
            return functional_call(step, state, (x,))

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
        model.load_state_dict({name: value[i] for name, value in (parameters | buffers).items()})
        model.eval()
    return dict(zip([*names, "loss"], values, strict=True))


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
