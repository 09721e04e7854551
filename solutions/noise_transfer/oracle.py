"""The oracle of `noise_transfer`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.

Draws may come in any order, so a corruption is judged by what holds for every right one: its
values, shares and moments within six standard deviations, the independence of its draws, and what
it leaves alone.
"""

import functools
import math

import numpy as np

from grader import oracle
from grader.oracle import CALL, WrongAnswer, close, number, numbers, seed_of, single
from grader.training_steps import deep_error, judge_budget, judge_seed

STEPS = []
step = functools.partial(oracle.step, STEPS)
BATCH = 64
LR = 6e-3
SIZES = (784, 128, 32, 128, 784)  # as the exercise has them
KINDS = ("gaussian", "salt_and_pepper", "masking")


# --- 1. Corruptions ------------------------------------------------------------------------------


def images(rng, count=60):
    """Pixels strictly between 0 and 1: (B, 1, H, W), some 30,000 in all."""
    shape = (int(rng.integers(count, count + 9)), 1, *rng.integers(22, 27, 2))
    return single(rng.uniform(0.05, 0.95, shape))


def probability(rng):
    """One that common mistakes change by more than chance does, and that no level of the exercise
    equals.
    """
    return float(rng.choice([rng.uniform(0.36, 0.42), rng.uniform(0.58, 0.7)]))


def near(value, right, deviation, what):
    if not abs(value - right) < 6 * deviation:
        raise WrongAnswer(
            f"{what} is wrong: more than six standard deviations from the expected value"
        )


def apart(drawn, later, what):
    """What was drawn for a pixel says nothing of its neighbours, of the next image, or of the next
    call.
    """
    drawn, later = (
        (f - f.mean()) / (f.std() + 1e-12) for f in (drawn.astype(float), later.astype(float))
    )
    for where, other in (
        ("of the next image", np.roll(drawn, 1, 0)),
        ("of the next row", np.roll(drawn, 1, 2)),
        ("of the next column", np.roll(drawn, 1, 3)),
        ("of the next call", later),
    ):
        if abs((drawn * other).mean()) > 6 / math.sqrt(drawn.size):
            raise WrongAnswer(
                f"{what} of a pixel tells that {where}: every pixel of every image has a draw of "
                f"its own"
            )


def like(x, y):
    """`y` as a finite array of the shape of `x`."""
    y = numbers(y, "what was returned")
    if y.shape != x.shape:
        raise WrongAnswer(
            f"the returned tensor has the shape {y.shape}; expected that of x, {x.shape}"
        )
    return y


def is_gaussian(x, y, sigma):
    noise, n = like(x, y) - x, x.size
    near(noise.mean(), 0, sigma / math.sqrt(n), "the mean of the noise")
    for part in (x < 0.5, x >= 0.5):
        near(
            noise[part].std(),
            sigma,
            sigma / math.sqrt(2 * part.sum()),
            "the standard deviation of the noise",
        )
        near(
            (noise[part] * (x - x.mean())[part]).mean(),
            0,
            sigma * abs(x - x.mean())[part].max() / math.sqrt(part.sum()),
            "the dependence of the noise on the image",
        )
    for width in (0.6, 1.1, 1.9):
        share = math.erf(width / math.sqrt(2))
        near(
            (abs(noise) < width * sigma).mean(),
            share,
            math.sqrt(share * (1 - share) / n),
            "the distribution of the noise",
        )


def differ(x, y):
    return abs(y - x) > 1e-6


def is_replaced(x, y, p, values):
    """Where `y` differs from `x`, once values, their share and their spread over the images are
    right.
    """
    changed = differ(x, like(x, y))
    if not (~differ(y[changed][:, None], np.array(values)[None])).any(1).all():
        raise WrongAnswer("some pixels are neither unchanged nor replaced by an allowed value")
    near(changed.mean(), p, math.sqrt(p * (1 - p) / x.size), "the share of the pixels that change")
    if len(set(changed.reshape(len(x), -1).sum(1))) == 1:
        raise WrongAnswer(
            "every image loses the same number of pixels: draw for each pixel independently"
        )
    return changed


