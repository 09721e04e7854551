"""The oracle of `l1_and_kl`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.
"""

import functools

import numpy as np
from scipy.stats import t as student

from grader import oracle
from grader.oracle import CALL, WrongAnswer, close, number, numbers, single

STEPS = []
step = functools.partial(oracle.step, STEPS)

TRUTH = """
def probe(name, arguments):
    said = globals()[name](*arguments)
    return said.item() if hasattr(said, "item") else said
"""


def until(make, good, tries=2000):
    """The first of `make()` that is `good`, so that no input is at a decision boundary and none
    hides a common mistake.
    """
    for _ in range(tries):
        made = make()
        if good(made):
            return made
    raise RuntimeError("no input of the required kind was found")


# --- 1. Measures ---------------------------------------------------------------------------------


def codes(rng, dead):
    """A code with units of very different scale, activations of both signs, zeros, and `dead` units
    that are zero throughout.
    """
    n, k = int(rng.integers(5, 12)), int(rng.integers(4, 9))
    z = rng.normal(0, 1, (n, k)) * (rng.random((n, k)) < 0.7) * 10 ** rng.uniform(-2, 2, k)
    z[0, 0], z[1, 0] = -9, 1  # a unit whose largest activation is negative
    z[:, rng.permutation(np.arange(1, k))[:dead]] = 0
    return single(z)


def judge_active(ask, rng, dead):
    for _ in range(3):
        f = float(rng.uniform(0.15, 0.7))

        def margin(z):
            size, top = abs(z), abs(z).max(0)
            return (abs(size - f * top) > 1e-4 * top)[:, top > 0].all()

        z = until(lambda: codes(rng, dead), margin)
        close(
            single(numbers_of(ask(CALL, name="active", arguments=[z, f]))),
            abs(z) > f * abs(z).max(0),
        )


def numbers_of(value):
    """Truth values count as 0 and 1."""
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "b" else numbers(value)


@step("active-check", 1, "active of other codes")
def active(ask, rng):
    judge_active(ask, rng, 0)


@step("active-check", 1, "active of codes with dead units")
def active_dead(ask, rng):
    judge_active(ask, rng, 2)


def judge_share(ask, rng, name, axis):
    for _ in range(2):
        on = rng.random((int(rng.integers(4, 9)), int(rng.integers(10, 15)))) < 0.4
        on[:, 0] = False
        close(ask(CALL, name=name, arguments=[on]), on.mean(axis))


@step("population-check", 1, "population of other tables")
def population(ask, rng):
    judge_share(ask, rng, "population", 1)


@step("lifetime-check", 1, "lifetime of other tables")
def lifetime(ask, rng):
    judge_share(ask, rng, "lifetime", 0)


def hoyer_of(z):
    one = abs(z).sum(1)
    two = np.sqrt((z**2).sum(1))
    root = np.sqrt(z.shape[1])
    return np.where(two > 0, (root - one / np.where(two > 0, two, 1)) / (root - 1), 1.0)


def judge_hoyer(ask, rng, silent):
    z = np.asarray(codes(rng, 1), np.float64) + 0.01
    z[2] = 0
    z[2, 1] = -0.3
    z[rng.permutation(np.arange(3, len(z)))[:silent]] = 0
    close(ask(CALL, name="hoyer", arguments=[z]), hoyer_of(z))


@step("hoyer-check", 1, "hoyer of other codes")
def hoyer(ask, rng):
    judge_hoyer(ask, rng, 0)


@step("hoyer-check", 1, "hoyer of codes with rows of zeros")
def hoyer_silent(ask, rng):
    judge_hoyer(ask, rng, 2)


# --- 2. Matching ---------------------------------------------------------------------------------

MATCH = """
def probe(low, high, floor, height, place, sharp, target, calls, tolerance):
    asked = []

    def measure(weight):
        asked.append(float(weight))
        if len(asked) > 200:
            raise RuntimeError("measure was called 200 times")
        return floor + height / (1 + (float(weight) / place)**sharp)

    found = match(measure, target, low, high, calls, tolerance)
    return None if found is None else float(found), len(asked)
"""


