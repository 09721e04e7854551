# Plausible wrong answers to solutions/noise_level: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% gaussian/clipped
# noise-check: you clipped
def gaussian(x, sigma, generator):
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return (x + sigma * noise).clamp(0, 1)


# %% gaussian/sigma-as-variance
# noise-check: it is a standard deviation
def gaussian(x, sigma, generator):
    return x + sigma**0.5 * torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/sigma-squared
# noise-check: You squared sigma
def gaussian(x, sigma, generator):
    return x + sigma**2 * torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/sigma-ignored
# noise-check: This is noise of level 1
def gaussian(x, sigma, generator):
    return x + torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/uniform-from-0
# noise-check: The noise shifts all pixels in one direction
def gaussian(x, sigma, generator):
    return x + sigma * torch.rand(x.shape, generator=generator, device=x.device)


# %% gaussian/uniform-around-0
# noise-check: Your numbers are uniform on an interval of length sigma
def gaussian(x, sigma, generator):
    return x + sigma * (torch.rand(x.shape, generator=generator, device=x.device) - 0.5)


# %% gaussian/uniform-of-the-right-deviation
# noise-check: A normal distribution has tails
def gaussian(x, sigma, generator):
    return x + 12**0.5 * sigma * (torch.rand(x.shape, generator=generator, device=x.device) - 0.5)


# %% gaussian/multiplicative
# noise-check: add the noise to x, do not multiply
def gaussian(x, sigma, generator):
    return x * (1 + sigma * torch.randn(x.shape, generator=generator, device=x.device))


# %% gaussian/one-noise-for-all-images
# noise-check: Some pixels share their noise
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn(x.shape[1:], generator=generator, device=x.device)


# %% gaussian/noise-alone
# noise-check: The image is missing
def gaussian(x, sigma, generator):
    return sigma * torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/grey-pixels-move-less
# noise-check: The noise on grey pixels is weaker than on black ones
def gaussian(x, sigma, generator):
    return x + (1 - x) * sigma * torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/rescaled-global-noise
# noise-check: This is not a common mistake
# generator-check: Two generators with the same seed give different noise
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn_like(x).abs() * torch.randn_like(x).sign() * 0.8


# %% gaussian/flattened
# noise-check: must return a tensor of the shape of x
def gaussian(x, sigma, generator):
    return (x + sigma * torch.randn(x.shape, generator=generator, device=x.device)).flatten(1)


# %% gaussian/global-generator
# generator-check: Two generators with the same seed give different noise
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn_like(x)


# %% gaussian/generator-reseeded
# generator-check: Two calls with one generator give the same noise
def gaussian(x, sigma, generator):
    generator.manual_seed(0)
    return x + sigma * torch.randn(x.shape, generator=generator, device=x.device)


# %% gaussian/generator-of-the-same-seed
# generator-check: Two calls with one generator give the same noise
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn(
        x.shape, generator=torch.Generator().manual_seed(generator.initial_seed())
    )


# %% gaussian/one-noise-for-all-seeds
# generator-check: Two seeds give the same noise
COUNT = [0]


def gaussian(x, sigma, generator):
    again = generator.get_state().equal(
        torch.Generator().manual_seed(generator.initial_seed()).get_state()
    )
    COUNT[0] = 0 if again else COUNT[0] + 1
    torch.rand(1, generator=generator)
    return x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(COUNT[0]))


# %% gaussian/global-seed-set
# generator-check: The state of PyTorch's global generator changed
def gaussian(x, sigma, generator):
    torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
    return x + sigma * torch.randn_like(x)


# %% gaussian/changes-x
# generator-check: You changed x itself
def gaussian(x, sigma, generator):
    return x.add_(sigma * torch.randn(x.shape, generator=generator, device=x.device))


# %% clipped-black/mean-before-clipping
# clipped-black-check: Zero is the mean before clipping
def clipped_black(sigma):
    return 0, sigma**2 / 2


# %% clipped-black/mean-of-absolute-noise
# clipped-black-check: This is the mean of |n|
def clipped_black(sigma):
    return sigma * math.sqrt(2 / math.pi), sigma**2 * (1 - 2 / math.pi)


