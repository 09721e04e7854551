"""The oracle of `noise_level`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.
"""

import functools

import numpy as np
import torch

from grader import oracle
from grader.oracle import CALL, WrongAnswer, close, number, numbers, seed_of, single
from grader.training_steps import adam_steps, judge_task, same_weights

STEPS = []
step = functools.partial(oracle.step, STEPS)
BATCH = 64
LR = 1e-2
SIZES = (784, 64, 784)  # as the exercise has them


def levels_of(rng, count):
    """Some levels between 0.05 and 0.95, at least 0.05 apart, in any order."""
    return [round(0.05 * int(i), 2) for i in rng.permutation(np.arange(1, 20))[:count]]


# --- 1. Noise ------------------------------------------------------------------------------------

NOISE = """
def probe(x, sigma, seeds):
    import torch
    made = []
    for seed in seeds:
        made.append(gaussian(x.clone(), sigma, torch.Generator().manual_seed(seed)))
    return made
"""

STREAM = """
def probe(x, sigma, seed, before):
    import torch
    mine, generator = x.clone(), torch.Generator().manual_seed(seed)
    torch.manual_seed(before)
    state = torch.get_rng_state()
    made = [gaussian(mine, sigma, generator), gaussian(x.clone(), sigma, generator)]
    return made, torch.equal(mine, x), torch.equal(torch.get_rng_state(), state)
"""


def noise(ask, rng, x, sigma):
    (made,) = ask(NOISE, x=x, sigma=sigma, seeds=[seed_of(rng)])
    made = numbers(made)
    if made.shape != x.shape:
        raise WrongAnswer("the returned tensor does not have the shape of x")
    return made - x


@step("noise-check", 1, "gaussian, standard deviation and mean of the noise")
def noise_size(ask, rng):
    for x, bounds in (
        (np.zeros((30, 1, 28, 28)), (0.1, 0.4)),
        (rng.uniform(0, 1, (30, 1, 28, 28)), (0.6, 1.2)),
    ):
        sigma = float(rng.uniform(*bounds))
        added = noise(ask, rng, single(x), sigma)
        if abs(added.std() / sigma - 1) > 0.03:
            raise WrongAnswer("the standard deviation of the noise is not sigma")
        if abs(added.mean()) > 0.04 * sigma:
            raise WrongAnswer("the mean of the noise is not zero")


@step("noise-check", 1, "gaussian, the distribution of the noise, independent for each pixel")
def noise_law(ask, rng):
    shape = (int(rng.integers(20, 30)), int(rng.integers(1, 4)), 20, 24)
    sigma = float(rng.uniform(0.2, 0.7))
    added = noise(ask, rng, np.zeros(shape, np.float32), sigma) / sigma
    for bound, share in ((0.5, 0.6171), (1, 0.3173), (2, 0.0455)):
        if abs((abs(added) > bound).mean() - share) > 0.03:
            raise WrongAnswer("the noise is not normal, or was clipped")
    if not (
        abs(added) > 3.01
    ).any():  # of some 10,000 values 26 are; that none is happens once in 10^11
        raise WrongAnswer("the noise is not normal, or was clipped")
    if len(np.unique(added)) < 0.9 * added.size:
        raise WrongAnswer("some pixels share their noise")
    for axis in (0, 2, 3):
        first, second = np.take(added, 0, axis), np.take(added, 1, axis)
        if abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) > 0.3:
            raise WrongAnswer("some pixels share their noise")


@step("generator-check", 1, "gaussian, its use of the generator")
def noise_stream(ask, rng):
    x = single(rng.uniform(0, 1, (4, 1, 9, 9)))
    sigma = float(rng.uniform(0.2, 0.7))
    seed = seed_of(rng)
    (first, second), _, _ = ask(STREAM, x=x, sigma=sigma, seed=seed, before=1)
    (again, _), _, _ = ask(STREAM, x=x, sigma=sigma, seed=seed, before=2)
    (other, _), _, _ = ask(STREAM, x=x, sigma=sigma, seed=seed + 1, before=1)
    if not np.array_equal(numbers(first), numbers(again)):
        raise WrongAnswer("two generators with the same seed give different noise")
    if np.array_equal(numbers(first), numbers(second)):
        raise WrongAnswer("two calls with one generator give the same noise")
    if np.array_equal(numbers(first), numbers(other)):
        raise WrongAnswer("two seeds give the same noise")