class Curve:
    """A measure that falls (`direction` 1) or rises (-1) all the way from `low` to `high`."""

    def __init__(self, rng, direction, scale):
        self.low, self.high = 10 ** rng.uniform(-5, -3), 10 ** rng.uniform(0, 2)
        self.place = 10 ** rng.uniform(-3, -1)
        self.sharp, self.height = direction * rng.uniform(0.4, 1.0), scale * rng.uniform(0.8, 1.2)
        self.floor = 0.02 * scale * rng.uniform(0.5, 1)

    def at(self, weight):
        return self.floor + self.height / (1 + (weight / self.place) ** self.sharp)

    def tries(self, target, tolerance):
        """Calls that bisection of the logarithms needs, from first to last."""
        low, high = self.low, self.high
        for count in range(3, 40):
            middle = np.sqrt(low * high)
            value = self.at(middle)
            gap = abs(value - target) / (tolerance * target)
            if gap < 1.005:
                return count if gap < 0.995 else 99  # on the edge, rounding would decide
            low, high = (
                (middle, high) if (value > target) == (self.at(low) > target) else (low, middle)
            )
        return 99

    def ask(self, ask, target, calls, tolerance):
        found, count = ask(
            MATCH,
            low=self.low,
            high=self.high,
            floor=self.floor,
            height=self.height,
            place=self.place,
            sharp=self.sharp,
            target=target,
            calls=calls,
            tolerance=tolerance,
        )
        if count > calls:
            raise WrongAnswer("measure was called more often than `calls` allows")
        return found


def judge_match(ask, rng, direction, scale):
    for _ in range(4):
        curve = Curve(rng, direction, scale)
        tolerance = float(rng.uniform(0.03, 0.08))

        def aimed():
            return curve.at(
                10 ** rng.uniform(np.log10(curve.low) + 0.4, np.log10(curve.high) - 0.4)
            )

        target = until(aimed, lambda target: 5 <= curve.tries(target, tolerance) <= 12)
        found = curve.ask(ask, target, curve.tries(target, tolerance), tolerance)
        if found is None:
            raise WrongAnswer(
                "it returned None, although bisection finds a weight within the calls"
            )
        if not curve.low <= number(found) <= curve.high or abs(
            curve.at(found) - target
        ) > tolerance * target * (1 + 1e-6):
            raise WrongAnswer(
                "at the weight that it returned, the value is not within the tolerance"
            )


@step("match-falling-check", 1, "match, shares that fall with the weight")
def match_falling(ask, rng):
    judge_match(ask, rng, 1, 0.5)

    def over():  # the first middle lies a little too high
        curve = Curve(rng, 1, 0.5)
        return curve, curve.at(np.sqrt(curve.low * curve.high)) / 1.26

    curve, target = until(
        over,
        lambda made: (
            made[0].at(made[0].high) < 0.8 * made[1] and made[0].tries(made[1], 0.25) <= 12
        ),
    )
    found = curve.ask(ask, target, 12, 0.25)
    if found is None or abs(curve.at(number(found)) - target) > 0.25 * target * (1 + 1e-6):
        raise WrongAnswer(
            "it returned no match if the value at the first middle is just outside the tolerance"
        )


@step("match-falling-check", 1, "match, large values that fall with the weight")
def match_falling_large(ask, rng):
    judge_match(ask, rng, 1, 300)


@step("match-rising-check", 1, "match, other measures that rise with the weight")
def match_rising(ask, rng):
    judge_match(ask, rng, -1, 0.5)
    judge_match(ask, rng, -1, 300)


@step("match-limits-check", 1, "match, targets that no weight reaches")
def match_outside(ask, rng):
    for direction in (1, -1):
        for above in (True, False):
            curve = Curve(rng, direction, 2)
            ends = curve.at(curve.low), curve.at(curve.high)
            if curve.ask(ask, max(ends) * 1.6 if above else min(ends) / 1.6, 9, 0.05) is not None:
                raise WrongAnswer(
                    "it returned a weight, although the target is not between the "
                    "values at the ends"
                )