# %% clipped-black/no-root-of-2-pi
# clipped-black-check: The square root is missing
def clipped_black(sigma):
    return sigma / (2 * math.pi), sigma**2 / 2 - sigma**2 / (2 * math.pi)


# %% clipped-black/variance-before-clipping
# clipped-black-check: This is the variance before clipping
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi), sigma**2


# %% clipped-black/mean-square-for-variance
# clipped-black-check: This is the mean of the square
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi), sigma**2 / 2


# %% clipped-black/variance-not-halved
# clipped-black-check: clipping keeps only half of sigma squared
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi), sigma**2 * (1 - 1 / (2 * math.pi))


# %% clipped-black/variance-of-absolute-noise
# clipped-black-check: This is the variance of |n|
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi), sigma**2 * (1 - 2 / math.pi)


# %% clipped-black/standard-deviation
# clipped-black-check: This is the standard deviation
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi), sigma * math.sqrt(1 / 2 - 1 / (2 * math.pi))


# %% clipped-black/mean-only
# clipped-black-check: expected two numbers
def clipped_black(sigma):
    return sigma / math.sqrt(2 * math.pi)


# %% clipped-black/by-simulation
# clipped-black-check: like a mean of random numbers
def clipped_black(sigma):
    n = sigma * torch.randn(100000, generator=torch.Generator().manual_seed(0)).clamp(min=0)
    return n.mean(), n.var()


# %% denoising/noisy-target
# target-check: The target is the noisy image
def denoising(sigma):
    def compute(model, x, generator):
        x = corruption.gaussian(x, sigma, generator)
        return {"error": losses.mse(model(x)[0], x)}

    return compute


# %% denoising/clean-input-noisy-target
# target-check: The input of the model is clean
# fresh-check: Two steps have the same noise
def denoising(sigma):
    def compute(model, x, generator):
        noisy = corruption.gaussian(x, sigma, generator)
        return {"error": losses.mse(model(x)[0], noisy)}

    return compute


# %% denoising/noise-clipped
# target-check: The noise was clipped
def denoising(sigma):
    def compute(model, x, generator):
        return {
            "error": losses.mse(model(corruption.gaussian(x, sigma, generator, clip=True))[0], x)
        }

    return compute


# %% denoising/noise-as-target
# target-check: The target is the noise
def denoising(sigma):
    def compute(model, x, generator):
        noisy = corruption.gaussian(x, sigma, generator)
        return {"error": losses.mse(model(noisy)[0], noisy - x)}

    return compute


# %% denoising/model-left-out
# target-check: compare the model's output
def denoising(sigma):
    def compute(model, x, generator):
        noisy = corruption.gaussian(x, sigma, generator)
        x_hat, z = model(noisy)
        return {"error": losses.mse(noisy, x)}

    return compute


# %% denoising/summed-for-mean
# target-check: This is the sum
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mse(model(corruption.gaussian(x, sigma, generator))[0], x, "sum")}

    return compute


# %% denoising/divided-by-images
# target-check: You divided by the number of images
def denoising(sigma):
    def compute(model, x, generator):
        return {
            "error": losses.mse(model(corruption.gaussian(x, sigma, generator))[0], x, "batchmean")
        }

    return compute


# %% denoising/absolute-error
# target-check: This is the absolute error
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mae(model(corruption.gaussian(x, sigma, generator))[0], x)}

    return compute


# %% denoising/divided-by-sigma-squared
# target-check: You divided by sigma squared
def denoising(sigma):
    def compute(model, x, generator):
        return {
            "error": losses.mse(model(corruption.gaussian(x, sigma, generator))[0], x) / sigma**2
        }

    return compute


# %% denoising/another-noise-as-target
# target-check: This is not a common mistake
def denoising(sigma):
    def compute(model, x, generator):
        target = corruption.gaussian(x, sigma, generator)
        return {"error": losses.mse(model(corruption.gaussian(x, sigma, generator))[0], target)}

    return compute


# %% denoising/sigma-squared
# target-check: This is not a common mistake
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mse(model(corruption.gaussian(x, sigma**2, generator))[0], x)}

    return compute


# %% denoising/no-grad
# target-check: carries no gradient
def denoising(sigma):
    def compute(model, x, generator):
        with torch.no_grad():
            return {"error": losses.mse(model(corruption.gaussian(x, sigma, generator))[0], x)}

    return compute


