# Right answers to solutions/l1_and_kl, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: active
def active(z, fraction):
    from aecourse.metrics.sparsity import active as above

    top = torch.linalg.vector_norm(z, float("inf"), dim=0)
    return above(z / top.where(top > 0, 1), fraction)


# %% library: population
def population(on):
    return metrics.population_sparsity(on.float(), 0.5)


# %% library: lifetime
def lifetime(on):
    return metrics.lifetime_sparsity(on.float(), 0.5)


# %% library: hoyer
def hoyer(z):
    ratio = torch.linalg.vector_norm(z, 1, dim=1) / torch.linalg.vector_norm(z, 2, dim=1)
    root = z.shape[1] ** 0.5
    return (root - torch.nan_to_num(ratio, nan=1.0)) / (root - 1)


# %% library: match
def match(measure, target, low, high, calls=8, tolerance=0.1):
    import math

    from scipy.optimize import bisect

    class Done(Exception):
        pass

    seen = {}

    def gap(u):
        if u not in seen:
            if len(seen) == calls:
                raise Done(None)
            seen[u] = measure(math.exp(u))
            if len(seen) > 2 and abs(seen[u] - target) <= tolerance * target:
                raise Done(math.exp(u))
        return seen[u] - target

    try:
        bisect(gap, math.log(low), math.log(high))
    except Done as done:
        return done.args[0]
    except ValueError:
        return None


# %% library: watch
def watch(objective, look, every, notes):
    import functools
    import itertools

    numbers = itertools.count()

    @functools.wraps(objective)
    def watched(model, x, generator):
        terms, number = objective(model, x, generator), next(numbers)
        if not number % every:
            notes.append((number, torch.no_grad()(look)(model)))
        return terms

    return watched


# %% library: arrival
def arrival(steps, values, share=0.9, last=3):
    import numpy as np

    v = np.array(values, float)
    end = v[-last:].mean()
    if end == v[0]:
        return None
    below = np.flatnonzero((v - v[0]) / (end - v[0]) < share)
    return None if below[-1] == len(v) - 1 else steps[int(below[-1]) + 1]


# %% library: levels
def levels(z, rho):
    import statistics

    m = z.abs().mean(dim=0).tolist()
    return {
        "dead": metrics.dead_units(z),
        "spread": statistics.pstdev(m) / statistics.fmean(m),
        "miss": statistics.fmean(abs(one - rho) for one in m),
    }


# %% library: redundancy
def redundancy(features):
    from sklearn.metrics.pairwise import cosine_similarity

    cosines = cosine_similarity(features.cpu().double().numpy())
    cosines[range(len(cosines)), range(len(cosines))] = -float("inf")
    return cosines.max(axis=1).mean()


# %% library: nearest
def nearest(z, labels, z_test, labels_test):
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    a, la, b, lb = (t.cpu().numpy() for t in (z.double(), labels, z_test.double(), labels_test))
    return make_pipeline(StandardScaler(), NearestCentroid()).fit(a, la).score(b, lb)


# %% library: settled
def settled(differences):
    mean, low, high = interval(differences)
    signs = torch.sign(torch.tensor(differences, dtype=torch.float64)).unique()
    return len(signs) == 1 and not low <= 0 <= high


# %% library: winner
def winner(table, measure, higher, decided):
    import operator
    import statistics

    first, second = table
    differences = list(map(operator.sub, table[first][measure], table[second][measure]))
    if decided(differences):
        return (max if higher else min)(
            table, key=lambda name: statistics.fmean(table[name][measure])
        )
    return "open"


# %% library: agree
def agree(winners):
    import collections

    votes = collections.Counter(name for name in winners.values() if name != "open")
    return len(votes) == 1


# %% loops: active
def active(z, fraction):
    rows, k = z.tolist(), z.shape[1]
    tops = [0.0] * k
    for row in rows:
        for j in range(k):
            tops[j] = max(tops[j], abs(row[j]))
    on = [[abs(row[j]) > fraction * tops[j] for j in range(k)] for row in rows]
    return torch.tensor(on, device=z.device)


# %% loops: population
def population(on):
    shares = []
    for row in on:
        shares.append(sum(1 for speaks in row.tolist() if speaks) / len(row))
    return torch.tensor(shares)


