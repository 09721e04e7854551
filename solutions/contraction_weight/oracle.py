"""The oracle of `contraction_weight`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.
"""

import functools

import numpy as np
import torch

from grader import oracle
from grader.oracle import CALL, WrongAnswer, close, number, single
from grader.training_steps import judge_budget, judge_seed

STEPS = []
step = functools.partial(oracle.step, STEPS)
BATCH = 64
LR = 1e-2
SIZES = (784, 64, 784)  # as the exercise has them
WEIGHTS = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def sigmoid(a):
    return 0.5 * (1 + np.tanh(a / 2))


# --- 1. The penalty ------------------------------------------------------------------------------

# Encoders with and without a bend; the second has two layers, and images come as images or as
# rows.
ENCODERS = """
def made(first, second, bias):
    import torch

    def encode(x):
        hidden = x.flatten(1) @ first.T + bias
        return hidden if second is None else hidden.sin() @ second.T
    return encode
"""
JACOBIAN = (
    ENCODERS
    + """
def probe(first, second, bias, x):
    import torch
    first.requires_grad_()
    value = jacobian_penalty(made(first, second, bias), x)
    carries = isinstance(value, torch.Tensor) and value.requires_grad
    return value, torch.autograd.grad(value, first)[0] if carries else None
"""
)


def encoder(rng, shape):
    """Matrices and bias of an encoder of two layers for images of this shape."""
    d = int(np.prod(shape))
    n = int(rng.integers(3, 7))
    k = int(rng.integers(2, 6))
    return (
        single(rng.normal(0, 1, (n, d))),
        single(rng.normal(0, 1, (k, n))),
        single(rng.normal(0, 1, n)),
    )


def jacobians(first, second, bias, x):
    """Code (B, k) and Jacobians (B, k, d), in float64."""
    first, second, bias, x = (np.asarray(a, float) for a in (first, second, bias, x))
    a = x.reshape(len(x), -1) @ first.T + bias
    return np.sin(a) @ second.T, np.einsum("kn,bn,nd->bkd", second, np.cos(a), first)


def slope_of_penalty(first, second, bias, x):
    """Gradient of the penalty in the first matrix, by hand: the Jacobian is second diag(cos a)
    first.
    """
    first, second, bias, x = (np.asarray(a, float) for a in (first, second, bias, x))
    rows = x.reshape(len(x), -1)
    a, gram = rows @ first.T + bias, second.T @ second
    total = np.zeros_like(first)
    for row, phase in zip(rows, a):
        c, s = np.cos(phase), np.sin(phase)
        inner = gram * (first @ first.T)  # sum over n, m of c_n c_m gram_nm <first_n, first_m>
        total += 2 * (c[:, None] * (gram * c) @ first) - 2 * ((inner @ c) * s)[:, None] * row
    return total / len(rows)


def asked_penalty(ask, rng, shape):
    x = single(rng.uniform(-1, 1, (int(rng.integers(2, 6)), *shape)))
    parts = encoder(rng, shape)
    answer = ask(JACOBIAN, first=parts[0], second=parts[1], bias=parts[2], x=x)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise WrongAnswer("it did not return a value with a gradient")
    return answer, parts, x


@step("jacobian-check", 1, "jacobian_penalty of another encoder")
def jacobian_rows(ask, rng):
    (value, _), parts, x = asked_penalty(ask, rng, (int(rng.integers(4, 9)),))
    close(value, (jacobians(*parts, x)[1] ** 2).sum() / len(x))


@step("jacobian-check", 1, "jacobian_penalty of colour images")
def jacobian_images(ask, rng):
    (value, _), parts, x = asked_penalty(
        ask, rng, (3, *(int(side) for side in rng.integers(2, 4, 2)))
    )
    close(value, (jacobians(*parts, x)[1] ** 2).sum() / len(x))


@step("jacobian-check", 1, "jacobian_penalty, its gradient")
def jacobian_gradient(ask, rng):
    (_, slope), parts, x = asked_penalty(ask, rng, (int(rng.integers(4, 9)),))
    if slope is None:
        raise WrongAnswer("the penalty carries no gradient with respect to the weights")
    close(slope, slope_of_penalty(*parts, x), "the gradient with respect to the weights", atol=1e-4)