# %% denoising/returns-no-function
# target-check: define it inside and return it without calling it
# fresh-check: denoising must return a function
def denoising(sigma):
    return {"error": sigma}


# %% denoising/returns-a-number
# target-check: expected a dictionary such as
def denoising(sigma):
    def compute(model, x, generator):
        return losses.mse(model(corruption.gaussian(x, sigma, generator))[0], x)

    return compute


# %% denoising/model-not-called
# target-check: The model was not applied to the batch
# fresh-check: The model was not applied to the batch
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mse(corruption.gaussian(x, sigma, generator), x)}

    return compute


# %% denoising/fixed-seed
# fresh-check: Two steps have the same noise
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mse(model(corruption.gaussian(x, sigma, 0))[0], x)}

    return compute


# %% denoising/noise-kept
# fresh-check: Two steps have the same noise
def denoising(sigma):
    kept = {}

    def compute(model, x, generator):
        if x.shape not in kept:
            kept[x.shape] = corruption.gaussian(torch.zeros_like(x), sigma, generator)
        return {"error": losses.mse(model(x + kept[x.shape])[0], x)}

    return compute


# %% denoising/generator-of-its-own
# fresh-check: The noise does not come from the generator that the objective gets
def denoising(sigma):
    mine = torch.Generator(images.train.device).manual_seed(0)

    def compute(model, x, generator):
        return {"error": losses.mse(model(corruption.gaussian(x, sigma, mine))[0], x)}

    return compute


# %% denoising/global-generator
# fresh-check: The noise does not come from the generator that the objective gets
def denoising(sigma):
    def compute(model, x, generator):
        return {"error": losses.mse(model(x + sigma * torch.randn_like(x))[0], x)}

    return compute


# %% denoising/global-seed-set
# fresh-check: The state of PyTorch's global generator changed
def denoising(sigma):
    def compute(model, x, generator):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator, device=x.device)))
        return {"error": losses.mse(model(x + sigma * torch.randn_like(x))[0], x)}

    return compute


# %% denoising/one-level-for-all
# fresh-check: have noise of the same level
def denoising(sigma):
    globals()["level_now"] = sigma

    def compute(model, x, generator):
        return {"error": losses.mse(model(corruption.gaussian(x, level_now, generator))[0], x)}

    return compute


# %% train-all/flat-list
# grid-check: expected a dictionary with an entry for each of the levels
# fair-check: Expected a dictionary with a list of networks
def train_all(make, levels, seeds, steps=STEPS):
    models = []
    for level in levels:
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models.append(model)
    return models


# %% train-all/one-network-per-level
# grid-check: expected a list of two networks for each level
# fair-check: Expected a dictionary with a list of networks
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        for seed in seeds:
            torch.manual_seed(seed)
            models[level] = Autoencoder(hidden=(), latent_dim=64)
            fit(
                models[level],
                images.train,
                make(level),
                steps=steps,
                batch_size=BATCH,
                lr=LR,
                seed=seed,
            )
    return models


# %% train-all/returns-the-histories
# grid-check: expected the network
# fair-check: Expected a dictionary with a list of networks
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            models[level].append(
                fit(
                    model,
                    images.train,
                    make(level),
                    steps=steps,
                    batch_size=BATCH,
                    lr=LR,
                    seed=seed,
                )
            )
    return models


# %% train-all/default-code-size
# grid-check: A network is not the one of the task
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=())
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/sigmoid-on-the-code
# grid-check: computes something else
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64, code_activation="relu")
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/fixed-steps
# grid-check: pass `steps` to fit
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=5, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/default-batch-size
# grid-check: A batch holds 128 images
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/trains-on-test
# grid-check: images that are not in images.train
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.test, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/trains-on-noisy-images
# grid-check: images that are not in images.train
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            noisy = corruption.gaussian(images.train[:500], 0.1, seed, clip=True)
            fit(model, noisy, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/default-learning-rate
# grid-check: That is the default learning rate of fit
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, seed=seed)
            models[level].append(model)
    return models


