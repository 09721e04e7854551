# Plausible wrong answers to solutions/contraction_weight: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% jacobian/gradient-of-the-sum
# jacobian-check: You differentiated the sum of all units
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    (row,) = torch.autograd.grad(encode(x).sum(), x, create_graph=True)
    return row.square().sum() / len(x)


# %% jacobian/summed-over-images
# jacobian-check: This is the sum over the images
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].square().sum()
        for j in range(z.shape[1])
    )


# %% jacobian/mean-over-units-and-pixels
# jacobian-check: You took the mean over units and pixels too
def jacobian_penalty(encode, x):
    return torch.func.vmap(torch.func.jacrev(lambda one: encode(one[None])[0]))(x).square().mean()


# %% jacobian/mean-over-units
# jacobian-check: You took the mean over units too
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    rows = [
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].square().sum()
        for j in range(z.shape[1])
    ]
    return torch.stack(rows).mean() / len(x)


# %% jacobian/mean-over-pixels
# jacobian-check: You took the mean over pixels too
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].square().mean()
        for j in range(z.shape[1])
    )


# %% jacobian/one-per-image
# jacobian-check: You returned one number per image
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x, "none")


# %% jacobian/norm-of-each-image
# jacobian-check: This is the norm of each image's Jacobian
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x, "none").sqrt().mean()


# %% jacobian/root-at-the-end
# jacobian-check: You took the square root at the end
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x).sqrt()


# %% jacobian/absolute-derivatives
# jacobian-check: You summed absolute values
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].abs().sum()
        for j in range(z.shape[1])
    ) / len(x)


# %% jacobian/derivatives-with-sign
# jacobian-check: You summed the derivatives with their signs
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].sum() for j in range(z.shape[1])
    ) / len(x)


# %% jacobian/averaged-jacobians
# jacobian-check: You took the mean of the Jacobians before squaring
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].mean(0).square().sum()
        for j in range(z.shape[1])
    )


# %% jacobian/last-unit-only
# jacobian-check: each pass overwrites the one before
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    for j in range(z.shape[1]):
        (row,) = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)
        total = row.square().sum()
    return total / len(x)


# %% jacobian/first-unit-only
# jacobian-check: Only the row of the first unit counts
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    total = 0
    for j in range(z.shape[1]):
        (row,) = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)
        total = total + row.square().sum()
        return total / len(x)


# %% jacobian/floor-division
# jacobian-check: // rounds down
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x, "sum") // len(x)


# %% jacobian/no-create-graph
# jacobian-check: only with create_graph=True
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    return sum(
        torch.autograd.grad(z[:, j].sum(), x, retain_graph=True)[0].square().sum()
        for j in range(z.shape[1])
    ) / len(x)


# %% jacobian/number-without-gradient
# jacobian-check: and no_grad cut it off
def jacobian_penalty(encode, x):
    return regularizers.contractive_penalty_by_jacobian(encode, x).item()


# %% jacobian/half-of-the-gradient
# jacobian-check: Half of the gradient is missing
def jacobian_penalty(encode, x):
    x = x.detach().requires_grad_()
    z = encode(x)
    total = 0
    for j in range(z.shape[1]):
        (row,) = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)
        total = total + (row * row.detach()).sum()
    return total / len(x)


# %% jacobian/no-return
# jacobian-check: is a `return` missing?
def jacobian_penalty(encode, x):
    regularizers.contractive_penalty_by_jacobian(encode, x)


# %% sigmoid/derivatives-not-squared
# sigmoid-check: The derivatives h (1 - h) are not squared
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)) @ weight.square().sum(1)).mean()


# %% sigmoid/length-of-the-weights
# sigmoid-check: You took the length of each unit's weights
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)).square() @ weight.norm(dim=1)).mean()


# %% sigmoid/only-weights-squared
# sigmoid-check: You took a square root
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)) @ weight.norm(dim=1)).mean()


# %% sigmoid/weights-added-before-squaring
# sigmoid-check: You added the weights of a unit before squaring
def sigmoid_penalty(h, weight):
    return ((h * (1 - h) * weight.sum(1)) ** 2).sum(1).mean()


# %% sigmoid/columns-for-rows
# sigmoid-check: sum over each row
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)).square() @ weight.square().sum(0)).mean()


# %% sigmoid/product-of-totals
# sigmoid-check: You multiplied two totals
def sigmoid_penalty(h, weight):
    return (h * (1 - h)).square().sum(1).mean() * weight.square().sum()


