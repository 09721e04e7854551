# Plausible wrong answers to solutions/loss_comparison: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% mse/summed-for-mean
# mse-check: This is the sum
def mse(x_hat, x):
    return ((x_hat - x) ** 2).sum()


# %% mse/divided-by-images
# mse-check: You divided by the number of images
def mse(x_hat, x):
    return ((x_hat - x) ** 2).sum() / x.shape[0]


# %% mse/one-per-image
# mse-check: You returned one number per image
def mse(x_hat, x):
    return ((x_hat - x) ** 2).mean(dim=1)


# %% mse/averaged-before-squaring
# mse-check: You took the mean before the square
def mse(x_hat, x):
    return (x_hat - x).mean() ** 2


# %% mse/no-square
# mse-check: The square is missing
def mse(x_hat, x):
    return (x_hat - x).mean()


# %% mse/absolute-error
# mse-check: This is the absolute error
def mse(x_hat, x):
    return (x_hat - x).abs().mean()


# %% mse/root-at-the-end
# mse-check: You took the square root at the end
def mse(x_hat, x):
    return ((x_hat - x) ** 2).mean().sqrt()


# %% mse/number-without-gradient
# mse-check: carries no gradient
def mse(x_hat, x):
    return ((x_hat - x) ** 2).mean().item()


# %% mse/no-return
# mse-check: is a `return` missing?
def mse(x_hat, x):
    ((x_hat - x) ** 2).mean()


# %% mse/a-string
# mse-check: expected a tensor or a number
def mse(x_hat, x):
    return "the mean of the squares"


# %% mse/cubed
# mse-check: compute one element by hand
def mse(x_hat, x):
    return ((x_hat - x) ** 3).mean()


# %% mae/summed-for-mean
# mae-check: This is the sum
def mae(x_hat, x):
    return (x_hat - x).abs().sum()


# %% mae/divided-by-images
# mae-check: You divided by the number of images
def mae(x_hat, x):
    return (x_hat - x).abs().sum() / len(x)


# %% mae/one-per-image
# mae-check: You returned one number per image
def mae(x_hat, x):
    return (x_hat - x).abs().mean(-1)


# %% mae/no-absolute-value
# mae-check: The absolute value is missing
def mae(x_hat, x):
    return (x_hat - x).mean()


# %% mae/averaged-before-absolute-value
# mae-check: You took the mean before the absolute value
def mae(x_hat, x):
    return (x_hat - x).mean().abs()


# %% mae/squared-error
# mae-check: This is the squared error
def mae(x_hat, x):
    return (x_hat - x).pow(2).mean()


# %% mae/root-of-the-square
# mae-check: the slope of a square root is infinite at 0
def mae(x_hat, x):
    return ((x_hat - x) ** 2).sqrt().mean()


# %% mae/one-side-where-equal
# mae-check: takes one of the two sides
def mae(x_hat, x):
    return torch.where(x_hat > x, x_hat - x, x - x_hat).mean()


# %% mae/by-numpy
# mae-check: carries no gradient
def mae(x_hat, x):
    import numpy

    return numpy.abs(x_hat.detach().numpy() - x.numpy()).mean()


# %% bce/summed-for-mean
# bce-check: This is the sum
def bce_from_logits(logits, x):
    return (F.softplus(logits) - logits * x).sum()


# %% bce/divided-by-images
# bce-check: You divided by the number of images
def bce_from_logits(logits, x):
    return (F.softplus(logits) - logits * x).sum() / len(logits)


# %% bce/no-minus
# bce-check: The leading minus sign is missing
def bce_from_logits(logits, x):
    return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).mean()


# %% bce/sigmoid-twice
# bce-check: You applied the sigmoid twice
def bce_from_logits(logits, x):
    return F.binary_cross_entropy_with_logits(torch.sigmoid(logits), x)


# %% bce/no-dark-pixels
# bce-check: The term of the dark pixels
def bce_from_logits(logits, x):
    return -(x * F.logsigmoid(logits)).mean()