# %% train-all/levels-reversed
# grid-check: An entry holds a network that was trained at another level
def train_all(make, levels, seeds, steps=STEPS):
    made = [make(level) for level in sorted(levels)]
    models = {}
    for i, level in enumerate(sorted(levels, reverse=True)):
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, made[i], steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/one-network-for-all
# grid-check: An entry holds a network that was trained at another level
# fair-check: Two levels start from different weights
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    torch.manual_seed(seeds[0])
    model = Autoencoder(hidden=(), latent_dim=64)
    for level in levels:
        models[level] = []
        for seed in seeds:
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/first-level-for-all
# grid-check: An entry holds a network that was trained at another level
# fair-check: Some level was never trained
def train_all(make, levels, seeds, steps=STEPS):
    models, first = {}, make(levels[0])
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, first, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/seeded-once
# fair-check: Two levels start from different weights
def train_all(make, levels, seeds, steps=STEPS):
    torch.manual_seed(seeds[0])
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/network-before-the-seed
# fair-check: Two levels start from different weights
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            model = Autoencoder(hidden=(), latent_dim=64)
            torch.manual_seed(seed)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/batches-by-level
# fair-check: Two levels get different batches
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for i, level in enumerate(levels):
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(
                model,
                images.train,
                make(level),
                steps=steps,
                batch_size=BATCH,
                lr=LR,
                seed=1000 * i + seed,
            )
            models[level].append(model)
    return models


# %% train-all/unseeded-start
# fair-check: Two calls with the same seed start from different weights
def train_all(make, levels, seeds, steps=STEPS):
    import copy

    start = Autoencoder(hidden=(), latent_dim=64)
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            model = copy.deepcopy(start)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/batches-by-the-clock
# fair-check: Two calls with the same seed get different batches
def train_all(make, levels, seeds, steps=STEPS):
    models, chance = {}, time.time_ns() % 2**31
    for level in levels:
        models[level] = []
        for i, seed in enumerate(seeds):
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(
                model,
                images.train,
                make(level),
                steps=steps,
                batch_size=BATCH,
                lr=LR,
                seed=chance + i,
            )
            models[level].append(model)
    return models


# %% train-all/one-start-for-all-seeds
# fair-check: Every seed starts from the same weights
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(0)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% train-all/one-batch-order-for-all-seeds
# fair-check: Every seed gets the same batches
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR)
            models[level].append(model)
    return models


# %% train-all/seeds-sorted
# fair-check: keep the order of the seeds
def train_all(make, levels, seeds, steps=STEPS):
    models = {}
    for level in levels:
        models[level] = []
        for seed in sorted(seeds):
            torch.manual_seed(seed)
            model = Autoencoder(hidden=(), latent_dim=64)
            fit(model, images.train, make(level), steps=steps, batch_size=BATCH, lr=LR, seed=seed)
            models[level].append(model)
    return models


# %% tabulate/first-network-alone
# table-check: This is the value of the first network only
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {b: measure(runs[0](x)[0], clean).mean().item() for b, x in noisy.items()}
            for a, runs in models.items()
        }


# %% tabulate/last-network-alone
# table-check: This is the value of the last network only
def tabulate(models, noisy, clean, measure):
    table = {}
    for a, runs in models.items():
        table[a] = {}
        for model in runs:
            for b, x in noisy.items():
                with torch.no_grad():
                    table[a][b] = measure(model(x)[0], clean).mean().item()
    return table


# %% tabulate/summed-over-networks
# table-check: This is the sum over the networks
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: sum(measure(model(x)[0], clean).mean().item() for model in runs)
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% tabulate/noisy-reference
# table-check: You compared with the noisy images
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: sum(measure(model(x)[0], x).mean().item() for model in runs) / len(runs)
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% tabulate/clean-input
# table-check: The networks were applied to the clean images
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: sum(measure(model(clean)[0], clean).mean().item() for model in runs) / len(runs)
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% tabulate/averaged-reconstructions
# table-check: You took the mean of the networks' outputs first
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: measure(torch.stack([model(x)[0] for model in runs]).mean(0), clean)
                .mean()
                .item()
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% tabulate/noisy-images-measured
# table-check: You measured the noisy images
def tabulate(models, noisy, clean, measure):
    return {a: {b: measure(x, clean).mean().item() for b, x in noisy.items()} for a in models}