# %% sigmoid/h-for-the-derivative
# sigmoid-check: The derivative of a sigmoid is h (1 - h)
def sigmoid_penalty(h, weight):
    return (h.square() @ weight.square().sum(1)).mean()


# %% sigmoid/derivative-of-tanh
# sigmoid-check: 1 - h^2 is the derivative of tanh
def sigmoid_penalty(h, weight):
    return ((1 - h**2) ** 2 @ (weight**2).sum(1)).mean()


# %% sigmoid/sigmoid-twice
# sigmoid-check: You applied the sigmoid again
def sigmoid_penalty(h, weight):
    s = torch.sigmoid(h)
    return ((s * (1 - s)).square() @ weight.square().sum(1)).mean()


# %% sigmoid/averaged-derivatives
# sigmoid-check: You took the mean of the derivatives over the images before squaring
def sigmoid_penalty(h, weight):
    return (h * (1 - h)).mean(0).square() @ weight.square().sum(1)


# %% sigmoid/summed-over-images
# sigmoid-check: This is the sum over the images
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)).square() @ weight.square().sum(1)).sum()


# %% sigmoid/one-per-image
# sigmoid-check: You returned one number per image
def sigmoid_penalty(h, weight):
    return (h * (1 - h)).square() @ weight.square().sum(1)


# %% sigmoid/mean-over-units
# sigmoid-check: You took the mean over units too
def sigmoid_penalty(h, weight):
    return ((h * (1 - h)).square() * weight.square().sum(1)).mean()


# %% sigmoid/weight-detached
# sigmoid-check: The penalty has no gradient with respect to weight
def sigmoid_penalty(h, weight):
    return regularizers.contractive_penalty_of_sigmoid_layer(h, weight.detach())


# %% sigmoid/h-detached
# sigmoid-check: The penalty has no gradient with respect to h
def sigmoid_penalty(h, weight):
    return regularizers.contractive_penalty_of_sigmoid_layer(h.detach(), weight)


# %% sigmoid/no-grad
# sigmoid-check: carries no gradient
def sigmoid_penalty(h, weight):
    with torch.no_grad():
        return regularizers.contractive_penalty_of_sigmoid_layer(h, weight)


# %% probe/summed-over-images
# probe-check: This is the sum over the images
def probe_penalty(encode, x, generator):
    return regularizers.contractive_penalty_by_probes(encode, x, generator, reduction="sum")


# %% probe/vector-of-ones
# probe-check: Your vector is constant
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    (mixed,) = torch.autograd.grad(encode(x).sum(), x, create_graph=True)
    return mixed.square().sum() / len(x)


# %% probe/uniform-probes
# probe-check: Numbers from torch.rand have the mean 1/2
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.rand(z.shape, generator=generator, device=z.device)
    return torch.autograd.grad(z, x, v, create_graph=True)[0].square().sum() / len(x)


# %% probe/signs-0-or-1
# probe-check: use the signs -1 and 1
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randint(2, z.shape, generator=generator, device=z.device).float()
    return torch.autograd.grad(z, x, v, create_graph=True)[0].square().sum() / len(x)


# %% probe/probes-of-length-1
# probe-check: Your random vector has length 1
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randn(z.shape, generator=generator, device=z.device)
    v = v / v.norm(dim=1, keepdim=True)
    return torch.autograd.grad(z, x, v, create_graph=True)[0].square().sum() / len(x)


# %% probe/mean-over-pixels
# probe-check: You took the mean over the pixels too
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randn(z.shape, generator=generator, device=z.device)
    return torch.autograd.grad(z, x, v, create_graph=True)[0].square().mean()


# %% probe/no-square
# probe-check: The square is missing
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randn(z.shape, generator=generator, device=z.device)
    return torch.autograd.grad(z, x, v, create_graph=True)[0].flatten(1).norm(dim=1).mean()


# %% probe/global-generator
# probe-check: pass generator=generator when you draw random numbers
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    return torch.autograd.grad(z, x, torch.randn_like(z), create_graph=True)[
        0
    ].square().sum() / len(x)


# %% probe/exact-penalty
# probe-check: Every estimate is the same
def probe_penalty(encode, x, generator):
    return regularizers.contractive_penalty_by_jacobian(encode, x)


# %% probe/no-create-graph
# probe-check: pass create_graph=True
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randn(z.shape, generator=generator, device=z.device)
    return torch.autograd.grad(z, x, v)[0].square().sum() / len(x)