SIGMOID = """
def probe(h, weight):
    import torch
    h.requires_grad_(), weight.requires_grad_()
    value = sigmoid_penalty(h, weight)
    carries = isinstance(value, torch.Tensor) and value.requires_grad
    return value, torch.autograd.grad(value, (h, weight), allow_unused=True) if carries else None
"""


def asked_sigmoid(ask, rng):
    batch, k, d = (int(n) for n in rng.integers(2, 8, 3))
    h, weight = single(rng.uniform(0.02, 0.98, (batch, k))), single(rng.normal(0, 1, (k, d)))
    answer = ask(SIGMOID, h=h, weight=weight)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise WrongAnswer("it did not return a value with a gradient")
    return *answer, h.astype(float), weight.astype(float)


@step("sigmoid-check", 1, "sigmoid_penalty of another layer")
def sigmoid_value(ask, rng):
    value, _, h, weight = asked_sigmoid(ask, rng)
    jacobian = (h * (1 - h))[:, :, None] * weight
    close(value, (jacobian**2).sum() / len(h))


@step("sigmoid-check", 1, "sigmoid_penalty, its gradient")
def sigmoid_gradient(ask, rng):
    _, slopes, h, weight = asked_sigmoid(ask, rng)
    if not isinstance(slopes, tuple) or len(slopes) != 2:
        raise WrongAnswer("the penalty carries no gradient with respect to the weights")
    s, lengths = h * (1 - h), (weight**2).sum(1)
    close(
        slopes[0], 2 * s * (1 - 2 * h) * lengths / len(h), "the gradient with respect to the code"
    )
    close(
        slopes[1], 2 * (s**2).mean(0)[:, None] * weight, "the gradient with respect to the weights"
    )


PROBE = (
    ENCODERS
    + """
def probe(first, second, bias, x, seed, count):
    import torch
    encode, generator = made(first, second, bias), torch.Generator().manual_seed(seed)
    estimates = [torch.as_tensor(probe_penalty(encode, x, generator)) for _ in range(count)]
    return [estimate.detach().item() for estimate in estimates]
"""
)
PROBE_GRADIENT = (
    ENCODERS
    + """
def probe(first, second, bias, x, seed, before):
    import torch
    first.requires_grad_()
    torch.manual_seed(before)
    value = probe_penalty(made(first, second, bias), x, torch.Generator().manual_seed(seed))
    carries = isinstance(value, torch.Tensor) and value.requires_grad
    return value, torch.autograd.grad(value, first)[0] if carries else None
"""
)


def steady(rng, k, d, n):
    """An encoder of k units, k even, whose rows are nearly at right angles: one probe then says
    much.
    """
    first = np.linalg.qr(rng.normal(size=(d, n)))[0].T  # (n, d), orthonormal rows
    second = np.linalg.qr(rng.normal(size=(n, k)))[0].T
    return single(first), single(second + 0.6 * second.mean(0)), single(rng.uniform(-0.4, 0.4, n))


@step("probe-check", 1, "probe_penalty, the mean and the spread of many estimates")
def probe_mean(ask, rng):
    k, n = int(rng.integers(6, 9)), 9
    parts, x = steady(rng, k, 12, n), single(rng.uniform(0, 0.3, (3, 1, 3, 4)))
    draws = ask(
        PROBE,
        first=parts[0],
        second=parts[1],
        bias=parts[2],
        x=x,
        seed=int(rng.integers(2**31)),
        count=300,
    )
    draws = oracle.numbers(draws)
    exact = (jacobians(*parts, x)[1] ** 2).sum() / len(x)
    if draws.shape != (300,) or abs(draws.mean() / exact - 1) > 0.18:
        raise WrongAnswer("the mean of many estimates differs from the penalty")
    if draws.std() < 1e-3 * draws.mean():
        raise WrongAnswer("all estimates are the same: the probe is not random")