@step("generator-check", 1, "gaussian, no side effects")
def noise_alone(ask, rng):
    x, sigma = single(rng.uniform(0, 1, (4, 1, 9, 9))), float(rng.uniform(0.2, 0.7))
    (made, _), kept, still = ask(STREAM, x=x, sigma=sigma, seed=seed_of(rng), before=1)
    if np.array_equal(numbers(made), x):
        raise WrongAnswer("no noise was added")
    if kept is not True:
        raise WrongAnswer("x itself was changed")
    if still is not True:
        raise WrongAnswer("the state of PyTorch's global generator changed")


def judge_clipped(ask, rng, part):
    for sigma in rng.uniform(0.02, 2, 3):
        answer = ask(CALL, name="clipped_black", arguments=[float(sigma)])
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise WrongAnswer("it must return two numbers, the mean and the variance")
        half = np.linspace(
            0, 12, 120001
        )  # in units of sigma; the integrals by the trapezoidal rule
        density = np.exp(-(half**2) / 2) / np.sqrt(2 * np.pi)
        first, second = (np.trapezoid(half**power * density, half) for power in (1, 2))
        close(number(answer[part]), sigma * first if part == 0 else sigma**2 * (second - first**2))


@step("clipped-black-check", 1, "clipped_black, the mean at other levels")
def clipped_mean(ask, rng):
    judge_clipped(ask, rng, 0)


@step("clipped-black-check", 1, "clipped_black, the variance at other levels")
def clipped_variance(ask, rng):
    judge_clipped(ask, rng, 1)


# --- 2. The objective ----------------------------------------------------------------------------

OBJECTIVE = """
def probe(sigmas, weight, x, seeds, before, shared):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.seen = torch.nn.Parameter(weight.clone()), None

        def encode(self, x):
            self.seen = x
            return x.flatten(1) @ self.weight

        def logits(self, z):
            return (z @ self.weight.T).view(x.shape)

        def output(self, logits):
            return logits.sigmoid()

        def decode(self, z):
            return self.output(self.logits(z))

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    torch.manual_seed(before)
    made, model, results = {sigma: denoising(sigma) for sigma in sigmas}, Model(), []
    generator, state = torch.Generator().manual_seed(seeds[0]), torch.get_rng_state()
    for sigma, seed in zip(sigmas, seeds):
        if not shared:
            generator = torch.Generator().manual_seed(seed)
        value = sum(made[sigma](model, x.clone(), generator).values())
        gradient, = torch.autograd.grad(value, model.weight)
        results.append((model.seen.detach(), value, gradient))
    return results, torch.equal(state, torch.get_rng_state())
"""


def objective(ask, rng, sigmas, seeds, before=0, shared=False, side=20):
    """(clean batch, [(what the model saw, value, gradient)], was the global generator left alone?,
    the weight).
    """
    x = single(rng.uniform(0, 1, (12, 1, side, side)))
    weight = single(rng.normal(0, 1 / side, (side**2, 4)))
    results, still = ask(
        OBJECTIVE, sigmas=sigmas, weight=weight, x=x, seeds=seeds, before=before, shared=shared
    )
    if any(numbers(seen, "what the model saw").shape != x.shape for seen, _, _ in results):
        raise WrongAnswer("the input of the model does not have the shape of x")
    return x, results, still, weight


def reconstructed(weight, seen):
    flat = seen.reshape(len(seen), -1).astype(float)
    return 1 / (1 + np.exp(-flat @ weight @ weight.T)).reshape(seen.shape)


@step("target-check", 1, "denoising, input and target at other levels")
def target_value(ask, rng):
    sigmas = [*levels_of(rng, 2), 0.0]
    x, results, _, weight = objective(ask, rng, sigmas, [seed_of(rng) for _ in sigmas])
    for sigma, (seen, value, _) in zip(sigmas, results):
        if abs((seen - x).std() - sigma) > 0.06 * sigma + 1e-6:
            raise WrongAnswer("the noise in the model's input does not have the level sigma")
        close(value, np.mean((reconstructed(weight, seen) - x) ** 2), "the loss", rtol=1e-3)