# %% probe/half-of-the-gradient
# probe-check: Half of the gradient is missing
def probe_penalty(encode, x, generator):
    x = x.detach().requires_grad_()
    z = encode(x)
    v = torch.randn(z.shape, generator=generator, device=z.device)
    (mixed,) = torch.autograd.grad(z, x, v, create_graph=True)
    return (mixed * mixed.detach()).sum() / len(x)


# %% probe/one-per-image
# probe-check: expected one number for the batch
def probe_penalty(encode, x, generator):
    return regularizers.contractive_penalty_by_probes(encode, x, generator, reduction="none")


# %% gamed/code-multiplied
# gamed-check: You multiplied the code by c
def gamed(encode, decode, c):
    return lambda x: encode(x) * c, lambda z: decode(z / c)


# %% gamed/unchanged
# gamed-check: The code is as large as before
def gamed(encode, decode, c):
    return encode, decode


# %% gamed/pixels-divided
# gamed-check: You divided the pixels by c
def gamed(encode, decode, c):
    return lambda x: encode(x / c), lambda z: decode(c * z)


# %% gamed/decoder-unchanged
# gamed-check: The decoder is unchanged
def gamed(encode, decode, c):
    return lambda x: encode(x) / c, decode


# %% gamed/decoder-divides-too
# gamed-check: You divided by c once more
def gamed(encode, decode, c):
    return lambda x: encode(x) / c, lambda z: decode(z / c)


# %% gamed/image-multiplied
# gamed-check: You multiplied the image
def gamed(encode, decode, c):
    return lambda x: encode(x) / c, lambda z: c * decode(z)


# %% gamed/one-function
# gamed-check: expected two functions
def gamed(encode, decode, c):
    return lambda x: decode(c * (encode(x) / c))


# %% sensitivity/fraction-inverted
# sensitivity-check: Numerator and denominator are swapped
def sensitivity(encode, x):
    return encode(x).var(0, correction=0).sum() / regularizers.contractive_penalty(encode, x)


# %% sensitivity/unbiased-variance
# sensitivity-check: You divided by N - 1 in the variance
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).var(0).sum()


# %% sensitivity/variance-averaged-over-units
# sensitivity-check: You took the mean of the variance over the units
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).var(0, correction=0).mean()


# %% sensitivity/standard-deviations
# sensitivity-check: You summed standard deviations
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).std(0, correction=0).sum()


# %% sensitivity/root-of-the-variance
# sensitivity-check: You took the square root of the total variance
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).var(0, correction=0).sum().sqrt()


# %% sensitivity/root-at-the-end
# sensitivity-check: You took the square root at the end
def sensitivity(encode, x):
    return metrics.sensitivity(encode, x).sqrt()


# %% sensitivity/mean-square-of-the-code
# sensitivity-check: You divided by the mean square of the code
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).square().sum(1).mean()


# %% sensitivity/variance-over-units
# sensitivity-check: You took the variance over the units of an image
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).var(1, correction=0).sum()


# %% sensitivity/variance-of-all-numbers
# sensitivity-check: You took the variance of all numbers together
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / encode(x).var(correction=0)


# %% sensitivity/penalty-itself
# sensitivity-check: This is the penalty itself
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x)


# %% sensitivity/variance-of-pixels
# sensitivity-check: You divided by the variance of the pixels
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / x.flatten(1).var(0, correction=0).sum()


# %% sensitivity/multiplied-by-the-variance
# sensitivity-check: You multiplied by the variance
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) * encode(x).var(0, correction=0).sum()


# %% sensitivity/small-number-in-the-denominator
# sensitivity-check: a code that is 100 times smaller
def sensitivity(encode, x):
    return regularizers.contractive_penalty(encode, x) / (
        encode(x).var(0, correction=0).sum() + 1e-6
    )


# %% objective/no-penalty
# objective-check: The penalty is missing
def objective(weight):
    return lambda model, x, generator: {"reconstruction": losses.mse(model(x)[0], x)}


# %% objective/no-weight
# objective-check: The weight is missing
def objective(weight):
    def compute(model, x, generator):
        penalty = regularizers.contractive_penalty(model.encoder, x)
        return {"reconstruction": losses.mse(model(x)[0], x), "contraction": penalty}

    return compute