# %% tabulate/decibels-of-the-mean-error
# table-check: You took the decibels of a mean error
def tabulate(models, noisy, clean, measure):
    def value(x_hat):
        error = losses.mse(x_hat, clean).item()
        return error if measure is losses.mse else -10 * math.log10(error)

    with torch.no_grad():
        return {
            a: {b: sum(value(model(x)[0]) for model in runs) / len(runs) for b, x in noisy.items()}
            for a, runs in models.items()
        }


# %% tabulate/always-squared-error
# table-check: This is the squared error
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: sum(losses.mse(model(x)[0], clean).item() for model in runs) / len(runs)
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% tabulate/rows-and-columns-swapped
# table-check: The rows of your table are
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            b: {
                a: sum(measure(model(x)[0], clean).mean().item() for model in runs) / len(runs)
                for a, runs in models.items()
            }
            for b, x in noisy.items()
        }


# %% tabulate/empty-rows
# table-check: The columns of your table are
def tabulate(models, noisy, clean, measure):
    return {a: {} for a in models}


# %% tabulate/no-values
# table-check: is a `return` missing?
def tabulate(models, noisy, clean, measure):
    return {a: dict.fromkeys(noisy) for a in models}


# %% tabulate/shifted-by-1
# table-check: This is not a common mistake
def tabulate(models, noisy, clean, measure):
    with torch.no_grad():
        return {
            a: {
                b: sum(measure(model(x)[0], clean).mean().item() for model in runs) / len(SEEDS) + 1
                for b, x in noisy.items()
            }
            for a, runs in models.items()
        }


# %% floors/sigma-squared
# floors-check: That is the expected error
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: b**2 for b in noisy},
        "linear": {
            b: losses.mse(linear.gaussian(b)(x).clamp(0, 1), clean).item() for b, x in noisy.items()
        },
    }


# %% floors/sigma
# floors-check: That is sigma
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: b for b in noisy},
        "linear": {
            b: losses.mse(linear.gaussian(b)(x).clamp(0, 1), clean).item() for b, x in noisy.items()
        },
    }


# %% floors/levels-sorted-by-error
# floors-check: This is the error of another level
def floors(train, noisy, clean):
    linear, result = LinearDenoiser(train), {"nothing": {}, "linear": {}}
    errors = sorted(losses.mse(x, clean).item() for x in noisy.values())
    for error, (b, x) in zip(errors, noisy.items()):
        result["nothing"][b] = error
        result["linear"][b] = losses.mse(linear.gaussian(b)(x).clamp(0, 1), clean).item()
    return result


# %% floors/no-clamp
# floors-check: The clamp is missing
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {b: losses.mse(linear.gaussian(b)(x), clean).item() for b, x in noisy.items()},
    }


# %% floors/noise-clamped
# floors-check: You clamped the input of the denoiser
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {
            b: losses.mse(linear.gaussian(b)(x.clamp(0, 1)).clamp(0, 1), clean).item()
            for b, x in noisy.items()
        },
    }


# %% floors/fitted-on-test
# floors-check: You took covariance and mean from the test images
def floors(train, noisy, clean):
    linear = LinearDenoiser(clean)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {
            b: losses.mse(linear.gaussian(b)(x).clamp(0, 1), clean).item() for b, x in noisy.items()
        },
    }


# %% floors/sigma-squared-for-the-denoiser
# floors-check: You squared sigma before passing it
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {
            b: losses.mse(linear.gaussian(b**2)(x).clamp(0, 1), clean).item()
            for b, x in noisy.items()
        },
    }


# %% floors/noisy-reference
# floors-check: You compared with the noisy images
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {
            b: losses.mse(linear.gaussian(b)(x).clamp(0, 1), x).item() for b, x in noisy.items()
        },
    }


# %% floors/no-level-set
# floors-check: The denoiser was never set to a level
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {b: losses.mse(linear(x).clamp(0, 1), clean).item() for b, x in noisy.items()},
    }


# %% floors/fixed-at-04
# floors-check: The denoiser is set to 0.4
def floors(train, noisy, clean):
    made = {b: LinearDenoiser(train).gaussian(0.4) for b in noisy}
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {b: losses.mse(made[b](x).clamp(0, 1), clean).item() for b, x in noisy.items()},
    }


