# Right answers to solutions/loss_comparison, each by an independent author: full marks.
# A block starts with "# %% author: cell".

# %% library: mse
def mse(x_hat, x):
    return F.mse_loss(x_hat, x)


# %% library: mae
def mae(x_hat, x):
    return F.l1_loss(x_hat, x)


# %% library: bce
def bce_from_logits(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x)


# %% library: mse-gradient
def mse_gradient(x_hat, x):
    return torch.sub(x_hat, x).mul(2).div(x_hat.numel())


# %% library: mae-gradient
def mae_gradient(x_hat, x):
    return torch.sgn(x_hat - x) / x_hat.numel()


# %% library: bce-gradient
def bce_gradient(logits, x):
    return torch.special.expit(logits).sub(x).div(logits.numel())


# %% library: sigmoid-mse-gradient
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return torch.ops.aten.sigmoid_backward(2 * (s - x) / x.numel(), s)


# %% library: objective
def objective(name):
    from functools import partial

    def pixels(loss, model, x, generator):
        return {"loss of the pixels": loss(model(x)[0], x)}

    def logits(model, x, generator):
        return {"bce": F.binary_cross_entropy_with_logits(model.logits(model.encode(x)), x)}

    return {"mse": partial(pixels, F.mse_loss), "mae": partial(pixels, F.l1_loss), "bce": logits}[
        name
    ]


# %% library: train
def train(objective, seed, steps=STEPS):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Autoencoder((1, 28, 28), (128,), 16)
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


# %% library: sharpness
def sharpness(x_hat, x):
    return metrics.gradient_energy(x_hat) / metrics.gradient_energy(x)


# %% library: tabulate
def tabulate(outputs, x):
    import statistics

    rows = {}
    for name in outputs:
        columns = {"mse": [], "mae": [], "psnr": [], "sharpness": [], "total variation": []}
        for x_hat in outputs[name]:
            columns["mse"].append(F.mse_loss(x_hat, x).item())
            columns["mae"].append(F.l1_loss(x_hat, x).item())
            columns["psnr"].append(metrics.psnr(x_hat, x).mean().item())
            columns["sharpness"].append(metrics.sharpness(x_hat, x).mean().item())
            columns["total variation"].append(
                metrics.sharpness(x_hat, x, energy=metrics.total_variation).mean().item()
            )
        rows[name] = {key: statistics.mean(values) for key, values in columns.items()}
    return rows


# %% library: sharpest-by
def sharpest_by(table, measure):
    return sorted(table.items(), key=lambda item: -item[1][measure])[0][0]


# %% library: price
def price(table, name):
    return table[name]["mse"] / sorted(row["mse"] for row in table.values())[0]


# %% library: agree
def agree(winners):
    import itertools

    return all(a == b for a, b in itertools.combinations(winners.values(), 2))


# %% library: impostor
def impostor(x, generator):
    return torch.rand(x.shape, generator=generator, device=x.device)


# %% loops: mse
def mse(x_hat, x):
    total = 0
    for a, b in zip(x_hat.flatten(), x.flatten()):
        total = total + (a - b) ** 2
    return total / len(x.flatten())


# %% loops: mae
def mae(x_hat, x):
    total = 0
    for a, b in zip(x_hat.flatten(), x.flatten()):
        total = total + abs(a - b)
    return total / len(x.flatten())


# %% loops: bce
def bce_from_logits(logits, x):
    total = 0
    for a, b in zip(logits.flatten(), x.flatten()):
        if a > 0:
            total = total + (1 - b) * a + torch.log1p(torch.exp(-a))
        else:
            total = total - b * a + torch.log1p(torch.exp(a))
    return total / logits.numel()


# %% loops: mse-gradient
def mse_gradient(x_hat, x):
    gradient = torch.zeros_like(x_hat)
    for i in range(x_hat.shape[0]):
        for j in range(x_hat.shape[1]):
            gradient[i, j] = 2 * (x_hat[i, j] - x[i, j])
    return gradient / (x_hat.shape[0] * x_hat.shape[1])


# %% loops: mae-gradient
def mae_gradient(x_hat, x):
    n = x.numel()
    return torch.where(x_hat > x, 1 / n, torch.where(x_hat < x, -1 / n, 0.0)).to(x.dtype)


# %% loops: bce-gradient
def bce_gradient(logits, x):
    s = torch.where(
        logits >= 0,
        1 / (1 + torch.exp(-logits.abs())),
        torch.exp(-logits.abs()) / (1 + torch.exp(-logits.abs())),
    )
    return (s - x) / x.numel()


# %% loops: sigmoid-mse-gradient
def sigmoid_mse_gradient(logits, x):
    outer = 2 * (torch.sigmoid(logits) - x) / x.numel()
    inner = torch.exp(-logits) / (1 + torch.exp(-logits)) ** 2
    return outer * inner


# %% loops: objective
def objective(name):
    if name == "mse":

        def f(model, x, generator):
            out = model(x)
            return {"mse": losses.mse(out[0], x)}
    elif name == "mae":

        def f(model, x, generator):
            out = model(x)
            return {"mae": losses.mae(out[0], x)}
    else:

        def f(model, x, generator):
            z = model.encode(x)
            return {"bce": losses.bce(model.logits(z), x)}

    return f


