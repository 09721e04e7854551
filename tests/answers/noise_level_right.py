# Right answers to solutions/noise_level, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: gaussian
def gaussian(x, sigma, generator):
    return corruption.gaussian(x, sigma, generator)


# %% library: clipped-black
def clipped_black(sigma):
    from scipy import stats

    upper = stats.norm.pdf(0)
    return upper * sigma, (0.5 - upper**2) * sigma**2


# %% library: denoising
def denoising(sigma):
    from aecourse.objectives import denoising as ready

    return ready(lambda x, generator: corruption.gaussian(x, sigma, generator))


# %% library: train-all
def train_all(make, levels, seeds, steps=STEPS):
    models = {level: [] for level in levels}
    for seed in seeds:
        for level in levels:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                model = Autoencoder((1, 28, 28), (), 64)
            fit(
                model,
                data=images.train,
                objective=make(level),
                seed=seed,
                lr=LR,
                batch_size=BATCH,
                steps=steps,
                progress=False,
            )
            models[level].append(model)
    return models


# %% library: tabulate
def tabulate(models, noisy, clean, measure):
    import statistics

    table = {}
    for trained in models:
        table[trained] = {}
        for tested in noisy:
            with torch.inference_mode():
                table[trained][tested] = statistics.mean(
                    measure(model(noisy[tested])[0], clean).mean().item()
                    for model in models[trained]
                )
    return table


# %% library: floors
def floors(train, noisy, clean):
    return {
        "nothing": {level: F.mse_loss(x, clean) for level, x in noisy.items()},
        "linear": {
            level: F.mse_loss(LinearDenoiser(train).gaussian(level)(x).clamp(0, 1), clean)
            for level, x in noisy.items()
        },
    }


# %% library: left
def left(errors, nothing):
    import operator

    return {
        a: dict(zip(row, map(operator.truediv, row.values(), map(nothing.get, row))))
        for a, row in errors.items()
    }


# %% library: probe
def linear_probe(codes, labels, new_codes, new_labels):
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import LabelBinarizer

    wanted = F.one_hot(labels).cpu().numpy()
    model = LinearRegression().fit(codes.cpu().double().numpy(), wanted)
    return float(
        (
            model.predict(new_codes.cpu().double().numpy()).argmax(1) == new_labels.cpu().numpy()
        ).mean()
    )


# %% library: best-for
import numpy as np


def best_for(errors):
    trained, tested = np.array(list(errors)), list(next(iter(errors.values())))
    table = np.array([[errors[a][b] for b in tested] for a in errors])
    return dict(zip(tested, trained[table.argmin(axis=0)]))


# %% library: regrets
def regrets(errors):
    import numpy as np

    tested = list(next(iter(errors.values())))
    table = np.array([[errors[a][b] for b in tested] for a in errors])
    return {a: dict(zip(tested, row.tolist())) for a, row in zip(errors, table / table.min(axis=0))}


# %% library: one-for-all
def one_for_all(table):
    import numpy as np

    return list(table)[np.argmin([np.max(list(row.values())) for row in table.values()])]


# %% library: high-on-low
def high_on_low(errors, nothing):
    high, low = sorted(errors)[-1], sorted(nothing)[0]
    return errors[high][low] < nothing[low], errors[high][low] / errors[low][low]


# %% library: on-diagonal
def on_diagonal(errors):
    import numpy as np

    tested = sorted(next(iter(errors.values())))
    table = np.array([[errors[a][b] for b in tested] for a in sorted(errors)])
    return np.isclose(np.array(sorted(errors))[table.argmin(axis=0)], tested).sum()


# %% loops: gaussian
def gaussian(x, sigma, generator):
    noisy = x.clone()
    for i in range(len(x)):
        noisy[i] = x[i] + sigma * torch.randn(x[i].shape, generator=generator, device=x.device)
    return noisy


