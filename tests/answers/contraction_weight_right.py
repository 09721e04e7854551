# Right answers to solutions/contraction_weight, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: jacobian
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x)


# %% library: sigmoid
def sigmoid_penalty(h, weight):
    return regularizers.contractive_penalty_of_sigmoid_layer(h, weight)


# %% library: probe
def probe_penalty(encode, x, generator):
    return regularizers.contractive_penalty_by_probes(encode, x, generator)


# %% library: gamed
def gamed(encode, decode, c):
    return lambda x: encode(x).div(c), lambda z: decode(z.mul(c))


# %% library: sensitivity
def sensitivity(encode, x):
    return metrics.sensitivity(encode, x)


# %% library: objective
def objective(weight):
    from aecourse.objectives import contractive

    return contractive(weight)


# %% library: train
def train(objective, seed, steps=STEPS):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Autoencoder((1, 28, 28), (), 64, code_activation="sigmoid")
    fit(
        model,
        data=images.train,
        objective=objective,
        seed=seed,
        lr=LR,
        batch_size=BATCH,
        steps=steps,
        progress=False,
    )
    return model


# %% library: tabulate
def tabulate(models, x):
    import statistics

    table = {}
    for weight in models:
        columns = {"error": [], "penalty": [], "sensitivity": []}
        for model in models[weight]:
            columns["error"].append(F.mse_loss(model(x)[0], x).item())
            columns["penalty"].append(
                regularizers.contractive_penalty_of_mlp(model.encoder, x).item()
            )
            columns["sensitivity"].append(
                columns["penalty"][-1] / metrics.code_variance(model.encode(x)).item()
            )
        table[weight] = {key: statistics.mean(values) for key, values in columns.items()}
    return table


# %% library: drift
def drift(noisy, z):
    return ((noisy - z).pow(2).sum(1).mean() / torch.pdist(z).pow(2).mean()).sqrt()


# %% library: nearest
def nearest_accuracy(z, labels, known, known_labels):
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(1, algorithm="brute").fit(known.numpy(), known_labels.numpy())
    return classifier.score(z.numpy(), labels.numpy())


# %% library: pareto
def pareto(table, cost):
    import numpy as np

    rows = np.array([[row["error"], row[cost]] for row in table.values()])
    smaller = (rows[:, None] <= rows).all(-1) & (rows[:, None] < rows).any(
        -1
    )  # [a, b]: a dominates b
    return [weight for weight, out in zip(table, smaller.any(0)) if not out]


# %% library: best-at
def best_at(table, rate, cost):
    return sorted(table.items(), key=lambda item: item[1]["error"] + rate * item[1][cost])[0][0]


# %% library: within
def largest_within(table, percent):
    return max(
        filter(
            lambda weight: 100 * (table[weight]["error"] / table[0]["error"] - 1) <= percent, table
        )
    )


# %% library: order
def same_order(table, first, second):
    from scipy.stats import kendalltau

    return bool(
        kendalltau(
            [row[first] for row in table.values()], [row[second] for row in table.values()]
        ).statistic
        > 0.999
    )


# %% loops: jacobian
def jacobian_penalty(encode, x):
    total = 0
    for picture in x:
        rows = torch.autograd.functional.jacobian(
            lambda one: encode(one[None])[0], picture, create_graph=True
        )
        for row in rows:
            total = total + (row**2).sum()
    return total / x.shape[0]


# %% loops: sigmoid
def sigmoid_penalty(h, weight):
    total = 0
    for code in h:
        for j, unit in enumerate(code):
            slope = unit - unit**2
            for w in weight[j]:
                total = total + (slope * w) ** 2
    return total / len(h)


# %% loops: probe
def probe_penalty(encode, x, generator):
    x = x.clone().requires_grad_(True)
    z = encode(x)
    signs = 2.0 * (torch.rand(z.shape, generator=generator, device=z.device) < 0.5) - 1
    gradient = torch.autograd.grad((signs * z).sum(), x, create_graph=True)[0]
    total = 0
    for one in gradient:
        total = total + (one**2).sum()
    return total / len(x)