# %% objective/weight-at-the-error
# objective-check: The weight multiplies the error
def objective(weight):
    def compute(model, x, generator):
        penalty = regularizers.contractive_penalty(model.encoder, x)
        return {"reconstruction": weight * losses.mse(model(x)[0], x), "contraction": penalty}

    return compute


# %% objective/weight-at-both
# objective-check: The weight multiplies the whole loss
def objective(weight):
    def compute(model, x, generator):
        return {
            "loss of both": weight
            * (losses.mse(model(x)[0], x) + regularizers.contractive_penalty(model.encoder, x))
        }

    return compute


# %% objective/penalty-subtracted
# objective-check: The penalty is subtracted
def objective(weight):
    def compute(model, x, generator):
        return {
            "both": losses.mse(model(x)[0], x)
            - weight * regularizers.contractive_penalty(model.encoder, x)
        }

    return compute


# %% objective/no-error
# objective-check: The error is missing
def objective(weight):
    return lambda model, x, generator: {
        "contraction": weight * regularizers.contractive_penalty(model.encoder, x)
    }


# %% objective/weight-squared
# objective-check: You squared the weight
def objective(weight):
    def compute(model, x, generator):
        return {
            "both": losses.mse(model(x)[0], x)
            + weight**2 * regularizers.contractive_penalty(model.encoder, x)
        }

    return compute


# %% objective/error-summed
# objective-check: The error is summed over pixels and images
def objective(weight):
    def compute(model, x, generator):
        return {
            "both": losses.mse(model(x)[0], x, "sum")
            + weight * regularizers.contractive_penalty(model.encoder, x)
        }

    return compute


# %% objective/error-summed-over-pixels
# objective-check: The error is summed over the pixels
def objective(weight):
    def compute(model, x, generator):
        error = (model(x)[0] - x).square().flatten(1).sum(1).mean()
        return {"both": error + weight * regularizers.contractive_penalty(model.encoder, x)}

    return compute


# %% objective/penalty-summed-over-images
# objective-check: The penalty is summed over the images
def objective(weight):
    def compute(model, x, generator):
        return {
            "both": losses.mse(model(x)[0], x)
            + weight * regularizers.contractive_penalty(model.encoder, x, "sum")
        }

    return compute


# %% objective/penalty-of-the-reconstruction
# objective-check: You penalised the Jacobian of the reconstruction
def objective(weight):
    def compute(model, x, generator):
        penalty = (
            regularizers.contractive_penalty_by_probes(lambda x: model(x)[0], x, generator)
            if len(x) > 3
            else (regularizers.contractive_penalty_by_jacobian(lambda x: model(x)[0].flatten(1), x))
        )
        return {"reconstruction": losses.mse(model(x)[0], x), "contraction": weight * penalty}

    return compute


# %% objective/penalty-without-gradient
# objective-check: The penalty has no gradient
def objective(weight):
    def compute(model, x, generator):
        with torch.no_grad():
            penalty = regularizers.contractive_penalty_of_sigmoid_layer(
                model.encode(x), model.encoder[0][0].weight
            )
        return {"reconstruction": losses.mse(model(x)[0], x), "contraction": weight * penalty}

    return compute


# %% objective/layer-weights-detached
# objective-check: the weights of the layer are detached
def objective(weight):
    def compute(model, x, generator):
        z = model.encode(x)
        penalty = regularizers.contractive_penalty_of_sigmoid_layer(
            z, model.encoder[0][0].weight.detach()
        )
        return {"reconstruction": losses.mse(model.decode(z), x), "contraction": weight * penalty}

    return compute


# %% objective/code-detached
# objective-check: the code is detached
def objective(weight):
    def compute(model, x, generator):
        z = model.encode(x)
        penalty = regularizers.contractive_penalty_of_sigmoid_layer(
            z.detach(), model.encoder[0][0].weight
        )
        return {"reconstruction": losses.mse(model.decode(z), x), "contraction": weight * penalty}

    return compute


# %% objective/penalty-no-grad
# objective-check: but no gradient with respect to the encoder
def objective(weight):
    def compute(model, x, generator):
        with torch.no_grad():
            return {
                "both": losses.mse(model(x)[0], x)
                + weight * regularizers.contractive_penalty(model.encoder, x)
            }

    return compute


# %% objective/returns-no-function
# objective-check: define it inside and return it without calling it
def objective(weight):
    return {"weight": weight}