# %% loops: train
def train(objective, seed, steps=STEPS):
    torch.random.manual_seed(seed)
    network = Autoencoder(latent_dim=16, hidden=[128])
    history = fit(network, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    assert len(history.steps) == steps
    return network


# %% loops: sharpness
def sharpness(x_hat, x):
    values = []
    for a, b in zip(x_hat, x):
        energies = []
        for image in (a, b):
            energy = 0
            for channel in image:
                energy = (
                    energy
                    + ((channel[1:] - channel[:-1]) ** 2).sum()
                    + ((channel[:, 1:] - channel[:, :-1]) ** 2).sum()
                )
            energies.append(energy)
        values.append(energies[0] / energies[1])
    return torch.stack(values)


# %% loops: tabulate
def tabulate(outputs, x):
    table = {}
    for name, runs in outputs.items():
        table[name] = {}
        for measure in ("mse", "mae", "psnr", "sharpness", "total variation"):
            total = 0
            for x_hat in runs:
                for i in range(0, len(x), 100):
                    a, b = x_hat[i : i + 100], x[i : i + 100]
                    if measure == "mse":
                        value = ((a - b) ** 2).mean((1, 2, 3))
                    elif measure == "mae":
                        value = (a - b).abs().mean((1, 2, 3))
                    elif measure == "psnr":
                        value = -10 * torch.log10(((a - b) ** 2).mean((1, 2, 3)))
                    elif measure == "sharpness":
                        value = metrics.sharpness(a, b)
                    else:
                        value = metrics.total_variation(a) / metrics.total_variation(b)
                    total += value.sum().item()
            table[name][measure] = total / (len(x) * len(runs))
    return table


# %% loops: sharpest-by
def sharpest_by(table, measure):
    best = None
    for name in table:
        if best is None or table[name][measure] > table[best][measure]:
            best = name
    return best


# %% loops: price
def price(table, name):
    return max(table[name]["mse"] / table[other]["mse"] for other in table)


# %% loops: agree
def agree(winners):
    names = list(winners.values())
    for name in names:
        if name != names[0]:
            return False
    return True


# %% loops: impostor
def impostor(x, generator):
    rows, columns = torch.arange(28, device=x.device)[:, None], torch.arange(28, device=x.device)
    board = ((rows + columns) % 2).to(x.dtype)
    return (x - board).abs()


# %% formulas: mse
def mse(x_hat, x):
    r = (x_hat - x).flatten()
    return r @ r / r.numel()


# %% formulas: mae
def mae(x_hat, x):
    return (torch.maximum(x_hat, x) - torch.minimum(x_hat, x)).sum() / x.numel()


# %% formulas: bce
def bce_from_logits(logits, x):
    return torch.mean(logits.clamp(min=0) - logits * x + torch.log(1 + torch.exp(-logits.abs())))


# %% formulas: mse-gradient
def mse_gradient(x_hat, x):
    n = torch.tensor(x.shape).prod().item()
    return (x_hat - x + x_hat - x) / n


# %% formulas: mae-gradient
def mae_gradient(x_hat, x):
    return ((x_hat > x).to(x.dtype) - (x_hat < x).to(x.dtype)) / x.numel()


# %% formulas: bce-gradient
def bce_gradient(logits, x):
    s = torch.exp(-F.softplus(-logits))
    return ((1 - x) * s - x * (1 - s)) / x.numel()


# %% formulas: sigmoid-mse-gradient
def sigmoid_mse_gradient(logits, x):
    s = (1 + torch.tanh(logits / 2)) / 2
    return (2 / x.numel()) * (s**2 - s**3 - x * s + x * s**2)


# %% formulas: objective
def objective(name):
    def compute(model, x, generator):
        a = model.logits(model.encode(x))
        s = torch.sigmoid(a)
        values = {"mse": losses.mse(s, x), "mae": losses.mae(s, x), "bce": losses.bce(a, x)}
        return {name: values[name]}

    return compute


# %% formulas: train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(shape=tuple(images.train.shape[1:]), hidden=(128,), latent_dim=16).to(
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


# %% formulas: sharpness
def down(x):
    return (x[:, :, 1:, :] - x[:, :, :-1, :]).pow(2).sum((1, 2, 3))


def across(x):
    return (x[..., 1:] - x[..., :-1]).pow(2).sum((1, 2, 3))


def energy(x):
    return down(x) + across(x)


def sharpness(x_hat, x):
    return energy(x_hat) / energy(x)


# %% formulas: tabulate
def tabulate(outputs, x):
    def one(x_hat):
        return torch.stack(
            [
                losses.mse(x_hat, x),
                losses.mae(x_hat, x),
                metrics.psnr(x_hat, x).mean(),
                metrics.sharpness(x_hat, x).mean(),
                metrics.sharpness(x_hat, x, metrics.total_variation).mean(),
            ]
        )

    names = "mse", "mae", "psnr", "sharpness", "total variation"
    return {
        name: dict(zip(names, torch.stack([one(run) for run in runs]).mean(0)))
        for name, runs in outputs.items()
    }


# %% formulas: sharpest-by
def sharpest_by(table, measure):
    names = list(table)
    return names[int(torch.tensor([table[name][measure] for name in names]).argmax())]


# %% formulas: price
def price(table, name):
    errors = {n: row["mse"] for n, row in table.items()}
    return errors[name] / errors[min(errors, key=errors.get)]


# %% formulas: agree
def agree(winners):
    names = list(winners.values())
    return names.count(names[0]) == len(names)


# %% formulas: impostor
def impostor(x, generator):
    flip = torch.rand(x.shape, generator=generator, device=x.device) < 0.3
    return torch.where(flip, 1 - x, x)
