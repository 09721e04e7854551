"""One training loop for every model: fetch a batch, forward, backward, step.

It knows batches, steps and loss terms, and nothing about the model (after minGPT's trainer).
"""

from collections.abc import Callable
from functools import partial
from os import PathLike

import torch
from torch import nn

from aecourse.device import make_generator, pick_device
from aecourse.training import checkpoint, distributed
from aecourse.training.history import History, check_terms
from aecourse.training.mode import evaluating
from aecourse.training.precision import autocast
from aecourse.training.progress import Progress
from aecourse.training.run import Run
from aecourse.training.settings import check_data, check_settings
from aecourse.types import Objective
from aecourse.validation import dtype_of_weights, positive, trusted

READ_EVERY = 50  # steps between two transfers of the terms from the device
adam = partial(torch.optim.Adam, fused=True)  # one pass over the parameters instead of a dozen


def training_step(run: Run, max_grad_norm: float | None = None) -> None:
    """Update the weights once, on the next batch. The terms stay on the device."""
    x = next(run.batches)
    with autocast(x.device, run.precision):
        terms = run.forward(x)  # objective(model, x, generator)
    run.names = check_terms(terms, run.names)
    loss = sum(terms.values())
    run.optimizer.zero_grad()
    loss.backward()
    if max_grad_norm is not None:
        nn.utils.clip_grad_norm_(run.model.parameters(), max_grad_norm)
    run.optimizer.step()
    if run.schedule is not None:
        run.schedule.step()
    run.step += 1
    run.unread.append(torch.stack([*(terms[name] for name in run.names), loss]).detach())