@step("target-check", 1, "denoising, its gradient")
def target_slope(ask, rng):
    sigmas = levels_of(rng, 2)
    x, results, _, weight = objective(ask, rng, sigmas, [seed_of(rng) for _ in sigmas], side=8)
    for seen, _, gradient in results:
        w = torch.tensor(weight, dtype=torch.float64, requires_grad=True)
        flat = torch.tensor(seen, dtype=torch.float64).flatten(1)
        loss = ((flat @ w @ w.T).sigmoid() - torch.tensor(x).flatten(1)).square().mean()
        close(
            gradient, torch.autograd.grad(loss, w)[0].numpy(), "the gradient", rtol=1e-3, atol=1e-5
        )


@step("fresh-check", 1, "denoising, new noise at each step, and the level of each objective")
def fresh(ask, rng):
    high, low = levels_of(rng, 2)
    seed = seed_of(rng)
    x, ((first, _, _), (second, _, _)), _, _ = objective(
        ask, rng, [high, high], [seed] * 2, shared=True
    )
    if np.array_equal(first, second):
        raise WrongAnswer("two steps have the same noise")
    x, results, _, _ = objective(ask, rng, [high, low], [seed] * 2)
    spreads = [(seen - x).std() for seen, _, _ in results]
    if abs(spreads[0] / spreads[1] / (high / low) - 1) > 0.06:
        raise WrongAnswer("an objective uses the level of another one")


@step("fresh-check", 1, "denoising, its use of the generator")
def handed(ask, rng):
    sigma, seed = float(rng.uniform(0.2, 0.7)), seed_of(rng)
    runs = [
        objective(ask, np.random.default_rng(5), [sigma], [one], before)
        for one, before in ((seed, 1), (seed, 2), (seed + 1, 1))
    ]
    seen = [results[0][0] for _, results, _, _ in runs]
    if not np.array_equal(seen[0], seen[1]):
        raise WrongAnswer("two generators with the same seed give different noise")
    if np.array_equal(seen[0], seen[2]):
        raise WrongAnswer("two seeds give the same noise")
    if not all(still for _, _, still, _ in runs):
        raise WrongAnswer("the state of PyTorch's global generator changed")


# --- 3. Training ---------------------------------------------------------------------------------

TRAIN = """
def probe(levels, seeds, steps, before):
    import torch
    runs = {level: [] for level in levels}

    def make(level):
        def spy(model, x, generator):
            weights = [weight.detach().clone() for weight in model.parameters()]
            first = len(runs[level]) % steps == 0
            runs[level].append((weights if first else None, x.detach().clone()))
            return {"spy": (model(x)[0] - x).square().mean() + level * model(x)[0].mean()}
        return spy

    torch.manual_seed(before)  # earlier draws must not change the result
    models = train_all(make, levels, seeds, steps)
    ends = {}
    for level in models:
        ends[level] = [[w.detach() for w in model.parameters()] for model in models[level]]
    return runs, ends
"""


def trained(start, batches, level):
    """The weights after the steps on the objective of the spy with these batches."""

    def loss(weights, x):
        x_hat = ((x @ weights[0].T + weights[1]) @ weights[2].T + weights[3]).sigmoid()
        return (x_hat - x).square().mean() + level * x_hat.mean()

    return adam_steps(start, batches, loss, LR)


def same(weights, others):
    return all(same_weights(*pair, LR) for pair in zip(weights, others))


def grid(ask, levels, seeds, steps, before=0):
    """({level: [(first weights, batches) of each run, in the order of training]}, {level: [weights
    at the end]}).
    """
    seen, ends = ask(TRAIN, levels=levels, seeds=seeds, steps=steps, before=before)
    if (
        not isinstance(ends, dict)
        or set(ends) != set(levels)
        or any(len(runs) != len(seeds) for runs in ends.values())
    ):
        raise WrongAnswer("the number of networks of a level is not the number of seeds")
    if any(len(entries) != steps * len(seeds) for entries in seen.values()):
        raise WrongAnswer("a level was not trained for `steps` steps per seed")
    runs = {
        level: [
            (entries[i][0], [batch for _, batch in entries[i : i + steps]])
            for i in range(0, len(entries), steps)
        ]
        for level, entries in seen.items()
    }
    return runs, ends


@step("grid-check", 1, "train_all with other seeds and another number of steps")
def grid_budget(ask, rng):
    steps = int(rng.integers(3, 6))
    seed = seed_of(rng)
    level = levels_of(rng, 1)[0]
    runs, ends = grid(ask, [level], [seed], steps)
    ((start, batches),) = runs[level]
    judge_task(ends[level][0], batches, SIZES, BATCH)
    if len({image.tobytes() for batch in batches for image in batch}) < 0.9 * steps * BATCH:
        raise WrongAnswer("only few images are used: train on all of images.train")
    if not same(ends[level][0], trained(start, batches, level)):
        raise WrongAnswer(
            "the returned weights are not those that the steps lead to: check the learning rate, "
            "and which network is returned"
        )


