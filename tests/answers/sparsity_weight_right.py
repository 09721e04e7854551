# Right answers to solutions/sparsity_weight, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: l1
def l1(z):
    return F.l1_loss(z, torch.zeros_like(z))


# %% library: kl
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, rho)


# %% library: kl-slope
def kl_slope(mean, rho=0.05):
    return torch.div(mean - rho, mean * (1 - mean))


# %% library: cheat
def cheat(z, weight, factor):
    return torch.div(z, factor), torch.mul(weight, factor)


# %% library: scale-free
def scale_free_l1(z, weight):
    return regularizers.scale_free_l1(z, weight)


# %% library: objective
def objective(family, weight):
    def l1_loss(model, x, generator):
        x_hat, z = model(x)
        return {"mse": F.mse_loss(x_hat, x), "l1": weight * regularizers.l1_penalty(z)}

    def kl_loss(model, x, generator):
        return {
            "mse": F.mse_loss(model(x)[0], x),
            "kl": weight * regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x)),
        }

    return {"l1": l1_loss, "kl": kl_loss}[family]


# %% library: sweep
def sweep(run, grids, seeds):
    import itertools

    settings = itertools.chain.from_iterable(
        itertools.product([family], weights) for family, weights in grids.items()
    )
    return {setting: list(map(lambda seed: run(*setting, seed), seeds)) for setting in settings}


# %% library: active
def active(z, share=0.1):
    return torch.gt(z.abs(), share * torch.linalg.vector_norm(z, float("inf"), dim=0))


# %% library: sparsity
def sparsity(on):
    from aecourse import metrics

    return (
        metrics.population_sparsity(on.float(), 0.5),
        metrics.lifetime_sparsity(on.float(), 0.5),
        metrics.dead_units(on.float()),
    )


# %% library: features
def features(model):
    codes = F.one_hot(torch.arange(model.latent_dim)).float().to(test.device)
    return torch.sub(model.decode(codes), model.decode(codes.new_zeros(1, model.latent_dim)))


# %% library: spread
def spread(v):
    flat = v.flatten(1)
    return (flat.norm(2, 1) / flat.norm(4, 1)) ** 4


# %% library: likeness
def likeness(v, differences):
    a, b = v.flatten(1), differences.flatten(1)
    return F.cosine_similarity(a[:, None], b[None], dim=2).max(dim=1).values


# %% library: collapsed
def collapsed(table, limit=0.9):
    return list(filter(lambda name: table[name]["error"] >= limit, table))


# %% library: pareto
def pareto(table):
    names = list(table)
    points = torch.tensor(
        [[table[n]["error"], table[n]["active"]] for n in names], dtype=torch.float64
    )
    no_worse = (points[:, None] <= points).all(2)
    better = (points[:, None] < points).any(2)
    return [n for n, lost in zip(names, (no_worse & better).any(0)) if not lost]


# %% library: sparsest
def sparsest_within(table, price):
    best = min(table.values(), key=lambda row: row["error"])["error"]
    ranked = sorted(table, key=lambda name: table[name]["active"])
    return next(name for name in ranked if table[name]["error"] / best <= 1 + price)


# %% library: trend
def trend(values):
    import itertools
    import statistics

    return statistics.mean((b > a) - (b < a) for a, b in itertools.combinations(values, 2))


# %% loops: l1
def l1(z):
    total = 0
    for row in z:
        for value in row:
            total = total + (value if value > 0 else -value)
    return total / (z.shape[0] * z.shape[1])


# %% loops: kl
def kl_sparsity(logits, rho=0.05):
    total = 0
    for column in logits.T:
        logs = []
        for sign in (1, -1):
            log_sum = None
            for a in column:
                log_one = -F.softplus(-sign * a)
                log_sum = log_one if log_sum is None else torch.logaddexp(log_sum, log_one)
            logs.append(log_sum - math.log(len(column)))
        total = total + rho * (math.log(rho) - logs[0]) + (1 - rho) * (math.log(1 - rho) - logs[1])
    return total