def is_fair(x, y, changed):
    white, spread = y[changed] > 0.5, 0.5 / math.sqrt(changed.sum())
    near(white.mean(), 0.5, spread, "the share of white among the replaced pixels")
    bright = x[changed] > 0.5
    near(
        white[bright].mean() - white[~bright].mean(),
        0,
        2.1 * spread,
        "the dependence of the coin on the image",
    )


def is_salt_and_pepper(x, y, p):
    is_fair(x, y, is_replaced(x, y, p, (0, 1)))


def is_masking(x, y, p):
    is_replaced(x, y, p, (0,))


CORRUPT = """
def probe(name, x, level, seed):
    import torch
    corrupt = globals()[name]
    generator, world, kept = torch.Generator().manual_seed(seed), torch.get_rng_state(), x.clone()
    first = corrupt(x, level, generator).clone()
    second = corrupt(kept.clone(), level, generator)
    again = corrupt(kept.clone(), level, torch.Generator().manual_seed(seed))
    other = corrupt(kept.clone(), level, torch.Generator().manual_seed(seed + 1))
    worlds = [world, torch.get_rng_state()]
    made = {"first": first, "second": second, "again": again, "other": other}
    return {**made, "x": x, "worlds": worlds}
"""


def lawful(ask, rng, name, x, level):
    """Two results of one generator, after checking that the corruption has no side effects and
    depends on the generator alone.
    """
    told = ask(CORRUPT, name=name, x=x, level=level, seed=seed_of(rng))
    if not np.array_equal(told["x"], x):
        raise WrongAnswer("x itself was changed")
    if not np.array_equal(*told["worlds"]):
        raise WrongAnswer("PyTorch's global generator was used")
    if not np.array_equal(told["first"], told["again"]):
        raise WrongAnswer("two calls with the same seed give different results")
    if np.array_equal(told["first"], told["second"]):
        raise WrongAnswer("a second call with the same generator gives the same noise")
    if np.array_equal(told["first"], told["other"]):
        raise WrongAnswer("two seeds give the same result")
    return like(x, told["first"]), like(x, told["second"])


@step("gaussian-check", 1, "gaussian on other images and at another level")
def gaussian(ask, rng):
    x, sigma = images(rng), float(rng.choice([rng.uniform(0.12, 0.25), rng.uniform(0.45, 0.8)]))
    first, second = lawful(ask, rng, "gaussian", x, sigma)
    is_gaussian(x, first, sigma)
    apart(first - x, second - x, "the noise")


@step("salt-and-pepper-check", 1, "salt_and_pepper, which pixels are replaced")
def salt_and_pepper_share(ask, rng):
    x, p = images(rng), probability(rng)
    first, second = lawful(ask, rng, "salt_and_pepper", x, p)
    is_replaced(x, first, p, (0, 1))
    apart(differ(x, first), differ(x, second), "being replaced")


@step("salt-and-pepper-check", 1, "salt_and_pepper, the values of the replaced pixels")
def salt_and_pepper_coin(ask, rng):
    x, p = images(rng), probability(rng)
    first, second = lawful(ask, rng, "salt_and_pepper", x, p)
    is_salt_and_pepper(x, first, p)
    coins = [differ(x, y) * np.sign(y - x) for y in (first, second)]
    apart(*coins, "the coin")


@step("masking-check", 1, "masking on other images and at another level")
def masking(ask, rng):
    x, p = images(rng), probability(rng)
    first, second = lawful(ask, rng, "masking", x, p)
    is_masking(x, first, p)
    apart(differ(x, first), differ(x, second), "being hidden")


# --- 2. Severity ---------------------------------------------------------------------------------


def scene(rng):
    """A few images, dark or bright: (B, 1, H, W)."""
    shape = (int(rng.integers(2, 6)), 1, *rng.integers(3, 9, 2))
    return single(rng.uniform(0, 1, shape) ** rng.choice([0.4, 2.5]))


