"""One loop for every model: it knows steps, batches and terms, and nothing of the model (after minGPT's trainer)."""

import copy
import math
from functools import partial

import torch

from aecourse.device import make_generator, pick_device
from aecourse.training import checkpoint, distributed
from aecourse.training.progress import Progress
from aecourse.validation import floating, one_of, positive, trusted, within

READ_EVERY = 50  # steps between two readings of the device
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}
adam = partial(torch.optim.Adam, fused=True)  # one pass over the parameters instead of a dozen


class NonFinite(ArithmeticError):
    """A term of the loss became infinite or not a number."""


class History:
    """What a training run saw: ``steps`` and, for each name in ``terms``, one value a step; ``terms["loss"]`` is their sum.

    ``checks`` holds (step, loss on the validation data) of each check, and ``best_step`` the step of the lowest; None
    without validation.
    """

    def __init__(self):
        self.terms, self.checks = {}, []

    @property
    def steps(self):
        """The step of each value: 1, 2, ..."""
        return list(range(1, len(self.terms.get("loss", [])) + 1))

    @property
    def best_step(self):
        """The step at which the loss on the validation data was lowest."""
        return min(self.checks, key=lambda seen: seen[1])[0] if self.checks else None

    def append(self, names, values):
        """Add `values`, (steps, terms), read from the device."""
        for name, column in zip(names, values.T.tolist()):
            self.terms.setdefault(name, []).extend(column)


class Batches:
    """Batches of `data`, (N, ...), for ever: each pass in a new order, a short last batch left out.

    Of several processes each sees every order, and takes its share of each batch.
    """

    def __init__(self, data, batch_size, generator):
        self.data, self.generator = data, generator
        self.rank, self.world = distributed.place()
        self.size = min(batch_size, len(data)) // self.world * self.world
        self.order, self.at = torch.empty(0, dtype=torch.long, device=data.device), 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at + self.size > len(self.order):
            self.order, self.at = (
                torch.randperm(len(self.data), generator=self.generator, device=self.data.device),
                0,
            )
        rows = self.order[self.at : self.at + self.size]
        self.at += self.size
        return self.data.index_select(0, rows[self.rank :: self.world])  # (size / world, ...)


def check_terms(terms, names):
    """The objective returned named scalars, the same `names` at every step."""
    good = (
        isinstance(terms, dict)
        and terms
        and all(isinstance(t, torch.Tensor) and t.dim() == 0 for t in terms.values())
    )
    if not good or "loss" in terms or names and terms.keys() != set(names):
        seen = type(terms).__name__
        if isinstance(terms, dict):
            seen = {
                name: tuple(t.shape) if isinstance(t, torch.Tensor) else type(t).__name__
                for name, t in terms.items()
            }
        raise ValueError(
            f"objective returned {seen}; expected a dictionary of named scalar tensors, none of them named 'loss' "
            "(the name of their sum), the same at every step: reduce each with .mean(), give a zero for one that rests"
        )
    return names or list(terms)


def check_finite(names, values, last_step, lr):
    """`values`, (steps, terms), read at `last_step`, hold no nan and no infinity."""
    wrong = (~values.isfinite()).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise NonFinite(
            f"{names[column]} became {values[row, column].item()} at step {last_step - len(values) + row + 1}, with a learning "
            f"rate of {lr:g}: lower it, lower the weight of this term, or look for a logarithm or a division of zero in it"
        )


def cosine(warmup=0.0, floor=0.0):
    """A schedule of the learning rate: it rises in a straight line over the first part of the steps, then falls as a half cosine.

    Args:
        warmup: share of the steps in which it rises, from 0 to below 1.
        floor: where it ends, as a share of its highest value.

    Returns:
        The factor as a function of the share of steps done, for ``fit(schedule=)``.

    Source:
        Loshchilov and Hutter (2017), without restarts, for the fall.
    """
    for name, value in (("warmup", warmup), ("floor", floor)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value!r}; expected a share from 0 to below 1")

    def factor(done):
        if done < warmup:
            return done / warmup
        return floor + (1 - floor) * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2

    return factor


def autocast(device, precision):
    """A block in which matrix products are taken in `precision`; parameters and losses stay in float32."""
    return torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "float32")


@torch.no_grad()
def evaluate(model, data, objective, batch_size=1024, seed=0, precision="float32"):
    """The terms of `objective` on `data`, each the mean over its samples, with the model in evaluation mode.

    Args:
        model: on any device; its mode is put back.
        data: (N, ...); moved to the device of the model.
        objective: as for :func:`fit`. Its terms are means over samples, so that those of batches can be averaged.
        batch_size: samples at a time.
        seed: of the objective's noise, the same at every call.
        precision: as for :func:`fit`.

    Returns:
        {name: number}, with ``"loss"``, their sum.
    """
    device, training = next(model.parameters()).device, model.training
    generator, totals = make_generator(device, seed), {}
    model.eval()
    with autocast(device, precision):
        for x in data.to(device).split(batch_size):
            for name, term in objective(model, x, generator).items():
                totals[name] = totals.get(name, 0) + term.double() * len(x)
    model.train(training)
    means = {name: total.item() / len(data) for name, total in totals.items()}
    return means | {"loss": sum(means.values())}