@step("match-limits-check", 1, "match, with too few calls")
def match_spent(ask, rng):
    for direction in (1, -1):
        curve, calls = Curve(rng, direction, 2), int(rng.integers(4, 8))
        target = curve.at(10 ** rng.uniform(np.log10(curve.low) + 0.4, np.log10(curve.high) - 0.4))
        found = curve.ask(ask, target, calls, 1e-7)
        if found is not None and abs(curve.at(number(found)) - target) > 1e-6 * target:
            raise WrongAnswer(
                "it returned a weight that is not within the tolerance after using "
                "up the calls; expected None"
            )


# --- 3. Watching ---------------------------------------------------------------------------------

WATCHED = """
def probe(weight, batches, every, seed):
    import torch
    calls, looks = [], []

    def objective(model, x, generator):
        calls.append(1)
        noise = torch.randn(x.shape, generator=generator)
        first = (model(x + noise) - x).square().mean()
        return {"first": first, "second": 0.3 * model(x).abs().mean()}  # each drops out anew

    def look(model):
        looks.append(torch.is_grad_enabled())
        return 1.0

    def run(made):
        linear = torch.nn.Linear(*weight.shape, bias=False)
        model = torch.nn.Sequential(linear, torch.nn.Dropout(0.3))
        model[0].weight = torch.nn.Parameter(weight.clone())
        generator, seen = torch.Generator().manual_seed(seed), []
        torch.manual_seed(seed + 1)
        for x in batches:
            terms = made(model, x, generator)
            value = sum(terms.values())
            slope, = torch.autograd.grad(value, model[0].weight)
            seen.append([sorted(terms), value.detach(), slope])
            with torch.no_grad():
                model[0].weight -= 0.05 * slope
        return seen

    with torch.enable_grad():
        plain = run(objective)
        calls.clear()
        under = run(watch(objective, look, every, []))
    return plain, under, len(calls), looks
"""


@step("watch-training-check", 1, "watch during another training")
def watch_training(ask, rng):
    k, count = int(rng.integers(2, 5)), int(rng.integers(5, 9))
    weight, batches = single(rng.normal(0, 1, (k, k))), single(rng.normal(0, 1, (count, 6, k)))
    plain, under, calls, looks = ask(
        WATCHED, weight=weight, batches=batches, every=2, seed=int(rng.integers(2**31))
    )
    if calls != count:
        raise WrongAnswer("the objective is not called once a step")
    if not looks or any(looks):
        raise WrongAnswer("look was called with gradients enabled, or not at all")
    if len(under) != count:
        raise WrongAnswer("the watched objective did not return its terms in every step")
    for (names, value, slope), (right_names, right_value, right_slope) in zip(under, plain):
        if names != right_names:
            raise WrongAnswer("the terms are not those of the objective")
        close(value, right_value, "the loss of the watched objective")
        close(slope, right_slope, "the gradient of the watched objective")


NOTED = """
def probe(values, everys):
    import torch

    def objective(model, x, generator):
        return {"one": (model.weight * x).sum()}

    def look(model):
        return model.weight.item(), [2.0, "seen"]

    notes, models = [[] for _ in everys], [torch.nn.Linear(1, 1, bias=False) for _ in everys]
    watched = [watch(objective, look, every, kept) for every, kept in zip(everys, notes)]
    for value in values:
        for made, model in zip(watched, models):
            with torch.no_grad():
                model.weight.fill_(value)
            made(model, torch.ones(1, 1), torch.Generator())
    return notes
"""


def noted(ask, rng):
    values = [float(value) for value in single(rng.uniform(-5, 5, int(rng.integers(12, 18))))]
    everys = [int(every) for every in rng.permutation([1, 2, 3, 4, 5])[:2]]
    notes = ask(NOTED, values=values, everys=everys)
    for kept, every in zip(notes, everys):
        if not isinstance(kept, list) or not all(
            isinstance(note, tuple) and len(note) == 2 for note in kept
        ):
            raise WrongAnswer("the notes are not a list of pairs (step, look(model))")
        yield values, every, kept