def harm(kind, x):
    """Expected squared error per unit of p, or of sigma squared."""
    x = x.astype(float)
    return {
        "gaussian": 1.0,
        "salt_and_pepper": (((1 - x) ** 2 + x**2) / 2).mean(),
        "masking": (x**2).mean(),
    }[kind]


SEVERITY = """
def probe(kind, level, x):
    return severity(kind, level, x)
"""


def judge_severity(ask, rng, kind):
    for _ in range(3):
        x, level = scene(rng), float(rng.choice([rng.uniform(0.1, 0.45), rng.uniform(0.55, 0.9)]))
        right = harm(kind, x) * (level**2 if kind == "gaussian" else level)
        close(number(ask(SEVERITY, kind=kind, level=level, x=x)), right)


@step("severity-check", 1, "severity of Gaussian noise")
def severity_gaussian(ask, rng):
    judge_severity(ask, rng, "gaussian")


@step("severity-check", 1, "severity of salt and pepper")
def severity_salt_and_pepper(ask, rng):
    judge_severity(ask, rng, "salt_and_pepper")


@step("severity-check", 1, "severity of masking")
def severity_masking(ask, rng):
    judge_severity(ask, rng, "masking")


LEVEL = """
def probe(kind, severity, x):
    try:
        return level_for(kind, severity, x)
    except ValueError:
        return "refused"
"""


@step("level-for-check", 1, "level_for at other severities")
def level_for(ask, rng):
    for kind in KINDS:
        for _ in range(2):
            x, level = scene(rng), rng.uniform(0.1, 0.9)
            severity = float(harm(kind, x) * (level**2 if kind == "gaussian" else level))
            close(number(ask(LEVEL, kind=kind, severity=severity, x=x)), level)


@step("level-for-check", 1, "level_for at severities that no probability reaches")
def level_for_refuses(ask, rng):
    for kind in KINDS[1:]:
        for factor, refused in ((rng.uniform(1.15, 2.5), True), (rng.uniform(0.7, 0.95), False)):
            x = scene(rng)
            answer = ask(LEVEL, kind=kind, severity=float(factor * harm(kind, x)), x=x)
            if (isinstance(answer, str) and answer == "refused") is not refused:
                raise WrongAnswer(
                    "it returned a level that is not a probability; expected a ValueError"
                    if refused
                    else "it raised a ValueError for a severity that can be reached"
                )


# --- 3. Training ---------------------------------------------------------------------------------

OBJECTIVE = """
def probe(kind, level, x, weights, seed):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights, self.seen = torch.nn.Parameter(weights), []

        def encode(self, x):
            self.seen.append(x.detach().clone())
            return x.flatten(1)

        def logits(self, z):
            return self.weights[0] * z.view(x.shape) + self.weights[1]

        def output(self, logits):
            return logits.sigmoid()

        def decode(self, z):
            return self.output(self.logits(z))

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    compute, kept, world = objective(kind, level), x.clone(), torch.get_rng_state()
    generator, told = torch.Generator().manual_seed(seed), []
    for source in (generator, generator, torch.Generator().manual_seed(seed)):
        model = Model()
        value = sum(compute(model, x, source).values())
        slopes = torch.autograd.grad(value, model.weights)[0]
        told.append((model.seen[-1], value, slopes))
    return told, kept, x, [world, torch.get_rng_state()]
"""


def asked(ask, rng, kind, x):
    level = probability(rng)
    told, kept, after, worlds = ask(
        OBJECTIVE,
        kind=kind,
        level=level,
        x=x,
        weights=single(rng.uniform(0.5, 1.5, 2)),
        seed=seed_of(rng),
    )
    return level, told, np.array_equal(kept, after), np.array_equal(*worlds)


