"""The oracle of `sparsity_weight`: secret inputs, and values that are computed independently of
the answers, from the formulas of the text.
"""

import functools

import numpy as np

from grader import oracle
from grader.oracle import CALL, PAPER, WrongAnswer, close, number, numbers, single

STEPS = []
step = functools.partial(oracle.step, STEPS)
RHO = 0.05  # as the exercise has it
FAMILIES = ["l1", "kl", "topk", "group", "entropy", "student"]


def log_mean(a):
    """ln of the mean of sigmoid(a) over the batch: (B, k) -> (k,)."""
    logs = -np.logaddexp(0, -a)
    top = logs.max(0)
    return top + np.log(np.exp(logs - top).mean(0))


def coins(a, rho):
    """KL from rho to the mean activation, summed over units, and its gradient: (B, k) -> (), (B,
    k).
    """
    a = a.astype(float)
    on, off = log_mean(a), log_mean(-a)
    value = (rho * (np.log(rho) - on) + (1 - rho) * (np.log(1 - rho) - off)).sum()
    s, rest = np.exp(-np.logaddexp(0, -a)), np.exp(-np.logaddexp(0, a))  # sigmoid, and one minus it
    share_on, share_off = (
        np.exp(-np.logaddexp(0, sign * a) - whole) / len(a) for sign, whole in ((-1, on), (1, off))
    )
    return value, -rho * share_on * rest + (1 - rho) * share_off * s


# --- 1. Penalties --------------------------------------------------------------------------------

VALUE = """
def probe(name, first, rest):
    import torch
    first.requires_grad_()
    value = globals()[name](first, *rest)
    carries = isinstance(value, torch.Tensor) and value.requires_grad
    return value, torch.autograd.grad(value, first)[0] if carries else None
"""


def asked(ask, name, first, *rest):
    answer = ask(VALUE, name=name, first=first, rest=list(rest))
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise WrongAnswer(f"{name} did not return a single value with a gradient")
    return answer


def pulls(slope, right, rtol=1e-4):
    if slope is None:
        raise WrongAnswer(
            "the value carries no gradient: .item(), .detach(), float() or numpy cuts it off"
        )
    close(slope, right, "its gradient, computed by autograd,", rtol)


@step("l1-check", 1, "l1 of other codes")
def l1(ask, rng):
    z = single(rng.normal(0, 1, rng.integers(3, 9, 2)))
    value, slope = asked(ask, "l1", z)
    close(value, abs(z).mean(), "the value")
    pulls(slope, np.sign(z) / z.size)


@step("kl-check", 1, "kl_sparsity at ordinary logits")
def kl(ask, rng):
    a, rho = single(rng.normal(-1, 2, rng.integers(3, 9, 2))), float(rng.uniform(0.02, 0.6))
    value, slope = asked(ask, "kl_sparsity", a, rho)
    right, gradient = coins(a, rho)
    close(value, right, "the value")
    pulls(slope, gradient)


def far(rng):
    """Logits of units that are off, on, or nearly off for every sample, in any order."""
    samples = int(rng.integers(3, 7))
    size = rng.uniform(760, 1000, (samples, 5)) * rng.permutation([-1, 1, -1, 1, -1])
    size[int(rng.integers(samples)), int(rng.integers(5))] = -40
    return single(size), float(rng.uniform(0.02, 0.3))


@step("kl-check", 1, "kl_sparsity, the value for units that are always off or on")
def kl_far(ask, rng):
    a, rho = far(rng)
    value, _ = asked(ask, "kl_sparsity", a, rho)
    close(value, coins(a, rho)[0], "the value")


@step("kl-check", 1, "kl_sparsity, the gradient for units that are always off or on")
def kl_far_slope(ask, rng):
    a, rho = far(rng)
    _, slope = asked(ask, "kl_sparsity", a, rho)
    pulls(slope, coins(a, rho)[1], 2e-3)


@step("kl-slope-check", 1, "kl_slope at other means and targets")
def kl_slope(ask, rng):
    mean, rho = single(rng.uniform(0.02, 0.95, rng.integers(4, 9))), float(rng.uniform(0.02, 0.6))
    right = (1 - rho) / (1 - mean.astype(float)) - rho / mean.astype(float)
    close(ask(PAPER, name="kl_slope", arguments=[mean, rho]), right, atol=1e-4)


# --- 2. The loophole -----------------------------------------------------------------------------