# %% loops: kl-slope
def kl_slope(mean, rho=0.05):
    slopes = []
    for m in mean:
        slopes.append(-rho / m + (1 - rho) / (1 - m))
    return torch.stack(slopes)


# %% loops: cheat
def cheat(z, weight, factor):
    small, large = torch.empty_like(z), torch.empty_like(weight)
    for j in range(z.shape[1]):
        small[:, j] = z[:, j] / factor
        large[:, j] = weight[:, j] * factor
    return [small, large]


# %% loops: scale-free
def scale_free_l1(z, weight):
    total = 0
    for j in range(z.shape[1]):
        length = (weight[:, j] ** 2).sum() ** 0.5
        for b in range(z.shape[0]):
            total = total + abs(z[b, j]) * length
    return total / z.numel()


# %% loops: objective
def objective(family, weight):
    if family == "l1":

        def f(model, x, generator):
            out = model(x)
            return {"e": losses.mse(out[0], x), "p": regularizers.l1_penalty(out[1]) * weight}
    else:

        def f(model, x, generator):
            a = code_logits(model, x)
            return {
                "e": losses.mse(model(x)[0], x),
                "p": regularizers.kl_sparsity_penalty_from_logits(a, RHO) * weight,
            }

    return f


# %% loops: sweep
def sweep(run, grids, seeds):
    made = {}
    for family in grids:
        for weight in grids[family]:
            made[family, weight] = []
            for seed in seeds:
                made[family, weight].append(run(family, weight, seed))
    return made


# %% loops: active
def active(z, share=0.1):
    on = torch.zeros_like(z)
    for j in range(z.shape[1]):
        largest = max(abs(value) for value in z[:, j])
        for b in range(z.shape[0]):
            on[b, j] = abs(z[b, j]) > share * largest
    return on.bool()


# %% loops: sparsity
def sparsity(on):
    population = torch.tensor([sum(map(bool, row)) / len(row) for row in on])
    lifetime = torch.tensor([sum(map(bool, column)) / len(column) for column in on.T])
    dead = 0
    for column in on.T:
        if not any(column):
            dead += 1
    return population, lifetime, dead


# %% loops: features
def features(model):
    pictures = []
    zero = torch.zeros(1, model.latent_dim, device=test.device)
    for j in range(model.latent_dim):
        code = zero.clone()
        code[0, j] = 1
        pictures.append((model.decode(code) - model.decode(zero))[0])
    return torch.stack(pictures)


# %% loops: spread
def spread(v):
    ratios = []
    for feature in v:
        p = feature.flatten() ** 2
        ratios.append(p.sum() ** 2 / (p**2).sum())
    return torch.stack(ratios)


# %% loops: likeness
def likeness(v, differences):
    best = []
    for feature in v:
        cosines = []
        for picture in differences:
            product = (feature * picture).sum()
            cosines.append(product / ((feature**2).sum() * (picture**2).sum()) ** 0.5)
        best.append(max(cosines))
    return torch.stack(best)


# %% loops: collapsed
def collapsed(table, limit=0.9):
    gone = []
    for name in table:
        if not table[name]["error"] < limit:
            gone.append(name)
    return gone


# %% loops: pareto
def pareto(table):
    front = []
    for name, row in table.items():
        beaten = False
        for other in table.values():
            if (
                other["error"] <= row["error"]
                and other["active"] <= row["active"]
                and (other["error"], other["active"]) != (row["error"], row["active"])
            ):
                beaten = True
        if not beaten:
            front.append(name)
    return front


# %% loops: sparsest
def sparsest_within(table, price):
    best = None
    for row in table.values():
        if best is None or row["error"] < best:
            best = row["error"]
    chosen = None
    for name, row in table.items():
        if row["error"] <= best + price * best and (
            chosen is None or row["active"] < table[chosen]["active"]
        ):
            chosen = name
    return chosen


# %% loops: trend
def trend(values):
    score, pairs = 0, 0
    for j in range(len(values)):
        for i in range(j):
            pairs += 1
            if values[j] > values[i]:
                score += 1
            elif values[j] < values[i]:
                score -= 1
    return score / pairs