# %% floors/lowest-level-for-all
# floors-check: The denoiser is set to 0.2
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    linear.gaussian(min(noisy))
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {b: losses.mse(linear(x).clamp(0, 1), clean).item() for b, x in noisy.items()},
    }


# %% floors/second-level-for-all
# floors-check: The denoiser is set to 0.6
def floors(train, noisy, clean):
    linear = LinearDenoiser(train).gaussian(list(noisy)[1])
    return {
        "nothing": {b: losses.mse(x, clean).item() for b, x in noisy.items()},
        "linear": {b: losses.mse(linear(x).clamp(0, 1), clean).item() for b, x in noisy.items()},
    }


# %% floors/nothing-only
# floors-check: the entries 'nothing' and 'linear'
def floors(train, noisy, clean):
    return {b: losses.mse(x, clean).item() for b, x in noisy.items()}


# %% floors/one-level-only
# floors-check: Each floor needs an error for every level
def floors(train, noisy, clean):
    b, x = list(noisy.items())[-1]
    return {
        "nothing": losses.mse(x, clean).item(),
        "linear": losses.mse(LinearDenoiser(train).gaussian(b)(x).clamp(0, 1), clean).item(),
    }


# %% floors/changes-the-images
# floors-check: You changed the noisy images
def floors(train, noisy, clean):
    linear = LinearDenoiser(train)
    best = {
        b: losses.mse(linear.gaussian(b)(x).clamp(0, 1), clean).item() for b, x in noisy.items()
    }
    return {
        "nothing": {b: x.sub_(clean).square().mean().item() for b, x in noisy.items()},
        "linear": best,
    }


# %% left/fraction-inverted
# left-check: Numerator and denominator are swapped
def left(errors, nothing):
    return {a: {b: nothing[b] / error for b, error in row.items()} for a, row in errors.items()}


# %% left/error-at-the-training-level
# left-check: at the training level
def left(errors, nothing):
    return {
        a: {b: error / nothing.get(a, 1) for b, error in row.items()} for a, row in errors.items()
    }


# %% left/divided-by-sigma-squared
# left-check: You divided by sigma squared
def left(errors, nothing):
    return {a: {b: error / b**2 for b, error in row.items()} for a, row in errors.items()}


# %% left/share-removed
# left-check: This is the share that was removed
def left(errors, nothing):
    return {a: {b: 1 - error / nothing[b] for b, error in row.items()} for a, row in errors.items()}


# %% left/difference
# left-check: You took the difference
def left(errors, nothing):
    return {a: {b: error - nothing[b] for b, error in row.items()} for a, row in errors.items()}


# %% left/changes-the-table
# left-check: You changed the table
def left(errors, nothing):
    for row in errors.values():
        for b in row:
            row[b] /= nothing[b]
    return errors


# %% probe/training-codes-scored
# probe-check: This is the accuracy on the codes that were used for fitting
def linear_probe(codes, labels, new_codes, new_labels):
    rows = torch.cat([codes, torch.ones_like(codes[:, :1])], 1)
    weights = torch.linalg.lstsq(rows, F.one_hot(labels).to(codes.dtype)).solution
    return ((rows @ weights).argmax(1) == labels).double().mean().item()


# %% probe/fitted-on-new-codes
# probe-check: You fitted the classifier on the new codes
def linear_probe(codes, labels, new_codes, new_labels):
    rows = torch.cat([new_codes, torch.ones_like(new_codes[:, :1])], 1)
    weights = torch.linalg.lstsq(rows, F.one_hot(new_labels).to(codes.dtype)).solution
    return ((rows @ weights).argmax(1) == new_labels).double().mean().item()


# %% probe/no-bias
# probe-check: The bias is missing
def linear_probe(codes, labels, new_codes, new_labels):
    weights = torch.linalg.lstsq(codes, F.one_hot(labels).to(codes.dtype)).solution
    return ((new_codes @ weights).argmax(1) == new_labels).double().mean().item()


# %% probe/class-as-number
# probe-check: You fitted the class as a number
def linear_probe(codes, labels, new_codes, new_labels):
    rows, new = (torch.cat([z, torch.ones_like(z[:, :1])], 1) for z in (codes, new_codes))
    weights = torch.linalg.lstsq(rows, labels[:, None].to(codes.dtype)).solution
    return ((new @ weights)[:, 0].round() == new_labels).double().mean().item()