class Run:
    """What a step changes, and a checkpoint holds: model, optimizer, schedule, order of the data, noise, history, the best so far."""

    def __init__(self, model, data, objective, update, schedule, batch_size, precision, seed):
        self.model = model
        self.update = update
        self.schedule = schedule
        self.precision = precision
        self.history = History()
        self.generators = {
            "order": make_generator(data.device, seed),
            "noise": make_generator(data.device, seed, 1, distributed.place()[0]),
        }
        self.batches = Batches(data, batch_size, self.generators["order"])
        self.forward = distributed.shared(
            distributed.Step(model, objective, self.generators["noise"])
        )
        self.step = 0
        self.names = None
        self.unread = []
        self.best = None
        self.finished = False

    def advance(self, clip=None):
        """One update, on the next batch; its terms stay on the device."""
        x = next(self.batches)
        with autocast(x.device, self.precision):
            terms = self.forward(x)
        self.names, self.step = check_terms(terms, self.names), self.step + 1
        loss = sum(terms.values())
        self.update.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self.update.step()
        if self.schedule is not None:
            self.schedule.step()
        self.unread.append(torch.stack([*(terms[name] for name in self.names), loss]).detach())

    def read(self):
        """Bring the unread terms from the device, as means over the processes, and see that they are finite."""
        if self.unread:
            values = (
                distributed.summed(torch.stack(self.unread)) / distributed.place()[1]
            ).cpu()  # (steps, terms)
            check_finite(
                [*self.names, "loss"], values, self.step, self.update.param_groups[0]["lr"]
            )
            self.history.append([*self.names, "loss"], values)
            self.unread.clear()

    def check(self, loss, patience):
        """Note the `loss` on the validation data; keep the weights of the lowest, and finish where it is `patience` checks old."""
        self.history.checks.append((self.step, loss))
        best = self.history.best_step
        if patience is not None and best == self.step:
            self.best = copy.deepcopy(self.model.state_dict())
        self.finished = (
            patience is not None and sum(step > best for step, _ in self.history.checks) >= patience
        )

    def state(self):
        """All of it, as plain values and tensors."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.update.state_dict(),
            "schedule": self.schedule and self.schedule.state_dict(),
            "random": checkpoint.random_states(self.generators),
            "order": self.batches.order,
            "at": self.batches.at,
            "terms": self.history.terms,
            "checks": self.history.checks,
            "step": self.step,
            "names": self.names,
            "best": self.best,
            "finished": self.finished,
        }

    def resume(self, state):
        """Go on where `state` was taken."""
        self.model.load_state_dict(state["model"])
        self.update.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        checkpoint.set_random_states(self.generators, state["random"])
        self.batches.order, self.batches.at = (
            state["order"].to(self.batches.data.device),
            state["at"],
        )
        self.history.terms, self.history.checks = state["terms"], state["checks"]
        self.step, self.names, self.best, self.finished = (
            state[name] for name in ("step", "names", "best", "finished")
        )


def fit(
    model,
    data,
    objective,
    *,
    steps=1000,
    batch_size=128,
    lr=1e-3,
    optimizer=adam,
    schedule=None,
    clip=None,
    validation=None,
    check_every=100,
    patience=None,
    precision="float32",
    compiled=False,
    save_to=None,
    save_every=1000,
    seed=0,
    device="auto",
    progress=None,
):
    """Train `model` on `data` for a number of steps, and return the history of every term.

    The total loss is the sum of the terms that the objective returns: weights (lambda, beta, alpha) stand in the
    objective and nowhere else. Data move to the device once; the terms are read from it every 50 steps.

    Under ``torchrun`` each process takes its share of every batch, draws its own noise, and averages gradients with
    the others: where terms are means over samples, the result is that of one process, up to rounding. A term that
    couples samples (a divergence between batches, a mean activation) is taken on each share.

    Args:
        model: a module; it is moved to the device, trained in place and left in evaluation mode.
        data: tensor (N, ...), finite, within ``model.output_range`` where the model has one.
        objective: ``(model, x, generator) -> {name: scalar}``; what it draws at random it draws from `generator`.
        steps: number of updates.
        batch_size: samples an update, over all processes; all of `data` where it holds fewer.
        lr: learning rate.
        optimizer: ``(parameters, lr=) -> torch.optim.Optimizer``; Adam, fused, by default.
        schedule: share of the steps done -> factor of the learning rate, such as :func:`cosine`; None keeps it.
        clip: longest gradient, over all parameters together; longer ones are scaled down to it. None leaves them.
        validation: data (M, ...) on which the loss is taken every `check_every` steps, without training.
        check_every: steps between two checks.
        patience: checks without a lower loss after which training stops; the weights of the lowest are then put back,
            as they are where the steps run out. None never stops, and keeps the last weights.
        precision: ``"bfloat16"`` takes matrix products in it; parameters and losses stay in float32.
        compiled: compile the objective with ``torch.compile``, which needs a C++ compiler on a CPU, Triton on a GPU,
            and a minute at the start.
        save_to: file of a checkpoint, written every `save_every` steps and at the end. Where it exists, training goes
            on from it: on a CPU to the last bit as if it had never stopped; on CUDA with
            ``torch.use_deterministic_algorithms(True)``.
        save_every: steps between two checkpoints.
        seed: of the order of the data and of the objective's noise. The model's own start is yours to seed.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a device.
        progress: True or False; by default on in terminals and notebooks, off where ``AECOURSE_PROGRESS=0``.

    Returns:
        :class:`History`.

    Raises:
        ValueError: where an argument or the data are out of range.
        NonFinite: where a term stops being finite; it names the term and the step.
        CheckpointError: where `save_to` can't be read, or belongs to another run.
    """
    distributed.start(device)
    device, limits = pick_device(device), getattr(model, "output_range", (-math.inf, math.inf))
    check_settings(
        steps, batch_size, lr, clip, validation, check_every, patience, precision, save_every, seed
    )
    for name, given in (("data", data), ("validation", validation)):
        if given is not None:
            within(name, floating(name, given), *limits)
    check_dtype(model, data)
    model, data = model.to(device).train(), data.to(device)
    update = optimizer(model.parameters(), lr=lr)
    factors = schedule and torch.optim.lr_scheduler.LambdaLR(
        update, lambda step: schedule(step / steps)
    )
    run, report = (
        Run(model, data, objective, update, factors, batch_size, precision, seed),
        Progress(steps, progress),
    )
    settings = {
        "batch_size": batch_size,
        "lr": lr,
        "clip": clip,
        "seed": seed,
        "precision": precision,
    }
    if save_to is not None:
        settings |= {
            "data": fingerprint(data),
            "weights": {name: list(value.shape) for name, value in model.state_dict().items()},
        }
        save_to = checkpoint.writable(save_to)
        if state := checkpoint.load(save_to, settings):
            run.resume(state)
    if compiled:
        run.forward.compile()
    known = run.step  # values are checked in the first step of this call
    while run.step < steps and not run.finished:
        with trusted(run.step > known):
            run.advance(clip)
        last = run.step == steps
        if run.step % READ_EVERY == 0 or last:
            run.read()
            report(run.step, run.history.terms["loss"][-1])
        if validation is not None and (run.step % check_every == 0 or last):
            run.check(
                evaluate(model, validation, objective, batch_size, seed, precision)["loss"],
                patience,
            )
        if save_to is not None and (run.step % save_every == 0 or last or run.finished):
            run.read()  # what is not finite is never saved
            if distributed.place()[0] == 0:
                checkpoint.save(save_to, run.state() | {"settings": settings})
    run.read()
    if run.best is not None:
        model.load_state_dict(run.best)
    model.eval()
    return run.history


def fingerprint(data):
    """What tells these data from others, for a checkpoint: shape and sum."""
    return [
        list(data.shape),
        data.sum(dtype=torch.float64 if data.device.type != "mps" else None).item(),
    ]


def check_dtype(model, data):
    """`data` are of the type of the weights."""
    kinds = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    if kinds and data.dtype not in kinds:
        kind = str(next(iter(kinds)))
        raise TypeError(
            f"data has dtype {data.dtype} and the model's weights {kind}; expected the same: "
            f"convert one, as in data.to({kind})"
        )


def check_settings(
    steps, batch_size, lr, clip, validation, check_every, patience, precision, save_every, seed
):
    """The numbers of :func:`fit` are in range and go together."""
    counts = {
        "steps": steps,
        "batch_size": batch_size,
        "check_every": check_every,
        "save_every": save_every,
    }
    for name, value in (counts | ({} if patience is None else {"patience": patience})).items():
        positive(name, value)
    for name, value in ({"lr": lr} | ({} if clip is None else {"clip": clip})).items():
        positive(name, value, float)
    one_of("precision", precision, PRECISIONS)
    if patience is not None and validation is None:
        raise ValueError(
            f"patience is {patience} without validation; expected data on which to see whether the loss still falls: "
            "pass validation=, held out from training"
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected a whole number of at least 0")
    if batch_size < distributed.place()[1]:
        raise ValueError(
            f"batch_size is {batch_size} for {distributed.place()[1]} processes; expected a sample for each at least"
        )