# %% loops: lifetime
def lifetime(on):
    shares = torch.zeros(on.shape[1])
    for row in on.tolist():
        for j, speaks in enumerate(row):
            if speaks:
                shares[j] += 1
    return shares / len(on)


# %% loops: hoyer
def hoyer(z):
    values = []
    for row in z.tolist():
        one = sum(abs(a) for a in row)
        two = sum(a * a for a in row) ** 0.5
        k = len(row)
        values.append(1.0 if one == 0 else (k**0.5 - one / two) / (k**0.5 - 1))
    return torch.tensor(values, dtype=z.dtype)


# %% loops: match
def match(measure, target, low, high, calls=8, tolerance=0.1):
    import math

    a, b = math.log10(low), math.log10(high)
    va = measure(low)
    vb = measure(high)
    if va <= target <= vb:
        rising = True
    elif va >= target >= vb:
        rising = False
    else:
        return None
    used = 2
    while used < calls:
        c = (a + b) / 2
        vc = measure(10**c)
        used += 1
        if target * (1 - tolerance) <= vc <= target * (1 + tolerance):
            return 10**c
        if rising:
            if vc < target:
                a = c
            else:
                b = c
        else:
            if vc > target:
                a = c
            else:
                b = c


# %% loops: watch
def watch(objective, look, every, notes):
    count = [0]
    due = [0]

    def watched(model, x, generator):
        if count[0] == due[0]:
            was = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            notes.append((count[0], look(model)))
            torch.set_grad_enabled(was)
            due[0] += every
        count[0] += 1
        return objective(model, x, generator)

    return watched


# %% loops: arrival
def arrival(steps, values, share=0.9, last=3):
    end = 0.0
    for value in values[len(values) - last :]:
        end += value / last
    span = end - values[0]
    if span == 0:
        return None
    for i in range(len(values)):
        stays = True
        for value in values[i:]:
            if (value - values[0]) / span < share:
                stays = False
        if stays:
            return steps[i]
    return None


# %% loops: levels
def levels(z, rho):
    n, k = z.shape
    means, dead = [], 0
    for j in range(k):
        column = [abs(a) for a in z[:, j].tolist()]
        if max(column) == 0:
            dead += 1
        means.append(sum(column) / n)
    average = sum(means) / k
    square = sum((m - average) ** 2 for m in means) / k
    return {
        "dead": dead,
        "spread": square**0.5 / average,
        "miss": sum(abs(m - rho) for m in means) / k,
    }


# %% loops: redundancy
def redundancy(features):
    total = 0.0
    for i, a in enumerate(features):
        best = None
        for j, b in enumerate(features):
            if i != j:
                cosine = float(a @ b / (a.norm() * b.norm()))
                best = cosine if best is None else max(best, cosine)
        total += best
    return total / len(features)


# %% loops: nearest
def nearest(z, labels, z_test, labels_test):
    mean, deviation = z.mean(0), z.std(0, correction=0)
    scale = torch.ones_like(deviation)
    for j in range(len(deviation)):
        if deviation[j] > 0:
            scale[j] = 1 / deviation[j]
    centres = []
    for c in labels.unique():
        centres.append(((z[labels == c] - mean) * scale).mean(0))
    right = 0
    for row, label in zip((z_test - mean) * scale, labels_test):
        distances = [(row - centre).square().sum() for centre in centres]
        right += int(torch.stack(distances).argmin() == label)
    return right / len(z_test)


# %% loops: settled
def settled(differences):
    mean, low, high = interval(differences)
    positive = negative = 0
    for difference in differences:
        if difference > 0:
            positive += 1
        if difference < 0:
            negative += 1
    if positive == len(differences) and low > 0:
        return True
    if negative == len(differences) and high < 0:
        return True
    return False


# %% loops: winner
def winner(table, measure, higher, decided):
    names = list(table)
    differences = []
    for i in range(len(table[names[0]][measure])):
        differences.append(table[names[1]][measure][i] - table[names[0]][measure][i])
    if not decided(differences):
        return "open"
    total = sum(differences)
    if higher:
        return names[1] if total > 0 else names[0]
    return names[0] if total > 0 else names[1]


# %% loops: agree
def agree(winners):
    said = None
    for name in winners.values():
        if name == "open":
            continue
        if said is not None and name != said:
            return False
        said = name
    return said is not None