@step("objective-target-check", 1, "objective, the target")
def objective_target(ask, rng):
    for kind in ("clean", *KINDS):
        x = single(rng.uniform(0.05, 0.95, (5, 1, *rng.integers(4, 8, 2))))
        weights = rng.uniform(0.5, 1.5, 2)
        (first, *_), *_ = ask(
            OBJECTIVE,
            kind=kind,
            level=probability(rng),
            x=x,
            weights=single(weights),
            seed=seed_of(rng),
        )
        seen, value, slopes = first
        seen = numbers(seen)
        if kind != "clean" and np.array_equal(seen, x):
            raise WrongAnswer(
                f"the input of the network is not corrupted by objective('{kind}', ...)"
            )
        s = 1 / (1 + np.exp(-(weights[0] * seen + weights[1])))
        close(value, ((s - x) ** 2).mean(), f"the loss of objective('{kind}', ...)")
        outer = 2 * (s - x) * s * (1 - s) / x.size
        close(
            slopes, [(outer * seen).sum(), outer.sum()], f"the gradient of objective('{kind}', ...)"
        )


@step("objective-target-check", 1, "objective, the input of the network")
def objective_input(ask, rng):
    x = images(rng)
    for kind, judge in zip(KINDS, (is_gaussian, is_salt_and_pepper, is_masking)):
        level, ((seen, *_), *_), _, _ = asked(ask, rng, kind, x)
        judge(x, seen, level)
    _, ((seen, *_), *_), _, _ = asked(ask, rng, "clean", x)
    if not np.array_equal(seen, x):
        raise WrongAnswer(
            "the input of the network is not the clean image with objective('clean', ...)"
        )


@step("objective-fresh-check", 1, "objective, fresh noise at every step")
def objective_fresh(ask, rng):
    for kind in KINDS:
        x = single(rng.uniform(0.05, 0.95, (6, 1, 8, 8)))
        _, (first, second, again), whole, untouched = asked(ask, rng, kind, x)
        if not whole:
            raise WrongAnswer("the batch itself was changed")
        if not untouched:
            raise WrongAnswer("PyTorch's global generator was used")
        if np.array_equal(first[0], second[0]):
            raise WrongAnswer("two steps have the same noise")
        if not np.array_equal(first[0], again[0]):
            raise WrongAnswer("two calls with the same seed give different results")


@step("train-budget-check", 1, "train with another seed and number of steps")
def train_budget(ask, rng):
    judge_budget(ask, rng, SIZES, BATCH, LR, deep_error)


@step("train-seed-check", 1, "train, the first weights and the batches")
def train_seed(ask, rng):
    judge_seed(ask, rng, "first weights", "batches")


# --- 4. The matrix -------------------------------------------------------------------------------

SPOIL = """
def probe(x, shifts, sets, seeds):
    import torch
    got = []

    def made(shift):
        def corrupt(x, generator):
            if not isinstance(generator, torch.Generator):
                raise TypeError("a corruption was handed no torch.Generator")
            got.append(x.clone())
            return x + shift + torch.rand(x.shape, generator=generator)
        return corrupt

    world = torch.get_rng_state()
    corrupted = []
    for names, seed in zip(sets, seeds):
        corrupted.append(spoil({name: made(shifts[name]) for name in names}, x, seed))
    return corrupted, got, [world, torch.get_rng_state()]
"""


def corrupted(ask, rng):
    """x, names, four answers (all kinds; all, turned round; one alone; all with another seed), what
    was handed on, the global generator.
    """
    x, seed = scene(rng), int(rng.integers(0, 1000))
    names = [str(name) for name in rng.permutation(["fog", "rain", "hail", "dust", "smear"])[:4]]
    shifts = {name: 2.0 * place for place, name in enumerate(names)}
    sets, seeds = (
        [names, names[::-1], names[2:3], names],
        [seed, seed, seed, seed + 2 * int(rng.integers(1, 9))],
    )
    answers, got, worlds = ask(SPOIL, x=x, shifts=shifts, sets=sets, seeds=seeds)
    for answer, wanted in zip(answers, sets):
        if not isinstance(answer, dict) or set(answer) != set(wanted):
            raise WrongAnswer("the keys are not the names in `corruptions`")
        for name in wanted:
            drawn = like(x, answer[name]) - x - shifts[name]
            if drawn.min() < -1e-5 or drawn.max() > 1 + 1e-5:
                raise WrongAnswer("an entry is not x under the corruption of its name")
    return x, names, answers, got, worlds


