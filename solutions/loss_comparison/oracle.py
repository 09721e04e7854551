"""The oracle of `loss_comparison`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.
"""

import functools

import numpy as np

from grader import oracle
from grader.oracle import CALL, PAPER, WrongAnswer, close, number, single
from grader.training_steps import deep_error, judge_budget, judge_seed

STEPS = []
step = functools.partial(oracle.step, STEPS)
BATCH = 64
LR = 3e-3
SIZES = (784, 128, 16, 128, 784)  # as the exercise has them
MEASURES = ("mse", "mae", "psnr", "sharpness", "total variation")


def sigmoid(a):
    return 0.5 * (1 + np.tanh(a / 2))


def entropy(a, x):
    """Cross entropy of each element, from logits: (...), (...) -> (...)."""
    return np.logaddexp(0, a) - a * x


def pair(rng, low=0.0, high=1.0):
    """Two tables of another size each time, in float32: x_hat, then x in [0, 1]."""
    shape = tuple(rng.integers(3, 9, 2))
    return single(rng.uniform(low, high, shape)), single(rng.uniform(0, 1, shape))


def some_equal(rng, x_hat, x):
    """`x_hat`, a quarter of which, and at least one element, equals `x`."""
    chosen = rng.permutation(x.size).reshape(x.shape) < max(1, x.size // 4)
    return np.where(chosen, x, x_hat)


# --- 1. Losses -----------------------------------------------------------------------------------

VALUE = """
def probe(name, first, x):
    import torch
    first.requires_grad_()
    value = globals()[name](first, x)
    carries = isinstance(value, torch.Tensor) and value.requires_grad
    return value, torch.autograd.grad(value, first)[0] if carries else None
"""


def learns(ask, name, first, x, value, slope):
    """The value of a loss, and its gradient."""
    answer = ask(VALUE, name=name, first=first, x=x)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise WrongAnswer(f"{name} did not return a single value with a gradient")
    close(answer[0], value, "the value")
    if answer[1] is None:
        raise WrongAnswer(
            "the value carries no gradient: .item(), .detach(), float() or numpy cuts it off"
        )
    close(answer[1], slope, "its gradient, computed by autograd,")


@step("mse-check", 1, "mse of other tensors")
def mse(ask, rng):
    x_hat, x = pair(rng)
    learns(ask, "mse", x_hat, x, np.mean((x_hat - x) ** 2), 2 * (x_hat - x) / x.size)


@step("mae-check", 1, "mae of other tensors")
def mae(ask, rng):
    x_hat, x = pair(rng)
    x_hat = some_equal(rng, x_hat, x)
    learns(ask, "mae", x_hat, x, np.mean(abs(x_hat - x)), np.sign(x_hat - x) / x.size)


@step("bce-check", 1, "bce_from_logits at ordinary logits")
def bce(ask, rng):
    a, x = pair(rng, -6, 6)
    learns(ask, "bce_from_logits", a, x, entropy(a, x).mean(), (sigmoid(a) - x) / x.size)


@step("bce-check", 1, "bce_from_logits at logits of several hundred")
def bce_far(ask, rng):
    a, x = pair(rng, 100, 900)
    a *= single(rng.choice([-1, 1], a.shape))
    learns(ask, "bce_from_logits", a, x, entropy(a, x).mean(), (sigmoid(a) - x) / x.size)


# --- 2. Gradients --------------------------------------------------------------------------------


def on_paper(ask, name, first, x):
    return ask(PAPER, name=name, arguments=[first, x])


@step("mse-gradient-check", 1, "mse_gradient of other tensors")
def mse_gradient(ask, rng):
    x_hat, x = pair(rng)
    close(on_paper(ask, "mse_gradient", x_hat, x), 2 * (x_hat - x) / x.size)


@step("mae-gradient-check", 1, "mae_gradient of other tensors")
def mae_gradient(ask, rng):
    x_hat, x = pair(rng)
    x_hat = some_equal(rng, x_hat, x)
    close(on_paper(ask, "mae_gradient", x_hat, x), np.sign(x_hat - x) / x.size)


@step("bce-gradient-check", 1, "bce_gradient at ordinary logits")
def bce_gradient(ask, rng):
    a, x = pair(rng, -6, 6)
    close(on_paper(ask, "bce_gradient", a, x), (sigmoid(a) - x) / x.size)


@step("bce-gradient-check", 1, "bce_gradient at logits of several hundred")
def bce_gradient_far(ask, rng):
    a, x = pair(rng, 100, 900)
    a *= single(rng.choice([-1, 1], a.shape))
    close(on_paper(ask, "bce_gradient", a, x), (sigmoid(a) - x) / x.size)


@step("sigmoid-mse-gradient-check", 2, "sigmoid_mse_gradient at other logits")
def sigmoid_mse_gradient(ask, rng):
    a, x = pair(rng, -6, 6)
    s = sigmoid(a)
    close(on_paper(ask, "sigmoid_mse_gradient", a, x), 2 * (s - x) * s * (1 - s) / x.size)


# --- 3. Training ---------------------------------------------------------------------------------

OBJECTIVE = """
def probe(name, logits, x):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.drawn = torch.nn.Parameter(logits)

        def encode(self, x):
            return self.drawn.flatten(1)

        def logits(self, z):
            return z.view(x.shape)

        def output(self, logits):
            return logits.sigmoid()

        def decode(self, z):
            return self.output(self.logits(z))

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    model = Model()
    value = sum(objective(name)(model, x, torch.Generator()).values())
    return value, torch.autograd.grad(value, model.drawn)[0]
"""


def judge_objective(ask, rng, name, scale, loss, slope):
    shape = (*rng.integers(2, 6, 1), 1, *rng.integers(3, 7, 2))
    a, x = single(rng.normal(0, scale, shape)), single(rng.uniform(0, 1, shape))
    value, gradient = ask(OBJECTIVE, name=name, logits=a, x=x)
    s = sigmoid(a.astype(float))
    close(value, loss(a, s, x), f"the loss of objective('{name}')")
    close(gradient, slope(s, x) / x.size, f"the gradient of objective('{name}')")


@step("objective-pixels-check", 1, "objective('mse') and objective('mae') of another network")
def objective_pixels(ask, rng):
    judge_objective(
        ask,
        rng,
        "mse",
        2,
        lambda a, s, x: np.mean((s - x) ** 2),
        lambda s, x: 2 * (s - x) * s * (1 - s),
    )
    judge_objective(
        ask,
        rng,
        "mae",
        2,
        lambda a, s, x: np.mean(abs(s - x)),
        lambda s, x: np.sign(s - x) * s * (1 - s),
    )


@step("objective-bce-check", 1, "objective('bce') of another network")
def objective_bce(ask, rng):
    judge_objective(ask, rng, "bce", 2, lambda a, s, x: entropy(a, x).mean(), lambda s, x: s - x)


@step("objective-bce-check", 1, "objective('bce') of a network with logits of several hundred")
def objective_bce_far(ask, rng):
    judge_objective(ask, rng, "bce", 300, lambda a, s, x: entropy(a, x).mean(), lambda s, x: s - x)


@step("train-budget-check", 1, "train with another seed and number of steps")
def train_budget(ask, rng):
    judge_budget(ask, rng, SIZES, BATCH, LR, deep_error)


@step("train-seed-check", 1, "train, the first weights")
def train_weights(ask, rng):
    judge_seed(ask, rng, "first weights")


@step("train-seed-check", 1, "train, the batches")
def train_batches(ask, rng):
    judge_seed(ask, rng, "batches")


# --- 4. Measures ---------------------------------------------------------------------------------


def edges(x, power):
    """Sum of the differences of neighbours of each image, to a power: (..., H, W) -> (...)."""
    return sum(
        (abs(np.diff(x.astype(float), axis=axis)) ** power).sum((-2, -1)) for axis in (-2, -1)
    )


def ratio(x_hat, x, power):
    """(S, N, C, H, W), (N, C, H, W) -> (S, N)."""
    return edges(x_hat, power).sum(-1) / edges(x, power).sum(-1)


def pictures_like(rng, x, runs):
    return single(
        x + rng.normal(0, rng.uniform(0.05, 0.5, (runs, len(x), 1, 1, 1)), (runs, *x.shape))
    )


def originals(rng, channels=1):
    """Images of different size and of very different contrast."""
    shape = (*rng.integers(3, 7, 1), channels, *rng.integers(5, 11, 2))
    return single(
        rng.uniform(0, 1, shape) * np.resize([0.2, 0.5, 1], shape[0])[:, None, None, None]
    )


SHARPNESS = """
def probe(x_hat, x):
    return sharpness(x_hat, x)
"""


@step("sharpness-check", 1, "sharpness of other images")
def sharpness(ask, rng):
    x = originals(rng)
    (x_hat,) = pictures_like(rng, x, 1)
    close(ask(SHARPNESS, x_hat=x_hat, x=x), ratio(x_hat, x, 2))


@step("sharpness-check", 1, "sharpness of colour images")
def sharpness_colour(ask, rng):
    x = originals(rng, channels=3)
    (x_hat,) = pictures_like(rng, x, 1)
    close(ask(SHARPNESS, x_hat=x_hat, x=x), ratio(x_hat, x, 2))


TABLE = """
def probe(outputs, x):
    return tabulate({name: list(runs) for name, runs in outputs.items()}, x)
"""


def judge_table(ask, rng, *keys):
    x, names = (
        originals(rng),
        rng.permutation(["mse", "bce", "mae", "huber", "ssim", "charbonnier"])[:3],
    )
    outputs = {str(name): pictures_like(rng, x, int(rng.integers(2, 5))) for name in names}
    table = ask(TABLE, outputs=outputs, x=x)
    if not isinstance(table, dict) or set(table) != set(outputs):
        raise WrongAnswer("the rows of the table are not the names in `outputs`")
    for name, runs in outputs.items():
        square = ((runs.astype(float) - x) ** 2).mean((2, 3, 4))  # (S, N)
        right = {
            "mse": square,
            "mae": abs(runs.astype(float) - x),
            "psnr": -10 * np.log10(square),
            "sharpness": ratio(runs, x, 2),
            "total variation": ratio(runs, x, 1),
        }
        for key in keys:
            if not isinstance(table[name], dict) or key not in table[name]:
                raise WrongAnswer(f"a row has no entry '{key}'")
            close(number(table[name][key], f"'{key}'"), right[key].mean(), f"'{key}'")


@step("table-errors-check", 1, "tabulate, 'mse' and 'mae' of other images")
def table_errors(ask, rng):
    judge_table(ask, rng, "mse", "mae")


@step("table-errors-check", 1, "tabulate, 'psnr' of other images")
def table_psnr(ask, rng):
    judge_table(ask, rng, "psnr")


@step("table-edges-check", 1, "tabulate, 'sharpness' of other images")
def table_sharpness(ask, rng):
    judge_table(ask, rng, "sharpness")


@step("table-edges-check", 1, "tabulate, 'total variation' of other images")
def table_variation(ask, rng):
    judge_table(ask, rng, "total variation")


# --- 5. Decisions --------------------------------------------------------------------------------


def tables(rng, count=8):
    """Made-up tables of three to five losses; the values straddle 1."""
    for _ in range(count):
        names = rng.permutation(["mse", "bce", "mae", "huber", "ssim", "charbonnier"])[
            : rng.integers(3, 6)
        ]
        yield {
            str(name): {key: float(value) for key, value in zip(MEASURES, rng.uniform(0.2, 1.8, 5))}
            for name in names
        }


def judge_sharpest(ask, rng, measure):
    for table in tables(rng):
        if ask(CALL, name="sharpest_by", arguments=[table, measure]) != max(
            table, key=lambda name: table[name][measure]
        ):
            raise WrongAnswer(f"it does not return the loss with the largest value of '{measure}'")


@step("sharpest-by-check", 1, "sharpest_by 'sharpness' in other tables")
def sharpest_by_energy(ask, rng):
    judge_sharpest(ask, rng, "sharpness")


@step("sharpest-by-check", 1, "sharpest_by other metrics in other tables")
def sharpest_by_variation(ask, rng):
    judge_sharpest(ask, rng, "total variation")
    judge_sharpest(ask, rng, "psnr")


@step("price-check", 1, "price in other tables")
def price(ask, rng):
    for table in tables(rng, 4):
        for name in table:
            right = table[name]["mse"] / min(row["mse"] for row in table.values())
            close(number(ask(CALL, name="price", arguments=[table, name])), right)


AGREE = {
    "same": "winners that are all the same loss",
    "one other": "winners of which one differs from the others",
    "all different": "winners that are all different",
}


@step("agree-check", 1, "agree, with other winners")
def agree(ask, rng):
    for kind in rng.permutation(["same", "one other", "all different"] * 4):
        losses = [str(name) for name in rng.permutation(["mse", "bce", "mae", "huber"])]
        measures = rng.permutation(["sharpness", "total variation", "laplacian", "contrast"])[
            : rng.integers(3, 5)
        ]
        winners = {str(key): losses[0] for key in measures}
        if kind == "one other":
            winners[str(measures[rng.integers(len(measures))])] = losses[1]
        if kind == "all different":
            winners = dict(zip(winners, losses))
        if ask(CALL, name="agree", arguments=[winners]) is not (kind == "same"):
            raise WrongAnswer(f"it returns the wrong truth value for {AGREE[str(kind)]}")


IMPOSTOR = """
def probe(x, seed):
    import torch
    return impostor(x, torch.Generator().manual_seed(seed))
"""


def strokes(rng, count):
    """Pictures with soft strokes on black, as digits have: (count, 1, 28, 28)."""
    rows, columns = np.mgrid[:28, :28]
    row, column, angle = (
        rng.uniform(*bounds, (count, 3, 1, 1)) for bounds in ((9, 19), (9, 19), (0, np.pi))
    )
    across = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
    along = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
    return single(np.exp(-(across**2) / 3 - along**4 / 3000).max(1)[:, None])


@step("impostor-check", 1, "impostor of other images")
def impostor(ask, rng):
    x = strokes(rng, 60)
    fake = oracle.numbers(ask(IMPOSTOR, x=x, seed=int(rng.integers(2**31))))
    if fake.shape != x.shape:
        raise WrongAnswer("the images do not have the shape of x")
    if fake.min() < 0 or fake.max() > 1:
        raise WrongAnswer("the images have pixels outside [0, 1]")
    if ratio(fake, x, 2).mean() <= 1.5:
        raise WrongAnswer("the mean sharpness of the images is not above 1.5")
    if ((fake - x) ** 2).mean() <= 0.05:
        raise WrongAnswer("the squared error between the images and x is not above 0.05")