@step("probe-check", 1, "probe_penalty, its gradient and its use of the generator")
def probe_gradient(ask, rng):
    shape, seed = (1, 2, int(rng.integers(2, 5))), int(rng.integers(2**31))
    d, k = int(np.prod(shape)), int(rng.integers(3, 6))
    weight, x = single(rng.normal(0, 1, (k, d))), single(rng.uniform(0, 1, (3, *shape)))
    arguments = dict(first=weight, second=None, bias=single(np.zeros(k)), x=x, seed=seed)
    (value, slope), (again, _) = (
        ask(PROBE_GRADIENT, **arguments, before=before) for before in (1, 2)
    )
    if slope is None:
        raise WrongAnswer("the estimate carries no gradient")
    if number(value) != number(again):
        raise WrongAnswer(
            "two calls with generators in the same state returned different estimates"
        )
    if number(value) <= 0:
        raise WrongAnswer("an estimate is not positive")
    # for a linear encoder the estimate is quadratic in the weights, whatever was drawn: Euler's
    # rule for homogeneous functions
    close(
        (oracle.numbers(slope) * weight).sum(),
        2 * number(value),
        "the gradient with respect to the weights",
        rtol=1e-3,
    )


# --- 2. Cheating and mending ---------------------------------------------------------------------

GAMED = (
    ENCODERS
    + """
def probe(first, second, bias, x, c):
    encode = made(first, second, bias)

    def decode(z):
        return (z @ second).cos() * 3 - 1

    smaller, larger = gamed(encode, decode, c)
    z = smaller(x)
    return z, larger(z), larger(encode(x))
"""
)


@step("gamed-check", 1, "gamed with another network and another c")
def gamed(ask, rng):
    shape, c = (1, *(int(side) for side in rng.integers(2, 4, 2))), float(rng.uniform(1.5, 30))
    parts, x = encoder(rng, shape), single(rng.uniform(0, 1, (int(rng.integers(2, 6)), *shape)))
    small, same, large = ask(GAMED, first=parts[0], second=parts[1], bias=parts[2], x=x, c=c)
    z, second = jacobians(*parts, x)[0], parts[1].astype(float)
    close(small, z / c, "the new code")
    close(same, 3 * np.cos(z @ second) - 1, "the new reconstruction", rtol=1e-3, atol=1e-4)
    close(
        large,
        3 * np.cos(c * z @ second) - 1,
        "what the new decoder makes of another code",
        rtol=1e-3,
        atol=2e-3,
    )


SENSITIVITY = (
    ENCODERS
    + """
def probe(first, second, bias, x, scale, shift):
    encode = made(first, second, bias)
    return sensitivity(lambda x: scale * encode(x) + shift, x)
"""
)


def judge_sensitivity(ask, rng, scale, shift):
    shape = (1, *(int(side) for side in rng.integers(2, 4, 2)))
    parts, x = encoder(rng, shape), single(rng.uniform(-1, 1, (int(rng.integers(3, 8)), *shape)))
    z, jacobian = jacobians(*parts, x)
    scale /= np.sqrt(
        z.var(0).sum()
    )  # so that the variance of the code is the square of the argument
    right = (jacobian**2).sum() / len(x) / z.var(0).sum()
    close(
        ask(
            SENSITIVITY,
            first=parts[0],
            second=parts[1],
            bias=parts[2],
            x=x,
            scale=float(scale),
            shift=shift,
        ),
        right,
        rtol=1e-3,
    )


@step("sensitivity-check", 1, "sensitivity of another encoder")
def sensitivity(ask, rng):
    judge_sensitivity(ask, rng, 1.0, 0.0)


@step("sensitivity-check", 1, "sensitivity of a code that is shifted, or very small")
def sensitivity_scaled(ask, rng):
    judge_sensitivity(ask, rng, float(rng.uniform(0.3, 20)), float(rng.uniform(0.5, 2)))
    judge_sensitivity(ask, rng, float(rng.uniform(0.005, 0.01)), 0.0)


# --- 3. Training ---------------------------------------------------------------------------------

NETWORK = """
def network(arrays, shape):
    import torch
    shape = tuple(int(side) for side in shape)
    model = Autoencoder(shape, (), len(arrays[0]), code_activation="sigmoid")
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), arrays):
            parameter.copy_(array)
    return model
"""
OBJECTIVE = (
    NETWORK
    + """
def probe(weight, arrays, shape, x):
    import torch
    model = network(arrays, shape)
    value = sum(objective(weight)(model, x, torch.Generator()).values())
    return value, torch.autograd.grad(value, list(model.parameters()), allow_unused=True)
"""
)