# %% bce/no-bright-pixels
# bce-check: The term of the bright pixels
def bce_from_logits(logits, x):
    return -((1 - x) * F.logsigmoid(-logits)).mean()


# %% bce/no-sigmoid
# bce-check: the sigmoid is missing
def bce_from_logits(logits, x):
    return -(x * logits.log() + (1 - x) * (1 - logits).log()).mean()


# %% bce/base-2
# bce-check: This is in bits
def bce_from_logits(logits, x):
    return (F.softplus(logits) - logits * x).mean() / 0.6931471805599453


# %% bce/log-of-rounded-sigmoid
# bce-check: You took the logarithm of a rounded probability: at logit 1000
def bce_from_logits(logits, x):
    s = torch.sigmoid(logits)
    return -(x * torch.log(s) + (1 - x) * torch.log(1 - s)).mean()


# %% bce/exp-overflows
# bce-check: exp(1000) overflows
def bce_from_logits(logits, x):
    return (torch.log(1 + torch.exp(logits)) - logits * x).mean()


# %% bce/small-number-in-log
# bce-check: a clamp or a small constant inside the logarithm hides the infinity
def bce_from_logits(logits, x):
    s = torch.sigmoid(logits)
    return -(x * torch.log(s + 1e-8) + (1 - x) * torch.log(1 - s + 1e-8)).mean()


# %% bce/clamped-by-pytorch
# bce-check: a clamp or a small constant inside the logarithm hides the infinity
def bce_from_logits(logits, x):
    return F.binary_cross_entropy(torch.sigmoid(logits), x)


# %% bce/clamped-sigmoid
# bce-check: a clamp or a small constant inside the logarithm hides the infinity
def bce_from_logits(logits, x):
    s = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    return -(x * torch.log(s) + (1 - x) * torch.log(1 - s)).mean()


# %% bce/gradient-nan-through-where
# bce-check: torch.where also differentiates the branch that it discards
def bce_from_logits(logits, x):
    log_sum = torch.where(logits > 50, logits, torch.log1p(torch.exp(logits)))
    return (log_sum - logits * x).mean()


# %% bce/detached
# bce-check: carries no gradient
def bce_from_logits(logits, x):
    return (F.softplus(logits) - logits * x).mean().detach()


# %% mse-gradient/by-autograd
# mse-gradient-check: the gradient that you derived on paper
def mse_gradient(x_hat, x):
    x_hat = x_hat.detach().requires_grad_()
    return torch.autograd.grad(F.mse_loss(x_hat, x), x_hat)[0]


# %% mse-gradient/sign-reversed
# mse-gradient-check: The sign is wrong
def mse_gradient(x_hat, x):
    return 2 * (x - x_hat) / x.numel()


# %% mse-gradient/no-2
# mse-gradient-check: The 2 from the square is missing
def mse_gradient(x_hat, x):
    return (x_hat - x) / x.numel()


# %% mse-gradient/no-1-over-n
# mse-gradient-check: The 1/n of the mean is missing
def mse_gradient(x_hat, x):
    return 2 * (x_hat - x)


# %% mse-gradient/no-2-and-no-1-over-n
# mse-gradient-check: The 2 from the square and the 1/n of the mean are missing
def mse_gradient(x_hat, x):
    return x_hat - x


# %% mse-gradient/divided-by-images
# mse-gradient-check: You divided by the number of images
def mse_gradient(x_hat, x):
    return 2 * (x_hat - x) / len(x)


# %% mse-gradient/averaged-error
# mse-gradient-check: each element has a gradient of its own
def mse_gradient(x_hat, x):
    return 2 * (x_hat - x).mean()


# %% mse-gradient/changes-its-argument
# mse-gradient-check: You changed a tensor that you were given
def mse_gradient(x_hat, x):
    x_hat -= x
    return 2 * x_hat / x.numel()


# %% mae-gradient/by-autograd
# mae-gradient-check: the gradient that you derived on paper
def mae_gradient(x_hat, x):
    x_hat = x_hat.detach().requires_grad_()
    return torch.autograd.grad(F.l1_loss(x_hat, x), x_hat)[0]