@step(
    "watch-notes-check",
    1,
    "watch, the recorded steps of two objectives that are called alternately",
)
def watch_steps(ask, rng):
    for values, every, kept in noted(ask, rng):
        if [number(note[0], "a step") for note in kept] != list(range(0, len(values), every)):
            raise WrongAnswer("the recorded steps are not the multiples of `every`")


@step("watch-notes-check", 1, "watch, the recorded values")
def watch_looks(ask, rng):
    for values, every, kept in noted(ask, rng):
        if len(kept) != len(values[::every]):
            raise WrongAnswer("the number of notes is wrong")
        for (_, seen), value in zip(kept, values[::every]):
            if not isinstance(seen, tuple) or len(seen) != 2 or seen[1] != [2.0, "seen"]:
                raise WrongAnswer("a note does not hold what look(model) returned")
            close(seen[0], value, "a recorded value")


def way(values, last):
    values = np.asarray(values, float)
    end = values[-last:].mean()
    return (values - values[0]) / (end - values[0])


def arrived(steps, values, share, last):
    below = np.flatnonzero(way(values, last) < share)
    return None if below[-1] == len(values) - 1 else steps[below[-1] + 1]


def clear(values, share, last):
    """Does no value lie on the line, and does the curve go anywhere?"""
    return (
        abs(np.mean(values[-last:]) - values[0]) > 1e-2
        and (abs(way(values, last) - share) > 1e-4).all()
    )


def judge_arrival(ask, steps, values, right, *more):
    answer = ask(CALL, name="arrival", arguments=[steps, values, *more])
    if (answer is None) != (right is None):
        raise WrongAnswer(
            "it returned None for a curve that arrives"
            if answer is None
            else "it returned a step for a curve that never arrives; expected None"
        )
    if right is not None and number(answer) != right:
        raise WrongAnswer("it returned the wrong step for another curve")


def grid(rng, count):
    return [int(at) for at in np.cumsum(rng.integers(2, 9, count)) - 2]


@step("arrival-smooth-check", 1, "arrival of other smooth curves")
def arrival_smooth(ask, rng):
    for direction in (1, -1, 1, -1):
        count = int(rng.integers(14, 25))

        def curve():
            rate, start = rng.uniform(2.5, 5), direction * rng.uniform(0.5, 3)
            return [
                float(value)
                for value in start
                + direction
                * rng.uniform(2, 4)
                * (1 - np.exp(-rate * np.arange(count) / count * 1.5))
            ]

        values, steps = until(curve, lambda values: clear(values, 0.9, 3)), grid(rng, count)
        judge_arrival(ask, steps, values, arrived(steps, values, 0.9, 3))


@step("arrival-noisy-check", 1, "arrival of noisy curves, with other values of share and last")
def arrival_noisy(ask, rng):
    for k in range(8):
        count = int(rng.integers(20, 30))
        share = float(rng.uniform(0.5, 0.8))
        last = int(rng.integers(4, 7))
        if k < 2:
            share, last = 0.9, 3
        steps, size = grid(rng, count), 0.3 if k >= 2 else 0.08

        def curve():
            smooth = 1 - np.exp(-6 * np.arange(count) / count)
            values = smooth + rng.normal(0, size / 2, count) * (np.arange(count) > 0)
            values[-1] += size * 1.5  # the last value is an outlier
            values[2] += 1  # and one at the start crosses the line
            return [float(value) for value in 2 + rng.choice([-1, 1]) * 3 * values]

        def telling(values):
            if not clear(values, share, last):
                return False
            right = arrived(steps, values, share, last)
            return right not in (None, steps[2]) and right != arrived(steps, values, share, 1)

        values = until(curve, telling)
        judge_arrival(ask, steps, values, arrived(steps, values, share, last), share, last)