# %% objective/returns-a-number
# objective-check: expected a dictionary of terms
def objective(weight):
    return lambda model, x, generator: (
        losses.mse(model(x)[0], x) + weight * regularizers.contractive_penalty(model.encoder, x)
    )


# %% train/returns-the-history
# train-budget-check: expected the network
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    return fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)


# %% train/another-hidden-layer
# train-budget-check: The network is not the one of the task
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/no-sigmoid-on-the-code
# train-budget-check: The code is not in [0
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/fixed-steps
# train-budget-check: pass `steps` to fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=6, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/default-batch-size
# train-budget-check: A batch holds 128 images
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=steps, lr=LR, seed=seed)
    return model


# %% train/trains-on-test
# train-budget-check: images that are not in images.train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, test, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/default-learning-rate
# train-budget-check: That is the default learning rate of fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, seed=seed)
    return model


# %% train/returns-another-network
# train-budget-check: The returned network is not the trained one
def train(objective, seed, steps=STEPS):
    def made():
        torch.manual_seed(seed)
        return Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid").to(
            images.train.device
        )

    fit(made(), images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return made()


# %% train/network-before-the-seed
# train-seed-check: the network must be created inside train
def train(objective, seed, steps=STEPS):
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    torch.manual_seed(seed)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/batches-by-the-clock
# train-seed-check: Two runs with the same seed get different batches
def train(objective, seed, steps=STEPS):
    import time

    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(
        model,
        images.train,
        objective,
        steps=steps,
        batch_size=BATCH,
        lr=LR,
        seed=time.time_ns() % 2**31,
    )
    return model


# %% train/one-start-for-all-seeds
# train-seed-check: Every seed starts from the same network
def train(objective, seed, steps=STEPS):
    torch.manual_seed(0)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/one-batch-order-for-all-seeds
# train-seed-check: Every seed gets the same batches
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid")
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR)
    return model


# %% train/not-trained
# train-budget-check: took 0 steps
# train-seed-check: train never called the objective
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    return Autoencoder(hidden=(), latent_dim=64, code_activation="sigmoid").to(images.train.device)


# %% tabulate/first-network-alone
# table-check: This is the value of the first network only
def tabulate(models, x):
    rows = x.flatten(1)
    return {
        weight: {
            "error": losses.mse(runs[0](x)[0], x).item(),
            "penalty": regularizers.contractive_penalty(runs[0].encoder, rows).item(),
            "sensitivity": metrics.sensitivity(runs[0].encoder, rows).item(),
        }
        for weight, runs in models.items()
    }


# %% tabulate/last-network-alone
# table-check: This is the value of the last network only
def tabulate(models, x):
    rows, table = x.flatten(1), {}
    for weight, runs in models.items():
        for run in runs:
            table[weight] = {
                "error": losses.mse(run(x)[0], x).item(),
                "penalty": regularizers.contractive_penalty(run.encoder, rows).item(),
                "sensitivity": metrics.sensitivity(run.encoder, rows).item(),
            }
    return table


# %% tabulate/summed-over-networks
# table-check: This is the sum over the networks
def tabulate(models, x):
    rows = x.flatten(1)
    return {
        weight: {
            "error": sum(losses.mse(run(x)[0], x).item() for run in runs),
            "penalty": sum(
                regularizers.contractive_penalty(run.encoder, rows).item() for run in runs
            ),
            "sensitivity": sum(metrics.sensitivity(run.encoder, rows).item() for run in runs),
        }
        for weight, runs in models.items()
    }


# %% tabulate/penalty-times-weight
# table-check: This is the penalty times its weight
def tabulate(models, x):
    def mean(values):
        values = list(values)
        return sum(values) / len(values)

    rows = x.flatten(1)
    return {
        weight: {
            "error": mean(losses.mse(run(x)[0], x).item() for run in runs),
            "penalty": mean(
                weight * regularizers.contractive_penalty(run.encoder, rows).item() for run in runs
            ),
            "sensitivity": mean(metrics.sensitivity(run.encoder, rows).item() for run in runs),
        }
        for weight, runs in models.items()
    }


# %% tabulate/ratio-of-means
# table-check: You divided the mean penalty by the mean variance
def tabulate(models, x):
    rows, table = x.flatten(1), {}
    for weight, runs in models.items():
        penalty = sum(
            regularizers.contractive_penalty(run.encoder, rows).item() for run in runs
        ) / len(runs)
        variance = sum(metrics.code_variance(run.encode(x)).item() for run in runs) / len(runs)
        error = sum(losses.mse(run(x)[0], x).item() for run in runs) / len(runs)
        table[weight] = {"error": error, "penalty": penalty, "sensitivity": penalty / variance}
    return table