def small_network(rng, shape, scale=1.0):
    """Weight and bias of the encoder, then of the decoder, of an autoencoder of one sigmoid
    layer.
    """
    d, k = int(np.prod(shape)), int(rng.integers(3, 7))
    return [single(rng.normal(0, scale, size)) for size in ((k, d), (k,), (d, k), (d,))]


def read(arrays, x):
    """Code and reconstruction, in float64: (B, k), (B, d)."""
    w, b, v, c = (array.astype(float) for array in arrays)
    h = sigmoid(x.reshape(len(x), -1).astype(float) @ w.T + b)
    return h, sigmoid(h @ v.T + c)


def penalty_of(arrays, x):
    h, _ = read(arrays, x)
    return (((h * (1 - h)) ** 2) @ (arrays[0].astype(float) ** 2).sum(1)).mean()


def asked_objective(ask, rng, weight):
    shape = (1, *(int(side) for side in rng.integers(3, 6, 2)))
    arrays, x = (
        small_network(rng, shape),
        single(rng.uniform(0, 1, (int(rng.integers(2, 7)), *shape))),
    )
    return *ask(OBJECTIVE, weight=weight, arrays=arrays, shape=list(shape), x=x), arrays, x


def judge_value(ask, rng, weight):
    value, _, arrays, x = asked_objective(ask, rng, weight)
    error = ((read(arrays, x)[1] - x.reshape(len(x), -1)) ** 2).mean()
    close(value, error + weight * penalty_of(arrays, x), "the loss")


@step("objective-check", 1, "objective with another network and weight")
def objective_value(ask, rng):
    judge_value(ask, rng, float(rng.uniform(0.2, 3)))


@step("objective-check", 1, "objective at weight 0 and at a large weight")
def objective_ends(ask, rng):
    judge_value(ask, rng, 0.0)
    judge_value(ask, rng, float(rng.uniform(30, 90)))


@step("objective-check", 1, "objective, its gradient")
def objective_gradient(ask, rng):
    weight = float(rng.uniform(0.2, 3))
    _, slopes, arrays, x = asked_objective(ask, rng, weight)
    if (
        not isinstance(slopes, (list, tuple))
        or len(slopes) != 4
        or any(slope is None for slope in slopes)
    ):
        raise WrongAnswer("the loss has no gradient with respect to some parameters of the network")
    w, b, v, c = tensors = [
        torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays
    ]
    rows = torch.tensor(x, dtype=torch.float64).flatten(1)
    h = (rows @ w.T + b).sigmoid()
    jacobian = (h * (1 - h))[:, :, None] * w
    loss = (
        (h @ v.T + c).sigmoid() - rows
    ).square().mean() + weight * jacobian.square().sum() / len(rows)
    for slope, right in zip(slopes, torch.autograd.grad(loss, tensors)):
        close(slope, right.numpy(), "the gradient with respect to a parameter", atol=1e-5)


def sigmoid_error(weights, x):
    """The squared error of a network with one sigmoid layer each way."""
    h = (x @ weights[0].T + weights[1]).sigmoid()
    return ((h @ weights[2].T + weights[3]).sigmoid() - x).square().mean()


@step("train-budget-check", 1, "train with another seed and number of steps")
def train_budget(ask, rng):
    judge_budget(ask, rng, SIZES, BATCH, LR, sigmoid_error)


@step("train-seed-check", 1, "train, the first weights")
def train_weights(ask, rng):
    judge_seed(ask, rng, "first weights")


@step("train-seed-check", 1, "train, the batches")
def train_batches(ask, rng):
    judge_seed(ask, rng, "batches")


# --- 4. Measures ---------------------------------------------------------------------------------

TABLE = (
    NETWORK
    + """
def probe(models, shape, x):
    made = {key: [network(arrays, shape) for arrays in runs] for key, runs in models.items()}
    return tabulate(made, x)
"""
)