def pair(rng):
    """A code and a decoder whose columns have very different lengths: (B, k), (d, k)."""
    samples, pixels, units = rng.integers(3, 9, 3)
    lengths = rng.uniform(0.2, 5, units)
    return single(rng.normal(0, 1, (samples, units))), single(
        rng.normal(0, 1, (pixels, units)) * lengths
    )


@step("cheat-check", 1, "cheat, with other codes, decoders and factors")
def cheat(ask, rng):
    for factor in rng.uniform(1.5, 40, 3):
        z, weight = pair(rng)
        answer = ask(CALL, name="cheat", arguments=[z, weight, float(factor)])
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise WrongAnswer("it does not return two tensors, a code and the weights of a decoder")
        small, large = numbers(answer[0], "the code"), numbers(answer[1], "the decoder")
        if small.shape != z.shape or large.shape != weight.shape:
            raise WrongAnswer("the code or the decoder has changed its shape")
        close(small @ large.T, z.astype(float) @ weight.T, "the images", atol=1e-4)
        close(abs(small).mean(), abs(z).mean() / factor, "the L1 penalty")


SCALE_FREE = """
def probe(z, weight):
    import torch
    weight.requires_grad_(), z.requires_grad_()
    value = scale_free_l1(z, weight)
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return value, None, None
    slopes = torch.autograd.grad(value, (z, weight), allow_unused=True)
    return (value, *slopes)
"""


@step("scale-free-check", 1, "scale_free_l1, its value")
def scale_free(ask, rng):
    z, weight = pair(rng)
    value, *_ = ask(SCALE_FREE, z=z, weight=weight)
    close(
        value,
        (abs(z.astype(float)) * np.sqrt((weight.astype(float) ** 2).sum(0))).mean(),
        "the value",
    )


@step("scale-free-check", 1, "scale_free_l1, its gradients with respect to code and decoder")
def scale_free_slopes(ask, rng):
    z, weight = pair(rng)
    _, of_code, of_decoder = ask(SCALE_FREE, z=z, weight=weight)
    lengths = np.sqrt((weight.astype(float) ** 2).sum(0))
    pulls(of_code, np.sign(z) * lengths / z.size)
    pulls(of_decoder, abs(z).sum(0) / z.size * weight / lengths)


# --- 3. The sweep --------------------------------------------------------------------------------

OBJECTIVE = """
def probe(family, weight, logits, decoder, x):
    import torch

    class Drawn(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = torch.nn.Parameter(logits)

        def forward(self, flat):
            return self.logits

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            activation = torch.nn.ReLU() if family == "l1" else torch.nn.Sigmoid()
            self.encoder = torch.nn.Sequential(Drawn(), activation)
            self.decoder = torch.nn.Sequential(torch.nn.Linear(*decoder.T.shape, bias=False))
            self.decoder[0].weight.data = decoder
            self.output = torch.nn.Identity()
            self.latent_dim, self.shape = logits.shape[1], x.shape[1:]

        def encode(self, x):
            return self.encoder(x.flatten(1))

        def logits(self, z):
            return self.decoder(z).view(x.shape)

        def decode(self, z):
            return self.output(self.logits(z))

        def forward(self, x):
            z = self.encode(x)
            return self.decode(z), z

    model = Model()
    value = sum(objective(family, weight)(model, x, torch.Generator()).values())
    return (value, *torch.autograd.grad(value, (model.encoder[0].logits, model.decoder[0].weight)))
"""


def judge_objective(ask, rng, family, logits=None):
    shape = (*rng.integers(3, 7, 1), 1, *rng.integers(3, 7, 2))
    a = single(rng.normal(0, 2, (shape[0], int(rng.integers(3, 6))))) if logits is None else logits
    shape = (len(a), *shape[1:])
    x, weight = (
        single(rng.uniform(0, 1, shape)),
        float(rng.choice([0.03, 0.4, 7]) * rng.uniform(0.5, 1.5)),
    )
    decoder = single(rng.normal(0, 0.5, (x[0].size, a.shape[1])))
    value, of_logits, of_decoder = ask(
        OBJECTIVE, family=family, weight=weight, logits=a, decoder=decoder, x=x
    )
    wide = a.astype(float)
    z = np.maximum(wide, 0) if family == "l1" else np.exp(-np.logaddexp(0, -wide))
    slope = (wide > 0) * 1.0 if family == "l1" else z * np.exp(-np.logaddexp(0, wide))
    penalty, of_penalty = (z.mean(), slope / z.size) if family == "l1" else coins(a, RHO)
    gap = z @ decoder.T.astype(float) - x.reshape(len(x), -1)
    close(value, np.mean(gap**2) + weight * penalty, "the loss")
    close(
        of_logits,
        2 * gap @ decoder / gap.size * slope + weight * of_penalty,
        "the gradient with respect to the logits of the code",
        2e-3,
        1e-5,
    )
    close(
        of_decoder, 2 * gap.T @ z / gap.size, "the gradient with respect to the decoder", 1e-3, 1e-5
    )