# %% loops: clipped-black
def clipped_black(sigma):
    n, step = 20000, 12 * sigma / 20000
    mean = square = 0
    for i in range(n):
        value = (i + 0.5) * step
        density = math.exp(-(value**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
        mean += value * density * step
        square += value**2 * density * step
    return mean, square - mean**2


# %% loops: denoising
def denoising(sigma):
    def objective(model, x, generator):
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        out = model(x + sigma * noise)
        total = 0
        for a, b in zip(out[0], x):
            total = total + ((a - b) ** 2).mean()
        return {"clean against cleaned": total / len(x)}

    return objective


# %% loops: train-all
def train_all(make, levels, seeds, steps=STEPS):
    result = {}
    for level in reversed(list(levels)):
        runs = {}
        for seed in reversed(list(seeds)):
            torch.random.manual_seed(seed)
            network = Autoencoder(latent_dim=64, hidden=[])
            history = fit(
                network, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed
            )
            assert len(history.steps) == steps
            runs[seed] = network
        result[level] = [runs[seed] for seed in seeds]
    return result


# %% loops: tabulate
def tabulate(models, noisy, clean, measure):
    table = {}
    for trained, runs in models.items():
        table[trained] = {}
        for tested, x in noisy.items():
            total = 0
            for model in runs:
                for i in range(len(clean)):
                    with torch.no_grad():
                        x_hat, _ = model(x)
                    total += float(measure(x_hat, clean).mean())
                    break
            table[trained][tested] = total / len(runs)
    return table


# %% loops: floors
def floors(train, noisy, clean):
    nothing, linear = {}, {}
    for level in noisy:
        total = straight = 0
        denoiser = LinearDenoiser(train)
        denoiser.gaussian(level)
        for i in range(len(clean)):
            cleaned = denoiser(noisy[level][i : i + 1])
            cleaned[cleaned < 0] = 0
            cleaned[cleaned > 1] = 1
            total += ((cleaned - clean[i : i + 1]) ** 2).mean().item()
            straight += ((noisy[level][i] - clean[i]) ** 2).mean().item()
        nothing[level], linear[level] = straight / len(clean), total / len(clean)
    return {"linear": linear, "nothing": nothing}


# %% loops: left
def left(errors, nothing):
    table = {}
    for trained in errors:
        table[trained] = {}
        for tested in errors[trained]:
            table[trained][tested] = errors[trained][tested] / nothing[tested]
    return table


# %% loops: probe
def linear_probe(codes, labels, new_codes, new_labels):
    mean = codes.double().mean(0)
    a, b = codes.double() - mean, new_codes.double() - mean
    best, classes = None, None
    for k in range(int(labels.max()) + 1):
        y = (labels == k).double()
        m = torch.linalg.solve(a.T @ a, a.T @ (y - y.mean()))
        score = b @ m + y.mean()
        if best is None:
            best, classes = score, torch.zeros_like(new_labels)
        else:
            classes = torch.where(score > best, torch.full_like(classes, k), classes)
            best = torch.maximum(score, best)
    right = 0
    for guess, label in zip(classes.tolist(), new_labels.tolist()):
        right += guess == label
    return right / len(new_labels)


# %% loops: best-for
def best_for(errors):
    best = {}
    for trained, row in errors.items():
        for tested, error in row.items():
            if tested not in best or error < errors[best[tested]][tested]:
                best[tested] = trained
    return best


# %% loops: regrets
def regrets(errors):
    table = {}
    for a in errors:
        table[a] = {}
        for b in errors[a]:
            worst = 0
            for other in errors:
                worst = max(worst, errors[a][b] / errors[other][b])
            table[a][b] = worst
    return table


# %% loops: one-for-all
def one_for_all(table):
    choice, lowest = None, math.inf
    for trained, row in table.items():
        worst = 0
        for regret in row.values():
            if regret > worst:
                worst = regret
        if worst < lowest:
            choice, lowest = trained, worst
    return choice


# %% loops: high-on-low
def high_on_low(errors, nothing):
    high = low = None
    for trained in errors:
        if high is None or trained > high:
            high = trained
    for tested in nothing:
        if low is None or tested < low:
            low = tested
    if errors[high][low] < nothing[low]:
        helps = True
    else:
        helps = False
    return [helps, errors[high][low] / errors[low][low]]


# %% loops: on-diagonal
def on_diagonal(errors):
    count = 0
    for tested in errors[0.0] if 0.0 in errors else list(errors.values())[0]:
        beaten = False
        for trained in errors:
            if errors[trained][tested] < errors[tested][tested]:
                beaten = True
        if not beaten:
            count += 1
    return count


# %% formulas: gaussian
def gaussian(x, sigma, generator):
    u, v = torch.rand((2, *x.shape), generator=generator, device=x.device).clamp(min=1e-12)
    return x + sigma * (-2 * u.log()).sqrt() * (2 * math.pi * v).cos()


# %% formulas: clipped-black
def clipped_black(sigma):
    s = torch.tensor(sigma, dtype=torch.float64)
    return s / (2 * torch.pi) ** 0.5, s**2 * (torch.pi - 1) / (2 * torch.pi)


# %% formulas: denoising
def denoising(sigma):
    class Objective:
        def __call__(self, model, x, generator):
            noisy = (
                torch.normal(0.0, 1.0, x.shape, generator=generator, device=x.device)
                .mul(sigma)
                .add(x)
            )
            r = (model.decode(model.encode(noisy)) - x).flatten()
            return {"error": r @ r / r.numel()}

    return Objective()


# %% formulas: train-all
def train_all(make, levels, seeds, steps=STEPS):
    import copy

    fresh = {}
    for seed in seeds:
        torch.manual_seed(seed)
        fresh[seed] = Autoencoder(hidden=(), latent_dim=64)

    def run(level, seed):
        model = copy.deepcopy(fresh[seed])
        fit(
            model,
            images.train,
            lambda m, x, g: make(level)(m, x, g),
            steps=steps,
            batch_size=BATCH,
            lr=LR,
            seed=seed,
        )
        return copy.deepcopy(model)

    return dict((level, tuple(run(level, seed) for seed in seeds)) for level in levels)


# %% formulas: tabulate
def tabulate(models, noisy, clean, measure):
    def entry(runs, x):
        return torch.stack([measure(model(x)[0].detach(), clean).mean() for model in runs]).mean()

    return {a: {b: entry(runs, x).double() for b, x in noisy.items()} for a, runs in models.items()}


# %% formulas: floors
def floors(train, noisy, clean):
    rows = train.flatten(1).double()
    mean = rows.mean(0)
    values, axes = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))

    def cleaned(x, level):
        shrunk = (x.flatten(1).double() - mean) @ axes * (values / (values + level**2))
        return (mean + shrunk @ axes.T).clamp(0, 1)

    def error(x):
        return (x.flatten(1) - clean.flatten(1)).square().mean()

    return {
        "nothing": {b: error(x) for b, x in noisy.items()},
        "linear": {b: error(cleaned(x, b)) for b, x in noisy.items()},
    }


