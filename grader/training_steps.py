"""Judge `train(objective, seed, steps)`, a function of several exercises: it must train the given
network on the given images, and its seed must fix all randomness.

A spy replaces the objective: it records the weights and the batch of each step, so that the steps
can be repeated and compared. Oracles import from here; learners do not receive this file.
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

    torch.manual_seed(before)  # earlier draws must not change the result
    model = train(spy, seed, steps)
    # The seed is judged whatever train returns.
    came = model.parameters() if isinstance(model, torch.nn.Module) else []
    return weights[:1], batches, [weight.detach() for weight in came]
"""


@functools.cache
def tenths():
    """{the bytes of a training image: the tenth of the training set that contains it}."""
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
    """Whether all but a few weights are equal: where float32 cannot tell a gradient from zero, Adam
    may take a whole step in either direction.
    """
    return weight.shape == right.shape and (abs(weight - right) > 0.05 * lr).mean() <= 0.02


def deep_error(weights, x):
    """The squared error of a network with one hidden layer in the encoder and one in the decoder:
    ReLU after each, a linear code, a sigmoid as output activation.
    """
    x_hat = x
    for i in range(0, 8, 2):
        x_hat = x_hat @ weights[i].T + weights[i + 1]
        x_hat = x_hat.relu() if i in (0, 4) else x_hat
    return (x_hat.sigmoid() - x).square().mean()


def judge_task(end, batches, sizes, batch_size):
    """Judge the layers of the trained network and the images it was trained on.

    Raises:
        WrongAnswer: If the network has other layers, or was not trained on batches of this size
            from all training images.
    """
    layers = itertools.pairwise(sizes)
    shapes = [shape for n_in, n_out in layers for shape in ((n_out, n_in), (n_out,))]
    if [weight.shape for weight in end] != shapes:
        raise WrongAnswer("the layers of the network that train returns are not those of the task")
    if any(
        batch.shape != (batch_size, 1, 28, 28) or batch.dtype != np.float32 for batch in batches
    ):
        raise WrongAnswer("a batch does not hold BATCH images of shape (1, 28, 28) in float32")
    seen = {tenths().get(image.tobytes()) for batch in batches for image in batch}
    if None in seen:
        raise WrongAnswer("the network was trained on images that are not in images.train")
    if len(seen) < 10:  # the chance that 192 images miss a tenth is 10^-7
        raise WrongAnswer("a part of images.train was never used")


def judge_budget(ask, rng, sizes, batch_size, lr, error):
    """Judge the steps of `train`.

    Raises:
        WrongAnswer: If it takes another number of steps than its argument gives, or these steps do
            not lead from its first weights to its last.
    """
    steps = int(rng.integers(7, 11))
    starts, batches, end = ask(TRAIN, seed=seed_of(rng), steps=steps, before=0)
    if len(batches) != steps:
        raise WrongAnswer("train does not take the number of steps that its argument `steps` gives")
    judge_task(end, batches, sizes, batch_size)
    due = adam_steps(starts[0], batches, error, lr)
    if not all(same_weights(*pair, lr) for pair in zip(end, due, strict=False)):
        raise WrongAnswer(
            "the returned weights are not those that Adam reaches from the first weights with "
            "these batches: check the learning rate, the layers, and which network train returns"
        )


def judge_seed(ask, rng, *parts):
    """Judge what the seed fixes: each of the parts, "first weights" or "batches".

    Raises:
        WrongAnswer: If a part differs between two trainings with the same seed, whatever was drawn
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
            raise WrongAnswer(f"two trainings with the same seed have different {part}")
        if np.array_equal(first, other):
            raise WrongAnswer(f"two trainings with different seeds have the same {part}")