# %% mae-gradient/zero-over-zero
# mae-gradient-check: this is zero over zero
def mae_gradient(x_hat, x):
    return (x_hat - x) / (x_hat - x).abs() / x.numel()


# %% mae-gradient/one-side-where-equal
# mae-gradient-check: take 0 and neither of the two sides
def mae_gradient(x_hat, x):
    return torch.where(x_hat > x, 1.0, -1.0) / x.numel()


# %% mae-gradient/sign-reversed
# mae-gradient-check: The sign is wrong
def mae_gradient(x_hat, x):
    return torch.sign(x - x_hat) / x.numel()


# %% mae-gradient/no-1-over-n
# mae-gradient-check: The 1/n of the mean is missing
def mae_gradient(x_hat, x):
    return torch.sign(x_hat - x)


# %% mae-gradient/divided-by-images
# mae-gradient-check: You divided by the number of images
def mae_gradient(x_hat, x):
    return torch.sign(x_hat - x) / len(x)


# %% mae-gradient/always-positive
# mae-gradient-check: The sign of the error is missing
def mae_gradient(x_hat, x):
    return torch.ones_like(x) / x.numel()


# %% mae-gradient/error-itself
# mae-gradient-check: This grows with the error
def mae_gradient(x_hat, x):
    return (x_hat - x) / x.numel()


# %% mae-gradient/squared-error-gradient
# mae-gradient-check: This is the gradient of the squared error
def mae_gradient(x_hat, x):
    return 2 * (x_hat - x) / x.numel()


# %% mae-gradient/loss-itself
# mae-gradient-check: This is the loss itself
def mae_gradient(x_hat, x):
    return (x_hat - x).abs() / x.numel()


# %% mae-gradient/changes-its-argument
# mae-gradient-check: You changed a tensor that you were given
def mae_gradient(x_hat, x):
    x_hat -= x
    return x_hat.sign() / x.numel()


# %% bce-gradient/by-autograd
# bce-gradient-check: the gradient that you derived on paper
def bce_gradient(x_hat, x):
    x_hat = x_hat.detach().requires_grad_()
    return torch.autograd.grad(F.binary_cross_entropy_with_logits(x_hat, x), x_hat)[0]


# %% bce-gradient/sign-reversed
# bce-gradient-check: The sign is wrong
def bce_gradient(logits, x):
    return (x - torch.sigmoid(logits)) / x.numel()


# %% bce-gradient/no-1-over-n
# bce-gradient-check: The 1/n of the mean is missing
def bce_gradient(logits, x):
    return torch.sigmoid(logits) - x


# %% bce-gradient/divided-by-images
# bce-gradient-check: You divided by the number of images
def bce_gradient(logits, x):
    return (torch.sigmoid(logits) - x) / len(x)


# %% bce-gradient/in-the-probability
# bce-gradient-check: This is the gradient with respect to the probability
def bce_gradient(logits, x):
    s = torch.sigmoid(logits)
    return (s - x) / (s * (1 - s)) / x.numel()


# %% bce-gradient/sigmoid-derivative-once-too-often
# bce-gradient-check: There is one factor s (1 - s) too many
def bce_gradient(logits, x):
    s = torch.sigmoid(logits)
    return (s - x) * s * (1 - s) / x.numel()


# %% bce-gradient/no-sigmoid
# bce-gradient-check: the sigmoid is missing
def bce_gradient(logits, x):
    return (logits - x) / x.numel()


# %% bce-gradient/sigmoid-twice
# bce-gradient-check: You applied the sigmoid twice
def bce_gradient(logits, x):
    return (torch.sigmoid(torch.sigmoid(logits)) - x) / x.numel()


# %% bce-gradient/exp-overflows
# bce-gradient-check: infinity over infinity is nan
def bce_gradient(logits, x):
    return (torch.exp(logits) / (1 + torch.exp(logits)) - x) / x.numel()