# %% probe/share-of-mistakes
# probe-check: This is the share of mistakes
def linear_probe(codes, labels, new_codes, new_labels):
    rows, new = (torch.cat([z, torch.ones_like(z[:, :1])], 1) for z in (codes, new_codes))
    weights = torch.linalg.lstsq(rows, F.one_hot(labels).to(codes.dtype)).solution
    return ((new @ weights).argmax(1) != new_labels).double().mean().item()


# %% probe/count
# probe-check: This is the number of right codes
def linear_probe(codes, labels, new_codes, new_labels):
    rows, new = (torch.cat([z, torch.ones_like(z[:, :1])], 1) for z in (codes, new_codes))
    weights = torch.linalg.lstsq(rows, F.one_hot(labels).to(codes.dtype)).solution
    return ((new @ weights).argmax(1) == new_labels).sum().item()


# %% probe/nearest-class-mean
# probe-check: This is the nearest mean of a class
def linear_probe(codes, labels, new_codes, new_labels):
    means = torch.stack([codes[labels == k].mean(0) for k in labels.unique()])
    return (torch.cdist(new_codes, means).argmin(1) == new_labels).double().mean().item()


# %% best-for/largest-error
# best-for-check: This is the largest error
def best_for(errors):
    return {b: max(errors, key=lambda a: errors[a][b]) for b in next(iter(errors.values()))}


# %% best-for/test-level-itself
# best-for-check: This is the test level itself
def best_for(errors):
    return {b: b for b in next(iter(errors.values()))}


# %% best-for/returns-the-error
# best-for-check: This is the error: return the training level
def best_for(errors):
    return {b: min(row[b] for row in errors.values()) for b in next(iter(errors.values()))}


# %% best-for/position-in-the-table
# best-for-check: This is an index in the table
def best_for(errors):
    return {
        b: torch.tensor([row[b] for row in errors.values()]).argmin().item()
        for b in next(iter(errors.values()))
    }


# %% best-for/best-on-average
# best-for-check: This level is best on average over the test levels
def best_for(errors):
    best = min(errors, key=lambda a: sum(errors[a].values()))
    return dict.fromkeys(next(iter(errors.values())), best)


# %% best-for/best-test-of-each-row
# best-for-check: expected an entry for each test level
def best_for(errors):
    return {a: min(row, key=row.get) for a, row in errors.items()}


# %% regrets/fraction-inverted
# regrets-check: Numerator and denominator are swapped
def regrets(errors):
    return {
        a: {b: min(other[b] for other in errors.values()) / error for b, error in row.items()}
        for a, row in errors.items()
    }


# %% regrets/difference
# regrets-check: You took the difference
def regrets(errors):
    return {
        a: {b: error - min(other[b] for other in errors.values()) for b, error in row.items()}
        for a, row in errors.items()
    }


# %% regrets/along-the-row
# regrets-check: You took the minimum of the row
def regrets(errors):
    return {
        a: {b: error / min(row.values()) for b, error in row.items()} for a, row in errors.items()
    }


# %% regrets/divided-by-the-specialist
# regrets-check: You divided by the error of the network that was trained at the test level
def regrets(errors):
    return {a: {b: error / errors[b][b] for b, error in row.items()} for a, row in errors.items()}


# %% regrets/divided-by-the-largest
# regrets-check: You divided by the largest error of the column
def regrets(errors):
    return {
        a: {b: error / max(other[b] for other in errors.values()) for b, error in row.items()}
        for a, row in errors.items()
    }


# %% regrets/divided-by-the-smallest-of-all
# regrets-check: You divided by the smallest error of the whole table
def regrets(errors):
    smallest = min(min(row.values()) for row in errors.values())
    return {a: {b: error / smallest for b, error in row.items()} for a, row in errors.items()}


# %% regrets/worst-of-each-test
# regrets-check: regrets must return a table with the same rows as errors
def regrets(errors):
    return {
        b: max(row[b] for row in errors.values()) / min(row[b] for row in errors.values())
        for b in next(iter(errors.values()))
    }


# %% regrets/changes-the-table
# regrets-check: You changed the table
def regrets(errors):
    for b in list(next(iter(errors.values()))):
        smallest = min(row[b] for row in errors.values())
        for row in errors.values():
            row[b] /= smallest
    return errors