@step("spoil-check", 1, "spoil, a generator for each kind")
def spoil_own(ask, rng):
    _, names, (first, turned, lone, _), _, _ = corrupted(ask, rng)
    for name in names:
        if not np.array_equal(first[name], turned[name]):
            raise WrongAnswer(
                "the images of a kind depend on its position in the dictionary, or on more than "
                "the seed"
            )
    if not np.array_equal(first[names[2]], lone[names[2]]):
        raise WrongAnswer("the images of a kind depend on which other kinds are in the dictionary")


@step("spoil-check", 1, "spoil, its use of the clean images and of the seed")
def spoil_seed(ask, rng):
    x, names, (first, turned, _, other), got, worlds = corrupted(ask, rng)
    if not got or any(not np.array_equal(seen, x) for seen in got):
        raise WrongAnswer("a corruption did not get the clean images")
    if any(not np.array_equal(first[name], turned[name]) for name in names[:1]):
        raise WrongAnswer("two calls with the same seed give different results")
    if any(np.array_equal(first[name], other[name]) for name in names):
        raise WrongAnswer("two seeds give the same result")
    if not np.array_equal(*worlds):
        raise WrongAnswer("PyTorch's global generator was used")


MATRIX = """
def probe(scales, corrupted, x):
    import torch

    class Net(torch.nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale = torch.nn.Parameter(scale)

        def encode(self, x):
            return x.flatten(1) * self.scale[0]

        def logits(self, z):
            return z.view(-1, *x.shape[1:]) + self.scale[1]

        def output(self, logits):
            return logits.sigmoid()

        def decode(self, z):
            return self.output(self.logits(z))

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    return error_matrix({name: Net(scale) for name, scale in scales.items()}, corrupted, x)
"""


def judge_matrix(ask, rng, *, untouched):
    x = scene(rng)
    kinds, names = (
        rng.permutation(["fog", "rain", "hail", "dust", "masking", "gaussian"])[
            : rng.integers(2, 5)
        ]
        for _ in range(2)
    )
    images = {
        str(kind): single(x + rng.normal(0, rng.uniform(0.1, 0.6), x.shape)) for kind in kinds
    }
    scales = {str(name): single(rng.normal(0, 2, 2)) for name in names}
    errors = ask(MATRIX, scales=scales, corrupted=images, x=x)
    if not isinstance(errors, dict) or not set(errors) >= set(scales):
        raise WrongAnswer("there is not one row for each network")
    if set(errors) != {"untouched", *scales}:
        raise WrongAnswer("the rows are not the names in `networks` and 'untouched'")
    for name in ["untouched"] if untouched else scales:
        if not isinstance(errors[name], dict) or set(errors[name]) != set(images):
            raise WrongAnswer("the columns are not the keys of `corrupted`")
        for kind, seen in images.items():
            made = seen.astype(float)
            if not untouched:
                made = 1 / (1 + np.exp(-(made * float(scales[name][0]) + float(scales[name][1]))))
            close(number(errors[name][kind], "an entry"), ((made - x) ** 2).mean(), "an entry")


@step("error-matrix-check", 1, "error_matrix, the rows of other networks")
def matrix_networks(ask, rng):
    judge_matrix(ask, rng, untouched=False)


@step("error-matrix-check", 1, "error_matrix, the row of doing nothing")
def matrix_untouched(ask, rng):
    judge_matrix(ask, rng, untouched=True)