@step("grid-check", 1, "train_all, the entries of the dictionary")
def grid_places(ask, rng):
    levels = [*levels_of(rng, 2), 0.0]
    runs, ends = grid(ask, levels, [seed_of(rng), seed_of(rng)], 2)
    for level in levels:
        right = [trained(start, batches, level) for start, batches in runs[level]]
        for end in ends[level]:
            matches = [run for run in right if same(end, run)]
            if not matches:
                raise WrongAnswer(
                    "an entry does not hold a network that was trained at its level, "
                    "from new initial weights"
                )
            right = [run for run in right if run is not matches[0]]


def starts(ask, rng):
    """What three calls began with, two with one seed, then one with another: [{level: (weights,
    batch)}].
    """
    seed = seed_of(rng)
    levels = [*levels_of(rng, 1), 0.0]
    seen = []
    for before, one in enumerate((seed, seed, seed + 1)):
        runs, _ = grid(ask, levels, [one], 2, before)
        seen.append(
            [
                (
                    np.concatenate([weight.ravel() for weight in runs[level][0][0]]),
                    runs[level][0][1][0],
                )
                for level in levels
            ]
        )
    return seen


def fair(ask, rng, part, what):
    first, again, other = ([run[part] for run in runs] for runs in starts(ask, rng))
    if not np.array_equal(first[0], first[1]):
        raise WrongAnswer(f"two levels with the same seed have different {what}")
    if not np.array_equal(first[0], again[0]):
        raise WrongAnswer(f"two trainings with the same seed have different {what}")
    if np.array_equal(first[0], other[0]):
        raise WrongAnswer(f"two trainings with different seeds have the same {what}")


@step("fair-check", 1, "train_all, the first weights")
def fair_weights(ask, rng):
    fair(ask, rng, 0, "first weights")
    level, (low, high) = levels_of(rng, 1)[0], sorted((seed_of(rng), seed_of(rng)))
    both, alone = (grid(ask, [level], seeds, 2)[1][level][-1] for seeds in ([high, low], [low]))
    if not same(both, alone):
        raise WrongAnswer(
            "the networks are not in the order of the seeds, or one continued from another"
        )


@step("fair-check", 1, "train_all, the batches")
def fair_batches(ask, rng):
    fair(ask, rng, 1, "batches")


# --- 4. Measures ---------------------------------------------------------------------------------

TABLE = """
def probe(fades, noisy, clean, name):
    import torch

    class Fade(torch.nn.Module):
        def __init__(self, factor, offset):
            super().__init__()
            self.factor, self.offset = factor, offset

        def encode(self, x):
            return x.flatten(1)

        def decode(self, z):
            return self.factor * z.view(clean.shape) + self.offset

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    def mse(x_hat, x):
        return (x_hat - x).square().mean()

    def psnr(x_hat, x):
        return -10 * (x_hat - x).square().flatten(1).mean(1).log10()

    models = {level: [Fade(*fade) for fade in runs] for level, runs in fades.items()}
    return tabulate(models, noisy, clean, {"mse": mse, "psnr": psnr}[name])
"""


def corrupted(rng, x, levels):
    return {level: single(x + rng.normal(0, level, x.shape)) for level in levels}


def judge_table(ask, rng, name):
    shape = (int(rng.integers(3, 7)), 1, *rng.integers(5, 9, 2))
    clean = single(
        rng.uniform(0, 1, shape) * np.resize([0.2, 0.5, 1], shape[0])[:, None, None, None]
    )
    fades = {
        level: [
            [float(rng.uniform(0.4, 1)), float(rng.uniform(-0.2, 0.2))]
            for _ in range(rng.integers(1, 5))
        ]
        for level in [*levels_of(rng, 2), 0.0]
    }
    noisy = corrupted(rng, clean, levels_of(rng, 3))
    table = ask(TABLE, fades=fades, noisy=noisy, clean=clean, name=name)
    if not isinstance(table, dict) or set(table) != set(fades):
        raise WrongAnswer("the rows of the table are not the keys of `models`")
    for trained_at, runs in fades.items():
        if not isinstance(table[trained_at], dict) or set(table[trained_at]) != set(noisy):
            raise WrongAnswer("the columns of the table are not the keys of `noisy`")
        for tested, x in noisy.items():
            square = np.stack(
                [((a * x.astype(float) + b - clean) ** 2).mean((1, 2, 3)) for a, b in runs]
            )
            right = square.mean() if name == "mse" else (-10 * np.log10(square)).mean()
            close(number(table[trained_at][tested], "an entry"), right, "an entry")