@step("arrival-noisy-check", 1, "arrival of curves that never arrive")
def arrival_none(ask, rng):
    for _ in range(3):
        count = int(rng.integers(8, 14))
        values = [float(value) for value in np.linspace(rng.uniform(1, 2), 5, count)]
        values[-1] = values[0] + 0.3 * (values[-2] - values[0])
        judge_arrival(ask, grid(rng, count), values, None)
        values = [0.0, *(float(value) for value in rng.uniform(1, 4, count)), 0.0, 0.0, 0.0]
        judge_arrival(ask, grid(rng, count + 4), values, None)


# --- 4. Levels and features ----------------------------------------------------------------------


def judged_levels(ask, rng):
    for _ in range(3):
        n, k = int(rng.integers(5, 9)), int(rng.integers(9, 14))
        z = rng.normal(0.3, 1, (n, k)) * (rng.random((n, k)) < 0.6) * rng.uniform(0.1, 2, k)
        z[0, :4], z[1, :4] = 0.7, 0.2  # no image is silent; these units are alive
        z[:, 4 : 4 + int(rng.integers(1, 4))] = 0
        z, rho = single(z), float(rng.uniform(0.1, 0.5))
        answer = ask(CALL, name="levels", arguments=[z, rho])
        if not isinstance(answer, dict) or set(answer) != {"dead", "spread", "miss"}:
            raise WrongAnswer(
                "levels did not return a dictionary with the keys 'dead', 'spread' and 'miss'"
            )
        yield answer, abs(z.astype(float)).mean(0), rho


@step("levels-check", 1, "levels, 'dead' and 'spread' of other codes")
def levels_units(ask, rng):
    for answer, means, _ in judged_levels(ask, rng):
        close(number(answer["dead"], "'dead'"), (means == 0).sum(), "'dead'")
        close(number(answer["spread"], "'spread'"), means.std() / means.mean(), "'spread'")


@step("levels-check", 1, "levels, 'miss' of other codes")
def levels_miss(ask, rng):
    for answer, means, rho in judged_levels(ask, rng):
        close(number(answer["miss"], "'miss'"), abs(means - rho).mean(), "'miss'")


@step("redundancy-check", 1, "redundancy of other features, some of them opposite")
def redundancy(ask, rng):
    for k, d in ((int(rng.integers(4, 8)), int(rng.integers(9, 14))), (2, 5)):
        features = rng.normal(0, 1, (k, d)) * 10 ** rng.uniform(-1, 1, (k, 1))
        features[1] = -features[0] * rng.uniform(0.5, 3) + 0.1 * features[1]
        features = single(features)
        unit = features / np.linalg.norm(features.astype(float), axis=1, keepdims=True)
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, -np.inf)
        close(number(ask(CALL, name="redundancy", arguments=[features])), cosines.max(1).mean())


def reader(train, labels, test, own=False, plain=False, middle=np.mean):
    """(guesses, margins) of the nearest class centre."""
    mean, deviation = train.mean(0), train.std(0)
    of_test = (test.mean(0), test.std(0)) if own else (mean, deviation)
    if plain:
        mean, deviation = of_test = np.zeros_like(mean), np.ones_like(mean)
    a, b = (train - mean) / deviation, (test - of_test[0]) / of_test[1]
    centres = np.stack([middle(a[labels == c], 0) for c in range(labels.max() + 1)])
    far = ((b[:, None] - centres) ** 2).sum(2)
    two = np.sort(far, 1)[:, :2]
    return far.argmin(1), (two[:, 1] - two[:, 0]).min()


