# Right answers to solutions/noise_transfer, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: gaussian
gaussian = corruption.gaussian

# %% library: salt-and-pepper
salt_and_pepper = corruption.salt_and_pepper


# %% library: masking
def masking(x, p, generator):
    return corruption.masking(x, p, generator)


# %% library: severity
def severity(kind, level, x):
    nothing, all_white = torch.zeros_like(x), torch.ones_like(x)
    if kind == "gaussian":
        return level**2
    if kind == "masking":
        return level * F.mse_loss(nothing, x)
    return level / 2 * (F.mse_loss(nothing, x) + F.mse_loss(all_white, x))


# %% library: level-for
def level_for(kind, severity, x):
    if kind == "gaussian":
        return math.sqrt(severity)
    per_p = F.mse_loss(torch.zeros_like(x), x)
    if kind == "salt_and_pepper":
        per_p = torch.lerp(per_p, F.mse_loss(torch.ones_like(x), x), 0.5)
    level = severity / per_p
    if level > 1:
        raise ValueError("a probability is at most 1")
    return level


# %% library: objective
def objective(kind, level):
    from functools import partial

    from aecourse import objectives

    if kind == "clean":
        return objectives.reconstruction("mse")
    spoilers = {
        "gaussian": partial(corruption.gaussian, sigma=level),
        "masking": partial(corruption.masking, p=level),
        "salt_and_pepper": partial(corruption.salt_and_pepper, p=level),
    }
    return objectives.denoising(lambda x, generator: spoilers[kind](x, generator=generator))


# %% library: train
def train(objective, seed, steps=STEPS):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Autoencoder((1, 28, 28), (128,), 32)
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


# %% library: spoil
def spoil(corruptions, x, seed):
    from aecourse.device import make_generator

    return {
        name: corrupt(x, make_generator(x.device, seed)) for name, corrupt in corruptions.items()
    }


# %% library: error-matrix
@torch.inference_mode()
def error_matrix(networks, corrupted, x):
    def row(restore):
        return {kind: F.mse_loss(restore(pictures), x).item() for kind, pictures in corrupted.items()}

    return {"untouched": row(lambda pictures: pictures)} | {
        name: row(lambda pictures: network(pictures)[0]) for name, network in networks.items()
    }


# %% library: gains
def gains(errors):
    import copy

    result = copy.deepcopy(errors)
    for row in result.values():
        for kind in row:
            row[kind] = (errors["untouched"][kind] - row[kind]) / errors["untouched"][kind]
    return result


# %% library: specialist-wins
def specialist_wins(gain, test):
    import operator

    return (
        sorted(((row[test], name) for name, row in gain.items()), key=operator.itemgetter(0))[-1][1]
        == test
    )


# %% library: transfer
def transfer(gain, training, test):
    import operator

    return operator.truediv(gain[training][test], gain[test][test])


# %% library: generalises
def generalises(gain, training, reference):
    return not any(
        gain[training][test] <= gain[reference][test] for test in set(gain[reference]) - {training}
    )


# %% library: generalist
def generalist(gain):
    import numpy as np

    names, tests = list(gain), list(gain["untouched"])
    table = np.array([[gain[name][test] for test in tests] for name in names])
    return names[(table.max(0) - table).max(1).argmin()]


# %% library: asymmetry
def asymmetry(gain, a, b):
    return math.fsum([gain[a][b], -gain["clean"][b], -gain[b][a], gain["clean"][a]])


# %% library: settled
def settled(runs, a, b, test):
    signs = {int(torch.sign(torch.tensor(run[a][test] - run[b][test]))) for run in runs}
    return signs in ({1}, {-1})


# %% loops: gaussian
def gaussian(x, sigma, generator):
    corrupted = x.clone()
    for image in corrupted:
        image += sigma * torch.randn(image.shape, generator=generator, device=x.device)
    return corrupted


# %% loops: salt-and-pepper
def salt_and_pepper(x, p, generator):
    corrupted = x.clone()
    for image in corrupted:
        u = torch.rand(image.shape, generator=generator, device=x.device)
        image[u < p / 2] = 1
        image[u > 1 - p / 2] = 0
    return corrupted