# %% bce-gradient/changes-its-argument
# bce-gradient-check: You changed a tensor that you were given
def bce_gradient(logits, x):
    return (logits.sigmoid_() - x) / x.numel()


# %% sigmoid-mse-gradient/by-autograd
# sigmoid-mse-gradient-check: the gradient that you derived on paper
def sigmoid_mse_gradient(x_hat, x):
    x_hat = x_hat.detach().requires_grad_()
    return torch.autograd.grad(F.mse_loss(x_hat.sigmoid(), x), x_hat)[0]


# %% sigmoid-mse-gradient/sign-reversed
# sigmoid-mse-gradient-check: The sign is wrong
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return 2 * (x - s) * s * (1 - s) / x.numel()


# %% sigmoid-mse-gradient/no-sigmoid-derivative
# sigmoid-mse-gradient-check: The second factor of the chain rule is missing
def sigmoid_mse_gradient(logits, x):
    return 2 * (torch.sigmoid(logits) - x) / x.numel()


# %% sigmoid-mse-gradient/derivative-of-the-logit
# sigmoid-mse-gradient-check: not a (1 - a)
def sigmoid_mse_gradient(logits, x):
    return 2 * (torch.sigmoid(logits) - x) * logits * (1 - logits) / x.numel()


# %% sigmoid-mse-gradient/half-of-the-derivative
# sigmoid-mse-gradient-check: A factor of the sigmoid's derivative is missing
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return 2 * (s - x) * s / x.numel()


# %% sigmoid-mse-gradient/error-of-the-logit
# sigmoid-mse-gradient-check: the error is sigmoid(a) - x
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return 2 * (logits - x) * s * (1 - s) / x.numel()


# %% sigmoid-mse-gradient/no-2
# sigmoid-mse-gradient-check: The 2 from the square is missing
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return (s - x) * s * (1 - s) / x.numel()


# %% sigmoid-mse-gradient/no-1-over-n
# sigmoid-mse-gradient-check: The 1/n of the mean is missing
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return 2 * (s - x) * s * (1 - s)


# %% sigmoid-mse-gradient/divided-by-images
# sigmoid-mse-gradient-check: You divided by the number of images
def sigmoid_mse_gradient(logits, x):
    s = torch.sigmoid(logits)
    return 2 * (s - x) * s * (1 - s) / len(x)


# %% sigmoid-mse-gradient/cross-entropy-gradient
# sigmoid-mse-gradient-check: This is the gradient of the cross entropy
def sigmoid_mse_gradient(logits, x):
    return (torch.sigmoid(logits) - x) / x.numel()


# %% sigmoid-mse-gradient/changes-its-argument
# sigmoid-mse-gradient-check: You changed a tensor that you were given
def sigmoid_mse_gradient(logits, x):
    s = logits.sigmoid_()
    return 2 * (s - x) * s * (1 - s) / x.numel()


# %% objective/mae-trains-mse
# objective-pixels-check: This is the other of the two losses
def objective(name):
    def compute(model, x, generator):
        if name == "bce":
            return {name: losses.bce(model.logits(model.encode(x)), x)}
        return {name: losses.mse(model(x)[0], x)}

    return compute


# %% objective/closure-in-a-loop
# objective-pixels-check: This is the other of the two losses
# objective-bce-check: This is the absolute error
def objective(name):
    made = {}
    for key in ("mse", "bce", "mae"):

        def compute(model, x, generator):
            if key == "bce":
                return {key: losses.bce(model.logits(model.encode(x)), x)}
            return {key: (losses.mse if key == "mse" else losses.mae)(model(x)[0], x)}

        made[key] = compute
    return made[name]


# %% objective/logits-for-pixels
# objective-pixels-check: You compared the logits with the pixels
def objective(name):
    def compute(model, x, generator):
        a = model.logits(model.encode(x))
        return {name: getattr(losses, name)(a, x)}

    return compute


# %% objective/sigmoid-twice-for-mse
# objective-pixels-check: You applied the sigmoid twice
def objective(name):
    def compute(model, x, generator):
        if name == "bce":
            return {name: losses.bce(model.logits(model.encode(x)), x)}
        return {name: getattr(losses, name)(torch.sigmoid(model(x)[0]), x)}

    return compute