def judge_nearest(ask, rng, dead):
    classes = int(rng.integers(3, 6))
    k = int(rng.integers(3, 6))
    n = int(rng.integers(70, 90))
    m = int(rng.integers(50, 65))

    def make():
        labels, labels_test = (
            rng.permutation(np.arange(n) % classes),
            rng.permutation(np.arange(m) % classes),
        )
        centres = rng.normal(0, 1.5, (classes, k))
        scale = 10 ** rng.uniform(-1.5, 1.5, k)
        shift = rng.normal(0, 0.6, k)
        z, z_test = (
            centres[labels] + rng.gamma(0.4, 2.5, (n, k)),
            centres[labels_test] + shift + rng.gamma(0.4, 2.5, (m, k)),
        )
        return single(1 + z * scale), labels, single(1 + z_test * scale), labels_test

    def accuracy(guesses, labels):
        return round(float((guesses == labels).mean()), 6)

    def telling(made):
        z, labels, z_test, labels_test = (
            array.astype(float) if array.dtype == np.float32 else array for array in made
        )
        guesses, margin = reader(z, labels, z_test)
        right = accuracy(guesses, labels_test)
        others = [
            accuracy(reader(z, labels, z_test, **slip)[0], labels_test)
            for slip in ({"own": True}, {"plain": True}, {"middle": np.median})
        ]
        others += [
            accuracy(reader(z_test, labels_test, z_test)[0], labels_test),
            accuracy(reader(z, labels, z)[0], labels),
            1 - right,
        ]
        others += [accuracy(np.full(m, c), labels_test) for c in range(classes)]
        return margin > 0.01 and right not in others

    z, labels, z_test, labels_test = made = until(make, telling)
    guesses, _ = reader(z.astype(float), labels, z_test.astype(float))
    if dead:
        made = np.pad(z, ((0, 0), (1, 1))), labels, np.pad(z_test, ((0, 0), (1, 1))), labels_test
    close(number(ask(CALL, name="nearest", arguments=list(made))), (guesses == labels_test).mean())


@step("nearest-check", 1, "nearest of other codes")
def nearest(ask, rng):
    judge_nearest(ask, rng, dead=False)


@step("nearest-check", 1, "nearest of codes with dead units")
def nearest_dead(ask, rng):
    judge_nearest(ask, rng, dead=True)


# --- 5. Decisions --------------------------------------------------------------------------------


def bounds(differences):
    d = np.asarray(differences)
    half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - half, d.mean() + half


def judge_settled(ask, rng, kinds):
    for kind in rng.permutation(kinds * 2):
        sign, scale = rng.choice([-1, 1]), 10 ** rng.uniform(-3, 1)

        def make():
            count = 3 if kind in ("sure", "wide", "mixed") else int(rng.integers(10, 14))
            d = rng.uniform(0.9, 1.1, count)
            if kind == "sure":  # by 95 %, and not by 99 %
                d = 1 + rng.uniform(0.22, 0.36) * np.array([-1, 0, 1])
            if kind == "wide":  # not by 95 %, and by 80 %
                d = 1 + rng.uniform(0.48, 0.8) * np.array([-1, 0, 1])
            if kind == "mixed":
                d = rng.normal(0, 1, 3)
            if kind == "opposite":
                d[rng.integers(count)] = -0.05
            if kind == "none":
                d[rng.integers(count)] = 0
            return [float(value) for value in sign * scale * rng.permutation(d)]

        def telling(d):
            low, high = bounds(d)
            outside = low > 0.01 * scale or high < -0.01 * scale
            within = low < -0.01 * scale and high > 0.01 * scale
            return {
                "sure": outside,
                "many": outside,
                "opposite": outside,
                "none": outside,
                "wide": within,
                "mixed": within and min(d) < 0 < max(d),
            }[kind]

        answer = ask(TRUTH, name="settled", arguments=[until(make, telling)])
        if answer is not (kind in ("sure", "many")):
            raise WrongAnswer("it returns the wrong truth value for other differences")


@step("settled-check", 1, "settled, on three other seeds")
def settled_three(ask, rng):
    judge_settled(ask, rng, ["sure", "wide", "mixed"])
    for sign in (1, -1):
        if (
            ask(TRUTH, name="settled", arguments=[[sign * 0.001, sign * 0.3, sign * 2.0]])
            is not False
        ):
            raise WrongAnswer(
                "it is True for differences of one sign whose interval contains 0; expected False"
            )
        if (
            ask(
                TRUTH, name="settled", arguments=[[sign * value for value in (0.02, 0.021, 0.0195)]]
            )
            is not True
        ):
            raise WrongAnswer(
                "it is not True for differences of one sign whose interval excludes 0"
            )
    if ask(TRUTH, name="settled", arguments=[[0.0, 0.0, 0.0]]) is not False:
        raise WrongAnswer("it is True for differences of 0; expected False")