# %% loops: gamed
def gamed(encode, decode, c):
    def small(x):
        z = encode(x)
        return torch.stack([row / c for row in z])

    def large(z):
        return decode(torch.stack([row * c for row in z]))

    return [small, large]


# %% loops: sensitivity
def sensitivity(encode, x):
    z = encode(x)
    variance = 0
    for j in range(z.shape[1]):
        variance = variance + ((z[:, j] - z[:, j].mean()) ** 2).mean()
    return jacobian_penalty(encode, x) / variance


# %% loops: objective
def objective(weight):
    def compute(model, x, generator):
        h = model.encode(x)
        W = model.encoder[0][0].weight
        omega = 0
        for j in range(h.shape[1]):
            omega = omega + (h[:, j] * (1 - h[:, j])).pow(2).mean() * W[j].pow(2).sum()
        return {"error": ((model.decode(h) - x) ** 2).mean(), "penalty": weight * omega}

    return compute


# %% loops: train
def train(objective, seed, steps=STEPS):
    torch.random.manual_seed(seed)
    model = Autoencoder(latent_dim=64, hidden=[], code_activation="sigmoid")
    history = fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    assert len(history.steps) == steps
    return model


# %% loops: tabulate
def tabulate(models, x):
    table = {}
    for weight in models:
        table[weight] = {"error": 0, "penalty": 0, "sensitivity": 0}
        for model in models[weight]:
            x_hat, z = model(x)
            table[weight]["error"] += ((x_hat - x) ** 2).mean().item() / len(models[weight])
            penalty = (
                sigmoid_penalty(z.double(), model.encoder[0][0].weight.double()).item()
                if len(x) < 9
                else (regularizers.contractive_penalty(model.encoder, x).item())
            )
            spread = sum(((z[:, j] - z[:, j].mean()) ** 2).mean().item() for j in range(z.shape[1]))
            table[weight]["penalty"] += penalty / len(models[weight])
            table[weight]["sensitivity"] += penalty / spread / len(models[weight])
    return table


# %% loops: drift
def drift(noisy, z):
    n = len(z)
    above = sum(((noisy[i] - z[i]) ** 2).sum() for i in range(n)) / n
    below = sum(((z - z[i]) ** 2).sum() for i in range(n)) / (n * n - n)
    return float((above / below) ** 0.5)


# %% loops: nearest
def nearest_accuracy(z, labels, known, known_labels):
    right = 0
    for code, label in zip(z, labels):
        i = int(((known - code) ** 2).sum(1).argmin())
        right += int(known_labels[i] == label)
    return right / len(z)


# %% loops: pareto
def pareto(table, cost):
    front = []
    for a in table:
        dominated = False
        for b in table:
            error, price = table[b]["error"] - table[a]["error"], table[b][cost] - table[a][cost]
            if error <= 0 and price <= 0 and (error < 0 or price < 0):
                dominated = True
        if not dominated:
            front.append(a)
    return front


# %% loops: best-at
def best_at(table, rate, cost):
    best, smallest = None, float("inf")
    for weight, row in table.items():
        total = row["error"] + rate * row[cost]
        if total < smallest:
            best, smallest = weight, total
    return best


# %% loops: within
def largest_within(table, percent):
    largest = 0.0
    for weight in table:
        if (
            weight > largest
            and table[weight]["error"] <= table[0.0]["error"] * (100 + percent) / 100
        ):
            largest = weight
    return largest


# %% loops: order
def same_order(table, first, second):
    for a in table:
        for b in table:
            if (table[a][first] < table[b][first]) != (table[a][second] < table[b][second]):
                return False
    return True


# %% formulas: jacobian
def jacobian_penalty(encode, x):
    z, pull = torch.func.vjp(encode, x)
    units = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    return sum((pull(unit.expand_as(z))[0] ** 2).sum() for unit in units) / len(x)