@step("table-check", 1, "tabulate, the squared errors of other models")
def table_mse(ask, rng):
    judge_table(ask, rng, "mse")


@step("table-check", 1, "tabulate, the PSNR of other models")
def table_psnr(ask, rng):
    judge_table(ask, rng, "psnr")


def judge_floors(ask, rng, name):
    side = int(rng.integers(4, 7))
    mixed = rng.normal(0, 1, (300, 5)) @ rng.normal(0, 1, (5, side**2))
    x = single(1 / (1 + np.exp(-1.5 * mixed))).reshape(300, 1, side, side)
    train, clean = x[:220], x[220:]
    noisy = corrupted(rng, clean, levels_of(rng, 3))
    answer = ask(CALL, name="floors", arguments=[train, noisy, clean])
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get(name), dict)
        or set(answer[name]) != set(noisy)
    ):
        raise WrongAnswer(f"the entry '{name}' does not hold an error for each level")
    rows = train.reshape(len(train), -1).astype(float)
    mean, covariance = rows.mean(0), np.cov(rows.T, bias=True)
    for level, seen in noisy.items():
        if name == "nothing":
            close(number(answer[name][level]), ((seen.astype(float) - clean) ** 2).mean())
            continue
        wiener = covariance @ np.linalg.inv(covariance + level**2 * np.eye(len(mean)))
        cleaned = np.clip((seen.reshape(len(seen), -1) - mean) @ wiener.T + mean, 0, 1)
        close(
            number(answer[name][level]),
            ((cleaned - clean.reshape(len(clean), -1)) ** 2).mean(),
            rtol=2e-3,
        )


@step("floors-check", 1, "floors, doing nothing on other images")
def floors_nothing(ask, rng):
    judge_floors(ask, rng, "nothing")


@step("floors-check", 1, "floors, the best linear denoiser of other images")
def floors_linear(ask, rng):
    judge_floors(ask, rng, "linear")


def table_like(rng, trained_at, tested):
    return {
        a: {b: float(rng.uniform(0.2, 1.8)) for b in rng.permutation(tested).tolist()}
        for a in rng.permutation(trained_at).tolist()
    }


def errors_like(rng):
    """A made-up table: every test level is a training level, and there are others, 0 among them."""
    tested = levels_of(rng, int(rng.integers(3, 5)))
    others = [level for level in levels_of(rng, 6) if level not in tested][: rng.integers(1, 3)]
    return table_like(rng, [0.0, *tested, *others], tested), tested


def judge_tables(rng, answer, right):
    if not isinstance(answer, dict) or set(answer) != set(right):
        raise WrongAnswer("the rows are not those of `errors`")
    for key, row in right.items():
        if not isinstance(answer[key], dict) or set(answer[key]) != set(row):
            raise WrongAnswer("the columns are not those of `errors`")
        for tested, value in row.items():
            close(number(answer[key][tested]), value, "an entry")


@step("left-check", 1, "left of another table")
def left(ask, rng):
    errors, tested = errors_like(rng)
    nothing = {level: float(rng.uniform(0.2, 1.8)) for level in tested}
    right = {a: {b: error / nothing[b] for b, error in row.items()} for a, row in errors.items()}
    judge_tables(rng, ask(CALL, name="left", arguments=[errors, nothing]), right)


# --- 5. The probe --------------------------------------------------------------------------------


def classified(z, labels, asked):
    """The classes of `asked` by least squares with a bias; how far ahead of the next the least
    certain one is.
    """
    rows, new = (np.hstack([codes.astype(float), np.ones((len(codes), 1))]) for codes in (z, asked))
    votes = np.sort(new @ np.linalg.lstsq(rows, np.eye(labels.max() + 1)[labels], rcond=None)[0], 1)
    classes = (new @ np.linalg.lstsq(rows, np.eye(labels.max() + 1)[labels], rcond=None)[0]).argmax(
        1
    )
    return classes, (votes[:, -1] - votes[:, -2]).min()