# %% loops: masking
def masking(x, p, generator):
    rows = [
        row * (torch.rand(row.shape, generator=generator, device=x.device) >= p)
        for row in x.flatten(0, 2)
    ]
    return torch.stack(rows).reshape(x.shape)


# %% loops: severity
def severity(kind, level, x):
    total = 0.0
    for pixel in x.flatten().tolist():
        if kind == "gaussian":
            total += level * level
        elif kind == "masking":
            total += level * pixel**2 + (1 - level) * 0
        else:
            total += level / 2 * (1 - pixel) ** 2 + level / 2 * pixel**2
    return total / x.numel()


# %% loops: level-for
def level_for(kind, severity, x):
    def harm(level):
        if kind == "gaussian":
            return level**2
        if kind == "masking":
            return level * (x**2).mean().item()
        return level * ((1 - x) ** 2 + x**2).mean().item() / 2

    low, high = 0.0, 1.0
    if kind == "gaussian":
        high = 1000.0
    if harm(high) < severity:
        raise ValueError("out of reach")
    for _ in range(100):
        middle = (low + high) / 2
        if harm(middle) < severity:
            low = middle
        else:
            high = middle
    return low


# %% loops: objective
def objective(kind, level):
    def f(model, x, generator):
        if kind == "gaussian":
            y = corruption.gaussian(x, level, generator)
        elif kind == "salt_and_pepper":
            y = corruption.salt_and_pepper(x, level, generator)
        elif kind == "masking":
            y = corruption.masking(x, level, generator)
        else:
            y = x.clone()
        out = model(y)
        return {"mse": losses.mse(out[0], x)}

    return f