# %% tabulate/penalty-for-sensitivity
# table-check: This is the penalty again
def tabulate(models, x):
    rows, table = x.flatten(1), {}
    for weight, runs in models.items():
        penalty = sum(
            regularizers.contractive_penalty(run.encoder, rows).item() for run in runs
        ) / len(runs)
        error = sum(losses.mse(run(x)[0], x).item() for run in runs) / len(runs)
        table[weight] = {"error": error, "penalty": penalty, "sensitivity": penalty}
    return table


# %% tabulate/fixed-weights
# table-check: The rows of your table are
def tabulate(models, x):
    return {weight: {} for weight in WEIGHTS}


# %% tabulate/empty-rows
# table-check: Your table has no entry 'error'
def tabulate(models, x):
    return {weight: {} for weight in models}


# %% drift/pairs-with-themselves
# drift-check: You counted each image as a pair with itself
def drift(noisy, z):
    return ((noisy - z).square().sum(1).mean() / torch.cdist(z, z).square().mean()).sqrt()


# %% drift/pairs-counted-twice
# drift-check: The sum contains each pair once and the number of pairs counts it twice
def drift(noisy, z):
    pairs = torch.cdist(z, z).square().sum() / (len(z) * (len(z) - 1) / 2)
    return ((noisy - z).square().sum(1).mean() / pairs).sqrt()


# %% drift/squared-drift
# drift-check: This is the squared drift
def drift(noisy, z):
    return (noisy - z).square().sum(1).mean() / torch.pdist(z).square().mean()


# %% drift/fraction-inverted
# drift-check: Numerator and denominator are swapped
def drift(noisy, z):
    return (torch.pdist(z).square().mean() / (noisy - z).square().sum(1).mean()).sqrt()


# %% drift/averaged-distances
# drift-check: You took the mean of distances
def drift(noisy, z):
    return (noisy - z).norm(dim=1).mean() / torch.pdist(z).mean()


# %% drift/divided-by-code-size
# drift-check: You divided by the size of the codes
def drift(noisy, z):
    return ((noisy - z).square().sum() / z.square().sum()).sqrt()


# %% drift/divided-by-variance
# drift-check: You divided by the variance of the code
def drift(noisy, z):
    return ((noisy - z).square().sum(1).mean() / z.var(0, correction=0).sum()).sqrt()


# %% drift/noisy-against-every-code
# drift-check: You compared every noisy code with every code
def drift(noisy, z):
    return (torch.cdist(noisy, z).square().mean() / torch.pdist(z).square().mean()).sqrt()


# %% drift/mean-over-units
# drift-check: You took the mean over the units in the numerator and the sum in the denominator
def drift(noisy, z):
    return ((noisy - z).square().mean() / torch.pdist(z).square().mean()).sqrt()


# %% drift/ratio-of-each-image
# drift-check: You took one ratio for each image
def drift(noisy, z):
    ways = torch.cdist(z, z).square().sum(1) / (len(z) - 1)
    return ((noisy - z).square().sum(1) / ways).sqrt().mean()


# %% drift/not-divided
# drift-check: divide it by the distance between two images
def drift(noisy, z):
    return (noisy - z).square().sum(1).mean().sqrt()


# %% nearest/share-of-mistakes
# nearest-check: This is the share of wrong labels
def nearest_accuracy(z, labels, known, known_labels):
    return (known_labels[torch.cdist(z, known).argmin(1)] != labels).double().mean()


# %% nearest/farthest
# nearest-check: You took the farthest of the known codes
def nearest_accuracy(z, labels, known, known_labels):
    return (known_labels[torch.cdist(z, known).argmax(1)] == labels).double().mean()


# %% nearest/count
# nearest-check: This is the number of right labels
def nearest_accuracy(z, labels, known, known_labels):
    return (known_labels[torch.cdist(z, known).argmin(1)] == labels).double().sum()


# %% nearest/one-per-code
# nearest-check: or whether each of them is right
def nearest_accuracy(z, labels, known, known_labels):
    return known_labels[torch.cdist(z, known).argmin(1)] == labels


# %% nearest/index-for-label
# nearest-check: look up its label
def nearest_accuracy(z, labels, known, known_labels):
    return (torch.cdist(z, known).argmin(1) == labels).double().mean()