@step("objective-l1-check", 1, "objective('l1', weight) of another network, with other weights")
def objective_l1(ask, rng):
    for _ in range(2):
        judge_objective(ask, rng, "l1")


@step("objective-kl-check", 1, "objective('kl', weight) of another network, with other weights")
def objective_kl(ask, rng):
    for _ in range(2):
        judge_objective(ask, rng, "kl")


@step("objective-kl-check", 1, "objective('kl', weight) for units that are always off or on")
def objective_kl_far(ask, rng):
    judge_objective(ask, rng, "kl", far(rng)[0])


SWEEP = """
def probe(grids, seeds):
    def run(family, weight, seed):
        return [family, weight, seed]

    return sweep(run, grids, seeds)
"""


def swept(ask, rng):
    """Other grids, whose families share weights; the seeds; and what was returned."""
    weights = [float(w) for w in rng.permutation([0.003, 0.02, 0.5, 4.0, 30.0])]
    names = [str(name) for name in rng.permutation(FAMILIES)[:3]]
    grids = {
        names[0]: tuple(weights[:2]),
        names[1]: tuple(weights[1:4]),
        names[2]: tuple(weights[3:]),
    }
    seeds = [int(seed) for seed in rng.permutation(50)[: rng.integers(2, 5)]]
    made = ask(SWEEP, grids=grids, seeds=tuple(seeds))
    if not isinstance(made, dict):
        raise WrongAnswer("sweep did not return a dictionary")
    return [(name, weight) for name in grids for weight in grids[name]], seeds, made


@step("sweep-check", 1, "sweep, the settings of other grids")
def sweep(ask, rng):
    settings, _, made = swept(ask, rng)
    if set(made) != set(settings):
        raise WrongAnswer("the keys are not all pairs (family, weight) of `grids`")


@step("sweep-check", 1, "sweep, the runs of each setting")
def sweep_runs(ask, rng):
    settings, seeds, made = swept(ask, rng)
    for setting in settings:
        if setting not in made:
            raise WrongAnswer("some pairs (family, weight) of `grids` are missing from the keys")
        if not isinstance(made[setting], (list, tuple)) or list(made[setting]) != [
            [*setting, seed] for seed in seeds
        ]:
            raise WrongAnswer(
                "the value of a setting is not the list of its runs, one for each seed in order"
            )


# --- 4. Measures ---------------------------------------------------------------------------------


def judge_active(ask, z, share):
    top = abs(z).max(0)
    near = abs(abs(z) - share * top) < 1e-4 * top  # too close to call in float32
    z = np.where(near, 0, z).astype(np.float32)
    close(
        single(numbers_or_truths(ask(CALL, name="active", arguments=[z, share]))),
        abs(z) > share * abs(z).max(0),
    )


def numbers_or_truths(value):
    """An array of numbers, of truth values that are given as such."""
    array = np.asarray(value)
    return array.astype(float) if array.dtype.kind == "b" else numbers(value)


@step("active-check", 1, "active of other codes without negative values")
def active(ask, rng):
    shape = (int(rng.integers(6, 12)), int(rng.integers(4, 9)))
    z, share = np.maximum(rng.normal(0.5, 1, shape), 0), float(rng.uniform(0.1, 0.4))
    dead, grey, low = rng.permutation(shape[1])[:3]
    z[:, dead] = 0
    z[:, grey] = rng.uniform(5, 6, shape[0])
    z[:, low] = rng.uniform(0.5, 1, shape[0])
    z[rng.integers(shape[0]), low] = (
        0.97 * share * np.sort(z[:, low])[-2]
    )  # never zero, and silent once
    z *= 10 ** rng.uniform(-6, 2, shape[1])
    judge_active(ask, single(z), share)


@step("active-check", 1, "active of codes with both signs")
def active_signs(ask, rng):
    shape = (int(rng.integers(6, 12)), int(rng.integers(4, 9)))
    z = rng.normal(0, 1, shape) * 10 ** rng.uniform(-6, 2, shape[1])
    z[rng.integers(shape[0])] = -5 * abs(z).max(0)
    judge_active(ask, single(z), float(rng.uniform(0.05, 0.4)))


