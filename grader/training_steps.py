"""Judging of `train(objective, seed, steps)`, which several exercises ask for: it does the task,
and its seed fixes all chance.

A spy takes the objective's place: it notes the weights and the batch at each step, so that the
steps can be taken again and compared. Oracles import from here; a learner gets none of it.
"""

import functools
import itertools

import numpy as np
import torch

from grader.oracle import WrongAnswer, seed_of

TRAIN = """
def probe(seed, steps, before):
    import torch
    weights, batches = [], []

    def spy(model, x, generator):
        weights.append([weight.detach().clone() for weight in model.parameters()])
        batches.append(x.detach().clone())
        return {"spy": (model(x)[0] - x).square().mean()}

    torch.manual_seed(before)  # what chance there was before must not matter
    model = train(spy, seed, steps)
    # The seed is judged whatever comes back.
    came = model.parameters() if isinstance(model, torch.nn.Module) else []
    return weights[:1], batches, [weight.detach() for weight in came]
"""


@functools.cache
def tenths():
    """{the bytes of a training image: in which tenth of them all it stands}."""
    from aecourse.data import load_images

    train = load_images(device="cpu", quiet=True).train.numpy()
    return {image.tobytes(): 10 * i // len(train) for i, image in enumerate(train)}


def adam_steps(start, batches, loss, lr):
    """The weights after Adam's steps on `loss(weights, x)` of these batches, x as rows, in
    float64.
    """
    weights = [torch.tensor(weight, dtype=torch.float64, requires_grad=True) for weight in start]
    optimizer = torch.optim.Adam(weights, lr=lr)
    for batch in batches:
        optimizer.zero_grad()
        loss(weights, torch.tensor(batch, dtype=torch.float64).flatten(1)).backward()
        optimizer.step()
    return [weight.detach().numpy() for weight in weights]


def same_weights(weight, right, lr):
    """Equal, but for a few: a gradient that float32 can't tell from zero may send Adam a whole step
    either way.
    """
    return weight.shape == right.shape and (abs(weight - right) > 0.05 * lr).mean() <= 0.02


def deep_error(weights, x):
    """The squared error of a network with one hidden layer each way: ReLU on these, a plain code, a
    sigmoid at the end.
    """
    x_hat = x
    for i in range(0, 8, 2):
        x_hat = x_hat @ weights[i].T + weights[i + 1]
        x_hat = x_hat.relu() if i in (0, 4) else x_hat
    return (x_hat.sigmoid() - x).square().mean()


def judge_task(end, batches, sizes, batch_size):
    """Judge what was trained on what.

    Raises:
        WrongAnswer: If the network has other layers, or did not see batches of this size from all
            of the training images.
    """
    layers = itertools.pairwise(sizes)
    shapes = [shape for n_in, n_out in layers for shape in ((n_out, n_in), (n_out,))]
    if [weight.shape for weight in end] != shapes:
        raise WrongAnswer("the network is not the one of the task")
    if any(
        batch.shape != (batch_size, 1, 28, 28) or batch.dtype != np.float32 for batch in batches
    ):
        raise WrongAnswer("a batch has another size than BATCH")
    seen = {tenths().get(image.tobytes()) for batch in batches for image in batch}
    if None in seen:
        raise WrongAnswer("images were seen that are not in images.train")
    if len(seen) < 10:  # of 192 images none lies in some tenth once in 10^7
        raise WrongAnswer("a part of images.train is never seen")


def judge_budget(ask, rng, sizes, batch_size, lr, error):
    """Judge the steps of `train`.

    Raises:
        WrongAnswer: If it takes another number of steps than it is asked for, or they do not lead
            from its first weights to its last.
    """
    steps = int(rng.integers(7, 11))
    starts, batches, end = ask(TRAIN, seed=seed_of(rng), steps=steps, before=0)
    if len(batches) != steps:
        raise WrongAnswer("the number of steps is not the one that was asked for")
    judge_task(end, batches, sizes, batch_size)
    due = adam_steps(starts[0], batches, error, lr)
    if not all(same_weights(*pair, lr) for pair in zip(end, due, strict=False)):
        raise WrongAnswer(
            "these steps lead to other weights: look at the learning rate, the network, and what "
            "comes back"
        )


def judge_seed(ask, rng, *parts):
    """Judge what the seed fixes: each of the parts, "first weights" or "batches".

    Raises:
        WrongAnswer: If a part differs between two trainings with one seed, whatever chance came
            before, or is the same with two seeds.
    """
    seed, seen = seed_of(rng), []
    for before, one in enumerate((seed, seed, seed + 1)):
        weights, batches, _ = ask(TRAIN, seed=one, steps=2, before=before)
        if not weights:
            raise WrongAnswer("train never called the objective")
        seen.append(
            {
                "first weights": np.concatenate([weight.ravel() for weight in weights[0]]),
                "batches": batches[0],
            }
        )
    for part in parts:
        first, again, other = (run[part] for run in seen)
        if not np.array_equal(first, again):
            raise WrongAnswer(f"with one seed, two trainings have different {part}")
        if np.array_equal(first, other):
            raise WrongAnswer(f"with two seeds, the trainings have the same {part}")