# %% formulas: sigmoid
def sigmoid_penalty(h, weight):
    variance = (0.25 - (h - 0.5) ** 2) ** 2
    return torch.einsum("bk,kd,kd->", variance, weight, weight) / h.shape[0]


# %% formulas: probe
def probe_penalty(encode, x, generator):
    # from the side of the pixels: the mean of |J u|^2 is the same
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.zeros_like(z, requires_grad=True)
    (pulled,) = torch.autograd.grad(z, x, v, create_graph=True)
    u = torch.randn(x.shape, generator=generator, device=x.device)
    (moved,) = torch.autograd.grad(pulled, v, u, create_graph=True)
    return moved.square().sum(1).mean()


# %% formulas: gamed
class Small(torch.nn.Module):
    def __init__(self, encode, c):
        super().__init__()
        self.inner, self.c = encode, c

    def forward(self, x):
        return self.inner(x) * self.c


def gamed(encode, decode, c):
    return Small(
        encode, 1 / c
    ), lambda z: Small(lambda y: y, c)(z) if decode is None else decode(Small(lambda y: y, c)(z))


# %% formulas: sensitivity
def sensitivity(encode, x):
    z = encode(x)
    centred = z - z.mean(0)
    return regularizers.contractive_penalty(encode, x, "sum") / torch.trace(centred.T @ centred)


# %% formulas: objective
def objective(weight):
    def compute(model, x, generator):
        return {
            "loss of both": losses.mse(model(x)[0], x)
            + weight * regularizers.contractive_penalty(model.encoder, x)
        }

    return compute


# %% formulas: train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    shape = tuple(images.train.shape[1:])
    model = Autoencoder(shape=shape, hidden=(), latent_dim=64, code_activation="sigmoid").to(
        images.train.device
    )
    fit(
        model,
        images.train,
        lambda m, x, g: objective(m, x, g),
        steps=steps,
        batch_size=BATCH,
        lr=LR,
        seed=seed,
    )
    return model.eval()


# %% formulas: tabulate
def tabulate(models, x):
    def one(model):
        rows = x.flatten(1)
        return torch.stack(
            [
                losses.mse(model(x)[0], x),
                regularizers.contractive_penalty(model.encoder, rows),
                metrics.sensitivity(model.encoder, rows),
            ]
        )

    names = "error", "penalty", "sensitivity"
    return {
        weight: dict(zip(names, torch.stack([one(model) for model in runs]).mean(0).detach()))
        for weight, runs in models.items()
    }


# %% formulas: drift
def drift(noisy, z):
    return ((noisy - z).square().sum(1).mean() / (2 * z.var(0).sum())) ** 0.5


# %% formulas: nearest
def nearest_accuracy(z, labels, known, known_labels):
    score = z @ known.T - known.square().sum(1) / 2
    return (known_labels[score.argmax(1)] == labels).to(torch.float64).mean()


# %% formulas: pareto
def pareto(table, cost):
    front, cheapest = [], float("inf")
    ordered = sorted(table, key=lambda weight: (table[weight]["error"], table[weight][cost]))
    for weight in ordered:
        row = table[weight]
        if row[cost] < cheapest or any(
            table[kept]["error"] == row["error"] and table[kept][cost] == row[cost]
            for kept in front
        ):
            front.append(weight)
            cheapest = row[cost]
    return front


# %% formulas: best-at
def best_at(table, rate, cost):
    weights = list(table)
    sums = torch.tensor(
        [[table[weight]["error"], table[weight][cost]] for weight in weights], dtype=torch.float64
    )
    return weights[int((sums @ torch.tensor([1.0, rate], dtype=torch.float64)).argmin())]


# %% formulas: within
def largest_within(table, percent):
    for weight in sorted(table, reverse=True):
        if table[weight]["error"] <= table[0.0]["error"] * (1 + percent / 100):
            return weight


# %% formulas: order
def same_order(table, first, second):
    def ranks(measure):
        values = torch.tensor([row[measure] for row in table.values()], dtype=torch.float64)
        return values.argsort().argsort()

    return torch.equal(ranks(first), ranks(second))