# %% objective/summed-for-mean
# objective-pixels-check: This is the sum
# objective-bce-check: This is the sum
def objective(name):
    def compute(model, x, generator):
        if name == "bce":
            return {name: losses.bce(model.logits(model.encode(x)), x, "sum")}
        return {name: getattr(losses, name)(model(x)[0], x, "sum")}

    return compute


# %% objective/always-bce
# objective-pixels-check: This is the cross entropy, whatever `name` is
def objective(name):
    return lambda model, x, generator: {name: losses.bce(model.logits(model.encode(x)), x)}


# %% objective/sigmoid-twice-for-bce
# objective-bce-check: You applied the sigmoid twice
def objective(name):
    return lambda model, x, generator: {name: getattr(losses, name)(model(x)[0], x)}


# %% objective/bce-of-clamped-probability
# objective-bce-check: You took the logarithm of a rounded probability, clamped at -100
def objective(name):
    def compute(model, x, generator):
        loss = losses.bce_from_probabilities if name == "bce" else getattr(losses, name)
        return {name: loss(model(x)[0], x)}

    return compute


# %% objective/bce-of-rounded-probability
# objective-bce-check: You took the logarithm of a rounded probability, which is not finite
def objective(name):
    def compute(model, x, generator):
        x_hat = model(x)[0]
        if name == "bce":
            return {name: -(x * x_hat.log() + (1 - x) * (1 - x_hat).log()).mean()}
        return {name: getattr(losses, name)(x_hat, x)}

    return compute


# %% objective/mse-for-bce
# objective-bce-check: This is the squared error
def objective(name):
    def compute(model, x, generator):
        return {name: (losses.mae if name == "mae" else losses.mse)(model(x)[0], x)}

    return compute


# %% objective/returns-the-name
# objective-pixels-check: define it inside and return it without calling it
# objective-bce-check: not callable
def objective(name):
    return name


# %% objective/returns-the-loss
# objective-pixels-check: expected a dictionary such as
# objective-bce-check: expected a dictionary such as
def objective(name):
    def compute(model, x, generator):
        if name == "bce":
            return losses.bce(model.logits(model.encode(x)), x)
        return getattr(losses, name)(model(x)[0], x)

    return compute


# %% objective/no-grad
# objective-pixels-check: carries no gradient
# objective-bce-check: carries no gradient
def objective(name):
    def compute(model, x, generator):
        with torch.no_grad():
            if name == "bce":
                return {name: losses.bce(model.logits(model.encode(x)), x)}
            return {name: getattr(losses, name)(model(x)[0], x)}

    return compute


# %% train/returns-the-history
# train-budget-check: expected the network
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    return fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)


# %% train/no-hidden-layer-given
# train-budget-check: The network is not the one of the task
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(latent_dim=16)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/fixed-steps
# train-budget-check: pass `steps` to fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, images.train, objective, steps=6, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/default-batch-size
# train-budget-check: A batch holds 128 images
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, images.train, objective, steps=steps, lr=LR, seed=seed)
    return model


# %% train/trains-on-test
# train-budget-check: images that are not in images.train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, test, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/default-learning-rate
# train-budget-check: That is the default learning rate of fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, seed=seed)
    return model


# %% train/network-before-the-seed
# train-seed-check: the network must be created inside train
def train(objective, seed, steps=STEPS):
    model = Autoencoder(hidden=(128,), latent_dim=16)
    torch.manual_seed(seed)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/one-network-for-all
# train-seed-check: the network must be created inside train
def train(objective, seed, steps=STEPS, model=Autoencoder(hidden=(128,), latent_dim=16)):
    torch.manual_seed(seed)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/batches-by-the-clock
# train-seed-check: Two runs with the same seed get different batches
def train(objective, seed, steps=STEPS):
    import time

    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
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
# train-seed-check: Every seed starts from the same weights
def train(objective, seed, steps=STEPS):
    torch.manual_seed(0)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/one-batch-order-for-all-seeds