SPARSITY = """
def probe(on):
    return tuple(sparsity(on.bool()))
"""


def spoken(ask, rng):
    """Truth values with dead units and units that are always on, and what was returned."""
    samples, units = int(rng.integers(6, 12)), int(rng.integers(7, 14))
    on = rng.random((samples, units)) < rng.uniform(0.2, 0.7, units)
    order = rng.permutation(units)
    dead = int(rng.integers(2, 4))
    on[:, order[:dead]], on[:, order[dead]] = False, True
    answer = ask(SPARSITY, on=on)
    if not isinstance(answer, tuple) or len(answer) != 3:
        raise WrongAnswer(
            "sparsity must return three values: population, lifetime and the number of dead units"
        )
    return on, answer


@step("sparsity-check", 1, "sparsity, the two shares of another table")
def shares(ask, rng):
    on, answer = spoken(ask, rng)
    close(answer[0], on.mean(1), "the population sparsity")
    close(answer[1], on.mean(0), "the lifetime sparsity")


@step("sparsity-check", 1, "sparsity, the number of dead units")
def dead(ask, rng):
    on, answer = spoken(ask, rng)
    close(number(answer[2], "the number of dead units"), (~on.any(0)).sum())


FEATURES = """
def probe(shape, hidden, units, weights):
    import torch
    model = Autoencoder(shape=tuple(shape), hidden=tuple(hidden), latent_dim=units)
    with torch.no_grad():
        for parameter, weight in zip(model.decoder.parameters(), weights):
            parameter.copy_(weight)
    return features(model)
"""


@step("features-check", 1, "features of a deeper decoder")
def features(ask, rng):
    shape = [int(n) for n in rng.integers(2, 6, 3)]
    hidden = [int(rng.integers(4, 9))]
    units = int(rng.integers(3, 6))
    widths = [units, *hidden, int(np.prod(shape))]
    weights = [
        single(rng.normal(0, 1, size))
        for n, m in zip(widths, widths[1:])
        for size in ((m, n), (m,))
    ]

    def drawn(z):
        z = np.maximum(z @ weights[0].T.astype(float) + weights[1], 0) @ weights[2].T + weights[3]
        return 1 / (1 + np.exp(-z))

    right = drawn(np.eye(units)) - drawn(np.zeros((1, units)))
    close(
        ask(FEATURES, shape=shape, hidden=hidden, units=units, weights=weights),
        right.reshape(units, *shape),
        atol=1e-5,
    )


def judge_spread(ask, rng, v):
    strength = v.astype(float).reshape(len(v), -1) ** 2
    close(ask(CALL, name="spread", arguments=[v]), strength.sum(1) ** 2 / (strength**2).sum(1))


@step("spread-check", 1, "spread of other features, at any scale, some with few pixels")
def spread(ask, rng):
    judge_spread(
        ask, rng, single(rng.normal(0, 1, (*rng.integers(3, 7, 1), 1, *rng.integers(4, 9, 2))))
    )
    v = rng.normal(0, 1, (5, 3, *rng.integers(4, 9, 2)))
    v[1:3][rng.random(v[1:3].shape) < 0.8] = 0
    v[:, 0, 0, 0] = 1
    judge_spread(ask, rng, single(v * 10 ** rng.uniform(-2, 2, (5, 1, 1, 1))))


def judge_likeness(ask, rng, v, u):
    rows, others = (batch.astype(float).reshape(len(batch), -1) for batch in (v, u))
    cosines = [
        [row @ other / np.sqrt((row @ row) * (other @ other)) for other in others] for row in rows
    ]
    close(ask(CALL, name="likeness", arguments=[v, u]), np.max(cosines, 1), atol=1e-5)


def drawn(rng, count, size):
    return single(
        (rng.normal(0, 1, (count, *size)) + 0.3) * 10 ** rng.uniform(-1.5, 1.5, (count, 1, 1, 1))
    )


@step("likeness-check", 1, "likeness of other features and images")
def likeness(ask, rng):
    size = (1, *rng.integers(3, 7, 2))
    judge_likeness(
        ask,
        rng,
        drawn(rng, int(rng.integers(3, 6)), size),
        drawn(rng, int(rng.integers(6, 12)), size),
    )