# %% loops: train
def train(objective, seed, steps=STEPS):
    torch.random.manual_seed(seed)
    network = Autoencoder(latent_dim=32, hidden=[128])
    history = fit(network, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    assert len(history.steps) == steps
    return network


# %% loops: spoil
def spoil(corruptions, x, seed):
    result = {}
    for name in corruptions:
        g = torch.Generator(device=x.device)
        g.manual_seed(1000 + 7 * seed)
        result[name] = corruptions[name](x.clone(), g)
    return result


# %% loops: error-matrix
def error_matrix(networks, corrupted, x):
    errors = {}
    for name in ["untouched", *networks]:
        errors[name] = {}
        for kind in corrupted:
            total = 0.0
            for i in range(0, len(x), 100):
                y = corrupted[kind][i : i + 100]
                if name != "untouched":
                    with torch.no_grad():
                        y = networks[name](y)[0]
                total += ((y - x[i : i + 100]) ** 2).sum().item()
            errors[name][kind] = total / x.numel()
    return errors


# %% loops: gains
def gains(errors):
    table = {}
    for row in errors:
        table[row] = {}
        for kind in errors[row]:
            table[row][kind] = 1 - errors[row][kind] / errors["untouched"][kind]
    return table


# %% loops: specialist-wins
def specialist_wins(gain, test):
    for row in gain:
        if gain[row][test] > gain[test][test]:
            return False
    return True


# %% loops: transfer
def transfer(gain, training, test):
    for row in gain:
        if row == test:
            return gain[training][test] / gain[row][test]


# %% loops: generalises
def generalises(gain, training, reference):
    for test in gain[training]:
        if test == training:
            continue
        if gain[training][test] <= gain[reference][test]:
            return False
    return True


# %% loops: generalist
def generalist(gain):
    winner, smallest = None, float("inf")
    for row in gain:
        largest = 0
        for test in gain[row]:
            for other in gain:
                largest = max(largest, gain[other][test] - gain[row][test])
        if largest < smallest:
            winner, smallest = row, largest
    return winner


# %% loops: asymmetry
def asymmetry(gain, a, b):
    lifts = []
    for training, test in ((a, b), (b, a)):
        lifts.append(gain[training][test] - gain["clean"][test])
    return lifts[0] - lifts[1]


# %% loops: settled
def settled(runs, a, b, test):
    first = second = 0
    for gain in runs:
        if gain[a][test] > gain[b][test]:
            first += 1
        if gain[a][test] < gain[b][test]:
            second += 1
    return first == len(runs) or second == len(runs)


# %% formulas: gaussian
def gaussian(x, sigma, generator):
    u, v = torch.rand((2, *x.shape), generator=generator, device=x.device, dtype=torch.float64)
    normal = torch.sqrt(-2 * torch.log1p(-u)) * torch.cos(2 * math.pi * v)
    return (x + sigma * normal).to(x.dtype)


# %% formulas: salt-and-pepper
def salt_and_pepper(x, p, generator):
    chances = torch.tensor([1 - p, p / 2, p / 2], device=x.device)
    fate = torch.multinomial(chances, x.numel(), replacement=True, generator=generator).view(
        x.shape
    )
    return x + (fate > 0) * ((fate == 1).to(x.dtype) - x)


# %% formulas: masking
def masking(x, p, generator):
    keep = torch.bernoulli(torch.full_like(x, 1 - p), generator=generator)
    return keep * x


# %% formulas: severity
def severity(kind, level, x):
    mean, square = x.double().mean(), x.double().square().mean()
    return {
        "gaussian": torch.tensor(level).square(),
        "masking": level * square,
        "salt_and_pepper": level * (square - mean + 0.5),
    }[kind]


# %% formulas: level-for
def level_for(kind, severity, x):
    mean, square = x.mean().item(), (x * x).mean().item()
    level = {
        "gaussian": severity**0.5,
        "masking": severity / square,
        "salt_and_pepper": severity / (square - mean + 0.5),
    }[kind]
    if kind != "gaussian" and not 0 <= level <= 1:
        raise ValueError(f"no probability: {level}")
    return level


# %% formulas: objective
def objective(kind, level):
    def corrupt(x, generator):
        return x if kind == "clean" else getattr(corruption, kind)(x, level, generator)

    def compute(model, x, generator):
        z = model.encode(corrupt(x, generator))
        r = model.decode(z) - x
        return {"mse": r.pow(2).sum() / r.numel()}

    return compute


# %% formulas: train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(shape=tuple(images.train.shape[1:]), hidden=(128,), latent_dim=32).to(
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


# %% formulas: spoil
def spoil(corruptions, x, seed):
    start = torch.Generator(x.device).manual_seed(seed).get_state()

    def one(corrupt):
        generator = torch.Generator(x.device)
        generator.set_state(start.clone())
        return corrupt(x, generator)

    return dict(zip(corruptions, map(one, corruptions.values())))


# %% formulas: error-matrix
def error_matrix(networks, corrupted, x):
    pictures = torch.stack(list(corrupted.values()))  # (K, N, 1, H, W)
    rows = {"untouched": pictures}
    for name, network in networks.items():
        rows[name] = network(pictures.flatten(0, 1))[0].detach().view(pictures.shape)
    return {
        name: dict(zip(corrupted, (made - x).square().flatten(1).mean(1).tolist()))
        for name, made in rows.items()
    }


# %% formulas: gains
def gains(errors):
    nothing = torch.tensor(list(errors["untouched"].values()), dtype=torch.float64)
    kinds = list(errors["untouched"])
    return {
        name: dict(
            zip(
                kinds,
                1 - torch.tensor([row[kind] for kind in kinds], dtype=torch.float64) / nothing,
            )
        )
        for name, row in errors.items()
    }


# %% formulas: specialist-wins
def specialist_wins(gain, test):
    column = {training: gain[training][test] for training in gain}
    return column[test] == max(column.values())


# %% formulas: transfer
def transfer(gain, training, test):
    return math.prod([gain[training][test], gain[test][test] ** -1])


# %% formulas: generalises
def generalises(gain, training, reference):
    margins = [
        gain[training][test] - gain[reference][test] for test in gain[training] if test != training
    ]
    return min(margins) > 0


# %% formulas: generalist
def generalist(gain):
    names, tests = list(gain), list(next(iter(gain.values())))
    table = torch.tensor(
        [[gain[name][test] for test in tests] for name in names], dtype=torch.float64
    )
    regret = table.amax(0, keepdim=True) - table
    return names[int(regret.amax(1).argmin())]


# %% formulas: asymmetry
def asymmetry(gain, a, b):
    return (gain[a][b] + gain["clean"][a]) - (gain[b][a] + gain["clean"][b])


# %% formulas: settled
def settled(runs, a, b, test):
    ahead = sum(run[a][test] > run[b][test] for run in runs)
    behind = sum(run[b][test] > run[a][test] for run in runs)
    return max(ahead, behind) == len(runs)