# %% formulas: l1
def l1(z):
    return (z * z.sign()).sum() / z.numel()


# %% formulas: kl
def log_mean(u):
    top = u.max(0).values
    return top + (u - top).exp().mean(0).log()


def kl_sparsity(logits, rho=0.05):
    log_on = torch.where(logits < 0, logits, 0.0) - torch.log1p(torch.exp(-logits.abs()))
    log_off = log_on - logits
    entropy = -rho * math.log(rho) - (1 - rho) * math.log(1 - rho)
    return (-entropy - rho * log_mean(log_on) - (1 - rho) * log_mean(log_off)).sum()


# %% formulas: kl-slope
def kl_slope(mean, rho=0.05):
    odds = mean / (1 - mean)
    return (1 - rho) * (1 + odds) - rho * (1 + 1 / odds)


# %% formulas: cheat
def cheat(z, weight, factor):
    units = z.shape[1]
    scale = torch.eye(units) * factor
    return z @ torch.linalg.inv(scale), weight @ scale


# %% formulas: scale-free
def scale_free_l1(z, weight):
    unit = weight / weight.norm(dim=0)
    return (z * (weight * unit).sum(0)).abs().mean()


# %% formulas: objective
def objective(family, weight):
    def compute(model, x, generator):
        a = code_logits(model, x)
        z = torch.relu(a) if family == "l1" else torch.sigmoid(a)
        penalty = (
            z.mean() if family == "l1" else regularizers.kl_sparsity_penalty_from_logits(a, RHO)
        )
        return {"loss of the sparse code": losses.mse(model.decode(z), x) + weight * penalty}

    return compute


# %% formulas: sweep
def sweep(run, grids, seeds):
    settings = [(family, weight) for family in grids for weight in grids[family]]
    flat = [run(*setting, seed) for setting in settings for seed in seeds]
    n = len(seeds)
    return {setting: tuple(flat[i * n : (i + 1) * n]) for i, setting in enumerate(settings)}


# %% formulas: active
def active(z, share=0.1):
    top = z.square().max(dim=0, keepdim=True).values
    return z.abs() - share * top.sqrt() > 0


# %% formulas: sparsity
def sparsity(on):
    numbers = on.to(torch.float64)
    n, k = numbers.shape
    return numbers.sum(1) / k, numbers.sum(0) / n, (~on).all(0).sum()


# %% formulas: features
def features(model):
    k = model.latent_dim
    codes = torch.cat([torch.zeros(1, k), torch.eye(k)]).to(test.device)
    pictures = model.decode(codes)
    return pictures[1:] - pictures[:1]


# %% formulas: spread
def spread(v):
    p = v.flatten(1) ** 2
    share = p / p.sum(1, keepdim=True)
    return 1 / (share * share).sum(1)


# %% formulas: likeness
def likeness(v, differences):
    products = torch.einsum("kp,np->kn", v.flatten(1), differences.flatten(1))
    lengths = torch.outer(v.flatten(1).norm(dim=1), differences.flatten(1).norm(dim=1))
    return torch.amax(products / lengths, dim=-1)


# %% formulas: collapsed
def collapsed(table, limit=0.9):
    return {name for name, row in table.items() if row["error"] / limit >= 1}


# %% formulas: pareto
def pareto(table):
    order = sorted(table, key=lambda n: (table[n]["error"], table[n]["active"]))
    front, least = [], float("inf")
    for n in order:
        point = table[n]["error"], table[n]["active"]
        if point[1] < least:
            least, last = point[1], point
            front.append(n)
        elif point == last:
            front.append(n)
    return front


# %% formulas: sparsest
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    return min(table, key=lambda n: (table[n]["error"] > (1 + price) * best, table[n]["active"]))


# %% formulas: trend
def trend(values):
    row = torch.tensor(values, dtype=torch.float64)
    n = len(row)
    return (row - row[:, None]).sign().triu(1).sum() / (n * (n - 1) / 2)