@step("likeness-check", 1, "likeness of negatives and of colour images")
def likeness_negatives(ask, rng):
    size = (3, *rng.integers(3, 7, 2))
    u = drawn(rng, int(rng.integers(3, 6)), size)
    v = single(np.concatenate([-u[:2] * 3, drawn(rng, 3, size)])[rng.permutation(5)])
    judge_likeness(ask, rng, v, u)


# --- 5. Decisions --------------------------------------------------------------------------------


def settings(rng, count):
    """Names of settings, pairs of a family and a weight."""
    pairs = [(name, weight) for name in FAMILIES for weight in (0.003, 0.1, 2.0, 30.0)]
    return [pairs[i] for i in rng.permutation(len(pairs))[:count]]


def made_up(rng, ties=False):
    """A table; with `ties` its values lie on a coarse grid, so that some are equal, and one row has
    a twin.
    """
    names = settings(rng, int(rng.integers(6, 12)))
    draw = (
        (lambda: float(rng.integers(1, 6)) / 5) if ties else (lambda: float(rng.uniform(0.02, 1)))
    )
    table = {
        name: {
            "error": draw(),
            "active": draw(),
            "dead": float(rng.integers(64)),
            "spread": float(rng.uniform(20, 200)),
        }
        for name in names
    }
    if ties:
        table[names[0]] = dict(table[names[1]])
    return table


NAMES = """
def probe(name, arguments):
    return list(globals()[name](*arguments))
"""


def same_settings(seen, right):
    if not isinstance(seen, list) or sorted(map(repr, seen)) != sorted(map(repr, right)):
        raise WrongAnswer("it returns the wrong settings for another table")


@step("collapsed-check", 1, "collapsed in other tables, at other limits")
def collapsed(ask, rng):
    for _ in range(4):
        table = made_up(rng)
        limit = float(rng.choice([row["error"] for row in table.values()]))
        right = [name for name in table if table[name]["error"] >= limit]
        same_settings(ask(NAMES, name="collapsed", arguments=[table, limit]), right)


def judge_pareto(ask, rng, ties):
    for turn in range(6):
        table = made_up(rng, ties)
        if ties and not turn:
            table = dict(list(table.items())[:1])
        point = np.array([(row["error"], row["active"]) for row in table.values()])
        no_worse = (point[:, None] <= point).all(2)  # [i, j]: i is no worse than j
        beaten = (no_worse & ~no_worse.T).any(0)
        same_settings(
            ask(NAMES, name="pareto", arguments=[table]),
            [name for name, lost in zip(table, beaten) if not lost],
        )


@step("pareto-check", 1, "pareto, in other tables")
def pareto(ask, rng):
    judge_pareto(ask, rng, False)


@step("pareto-check", 1, "pareto, in tables with equal values")
def pareto_ties(ask, rng):
    judge_pareto(ask, rng, True)


def judge_sparsest(ask, rng, prices):
    for price in prices:
        table = made_up(rng)
        errors, shares = (
            np.array([row[key] for row in table.values()]) for key in ("error", "active")
        )
        limit = (1 + price) * errors.min()
        fair = (errors <= limit) | (errors == errors.min())
        if (abs(errors / limit - 1)[errors > errors.min()] < 1e-6).any():
            continue  # too close to call
        right = list(table)[np.where(fair, shares, np.inf).argmin()]
        if ask(CALL, name="sparsest_within", arguments=[table, float(price)]) != right:
            raise WrongAnswer("it returns the wrong setting for another table")


@step("sparsest-check", 1, "sparsest_within, at other prices")
def sparsest(ask, rng):
    judge_sparsest(ask, rng, rng.uniform(0.5, 5, 8))


@step("sparsest-check", 1, "sparsest_within at price 0 and at a very large price")
def sparsest_ends(ask, rng):
    judge_sparsest(ask, rng, [0, 1000, 0, 1000, 0, 1000])


def judge_trend(ask, rng, draw):
    for _ in range(6):
        values = [float(value) for value in draw(int(rng.integers(2, 8)))]
        gaps = np.subtract.outer(values, values)[np.tril_indices(len(values), -1)]
        close(number(ask(CALL, name="trend", arguments=[values])), np.sign(gaps).mean())


@step("trend-check", 1, "trend of other values, some of them equal")
def trend(ask, rng):
    judge_trend(ask, rng, lambda n: np.exp(2 * rng.normal(0, 1, n)))
    judge_trend(ask, rng, lambda n: rng.integers(0, 3, n))
