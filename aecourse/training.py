"""One loop for every model: it knows steps, batches and terms, and nothing of the model (after minGPT's trainer)."""
import os
import sys
from functools import partial

import torch

from aecourse import check

READ_EVERY = 50  # steps between two readings of the device
adam = partial(torch.optim.Adam, fused=True)  # one pass over the parameters instead of a dozen


class NonFinite(ArithmeticError):
    """A term of the loss became infinite or not a number."""


def pick_device(device="auto"):
    """The device that `device` names; ``"auto"`` is CUDA, then MPS, then the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class History:
    """What a training run saw: ``steps`` and, for each name in ``terms``, one value a step; ``terms["loss"]`` is their sum."""

    def __init__(self):
        self.terms = {}

    @property
    def steps(self):
        """The step of each value: 1, 2, ..."""
        return list(range(1, len(self.terms.get("loss", [])) + 1))

    def append(self, names, values):
        """Add `values`, (steps, terms), read from the device."""
        for name, column in zip(names, values.T.tolist()):
            self.terms.setdefault(name, []).extend(column)


def in_kernel():
    """Does a notebook's kernel run this process?"""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


class Progress:
    """One line that is rewritten in place: in a terminal or a notebook, never on stderr; silent elsewhere."""

    def __init__(self, steps, wanted):
        self.steps, self.handle = steps, None
        self.wanted = wanted if wanted is not None else os.environ.get("AECOURSE_PROGRESS", "1") != "0"
        self.notebook = in_kernel()
        self.wanted = self.wanted and (self.notebook or sys.stdout.isatty())

    def __call__(self, step, loss):
        if not self.wanted:
            return
        line = f"step {step} of {self.steps}, loss {loss:.4g}"
        if not self.notebook:
            print("\r" + line.ljust(60), end="\n" if step == self.steps else "", flush=True)
        elif self.handle is None:
            from IPython.display import display
            self.handle = display({"text/plain": line}, raw=True, display_id=True)
        else:
            self.handle.update({"text/plain": line}, raw=True)


def batches(data, batch_size, generator):
    """Batches of `data`, (N, ...), for ever: each pass in a new order, a short last batch left out."""
    size = min(batch_size, len(data))
    while True:
        order = torch.randperm(len(data), generator=generator, device=data.device)
        for start in range(0, len(data) - size + 1, size):
            yield data[order[start:start + size]]  # (size, ...)


def check_terms(terms, names):
    """The objective returned named scalars, the same `names` at every step."""
    good = isinstance(terms, dict) and terms and all(isinstance(t, torch.Tensor) and t.dim() == 0 for t in terms.values())
    if not good or "loss" in terms or names and terms.keys() != set(names):
        seen = type(terms).__name__
        if isinstance(terms, dict):
            seen = {name: tuple(t.shape) if isinstance(t, torch.Tensor) else type(t).__name__ for name, t in terms.items()}
        raise ValueError(f"objective returned {seen}; expected a dictionary of named scalar tensors, none of them named 'loss' "
                         "(the name of their sum), the same at every step: reduce each with .mean(), give a zero for one that rests")
    return names or list(terms)


def check_finite(names, values, last_step, lr):
    """`values`, (steps, terms), read at `last_step`, hold no nan and no infinity."""
    wrong = (~values.isfinite()).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise NonFinite(f"{names[column]} became {values[row, column].item()} at step {last_step - len(values) + row + 1}, with a learning "
                        f"rate of {lr:g}: lower it, lower the weight of this term, or look for a logarithm or a division of zero in it")


def fit(model, data, objective, *, steps=1000, batch_size=128, lr=1e-3, optimizer=adam, seed=0, device="auto", progress=None):
    """Train `model` on `data` for a number of steps, and return the history of every term.

    The total loss is the sum of the terms that the objective returns: weights (lambda, beta, alpha) stand in the
    objective and nowhere else. Data move to the device once; the terms are read from it every 50 steps.

    Args:
        model: a module; it is moved to the device, trained in place and left in evaluation mode.
        data: tensor (N, ...), finite, within ``model.output_range`` where the model has one.
        objective: ``(model, x, generator) -> {name: scalar}``; what it draws at random it draws from `generator`.
        steps: number of updates.
        batch_size: samples an update; all of `data` where it holds fewer.
        lr: learning rate.
        optimizer: ``(parameters, lr=) -> torch.optim.Optimizer``; Adam, fused, by default.
        seed: of the order of the data and of the objective's noise. The model's own start is yours to seed.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a device.
        progress: True or False; by default on in terminals and notebooks, off where ``AECOURSE_PROGRESS=0``.

    Returns:
        :class:`History`.

    Raises:
        ValueError: where an argument or the data are out of range.
        NonFinite: where a term stops being finite; it names the term and the step.
    """
    for name, value in (("steps", steps), ("batch_size", batch_size)):
        check.positive(name, value)
    check.positive("lr", lr, float)
    check.within("data", check.floating("data", data), *getattr(model, "output_range", (-float("inf"), float("inf"))))
    device = pick_device(device)
    model, data = model.to(device).train(), data.to(device)
    update = optimizer(model.parameters(), lr=lr)
    generator = torch.Generator(device).manual_seed(seed)
    history, names, unread, report = History(), None, [], Progress(steps, progress)
    for step, x in zip(range(1, steps + 1), batches(data, batch_size, generator)):
        with check.trusted(step > 1):
            terms = objective(model, x, generator)
        names = check_terms(terms, names)
        loss = sum(terms.values())
        update.zero_grad()
        loss.backward()
        update.step()
        unread.append(torch.stack([*(terms[name] for name in names), loss]).detach())
        if step % READ_EVERY == 0 or step == steps:
            values = torch.stack(unread).cpu()  # (steps, terms)
            check_finite([*names, "loss"], values, step, lr)
            history.append([*names, "loss"], values)
            unread.clear()
            report(step, history.terms["loss"][-1])
    model.eval()
    return history