# %% nearest/largest-product
# nearest-check: You took the largest dot product
def nearest_accuracy(z, labels, known, known_labels):
    return (known_labels[(z @ known.T).argmax(1)] == labels).double().mean()


# %% nearest/search-reversed
# nearest-check: You took the nearest row of z for each known code
def nearest_accuracy(z, labels, known, known_labels):
    return (labels[torch.cdist(known, z).argmin(1)] == known_labels).double().mean()


# %% nearest/first-codes-only
# nearest-check: You compared only with the first known codes
def nearest_accuracy(z, labels, known, known_labels):
    return (known_labels[torch.cdist(z, known[: len(z)]).argmin(1)] == labels).double().mean()


# %% pareto/must-be-better-in-both
# pareto-check: A weight with an equal error and a smaller cost dominates too
def pareto(table, cost):
    return [
        a
        for a in table
        if not any(
            table[b]["error"] < table[a]["error"] and table[b][cost] < table[a][cost] for b in table
        )
    ]


# %% pareto/dominated-ones
# pareto-check: These are the dominated ones
def pareto(table, cost):
    def pair(weight):
        return table[weight]["error"], table[weight][cost]

    return [
        a
        for a in table
        if any(
            pair(b)[0] <= pair(a)[0] and pair(b)[1] <= pair(a)[1] and pair(a) != pair(b)
            for b in table
        )
    ]


# %% pareto/front-of-the-largest
# pareto-check: this is the front for large values
def pareto(table, cost):
    def pair(weight):
        return table[weight]["error"], table[weight][cost]

    return [
        a
        for a in table
        if not any(
            pair(b)[0] >= pair(a)[0] and pair(b)[1] >= pair(a)[1] and pair(a) != pair(b)
            for b in table
        )
    ]


# %% pareto/two-ends-only
# pareto-check: These are the two ends
def pareto(table, cost):
    return [min(table, key=lambda weight: table[weight][key]) for key in ("error", cost)]


# %% pareto/smallest-cost-so-far
# pareto-check: kept every new smallest cost
def pareto(table, cost):
    front, smallest = [], float("inf")
    for weight in sorted(table):
        if table[weight][cost] < smallest:
            front.append(weight)
            smallest = table[weight][cost]
    return front


# %% pareto/dominates-itself
# pareto-check: a weight does not dominate itself
def pareto(table, cost):
    return [
        a
        for a in table
        if not any(
            table[b]["error"] <= table[a]["error"] and table[b][cost] <= table[a][cost]
            for b in table
        )
    ]


# %% pareto/front-of-sensitivity
# pareto-check: That is the front for the other metric
def pareto(table, cost):
    def pair(weight):
        return table[weight]["error"], table[weight]["sensitivity"]

    return [
        a
        for a in table
        if not any(
            pair(b)[0] <= pair(a)[0] and pair(b)[1] <= pair(a)[1] and pair(a) != pair(b)
            for b in table
        )
    ]


# %% pareto/must-be-beaten-by-all
# pareto-check: it is enough that one other weight dominates it
def pareto(table, cost):
    return [
        a
        for a in table
        if not all(
            table[b]["error"] < table[a]["error"] and table[b][cost] < table[a][cost]
            for b in table
            if b != a
        )
    ]


# %% pareto/equal-rows-dominate
# pareto-check: Two weights with equal values do not dominate each other
def pareto(table, cost):
    return [
        a
        for a in table
        if not any(
            table[b]["error"] <= table[a]["error"] and table[b][cost] <= table[a][cost]
            for b in table
            if b != a
        )
    ]


# %% pareto/returns-the-count
# pareto-check: expected a list of weights
def pareto(table, cost):
    return len(table)


# %% pareto/returns-errors
# pareto-check: expected weights, the keys of the table
def pareto(table, cost):
    return [row["error"] for row in table.values()]


# %% best-at/no-rate
# best-at-check: The rate is missing
def best_at(table, rate, cost):
    return min(table, key=lambda weight: table[weight]["error"] + table[weight][cost])


# %% best-at/rate-at-the-error
# best-at-check: or multiplies the error
def best_at(table, rate, cost):
    return min(table, key=lambda weight: rate * table[weight]["error"] + table[weight][cost])


# %% best-at/largest-sum
# best-at-check: You took the largest sum
def best_at(table, rate, cost):
    return max(table, key=lambda weight: table[weight]["error"] + rate * table[weight][cost])