def judge_table(ask, rng, *keys):
    shape = (1, *(int(side) for side in rng.integers(3, 6, 2)))
    x = single(rng.uniform(0, 1, (int(rng.integers(4, 8)), *shape)))
    weights = [float(weight) for weight in rng.choice(WEIGHTS, 2, replace=False)] + [0.0]
    models = {
        weight: [
            small_network(rng, shape, scale)
            for scale in rng.uniform(0.2, 1.2, int(rng.integers(2, 5)))
        ]
        for weight in weights
    }
    table = ask(TABLE, models=models, shape=list(shape), x=x)
    if not isinstance(table, dict) or set(table) != set(models):
        raise WrongAnswer("the rows of the table are not the weights in `models`")
    rows = x.reshape(len(x), -1)
    for weight, runs in models.items():
        codes = [read(arrays, x) for arrays in runs]
        penalties = [penalty_of(arrays, x) for arrays in runs]
        right = {
            "error": np.mean([((x_hat - rows) ** 2).mean() for _, x_hat in codes]),
            "penalty": np.mean(penalties),
            "sensitivity": np.mean(
                [penalty / h.var(0).sum() for penalty, (h, _) in zip(penalties, codes)]
            ),
        }
        for key in keys:
            if not isinstance(table[weight], dict) or key not in table[weight]:
                raise WrongAnswer(f"a row has no entry '{key}'")
            close(number(table[weight][key], f"'{key}'"), right[key], f"'{key}'", rtol=1e-3)


@step("table-check", 1, "tabulate, 'error' and 'penalty' of other networks")
def table_penalty(ask, rng):
    judge_table(ask, rng, "error", "penalty")


@step("table-check", 1, "tabulate, 'sensitivity' of other networks")
def table_sensitivity(ask, rng):
    judge_table(ask, rng, "sensitivity")


DRIFT = """
def probe(noisy, z):
    return drift(noisy, z)
"""


def judge_drift(ask, rng, shift):
    n, k = int(rng.integers(4, 9)), int(rng.integers(2, 6))
    z = rng.normal(shift, rng.uniform(0.3, 3), (n, k))
    noisy = z + rng.normal(0, rng.uniform(0.05, 1.5, (n, 1)), (n, k))
    pairs = np.mean([((z[i] - z[j]) ** 2).sum() for i in range(n) for j in range(n) if i != j])
    close(ask(DRIFT, noisy=noisy, z=z), np.sqrt(((noisy - z) ** 2).sum(1).mean() / pairs))


@step("drift-check", 1, "drift of other codes")
def drift(ask, rng):
    judge_drift(ask, rng, 0)


@step("drift-check", 1, "drift of codes far from 0")
def drift_far(ask, rng):
    judge_drift(ask, rng, float(rng.uniform(2, 6)))


NEAREST = """
def probe(z, labels, known, known_labels):
    return nearest_accuracy(z, labels, known, known_labels)
"""


def judge_nearest(ask, rng, spread, names):
    n = int(rng.integers(8, 16))
    m = int(rng.integers(16, 24))
    k = int(rng.integers(2, 5))
    known, z = rng.normal(0, spread, (m, k)), rng.normal(0, spread, (n, k))
    known_labels, labels = rng.choice(names, m), rng.choice(names, n)
    nearest = np.array([((known - one) ** 2).sum(1).argmin() for one in z])
    labels = np.where(rng.uniform(size=n) < 0.6, known_labels[nearest], labels)  # some are right
    answer = ask(NEAREST, z=z, labels=labels, known=known, known_labels=known_labels)
    close(number(answer), (known_labels[nearest] == labels).mean())


@step("nearest-check", 1, "nearest_accuracy of other codes")
def nearest(ask, rng):
    for _ in range(3):
        judge_nearest(ask, rng, 1.0, np.arange(3))


@step("nearest-check", 1, "nearest_accuracy with labels that are not indices")
def nearest_named(ask, rng):
    for _ in range(3):
        judge_nearest(
            ask, rng, float(rng.uniform(0.01, 30)), rng.choice(np.arange(30, 90), 4, replace=False)
        )


# --- 5. Decisions --------------------------------------------------------------------------------


def tables(rng, count=6, levels=None):
    """Made-up tables of three to seven weights, 0 among them; with `levels`, of few values, so that
    some are equal.
    """
    for _ in range(count):
        weights = [
            0.0,
            *(float(weight) for weight in rng.choice(WEIGHTS, rng.integers(2, 7), replace=False)),
        ]
        weights = (
            sorted(weights)
            if rng.uniform() < 0.5
            else [weights[i] for i in rng.permutation(len(weights))]
        )

        def draw():
            return float(rng.integers(1, levels)) if levels else float(rng.uniform(0.1, 5))

        yield {
            weight: {"error": draw() / 64, "penalty": draw(), "sensitivity": draw()}
            for weight in weights
        }