def fit(
    model: nn.Module,
    data: torch.Tensor,
    objective: Objective,
    *,
    steps: int = 1000,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
    schedule: Callable[[float], float] | None = None,
    max_grad_norm: float | None = None,
    validation: torch.Tensor | None = None,
    validate_every: int = 100,
    patience: int | None = None,
    precision: str = "float32",
    compiled: bool = False,
    save_to: str | PathLike | None = None,
    save_every: int = 1000,
    seed: int = 0,
    device: str | torch.device = "auto",
    progress: bool | None = None,
) -> History:
    """Train `model` on `data` for a number of steps, and return the history of every loss term.

    The total loss is the sum of the terms that the objective returns: weights (lambda, beta, alpha)
    are in the objective and nowhere else. Data move to the device once; the terms are read back
    every 50 steps, so that a step never waits for them.

    Under ``torchrun`` each process takes its share of every batch, draws its own noise, and
    averages its gradients with the others. If terms are means over samples, the result is that of
    one process, up to rounding. A term that couples samples (a divergence between batches, a mean
    activation) is computed on each share.

    Args:
        model: a module; it is moved to the device, trained in place and left in evaluation mode.
        data: tensor (N, ...), finite, within ``model.output_range`` if the model has one.
        objective: ``(model, x, generator) -> {name: scalar}``; all its random numbers come from
            `generator`.
        steps: number of updates.
        batch_size: samples in an update, over all processes; all of `data` if it has fewer.
        lr: learning rate.
        optimizer: ``(parameters, lr=) -> torch.optim.Optimizer``; by default Adam, fused.
        schedule: maps the fraction of the steps done to the factor of the learning rate, such as
            :func:`cosine`; None keeps the rate constant.
        max_grad_norm: largest norm of the gradient over all parameters; a larger gradient is
            scaled down to it. None does not clip.
        validation: data (M, ...) on which the loss is computed every `validate_every` steps.
        validate_every: steps between two checks.
        patience: number of checks without a lower loss after which training stops. The weights
            with the lowest loss are restored at the end, also if the steps run out first. None
            never stops early, and keeps the last weights.
        precision: ``"bfloat16"`` runs matrix products in it; parameters and losses stay float32.
        compiled: compile the objective with ``torch.compile``, which needs a C++ compiler on a CPU,
            Triton on a GPU, and a minute at the start.
        save_to: checkpoint file, written every `save_every` steps and at the end. If it exists,
            training continues from it: on a CPU with the same result, bit for bit, as without the
            interruption; on CUDA with ``torch.use_deterministic_algorithms(True)``. A file of other
            data, another model, optimizer, schedule or objective is refused; an objective is
            recognised by its terms on the first rows of the data. With a `schedule` the number of
            `steps` must be the same, otherwise it may grow.
        save_every: steps between two checkpoints.
        seed: of the order of the data and of the objective's noise. Seed the initialisation of the
            model yourself.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a device.
        progress: True or False. By default on in terminals and notebooks, unless the environment
            variable ``AECOURSE_PROGRESS`` is 0.

    Returns:
        :class:`History`.

    Raises:
        ValueError: If an argument or the data are out of range.
        TypeError: If the data are not floating point, or differ in dtype from the weights.
        NonFinite: If a term becomes infinite or nan; the message has the term and the step. With
            `patience`, also if the loss on the validation data is never finite.
        CheckpointError: If `save_to` can't be read, or belongs to another run.
        Interrupted: If Ctrl-C stops it: a KeyboardInterrupt that has the history, and says what was
            saved. The model is then in evaluation mode.
    """
    distributed.start(device)
    device = pick_device(device)
    check_settings(
        counts={
            "steps": steps,
            "batch_size": batch_size,
            "validate_every": validate_every,
            "save_every": save_every,
            "patience": patience,
        },
        rates={"lr": lr, "max_grad_norm": max_grad_norm},
        precision=precision,
        patience=patience,
        validation=validation,
        seed=seed,
    )
    check_data(model, data, validation)
    seed = int(seed)  # an integer of NumPy too

    model = model.to(device).train()
    data = data.to(device)
    optimizer = optimizer(model.parameters(), lr=lr)
    factor = schedule
    if schedule is not None:
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(step / steps))
    run = Run(model, data, objective, optimizer, schedule, batch_size, precision, seed)
    report = Progress(steps, progress)
    if save_to is not None:
        settings = {
            "batch_size": batch_size,
            "max_grad_norm": max_grad_norm,
            "seed": seed,
            "precision": precision,
            "data": checkpoint.fingerprint(data),
            "validation": None if validation is None else checkpoint.fingerprint(validation),
            "optimizer": checkpoint.optimizer_settings(optimizer),
            "schedule": checkpoint.schedule_settings(factor, steps),
            "model": checkpoint.description(model),
            "weights": {name: list(value.shape) for name, value in model.state_dict().items()},
        }
        save_to = checkpoint.writable(save_to)
        if state := checkpoint.load(save_to, settings):
            run.resume(state, save_to)
    if compiled:
        run.forward.compile()

    first = run.step  # values are checked in the first step of this call only
    with run.interruptible(steps, save_to):
        while run.step < steps and not run.finished:
            with trusted(run.step > first):
                training_step(run, max_grad_norm)
            last = run.step == steps
            if run.step % READ_EVERY == 0 or last:
                run.read()
                report(run.step, run.history.terms["loss"][-1])
            if validation is not None and (run.step % validate_every == 0 or last):
                try:
                    terms = evaluate(model, validation, objective, batch_size, seed, precision)
                except Exception as error:
                    error.add_note(
                        f"It was raised on the data given as validation, at step {run.step}."
                    )
                    raise
                run.check(terms["loss"], patience, last)
            if save_to is not None and (run.step % save_every == 0 or last or run.finished):
                run.read()  # raises before a value that is not finite could be saved
                if distributed.place()[0] == 0:
                    checkpoint.save(save_to, run.state() | {"settings": settings})
                run.saved = run.step
    run.read()
    run.finish()
    return run.history


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: torch.Tensor,
    objective: Objective,
    batch_size: int = 1024,
    seed: int = 0,
    precision: str = "float32",
) -> dict[str, float]:
    """The terms of `objective` on `data`, averaged over samples, in evaluation mode.

    Args:
        model: on any device; the mode of each of its modules is restored.
        data: (N, ...), N at least 1, of the dtype of the weights; moved to the device of the model.
        objective: as for :func:`fit`. Its terms are means over samples, so that those of batches
            can be averaged.
        batch_size: samples at a time. A remainder is spread over the batches: none is smaller,
            since a term that couples samples may need several.
        seed: of the objective's noise, which is the same at every call.
        precision: as for :func:`fit`.

    Returns:
        {name: number}, with ``"loss"``, their sum.

    Raises:
        TypeError: If the data are not floating point, or differ in dtype from the weights.
        ValueError: If `data` is empty, or `batch_size` or `seed` is out of range.
    """
    dtype_of_weights("data", data, model)
    positive("batch_size", batch_size)
    device = next(model.parameters()).device
    generator = make_generator(device, seed)
    totals = {}
    parts = data.to(device).tensor_split(max(1, len(data) // batch_size))
    with evaluating(model), autocast(device, precision):
        for x in parts:
            for name, term in objective(model, x, generator).items():
                totals[name] = totals.get(name, 0) + term.double() * len(x)
    means = {name: total.item() / len(data) for name, total in totals.items()}
    return means | {"loss": sum(means.values())}
