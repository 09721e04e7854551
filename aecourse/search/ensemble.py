"""Many models of one shape, trained at once: their weights stacked, one step for all by ``torch.vmap``.

Each member sees the batches and the noise that it would see alone, and has an update of its own: what is faster is that
the device does one large product in place of many small ones.
"""

import torch
from torch.func import functional_call, stack_module_state
from torch.overrides import TorchFunctionMode

from aecourse import validation
from aecourse.device import make_generator
from aecourse.training import adam
from aecourse.training.distributed import Step
from aecourse.training.loop import READ_EVERY, Batches, check_terms


class Draws(TorchFunctionMode):
    """Within it a draw from `token` is, for each member, a draw from the generator of that member's seed."""

    def __init__(self, token, generators, which):
        super().__init__()
        self.token = token
        self.generators = generators
        self.which = which

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if kwargs.get("generator") is not self.token:
            return function(*args, **kwargs)
        if any(isinstance(given, torch.Tensor) for given in args):
            raise TypeError(
                f"objective draws with {function.__name__} into a tensor; expected torch.randn, rand, randint or randperm with "
                "generator=, which can be drawn for each member: or train with how='processes'"
            )
        drawn = torch.stack(
            [function(*args, **kwargs | {"generator": generator}) for generator in self.generators]
        )  # (S, ...)
        return drawn.index_select(0, self.which[None])[0]


def fit_ensemble(
    models, objective, numbers, seeds, data, *, steps=1000, batch_size=128, lr=1e-3, optimizer=adam
):
    """Train `models`, of one shape and on one device, each as :func:`~aecourse.training.fit` would train it alone.

    Args:
        models: modules that differ in their weights alone.
        objective: ``one member's numbers -> objective``, the numbers as scalar tensors: a weight, a noise level.
        numbers: {name: a number for each member}.
        seeds: one for each member, of the order of its data and of its noise.
        data: (N, ...), on the device of the models, shared by all.
        steps, batch_size, lr: as for :func:`~aecourse.training.fit`.
        optimizer: one that treats each entry on its own, as Adam, RMSprop and SGD do.

    Returns:
        {term: (members, steps)} with ``"loss"``, their sum, on the CPU. A member that stops being finite does not
        disturb the others.
    """
    device = data.device
    parameters, buffers = stack_module_state([model.train() for model in models])
    numbers = {name: torch.tensor(values, device=device) for name, values in numbers.items()}
    distinct = list(dict.fromkeys(seeds))
    which = torch.tensor([distinct.index(seed) for seed in seeds], device=device)  # (members,)
    batches = [Batches(data, batch_size, make_generator(device, seed)) for seed in distinct]
    generators, token = (
        [make_generator(device, seed, 1, 0) for seed in distinct],
        torch.Generator(device),
    )

    def terms_of(parameters, buffers, numbers, which, x):
        """The terms of one member, on its batch."""
        with Draws(token, generators, which):
            step = Step(models[0], objective(numbers), token)
            return functional_call(
                step,
                {f"model.{name}": value for name, value in (parameters | buffers).items()},
                (x,),
            )

    update = optimizer(list(parameters.values()), lr=lr)
    together = torch.vmap(terms_of, randomness="same")
    names = None
    unread = []
    read = []
    with validation.trusted():
        for step in range(1, steps + 1):
            x = torch.stack([next(stream) for stream in batches])[which]  # (members, B, ...)
            try:
                terms = together(parameters, buffers, numbers, which, x)
            except (RuntimeError, ValueError, TypeError) as error:
                raise ValueError(
                    f"objective can't be mapped over members with {', '.join(numbers) or 'no'} numbers of their own "
                    f"({error}); expected arithmetic on tensors alone: otherwise train them one by one or in "
                    "processes"
                ) from error
            names = check_terms({name: term[0] for name, term in terms.items()}, names)
            loss = sum(terms.values())  # (members,)
            update.zero_grad()
            loss.sum().backward()
            update.step()
            unread.append(
                torch.stack([*(terms[name] for name in names), loss], 1).detach()
            )  # (members, terms)
            if step % READ_EVERY == 0 or step == steps:
                read.append(torch.stack(unread).cpu())
                unread.clear()
    values = torch.cat(read).permute(2, 1, 0)  # (terms, members, steps)
    for i, model in enumerate(models):
        model.load_state_dict({name: value[i] for name, value in (parameters | buffers).items()})
        model.eval()
    return dict(zip([*names, "loss"], values))