def judge_pareto(ask, rng, levels):
    for table in tables(rng, 8, levels):
        for cost in ("penalty", "sensitivity"):
            answer = ask(CALL, name="pareto", arguments=[table, cost])
            if not isinstance(answer, (list, tuple)):
                raise WrongAnswer("pareto did not return a list")
            pairs = {weight: np.array([row["error"], row[cost]]) for weight, row in table.items()}
            right = [
                weight
                for weight, one in pairs.items()
                if not any((other <= one).all() and (other < one).any() for other in pairs.values())
            ]
            if sorted(number(weight, "a weight") for weight in answer) != sorted(right):
                raise WrongAnswer("it returns the wrong weights for another table")


@step("pareto-check", 1, "pareto in other tables")
def pareto(ask, rng):
    judge_pareto(ask, rng, None)


@step("pareto-check", 1, "pareto in tables with equal values")
def pareto_ties(ask, rng):
    judge_pareto(ask, rng, 4)


@step("best-at-check", 1, "best_at in other tables, at other rates")
def best_at(ask, rng):
    for table in tables(rng, 8):
        for cost in ("penalty", "sensitivity"):
            rate = float(10 ** rng.uniform(-3.5, 0))
            right = min(
                table, key=lambda weight: table[weight]["error"] + rate * table[weight][cost]
            )
            if number(ask(CALL, name="best_at", arguments=[table, rate, cost])) != right:
                raise WrongAnswer("it returns the wrong weight for another table or rate")


@step("within-check", 1, "largest_within in other tables, at other limits")
def largest_within(ask, rng):
    for table in tables(rng, 20):
        base = int(rng.integers(10, 50)) / 1024  # twice as much is exact
        table[0.0] = table.pop(0.0)  # to the end
        for weight, row in table.items():
            row["error"] = base * (float(rng.uniform(0.5, 2)) if weight else 1)
        over = sorted(
            100 * (row["error"] / base - 1) for row in table.values() if row["error"] >= base
        )
        i = int(rng.integers(max(len(over) - 1, 1)))
        percent = (
            over[i] + (over[i + 1] - over[i]) * 0.5
            if i + 1 < len(over)
            else over[i] + float(rng.uniform(1, 50))
        )
        if rng.uniform() < 0.3:
            table[max(table)]["error"], percent = 2 * base, 100  # at the limit, which is allowed
        right = max(
            weight for weight, row in table.items() if row["error"] <= (1 + percent / 100) * base
        )
        if number(ask(CALL, name="largest_within", arguments=[table, percent])) != right:
            raise WrongAnswer("it returns the wrong weight for another table or limit")


@step("order-check", 1, "same_order in other tables")
def same_order(ask, rng):
    for i in rng.permutation(18):
        kind = ("same", "swapped", "reversed")[i % 3]
        weights = [
            0.0,
            *(float(weight) for weight in rng.permutation(WEIGHTS)[: rng.integers(3, 6)]),
        ]
        ranks = rng.permutation(len(weights))
        others = ranks.copy()
        if kind == "swapped":
            low = 1 if i % 2 else int(rng.integers(len(weights) - 1))
            others = np.select([ranks == low, ranks == low + 1], [low + 1, low], ranks)
        if kind == "reversed":
            others = len(weights) - 1 - ranks
        first, second = (
            np.sort(rng.choice(1000, len(weights), replace=False)) / 100 for _ in range(2)
        )
        second = first if i % 2 else second  # the same values, in this order or in another
        one, two, idle = (str(key) for key in rng.permutation(["error", "penalty", "sensitivity"]))
        table = {
            weight: {one: float(first[a]), two: float(second[b]), idle: float(rng.uniform(0, 10))}
            for weight, a, b in zip(weights, ranks, others)
        }
        if ask(CALL, name="same_order", arguments=[table, one, two]) is not (kind == "same"):
            raise WrongAnswer("it returns the wrong truth value for another table")