# %% formulas: active
def active(z, fraction):
    return z.abs() / z.abs().max(dim=0).values > fraction


# %% formulas: population
def population(on):
    return on.sum(dim=1) / on.shape[1]


# %% formulas: lifetime
def lifetime(on):
    return torch.ones(len(on), dtype=torch.float64, device=on.device) @ on.double() / len(on)


# %% formulas: hoyer
def hoyer(z):
    length = (z * z).sum(1, keepdim=True).sqrt()
    size = (z / length).abs().sum(1)
    h = 1 - (size - 1) / (torch.tensor(z.shape[1]).sqrt() - 1)
    h[z.count_nonzero(1) == 0] = 1
    return h


# %% formulas: match
def match(measure, target, low, high, calls=8, tolerance=0.1):
    def weight(t):
        return low * (high / low) ** t

    ends = measure(weight(0)) - target, measure(weight(1)) - target
    if ends[0] * ends[1] > 0:
        return None
    t, width = 0.0, 1.0
    for _ in range(calls - 2):
        width /= 2
        gap = measure(weight(t + width)) - target
        if abs(gap) <= tolerance * target:
            return weight(t + width)
        t += width * (gap * ends[0] > 0)
    return None


# %% formulas: watch
class Watched:
    def __init__(self, objective, look, every, notes):
        self.objective, self.look, self.every, self.notes, self.step = (
            objective,
            look,
            every,
            notes,
            -1,
        )

    def __call__(self, model, x, generator):
        self.step += 1
        if self.step // self.every * self.every == self.step:
            self.note(model)
        return self.objective(model, x, generator)

    @torch.no_grad()
    def note(self, model):
        self.notes.extend([(self.step, self.look(model))])


def watch(objective, look, every, notes):
    return Watched(objective, look, every, notes)


# %% formulas: arrival
def arrival(steps, values, share=0.9, last=3):
    v = torch.tensor(values, dtype=torch.float64)
    way = (v - v[0]) / (v[-last:].mean() - v[0])
    worst = way.flip(0).cummin(0).values.flip(0)  # the least way from here on
    if not worst.isfinite().all():
        return None
    late = (worst >= share).nonzero().flatten().tolist()
    return steps[late[0]] if late else None


# %% formulas: levels
def levels(z, rho):
    m = z.abs().double().mean(0)
    return {
        "dead": (m == 0).sum(),
        "spread": (m.square().mean() / m.mean().square() - 1).sqrt(),
        "miss": (m - rho).norm(p=1) / len(m),
    }


# %% formulas: redundancy
def redundancy(features):
    f = features / features.square().sum(1, keepdim=True).sqrt()
    distances = (f[:, None] - f).square().sum(2)  # 2 - 2 cos
    distances += 10 * torch.eye(len(f), dtype=f.dtype, device=f.device)
    return 1 - distances.min(1).values.mean() / 2


# %% formulas: nearest
def nearest(z, labels, z_test, labels_test):
    keep = z.std(0) > 0
    mean, deviation = z[:, keep].mean(0), z[:, keep].std(0)
    a, b = (z[:, keep] - mean) / deviation, (z_test[:, keep] - mean) / deviation
    one_hot = F.one_hot(labels).to(a.dtype)
    centres = one_hot.T @ a / one_hot.sum(0)[:, None]
    score = b @ centres.T - centres.square().sum(1) / 2
    return (score.argmax(1) == labels_test).double().mean().item()


# %% formulas: settled
def settled(differences):
    from scipy.stats import t

    d = torch.tensor([float(one) for one in differences], dtype=torch.float64)
    ratio = d.mean().abs() * len(d) ** 0.5
    return bool(d.sign().sum().abs() == len(d)) and float(ratio) > t.ppf(0.975, len(d) - 1) * float(
        d.std()
    )


# %% formulas: winner
def winner(table, measure, higher, decided):
    (first, a), (second, b) = [(name, row[measure]) for name, row in table.items()]
    sign = 1 if higher else -1
    differences = [sign * (x - y) for x, y in zip(a, b)]
    if decided(differences):
        return first if sum(differences) > 0 else second
    return "open"


# %% formulas: agree
def agree(winners):
    names = list(winners.values())
    voters = len(names) - names.count("open")
    return voters > 0 and any(names.count(name) == voters for name in names if name != "open")