# %% formulas: left
def left(errors, nothing):
    return {
        a: {b: math.exp(math.log(row[b]) - math.log(nothing[b])) for b in nothing}
        for a, row in errors.items()
    }


# %% formulas: probe
def linear_probe(codes, labels, new_codes, new_labels):
    def rows(z):
        return F.pad(z.double(), (0, 1), value=1.0)

    y = (labels[:, None] == torch.arange(int(labels.max()) + 1, device=labels.device)).double()
    guesses = (rows(new_codes) @ torch.linalg.pinv(rows(codes)) @ y).argmax(1)
    return (guesses == new_labels).sum() / len(new_labels)


# %% formulas: best-for
def best_for(errors):
    tests = list(list(errors.values())[0])
    table = torch.tensor([[row[b] for b in tests] for row in errors.values()], dtype=torch.float64)
    return {b: list(errors)[int(i)] for b, i in zip(tests, table.argmin(0))}


# %% formulas: regrets
def regrets(errors):
    tests = list(list(errors.values())[0])
    table = torch.tensor([[row[b] for b in tests] for row in errors.values()], dtype=torch.float64)
    table = (table.log() - table.log().amin(0)).exp()
    return {a: dict(zip(tests, values.tolist())) for a, values in zip(errors, table)}


# %% formulas: one-for-all
def one_for_all(table):
    return sorted(table, key=lambda a: sorted(table[a].values(), reverse=True))[0]


# %% formulas: high-on-low
def high_on_low(errors, nothing):
    high, low = max(errors.keys()), min(min(row) for row in errors.values())
    gain = math.log(errors[high][low]) - math.log(nothing[low])
    return gain < 0, math.exp(math.log(errors[high][low]) - math.log(errors[low][low]))


# %% formulas: on-diagonal
def on_diagonal(errors):
    tests = set.intersection(*(set(row) for row in errors.values()))
    return len([b for b in tests if sorted(errors, key=lambda a: errors[a][b])[0] == b])