@step("settled-check", 1, "settled, on many seeds")
def settled_many(ask, rng):
    judge_settled(ask, rng, ["many", "opposite", "none"])
    for sign in (1, -1):
        if (
            ask(
                TRUTH,
                name="settled",
                arguments=[
                    [sign * value for value in (1, 1.1, 0.9, 1.05, 0.95, 1, 1.1, 0.9, -0.05)]
                ],
            )
            is not False
        ):
            raise WrongAnswer(
                "it is True although one difference has the opposite sign; expected False"
            )


WINNER = """
def probe(table, measure, higher, line):
    seen = []

    def decided(differences):
        seen.append(sorted(abs(float(d)) for d in differences))
        return min(seen[-1]) > line

    return winner(table, measure, higher, decided), seen
"""


def judge_winner(ask, rng, kinds):
    for kind in kinds:
        names = [str(name) for name in rng.permutation(["L1", "KL", "top-k", "dense", "gated"])[:2]]
        measures = [
            str(name) for name in rng.permutation(["error", "accuracy", "redundancy", "spread"])[:3]
        ]
        count = int(rng.integers(3, 7))

        def make():
            return {
                name: {
                    key: [float(value) for value in rng.uniform(0, 9, count)] for key in measures
                }
                for name in names
            }

        def gaps(table):
            return np.subtract(*(table[name][measures[0]] for name in names))

        def telling(table):
            first, second = (np.sort(table[name][measures[0]]) for name in names)
            return (
                abs(gaps(table).sum()) > 0.5
                and abs(gaps(table)).min() > 0.3
                and abs(abs(first - second).min() - abs(gaps(table)).min()) > 0.1
            )

        table, higher = until(make, telling), bool(rng.integers(2))
        least = abs(gaps(table)).min()
        answer, seen = ask(
            WINNER,
            table=table,
            measure=measures[0],
            higher=higher,
            line=least - 0.05 if kind == "sure" else least + 0.05,
        )
        if not seen:
            raise WrongAnswer("decided was not called")
        close(
            seen[-1],
            sorted(abs(gaps(table))),
            "the absolute value of the differences passed to decided",
        )
        better = names[0] if (gaps(table).sum() > 0) == higher else names[1]
        if answer != (better if kind == "sure" else "open"):
            raise WrongAnswer("it does not return the better code, or 'open', in another table")


@step("winner-check", 1, "winner in other tables, all decided")
def winner(ask, rng):
    judge_winner(ask, rng, ["sure"] * 8)


@step("winner-check", 1, "winner in other tables, decided or open")
def winner_open(ask, rng):
    judge_winner(ask, rng, ["sure", "open"] * 4)


@step("agree-check", 1, "agree, with other winners")
def agree(ask, rng):
    for kind in rng.permutation(
        ["same", "same and open", "one and open", "two", "two and open", "open"] * 3
    ):
        first, second = (str(name) for name in rng.permutation(["L1", "KL", "top-k", "dense"])[:2])
        votes = {
            "same": [first] * 4,
            "same and open": [first, first, "open", "open"],
            "one and open": ["open", "open", first],
            "two": [first, first, first, second],
            "two and open": [first, "open", second],
            "open": ["open"] * 3,
        }[str(kind)]
        keys = rng.permutation(["error", "accuracy", "redundancy", "spread", "life"])
        winners = {str(key): str(vote) for key, vote in zip(keys, rng.permutation(votes))}
        if ask(TRUTH, name="agree", arguments=[winners]) is not (
            kind in ("same", "same and open", "one and open")
        ):
            raise WrongAnswer("it returns the wrong truth value for other winners")