# train-seed-check: Every seed gets the same batches
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=16)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR)
    return model


# %% train/not-trained
# train-budget-check: took 0 steps
# train-seed-check: train never called the objective
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    return Autoencoder(hidden=(128,), latent_dim=16)


# %% sharpness/fraction-inverted
# sharpness-check: Numerator and denominator are swapped
def sharpness(x_hat, x):
    return metrics.gradient_energy(x) / metrics.gradient_energy(x_hat)


# %% sharpness/rows-only
# sharpness-check: vertical edges are not counted
def sharpness(x_hat, x):
    return x_hat.diff(dim=2).square().sum((1, 2, 3)) / x.diff(dim=2).square().sum((1, 2, 3))


# %% sharpness/columns-only
# sharpness-check: horizontal edges are not counted
def sharpness(x_hat, x):
    return x_hat.diff().square().sum((1, 2, 3)) / x.diff().square().sum((1, 2, 3))


# %% sharpness/total-variation
# sharpness-check: This is the ratio of the total variations
def sharpness(x_hat, x):
    def energy(x):
        return x.diff(dim=2).abs().sum((1, 2, 3)) + x.diff(dim=3).abs().sum((1, 2, 3))

    return energy(x_hat) / energy(x)


# %% sharpness/one-for-the-batch
# sharpness-check: You returned one number for the whole batch
def sharpness(x_hat, x):
    def energy(x):
        return x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()

    return energy(x_hat) / energy(x)


# %% sharpness/averaged-images
# sharpness-check: You took the mean over the images
def sharpness(x_hat, x):
    return metrics.sharpness(x_hat, x).mean()


# %% sharpness/wraps-around
# sharpness-check: Your differences wrap around
def sharpness(x_hat, x):
    def energy(x):
        return ((x - x.roll(1, 2)) ** 2 + (x - x.roll(1, 3)) ** 2).sum((1, 2, 3))

    return energy(x_hat) / energy(x)


# %% sharpness/root-of-ratio
# sharpness-check: You took the square root of the ratio
def sharpness(x_hat, x):
    return (metrics.gradient_energy(x_hat) / metrics.gradient_energy(x)).sqrt()


# %% sharpness/energy-of-x-hat-alone
# sharpness-check: This is the energy of x_hat alone
def sharpness(x_hat, x):
    return metrics.gradient_energy(x_hat)


# %% tabulate/first-seed-alone
# table-errors-check: This is the value of the first seed only
# table-edges-check: This is the value of the first seed only
def tabulate(outputs, x):
    return {
        name: {
            "mse": losses.mse(runs[0], x),
            "mae": losses.mae(runs[0], x),
            "psnr": metrics.psnr(runs[0], x).mean(),
            "sharpness": metrics.sharpness(runs[0], x).mean(),
            "total variation": metrics.sharpness(runs[0], x, metrics.total_variation).mean(),
        }
        for name, runs in outputs.items()
    }


# %% tabulate/last-seed-alone
# table-errors-check: This is the value of the last seed only
# table-edges-check: This is the value of the last seed only
def tabulate(outputs, x):
    table = {}
    for name, runs in outputs.items():
        for run in runs:
            table[name] = {
                "mse": losses.mse(run, x),
                "mae": losses.mae(run, x),
                "psnr": metrics.psnr(run, x).mean(),
                "sharpness": metrics.sharpness(run, x).mean(),
                "total variation": metrics.sharpness(run, x, metrics.total_variation).mean(),
            }
    return table


# %% tabulate/summed-over-seeds
# table-errors-check: This is the sum over the seeds
# table-edges-check: This is the sum over the seeds
def tabulate(outputs, x):
    return {
        name: {
            "mse": sum(losses.mse(run, x) for run in runs),
            "mae": sum(losses.mae(run, x) for run in runs),
            "psnr": sum(metrics.psnr(run, x).mean() for run in runs),
            "sharpness": sum(metrics.sharpness(run, x).mean() for run in runs),
            "total variation": sum(
                metrics.sharpness(run, x, metrics.total_variation).mean() for run in runs
            ),
        }
        for name, runs in outputs.items()
    }