@step("gains-check", 1, "gains of other errors")
def gains(ask, rng):
    rows = [
        "untouched",
        *(str(name) for name in rng.permutation(["fog", "rain", "hail", "clean"])[:3]),
    ]
    kinds = [
        str(kind) for kind in rng.permutation(["fog", "rain", "hail", "dust"])[: rng.integers(2, 5)]
    ]
    errors = {
        str(row): {kind: float(rng.uniform(0.01, 0.2)) for kind in kinds}
        for row in rng.permutation(rows)
    }
    gain = ask(CALL, name="gains", arguments=[errors])
    if not isinstance(gain, dict) or set(gain) != set(errors):
        raise WrongAnswer("the rows are not those of `errors`")
    for row in errors:
        if not isinstance(gain[row], dict) or set(gain[row]) != set(kinds):
            raise WrongAnswer("the columns are not those of `errors`")
        for kind in kinds:
            nothing = errors["untouched"][kind]
            close(
                number(gain[row][kind], "a gain"), (nothing - errors[row][kind]) / nothing, "a gain"
            )


# --- 5. Decisions --------------------------------------------------------------------------------


def matrix(rng):
    """(names of the tests, gains): made up, with the rows "clean" and "untouched", one of each
    test, and perhaps another.
    """
    tests = [
        str(name)
        for name in rng.permutation(["fog", "rain", "hail", "dust", "gaussian", "masking"])[
            : rng.integers(3, 5)
        ]
    ]
    rows = ["clean", "untouched", *tests, *["mixed"][: rng.integers(2)]]
    gain = matrix_like(rng, tests, [str(row) for row in rng.permutation(rows)])
    gain["untouched"] = dict.fromkeys(tests, 0.0)
    return tests, gain


def matrix_like(rng, tests, rows):
    return {row: {test: float(rng.uniform(-0.2, 0.95)) for test in tests} for row in rows}


def verdict(ask, name, *arguments):
    answer = ask(CALL, name=name, arguments=list(arguments))
    if not isinstance(answer, bool):
        raise WrongAnswer("the returned value is neither True nor False")
    return answer


@step("specialist-wins-check", 1, "specialist_wins in other matrices")
def specialist_wins(ask, rng):
    for _ in range(6):
        tests, gain = matrix(rng)
        for test in tests:
            for top in (
                test,
                str(rng.choice([row for row in gain if row not in (test, "untouched")])),
                "clean",
            ):
                high = max(row[test] for row in gain.values())
                gain[top][test] = high + float(rng.uniform(0.01, 0.3))
                gain[str(rng.choice([row for row in gain if row not in (top, "untouched")]))][
                    test
                ] = -2 * gain[top][test]
                if verdict(ask, "specialist_wins", gain, test) is not (top == test):
                    raise WrongAnswer("it returns the wrong truth value for another matrix")


@step("transfer-check", 1, "transfer in other matrices")
def transfer(ask, rng):
    for _ in range(4):
        tests, gain = matrix(rng)
        for test in tests:
            gain[test][test] = float(rng.uniform(0.3, 0.95))
        for test in tests:
            for training in gain:
                right = gain[training][test] / gain[test][test]
                close(number(ask(CALL, name="transfer", arguments=[gain, training, test])), right)


def judge_generalises(ask, rng, references):
    for kind in rng.permutation(
        ["every", "but own", "one lost", "one tie", "all but one lost"] * 4
    ):
        tests, gain = matrix(rng)
        reference = str(rng.choice(references(tests)))
        training = str(
            rng.choice([row for row in gain if row not in (reference, "untouched", "clean")])
        )
        foreign = [test for test in tests if test != training]
        lost = {
            "every": [],
            "but own": [training],
            "one lost": [str(rng.choice(foreign))],
            "one tie": [str(rng.choice(foreign))],
            "all but one lost": foreign[1:],
        }[str(kind)]
        for test in tests:
            step = float(
                rng.uniform(0.01, 0.3) * (10 if kind == "one lost" and test not in lost else 1)
            )
            gain[training][test] = gain[reference][test] + (
                step if test not in lost else 0 if kind == "one tie" else -step
            )
        if verdict(ask, "generalises", gain, training, reference) is not (
            kind in ("every", "but own")
        ):
            raise WrongAnswer("it returns the wrong truth value for another matrix")