# %% one-for-all/smallest-mean-regret
# one-for-all-check: This level has the smallest mean regret
def one_for_all(table):
    return min(table, key=lambda a: sum(table[a].values()))


# %% one-for-all/largest-worst-regret
# one-for-all-check: This level has the largest worst regret
def one_for_all(table):
    return max(table, key=lambda a: max(table[a].values()))


# %% one-for-all/returns-the-regret
# one-for-all-check: This is the regret: return the training level
def one_for_all(table):
    return min(max(row.values()) for row in table.values())


# %% one-for-all/middle-level
# one-for-all-check: This is the middle level
def one_for_all(table):
    return sorted(table)[len(table) // 2]


# %% one-for-all/smallest-best-regret
# one-for-all-check: This level is best at one test level but bad at another
def one_for_all(table):
    return min(table, key=lambda a: min(table[a].values()))


# %% high-on-low/comparison-reversed
# high-on-low-check: Compare the error of the highest training level at the lowest test level with that of doing nothing there
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] > nothing[low], errors[high][low] / errors[low][low]


# %% high-on-low/compared-with-the-specialist
# high-on-low-check: Compare the error of the highest training level at the lowest test level with that of doing nothing there
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] < errors[low][low], errors[high][low] / errors[low][low]


# %% high-on-low/returns-a-string
# high-on-low-check: gives 'no'
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return "yes" if errors[high][low] < nothing[low] else "no", errors[high][low] / errors[low][low]


# %% high-on-low/fraction-inverted
# high-on-low-check: Numerator and denominator are swapped
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] < nothing[low], errors[low][low] / errors[high][low]


# %% high-on-low/divided-by-the-best
# high-on-low-check: You divided by the error of the best network
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] < nothing[low], errors[high][low] / min(
        row[low] for row in errors.values()
    )


# %% high-on-low/divided-by-nothing
# high-on-low-check: You divided by the error of doing nothing
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] < nothing[low], errors[high][low] / nothing[low]


# %% high-on-low/difference
# high-on-low-check: You took the difference
def high_on_low(errors, nothing):
    high, low = max(errors), min(nothing)
    return errors[high][low] < nothing[low], errors[high][low] - errors[low][low]


# %% high-on-low/low-on-high
# high-on-low-check: You took the lowest training level at the highest test level
def high_on_low(errors, nothing):
    high, low = max(nothing), min(errors)
    return errors[max(errors)][min(nothing)] < nothing[min(nothing)], errors[low][high] / errors[
        high
    ][high]


# %% high-on-low/last-row-for-highest
# high-on-low-check: You took the first or the last row
def high_on_low(errors, nothing):
    high, low = list(errors)[-1], min(nothing)
    return errors[max(errors)][low] < nothing[low], errors[high][low] / errors[low][low]


# %% high-on-low/comparison-only
# high-on-low-check: expected two values
def high_on_low(errors, nothing):
    return errors[max(errors)][min(nothing)] < nothing[min(nothing)]


# %% on-diagonal/best-test-of-each-row
# on-diagonal-check: You took the best test level of each network
def on_diagonal(errors):
    return sum(min(row, key=row.get) == a for a, row in errors.items())


# %% on-diagonal/share
# on-diagonal-check: This is a share
def on_diagonal(errors):
    tests = next(iter(errors.values()))
    return sum(min(errors, key=lambda a: errors[a][b]) == b for b in tests) / len(tests)


# %% on-diagonal/beaten-specialists
# on-diagonal-check: This counts the levels at which the specialist is not the best
def on_diagonal(errors):
    return sum(min(errors, key=lambda a: errors[a][b]) != b for b in next(iter(errors.values())))


# %% on-diagonal/positions-for-levels
# on-diagonal-check: You compared indices
def on_diagonal(errors):
    rows, tests = list(errors), list(next(iter(errors.values())))
    return sum(
        rows.index(min(rows, key=lambda a: errors[a][b])) == i for i, b in enumerate(sorted(tests))
    )


# %% on-diagonal/number-of-tests
# on-diagonal-check: These are all test levels
def on_diagonal(errors):
    return len(next(iter(errors.values())))