# %% tabulate/decibels-of-the-mean-error
# table-errors-check: You took the decibels of a mean error
def tabulate(outputs, x):
    def mean(f, runs):
        return sum(f(run).mean().item() for run in runs) / len(runs)

    return {
        name: {
            "mse": mean(lambda a: losses.mse(a, x), runs),
            "mae": mean(lambda a: losses.mae(a, x), runs),
            "psnr": mean(lambda a: -10 * losses.mse(a, x).log10(), runs),
            "sharpness": mean(lambda a: metrics.sharpness(a, x), runs),
            "total variation": mean(
                lambda a: metrics.sharpness(a, x, metrics.total_variation), runs
            ),
        }
        for name, runs in outputs.items()
    }


# %% tabulate/ratio-of-means
# table-errors-check: You took the decibels of the mean over images and seeds
# table-edges-check: You divided the mean energies
def tabulate(outputs, x):
    import math

    table = {}
    for name, runs in outputs.items():
        mse = sum(losses.mse(run, x).item() for run in runs) / len(runs)
        row = {
            "mse": mse,
            "mae": sum(losses.mae(run, x).item() for run in runs) / len(runs),
            "psnr": -10 * math.log10(mse),
        }
        for key, energy in (
            ("sharpness", metrics.gradient_energy),
            ("total variation", metrics.total_variation),
        ):
            row[key] = sum((energy(run).mean() / energy(x).mean()).item() for run in runs) / len(
                runs
            )
        table[name] = row
    return table


# %% tabulate/averaged-reconstructions
# table-errors-check: You took the mean of the images over the seeds first
# table-edges-check: You took the mean of the images over the seeds first
def tabulate(outputs, x):
    table = {}
    for name, runs in outputs.items():
        mean = torch.stack(runs).mean(0)
        table[name] = {
            "mse": losses.mse(mean, x).item(),
            "mae": losses.mae(mean, x).item(),
            "psnr": metrics.psnr(mean, x).mean().item(),
            "sharpness": metrics.sharpness(mean, x).mean().item(),
            "total variation": metrics.sharpness(mean, x, metrics.total_variation).mean().item(),
        }
    return table


# %% tabulate/arguments-swapped
# table-edges-check: The arguments are in the wrong order
def tabulate(outputs, x):
    def mean(f, runs):
        return sum(f(x, run).mean().item() for run in runs) / len(runs)

    return {
        name: {
            "mse": mean(losses.mse, runs),
            "mae": mean(losses.mae, runs),
            "psnr": mean(metrics.psnr, runs),
            "sharpness": mean(metrics.sharpness, runs),
            "total variation": mean(
                lambda a, b: metrics.sharpness(a, b, metrics.total_variation), runs
            ),
        }
        for name, runs in outputs.items()
    }


# %% tabulate/sharpness-for-total-variation
# table-edges-check: The two metrics are swapped
def tabulate(outputs, x):
    def mean(f, runs):
        return sum(f(run, x).mean().item() for run in runs) / len(runs)

    return {
        name: {
            "mse": mean(losses.mse, runs),
            "mae": mean(losses.mae, runs),
            "psnr": mean(metrics.psnr, runs),
            "sharpness": mean(metrics.sharpness, runs),
            "total variation": mean(metrics.sharpness, runs),
        }
        for name, runs in outputs.items()
    }


# %% tabulate/fixed-names
# table-errors-check: The rows of your table are
# table-edges-check: The rows of your table are
def tabulate(outputs, x):
    return {name: {} for name in ("mse", "bce", "mae")}


# %% tabulate/empty-rows
# table-errors-check: Your table has no entry 'mse'
# table-edges-check: Your table has no entry 'sharpness'
def tabulate(outputs, x):
    return {name: {} for name in outputs}