# %% best-at/smallest-error-alone
# best-at-check: This is the smallest error
def best_at(table, rate, cost):
    return min(table, key=lambda weight: table[weight]["error"])


# %% best-at/returns-the-sum
# best-at-check: return its weight
def best_at(table, rate, cost):
    return min(row["error"] + rate * row[cost] for row in table.values())


# %% best-at/fixed-cost
# best-at-check: That is the best weight by the other metric
def best_at(table, rate, cost):
    return min(
        table, key=lambda weight: table[weight]["error"] + rate * table[weight]["sensitivity"]
    )


# %% best-at/error-times-cost
# best-at-check: You multiplied error and cost
def best_at(table, rate, cost):
    return min(table, key=lambda weight: table[weight]["error"] * rate * table[weight][cost])


# %% within/percent-as-share
# within-check: 10 % is 0.10
def largest_within(table, percent):
    return max(
        weight for weight in table if table[weight]["error"] <= (1 + percent) * table[0.0]["error"]
    )


# %% within/stops-at-the-first-above
# within-check: You stopped at the first weight above the limit
def largest_within(table, percent):
    largest = 0.0
    for weight in sorted(table):
        if table[weight]["error"] > (1 + percent / 100) * table[0.0]["error"]:
            break
        largest = weight
    return largest


# %% within/smallest-weight
# within-check: That is the smallest weight below the limit
def largest_within(table, percent):
    return min(
        weight
        for weight in table
        if table[weight]["error"] <= (1 + percent / 100) * table[0.0]["error"]
    )


# %% within/returns-the-error
# within-check: That is the error
def largest_within(table, percent):
    return table[
        max(
            weight
            for weight in table
            if table[weight]["error"] <= (1 + percent / 100) * table[0.0]["error"]
        )
    ]["error"]


# %% within/largest-error-within
# within-check: That is the row with the largest error below the limit
def largest_within(table, percent):
    return max(
        (
            weight
            for weight in table
            if table[weight]["error"] <= (1 + percent / 100) * table[0.0]["error"]
        ),
        key=lambda weight: table[weight]["error"],
    )


# %% within/relative-to-the-smallest-error
# within-check: You compared with the smallest error of the table
def largest_within(table, percent):
    smallest = min(row["error"] for row in table.values())
    return max(
        weight for weight in table if table[weight]["error"] <= (1 + percent / 100) * smallest
    )


# %% order/equal-values
# order-check: the order is the same, whatever the values
def same_order(table, first, second):
    return [row[first] for row in table.values()] == [row[second] for row in table.values()]


# %% order/always-true
# order-check: One falls while the other rises
def same_order(table, first, second):
    return True


# %% order/ends-only
# order-check: compare the whole order
def same_order(table, first, second):
    return all(
        pick(table, key=lambda weight: table[weight][first])
        == pick(table, key=lambda weight: table[weight][second])
        for pick in (min, max)
    )


# %% order/assumes-falling
# order-check: The order need not be that of the weights
def same_order(table, first, second):
    def falls(measure):
        values = [table[weight][measure] for weight in sorted(table)]
        return values == sorted(values, reverse=True)

    return falls(first) and falls(second)


# %% order/values-for-order
# order-check: compare the order of the weights
def same_order(table, first, second):
    return sorted(row[first] for row in table.values()) == sorted(
        row[second] for row in table.values()
    ) or (
        sorted(table, key=lambda weight: table[weight][first])
        == sorted(table, key=lambda weight: table[weight][second])
    )


# %% within/limit-excluded
# within-check: use <=
def largest_within(table, percent):
    return max(
        (
            weight
            for weight in table
            if table[weight]["error"] < (1 + percent / 100) * table[0.0]["error"]
        ),
        default=0.0,
    )


# %% within/first-row-for-weight-0
# within-check: look it up by its key
def largest_within(table, percent):
    first = next(iter(table.values()))
    return max(
        weight for weight in table if table[weight]["error"] <= (1 + percent / 100) * first["error"]
    )


# %% order/fixed-measures
# order-check: use those that `first` and `second` name
def same_order(table, first, second):
    return sorted(table, key=lambda weight: table[weight]["penalty"]) == sorted(
        table, key=lambda weight: table[weight]["sensitivity"]
    )


# %% order/returns-a-string
# order-check: gives 'yes'
def same_order(table, first, second):
    return "yes"