@step("generalises-check", 1, "generalises, compared with doing nothing")
def generalises_untouched(ask, rng):
    judge_generalises(ask, rng, lambda tests: ["untouched"])
    for margin in (0.1, -0.1):  # clean training has no test of its own
        tests, gain = matrix(rng)
        gain["clean"] = {test: 0.3 for test in tests} | {tests[-1]: margin}
        if verdict(ask, "generalises", gain, "clean", "untouched") is not (margin > 0):
            raise WrongAnswer("it returns the wrong truth value for clean training")


@step("generalises-check", 1, "generalises, compared with other rows")
def generalises_others(ask, rng):
    judge_generalises(ask, rng, lambda tests: ["clean"])
    judge_generalises(ask, rng, lambda tests: ["clean", *tests])


def choices(tests, gain):
    """(by regret, by mean, by the worst gain) and the smallest two largest regrets."""
    names, table = list(gain), np.array([[row[test] for test in tests] for row in gain.values()])
    regret = (table.max(0) - table).max(1)
    return [
        names[i] for i in (regret.argmin(), table.mean(1).argmax(), table.min(1).argmax())
    ], np.diff(np.sort(regret)[:2])[0]


def judge_generalist(ask, rng, misled):
    done = 0
    while done < 5:
        tests, gain = matrix(rng)
        (right, mean, worst), gap = choices(tests, gain)
        if gap < 1e-3 or right == (mean if misled == "mean" else worst):
            continue
        if ask(CALL, name="generalist", arguments=[gain]) != right:
            raise WrongAnswer("it returns the wrong row for another matrix")
        done += 1


@step("generalist-check", 1, "generalist, if another row has the best mean")
def generalist_mean(ask, rng):
    judge_generalist(ask, rng, "mean")


@step("generalist-check", 1, "generalist, if another row has the largest worst gain")
def generalist_worst(ask, rng):
    judge_generalist(ask, rng, "worst")


@step("asymmetry-check", 1, "asymmetry in other matrices")
def asymmetry(ask, rng):
    for turn in range(4):
        tests, gain = matrix(rng)
        a, b = (str(name) for name in rng.permutation(tests)[:2])
        row, test = ((a, b), ("clean", b), (b, a), ("clean", a))[turn]
        gain[row][test] = -float(rng.uniform(0.1, 0.5))  # a gain may be a loss
        right = (gain[a][b] - gain["clean"][b]) - (gain[b][a] - gain["clean"][a])
        close(number(ask(CALL, name="asymmetry", arguments=[gain, a, b])), right)


@step("settled-check", 1, "settled for other runs")
def settled(ask, rng):
    for turn, kind in enumerate(["first", "second", "one otherwise", "one tie", "ties"] * 6):
        count = int(rng.integers(3, 7))
        tests, _ = matrix(rng)
        runs = [matrix_like(rng, tests, ("clean", *tests)) for _ in range(count)]
        a, b = (str(name) for name in rng.permutation(["clean", *tests])[:2])
        test = str(rng.choice(tests))
        signs = np.full(
            count,
            rng.choice([-1, 1])
            if kind not in ("first", "second")
            else 1
            if kind == "first"
            else -1,
        )
        signs = 0 * signs if kind == "ties" else signs
        odd = (0, -1, rng.integers(count))[turn % 3]
        signs[odd] *= {"one otherwise": -1, "one tie": 0}.get(str(kind), 1)
        for sign, gain in zip(signs, runs):
            gain[a][test] = gain[b][test] + float(sign * rng.uniform(0.01, 0.2))
        if verdict(ask, "settled", runs, a, b, test) is not (kind in ("first", "second")):
            raise WrongAnswer("it returns the wrong truth value for other runs")