def judge_probe(ask, rng, classes, offset):
    for _ in range(200):  # until no new code is so near a border that rounding decides
        units, counts = int(rng.integers(3, 6)), rng.integers(15, 40, (2, classes))
        centres = rng.normal(0, 1.5, (classes, units)) + offset
        sets = []
        for count in counts:
            labels = rng.permutation(np.repeat(np.arange(classes), count))
            sets.append((single(centres[labels] + rng.normal(0, 1, (len(labels), units))), labels))
        (z, labels), (new, new_labels) = sets
        guesses, margin = classified(z, labels, new)
        if margin > 1e-3:
            break
    answer = ask(CALL, name="linear_probe", arguments=[z, labels, new, new_labels])
    close(number(answer), (guesses == new_labels).mean())


@step("probe-check", 1, "linear_probe of codes with more classes")
def probe_classes(ask, rng):
    judge_probe(ask, rng, int(rng.integers(4, 8)), 0)


@step("probe-check", 1, "linear_probe of codes far from the origin")
def probe_offset(ask, rng):
    judge_probe(ask, rng, 3, rng.uniform(4, 8))


# --- 6. Decisions --------------------------------------------------------------------------------


@step("best-for-check", 1, "best_for in other tables")
def best_for(ask, rng):
    for _ in range(6):
        errors, tested = errors_like(rng)
        answer = ask(CALL, name="best_for", arguments=[errors])
        right = {b: min(errors, key=lambda a: errors[a][b]) for b in tested}
        if not isinstance(answer, dict) or set(answer) != set(right):
            raise WrongAnswer("the keys are not the test levels")
        for b, level in right.items():
            close(number(answer[b]), level, "the best level")


@step("regrets-check", 1, "regrets in other tables")
def regrets(ask, rng):
    for _ in range(3):
        errors, tested = errors_like(rng)
        smallest = {b: min(errors[a][b] for a in errors) for b in tested}
        right = {
            a: {b: error / smallest[b] for b, error in row.items()} for a, row in errors.items()
        }
        judge_tables(rng, ask(CALL, name="regrets", arguments=[errors]), right)


@step("one-for-all-check", 1, "one_for_all in other tables")
def one_for_all(ask, rng):
    for i in range(8):
        tested = levels_of(rng, int(rng.integers(3, 6)))
        table = table_like(rng, [0.0, *levels_of(rng, 5)], tested)
        winner = [0.0, None, max(table), None][
            i % 4
        ]  # each level may be the one, also the lowest and the highest
        table = {
            a: {b: 1 + value * (0.1 if a == winner else 1) for b, value in row.items()}
            for a, row in table.items()
        }
        answer = ask(CALL, name="one_for_all", arguments=[table])
        close(
            number(answer),
            sorted((max(row.values()), a) for a, row in table.items())[0][1],
            "the choice",
        )


def judge_high(ask, rng, part):
    for _ in range(8):
        errors, tested = errors_like(rng)
        nothing = {
            level: float(rng.uniform(0.2, 1.8)) for level in rng.permutation(tested).tolist()
        }
        answer = ask(CALL, name="high_on_low", arguments=[errors, nothing])
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise WrongAnswer("it must return two values, a truth value and a ratio")
        high, low = sorted(errors)[-1], sorted(tested)[0]
        if part == 1:
            close(number(answer[1]), errors[high][low] / errors[low][low], "the ratio")
        elif answer[0] is not (errors[high][low] < nothing[low]):
            raise WrongAnswer("the first value, whether the network helps, is wrong")


@step("high-on-low-check", 1, "high_on_low, whether the network helps, in other tables")
def high_helps(ask, rng):
    judge_high(ask, rng, 0)


@step("high-on-low-check", 1, "high_on_low, the ratio to the specialist, in other tables")
def high_ratio(ask, rng):
    judge_high(ask, rng, 1)


@step("on-diagonal-check", 1, "on_diagonal in other tables")
def on_diagonal(ask, rng):
    for _ in range(8):
        errors, tested = errors_like(rng)
        wins = rng.integers(0, len(tested) + 1)
        for i, b in enumerate(tested):  # some specialists are made to win, and the others nearly do
            errors[b][b], errors[0.0][b] = (0.1, 0.105) if i < wins else (0.1, 0.095)
        right = sum(all(errors[b][b] <= errors[a][b] for a in errors) for b in tested)
        close(number(ask(CALL, name="on_diagonal", arguments=[errors])), right, "the count")