# %% tabulate/no-values
# table-errors-check: is a `return` missing?
# table-edges-check: is a `return` missing?
def tabulate(outputs, x):
    return {
        name: dict.fromkeys(("mse", "mae", "psnr", "sharpness", "total variation"))
        for name in outputs
    }


# %% sharpest-by/smallest-value
# sharpest-by-check: That loss has the smallest value
def sharpest_by(table, measure):
    return min(table, key=lambda name: table[name][measure])


# %% sharpest-by/always-total-variation
# sharpest-by-check: That loss wins by the other metric
def sharpest_by(table, measure):
    return max(table, key=lambda name: table[name]["total variation"])


# %% sharpest-by/nearest-to-1
# sharpest-by-check: not the one nearest to 1
def sharpest_by(table, measure):
    return min(table, key=lambda name: abs(table[name][measure] - 1))


# %% sharpest-by/fixed-name
# sharpest-by-check: and not a fixed name
def sharpest_by(table, measure):
    return "mae"


# %% sharpest-by/returns-the-value
# sharpest-by-check: return the name of its loss
def sharpest_by(table, measure):
    return max(row[measure] for row in table.values())


# %% sharpest-by/fixed-candidates
# sharpest-by-check: huber
def sharpest_by(table, measure):
    return max(("mse", "bce", "mae"), key=lambda name: table.get(name, {}).get(measure, -1))


# %% sharpest-by/changes-the-table
# sharpest-by-check: You changed the table
def sharpest_by(table, measure):
    for name in table:
        table[name] = table[name][measure]
    return max(table, key=table.get)


# %% price/fraction-inverted
# price-check: Numerator and denominator are swapped
def price(table, name):
    return min(row["mse"] for row in table.values()) / table[name]["mse"]


# %% price/difference
# price-check: You took the difference
def price(table, name):
    return table[name]["mse"] - min(row["mse"] for row in table.values())


# %% price/divided-by-the-mse-row
# price-check: You divided by the loss called mse
def price(table, name):
    return table[name]["mse"] / table["mse"]["mse"]


# %% price/divided-by-the-largest
# price-check: You divided by the largest error
def price(table, name):
    return table[name]["mse"] / max(row["mse"] for row in table.values())


# %% price/error-itself
# price-check: That is the error itself
def price(table, name):
    return table[name]["mse"]


# %% price/always-of-mae
# price-check: That is the price of mae
def price(table, name):
    return table["mae"]["mse"] / min(row["mse"] for row in table.values())


# %% agree/always-false
# agree-check: Both metrics name mae here
def agree(winners):
    return False


# %% agree/always-true
# agree-check: The metrics name different losses here
def agree(winners):
    return True


# %% agree/only-if-mae
# agree-check: Both metrics name bce
def agree(winners):
    return all(name == "mae" for name in winners.values())


# %% agree/first-two-measures-only
# agree-check: The third metric names another loss
def agree(winners):
    return winners["sharpness"] == winners["total variation"]


# %% agree/all-different-counts
# agree-check: The three metrics name three different losses
def agree(winners):
    return len(set(winners.values())) != 2


# %% agree/returns-a-string
# agree-check: gives 'yes'
def agree(winners):
    return "yes" if len(set(winners.values())) == 1 else "no"


# %% impostor/leaves-the-range
# impostor-check: pixels must be in [0
def impostor(x, generator):
    return x + torch.randn(x.shape, generator=generator, device=x.device)


# %% impostor/moves-no-edge
# impostor-check: Adding a constant does not change the edges
def impostor(x, generator):
    return x * 0.5 + 0.5


# %% impostor/blurs
# impostor-check: and blur removes edges
def impostor(x, generator):
    return F.avg_pool2d(x, 3, 1, 1)


# %% impostor/too-little-noise
# impostor-check: these still look like the originals
def impostor(x, generator):
    return (x + 0.2 * torch.randn(x.shape, generator=generator, device=x.device)).clamp(0, 1)


# %% impostor/another-shape
# impostor-check: of the same shape as x
def impostor(x, generator):
    return torch.rand(28, 28)
