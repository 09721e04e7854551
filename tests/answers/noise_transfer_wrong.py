# Plausible wrong answers to solutions/noise_transfer: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% gaussian/global-generator
# gaussian-check: PyTorch's global generator
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn_like(x)


# %% gaussian/changes-x
# gaussian-check: changes x itself
def gaussian(x, sigma, generator):
    return x.add_(sigma * torch.randn(x.shape, generator=generator))


# %% gaussian/clipped
# gaussian-check: You clipped
def gaussian(x, sigma, generator):
    return (x + sigma * torch.randn(x.shape, generator=generator)).clamp(0, 1)


# %% gaussian/generator-reseeded
# gaussian-check: at every call
def gaussian(x, sigma, generator):
    generator.manual_seed(0)
    return x + sigma * torch.randn(x.shape, generator=generator)


# %% gaussian/generator-of-its-own
# gaussian-check: at every call
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


# %% gaussian/by-numpy
# gaussian-check: two results for one seed
def gaussian(x, sigma, generator):
    import numpy

    return x + sigma * torch.tensor(numpy.random.randn(*x.shape)).to(x.dtype)


# %% gaussian/one-noise-for-all-images
# gaussian-check: Neighbouring images are corrupted alike
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn(x.shape[1:], generator=generator)


# %% gaussian/one-noise-for-all-rows
# gaussian-check: Neighbouring rows are corrupted alike
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn((len(x), 1, 1, x.shape[3]), generator=generator)


# %% gaussian/one-number-per-image
# gaussian-check: corrupted alike
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn((len(x), 1, 1, 1), generator=generator)


# %% gaussian/one-noise-for-all-columns
# gaussian-check: Neighbouring columns are corrupted alike
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn((*x.shape[:3], 1), generator=generator)


# %% gaussian/noise-alone
# gaussian-check: The image is missing
def gaussian(x, sigma, generator):
    return sigma * torch.randn(x.shape, generator=generator)


# %% gaussian/uniform-from-0
# gaussian-check: Your noise is never negative
def gaussian(x, sigma, generator):
    return x + sigma * torch.rand(x.shape, generator=generator)


# %% gaussian/mean-sigma
# gaussian-check: The noise has the mean sigma
def gaussian(x, sigma, generator):
    return x + sigma + torch.randn(x.shape, generator=generator)


# %% gaussian/sigma-squared
# gaussian-check: You scaled by sigma squared
def gaussian(x, sigma, generator):
    return x + sigma**2 * torch.randn(x.shape, generator=generator)


# %% gaussian/root-of-sigma
# gaussian-check: You scaled by the square root of sigma
def gaussian(x, sigma, generator):
    return x + sigma**0.5 * torch.randn(x.shape, generator=generator)


# %% gaussian/sigma-ignored
# gaussian-check: The noise does not depend on sigma
def gaussian(x, sigma, generator):
    return x + torch.randn(x.shape, generator=generator)


# %% gaussian/uniform-around-0
# gaussian-check: Uniform numbers from -1/2 to 1/2 have the standard deviation 0.29
def gaussian(x, sigma, generator):
    return x + sigma * (torch.rand(x.shape, generator=generator) - 0.5)


# %% gaussian/multiplicative
# gaussian-check: The noise grows with the brightness
def gaussian(x, sigma, generator):
    return x * (1 + sigma * torch.randn(x.shape, generator=generator))


# %% gaussian/uniform-of-the-right-deviation
# gaussian-check: these are uniform numbers instead of normal ones
def gaussian(x, sigma, generator):
    return x + sigma * 12**0.5 * (torch.rand(x.shape, generator=generator) - 0.5)


# %% gaussian/signs-only
# gaussian-check: All values of the noise are +sigma or -sigma
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn(x.shape, generator=generator).sign()


# %% gaussian/another-shape
# gaussian-check: of the same shape as x
def gaussian(x, sigma, generator):
    return x + sigma * torch.randn((2, *x.shape), generator=generator)


# %% gaussian/no-return
# gaussian-check: of the same shape as x
def gaussian(x, sigma, generator):
    x + sigma * torch.randn(x.shape, generator=generator)


# %% salt-and-pepper/global-generator
# salt-and-pepper-check: PyTorch's global generator
def salt_and_pepper(x, p, generator):
    hit, salt = torch.rand_like(x) < p, torch.rand_like(x) > 0.5
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/global-coin
# salt-and-pepper-check: PyTorch's global generator
def salt_and_pepper(x, p, generator):
    hit, salt = torch.rand(x.shape, generator=generator) < p, torch.rand_like(x) > 0.5
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/changes-x
# salt-and-pepper-check: changes x itself
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    x[hit & salt] = 1
    x[hit & ~salt] = 0
    return x


# %% salt-and-pepper/replaced-with-1-minus-p
# salt-and-pepper-check: You replaced with probability 1 - p
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) > p,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/p-for-each-colour
# salt-and-pepper-check: Salt and pepper have probability p each
def salt_and_pepper(x, p, generator):
    return x.masked_fill(torch.rand(x.shape, generator=generator) < p, 1).masked_fill(
        torch.rand(x.shape, generator=generator) < p, 0
    )


# %% salt-and-pepper/half-of-p
# salt-and-pepper-check: Only half as many as expected
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p / 2,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/salt-only
# salt-and-pepper-check: Only half as many as expected
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return x.masked_fill(hit & salt, 1)


# %% salt-and-pepper/colours-drawn-apart
# salt-and-pepper-check: You drew salt and pepper separately
def salt_and_pepper(x, p, generator):
    return x.masked_fill(torch.rand(x.shape, generator=generator) < p / 2, 1).masked_fill(
        torch.rand(x.shape, generator=generator) < p / 2, 0
    )


# %% salt-and-pepper/level-ignored
# salt-and-pepper-check: The level is not used
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < 0.3,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/all-black
# salt-and-pepper-check: All of them are black
def salt_and_pepper(x, p, generator):
    u = torch.rand(x.shape, generator=generator)
    hit, salt = u < p, u > 0.99
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/colour-from-the-same-draw
# salt-and-pepper-check: All of them are black
def salt_and_pepper(x, p, generator):
    u = torch.rand(x.shape, generator=generator)
    hit, salt = u < p, u > 0.5
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/colour-from-the-same-draw-reversed
# salt-and-pepper-check: All of them are white
def salt_and_pepper(x, p, generator):
    u = torch.rand(x.shape, generator=generator)
    hit, salt = u < p, u < 0.5
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/coin-of-p
# salt-and-pepper-check: it must not depend on p
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p,
        torch.rand(x.shape, generator=generator) < p,
    )
    return x.masked_fill(hit & salt, 1).masked_fill(hit & ~salt, 0)


# %% salt-and-pepper/old-value-decides
# salt-and-pepper-check: The old value decides
def salt_and_pepper(x, p, generator):
    return torch.where(torch.rand(x.shape, generator=generator) < p, (x > 0.5).to(x.dtype), x)


# %% salt-and-pepper/added-to-the-pixel
# salt-and-pepper-check: Some pixels are neither unchanged nor 0 nor 1
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return torch.where(hit, torch.where(salt, x + 1, x - 1), x)


# %% salt-and-pepper/extremes-of-the-batch
# salt-and-pepper-check: Some pixels are neither unchanged nor 0 nor 1
def salt_and_pepper(x, p, generator):
    hit, salt = (
        torch.rand(x.shape, generator=generator) < p,
        torch.rand(x.shape, generator=generator) > 0.5,
    )
    return torch.where(hit, torch.where(salt, x.max(), x.min()), x)


# %% salt-and-pepper/one-pattern-for-all-images
# salt-and-pepper-check: Neighbouring images are corrupted alike
def salt_and_pepper(x, p, generator):
    hit, salt = (torch.rand(x.shape[1:], generator=generator) for _ in range(2))
    return torch.where(hit < p, (salt < 0.5).to(x.dtype), x)


# %% salt-and-pepper/one-colour-per-image
# salt-and-pepper-check: corrupted alike
def salt_and_pepper(x, p, generator):
    salt = torch.rand((len(x), 1, 1, 1), generator=generator) < 0.5
    return torch.where(torch.rand(x.shape, generator=generator) < p, salt.to(x.dtype), x)


# %% salt-and-pepper/generator-of-its-own
# salt-and-pepper-check: at every call
def salt_and_pepper(x, p, generator):
    g = torch.Generator().manual_seed(0)
    hit, salt = (torch.rand(x.shape, generator=g) for _ in range(2))
    return torch.where(hit < p, (salt < 0.5).to(x.dtype), x)


# %% salt-and-pepper/exact-share
# salt-and-pepper-check: exactly the same number of pixels
def salt_and_pepper(x, p, generator):
    n = x[0].numel()
    order = torch.rand((len(x), n), generator=generator).argsort(1)
    k = round(p * n)
    coin = torch.rand((len(x), n), generator=generator) < 0.5
    return torch.where(order < k, coin.to(x.dtype), x.flatten(1)).view(x.shape)


# %% masking/global-generator
# masking-check: PyTorch's global generator
def masking(x, p, generator):
    return x * (torch.rand_like(x) > p)


# %% masking/changes-x
# masking-check: changes x itself
def masking(x, p, generator):
    return x.masked_fill_(torch.rand(x.shape, generator=generator) < p, 0)


# %% masking/rescaled
# masking-check: You divided the other pixels by 1 - p
def masking(x, p, generator):
    return x * (torch.rand(x.shape, generator=generator) > p) / (1 - p)


# %% masking/dropout
# masking-check: PyTorch's global generator
def masking(x, p, generator):
    return F.dropout(x, p) * (1 - p)


# %% masking/hidden-with-1-minus-p
# masking-check: You masked with probability 1 - p
def masking(x, p, generator):
    return x * (torch.rand(x.shape, generator=generator) < p)


# %% masking/level-ignored
# masking-check: The level is not used
def masking(x, p, generator):
    return x * (torch.rand(x.shape, generator=generator) > LEVELS["masking"])


# %% masking/darkened
# masking-check: Some pixels are neither 0 nor unchanged
def masking(x, p, generator):
    return x - p * torch.rand(x.shape, generator=generator)


# %% masking/survivors-scaled
# masking-check: Some pixels are neither 0 nor unchanged
def masking(x, p, generator):
    return x.masked_fill(torch.rand(x.shape, generator=generator) < p, 0) * (1 - p)


# %% masking/masked-white
# masking-check: Some pixels are neither 0 nor unchanged
def masking(x, p, generator):
    return x.masked_fill(torch.rand(x.shape, generator=generator) < p, 1)


# %% masking/one-mask-for-all-images
# masking-check: Neighbouring images are corrupted alike
def masking(x, p, generator):
    return x * (torch.rand(x.shape[1:], generator=generator) > p)


# %% masking/one-mask-for-all-columns
# masking-check: Neighbouring columns are corrupted alike
def masking(x, p, generator):
    return x * (torch.rand((*x.shape[:3], 1), generator=generator) > p)


# %% masking/generator-of-its-own
# masking-check: at every call
def masking(x, p, generator):
    return x * (torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) > p)


# %% masking/unchanged
# masking-check: at every call
def masking(x, p, generator):
    return x


# %% masking/exact-share
# masking-check: exactly the same number of pixels
def masking(x, p, generator):
    n = x[0].numel()
    rank = torch.rand((len(x), n), generator=generator).argsort(1)
    return torch.where(rank < round(p * n), 0, x.flatten(1)).view(x.shape)


# %% masking/generator-reseeded-by-chance
# masking-check: two results for one seed
def masking(x, p, generator):
    generator = torch.Generator()
    generator.seed()
    return x * (torch.rand(x.shape, generator=generator) > p)


# %% severity/gaussian-standard-deviation
# severity-check: That is the standard deviation
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * b


# %% severity/gaussian-with-the-image
# severity-check: You added the square of the image
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2 + b
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * b


# %% severity/gaussian-times-the-image
# severity-check: does not depend on x
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2 * b
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * b


# %% severity/no-coin
# severity-check: The coin is missing
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level * (b + w) if kind == "salt_and_pepper" else level * b


# %% severity/no-salt
# severity-check: The salt is missing
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * b if kind == "salt_and_pepper" else level * b


# %% severity/no-pepper
# severity-check: The pepper is missing
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * w if kind == "salt_and_pepper" else level * b


# %% severity/no-salt-and-no-coin
# severity-check: Salt and coin are missing
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level * b if kind == "salt_and_pepper" else level * b


# %% severity/salt-of-the-mean-pixel
# severity-check: You took the mean of the pixels before the square
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return (
        level / 2 * (x.mean() ** 2 + (1 - x.mean()) ** 2)
        if kind == "salt_and_pepper"
        else level * b
    )


# %% severity/salt-by-absolute-error
# severity-check: You took the absolute error: square it
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (x.mean() + (1 - x).mean()) if kind == "salt_and_pepper" else level * b


# %% severity/salt-level-squared
# severity-check: You squared the probability
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level**2 / 2 * (b + w) if kind == "salt_and_pepper" else level * b


# %% severity/masking-by-absolute-error
# severity-check: You took the absolute error: square the pixels
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * x.mean()


# %% severity/masking-of-the-mean-pixel
# severity-check: You took the mean of the pixels before the square
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * x.mean() ** 2


# %% severity/masking-level-squared
# severity-check: You squared the probability
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level**2 * b


# %% severity/masking-pixels-that-stay
# severity-check: You used the share of the unchanged pixels
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else (1 - level) * b


# %% severity/masking-variance
# severity-check: That is a variance
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level * (1 - level) * b


# %% severity/masking-share-alone
# severity-check: This is the share of masked pixels
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return level / 2 * (b + w) if kind == "salt_and_pepper" else level


# %% severity/masking-one-per-pixel
# severity-check: a tensor of shape
def severity(kind, level, x):
    b, w = x.square().mean(), (1 - x).square().mean()
    if kind == "gaussian":
        return level**2
    return (
        level / 2 * (b + w) if kind == "salt_and_pepper" else level * x.square().flatten(1).mean(1)
    )


# %% severity/by-simulation
# severity-check: This is not a common mistake
def severity(kind, level, x):
    corrupted = getattr(corruption, kind)(x, level, torch.Generator().manual_seed(0))
    return losses.mse(corrupted, x)


# %% severity/no-return
# severity-check: is a `return` missing?
def severity(kind, level, x):
    level**2


# %% level-for/gaussian-variance
# level-for-check: That is sigma squared
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/gaussian-squared
# level-for-check: You squared instead of taking the square root
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**2
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/inverse-not-taken
# level-for-check: compute the level of this severity
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return severity * most


# %% level-for/fraction-inverted
# level-for-check: Numerator and denominator are swapped
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return most / severity


# %% level-for/root-for-all-kinds
# level-for-check: You took the square root
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return (severity / most) ** 0.5


# %% level-for/masking-formula-for-salt
# level-for-check: That is the level of the other kind
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = b if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/salt-formula-for-masking
# level-for-check: That is the level of the other kind
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else (b + w) / 2
    if severity > most:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/coin-counted-wrongly
# level-for-check: The factor 1/2 of the coin is wrong
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = b + w if kind == "salt_and_pepper" else b
    if severity > most:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/above-1-returned
# level-for-check: which is not a probability
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if False:
        raise ValueError("out of reach")
    return severity / most


# %% level-for/above-1-of-masking-returned
# level-for-check: which is not a probability
def level_for(kind, severity, x):
    b, w = x.square().mean().item(), (1 - x).square().mean().item()
    if kind == "gaussian":
        return severity**0.5
    most = (b + w) / 2 if kind == "salt_and_pepper" else b
    if False:
        raise ValueError("out of reach")
    return min(1.0, severity / most)


# %% objective/corrupted-target
# objective-target-check: You compared with the corrupted image
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model(y)[0], y)}

    return compute


# %% objective/clean-input-corrupted-target
# objective-target-check: applies the network to the clean image
# objective-fresh-check: at every step
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model(x)[0], y)}

    return compute


# %% objective/never-corrupted
# objective-target-check: applies the network to the clean image
# objective-fresh-check: at every step
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else x
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/model-left-out
# objective-target-check: You compared the network's input with the target
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(y, x) + 0 * model(y)[0].sum()}

    return compute


# %% objective/summed-for-mean
# objective-target-check: This is the sum
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model(y)[0], x, "sum")}

    return compute


# %% objective/absolute-error
# objective-target-check: This is the absolute error
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mae(model(y)[0], x)}

    return compute


# %% objective/logits-for-pixels
# objective-target-check: You compared the logits
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model.logits(model.encode(y)), x)}

    return compute


# %% objective/fixed-levels
# objective-target-check: You used the level of LEVELS
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, LEVELS[kind], generator)
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/clipped
# objective-target-check: You clipped
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator).clamp(0, 1)
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/always-masking
# objective-target-check: This is another corruption
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else corruption.masking(x, level, generator)
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/clean-corrupted-too
# objective-target-check: for clean the input is x itself
def objective(kind, level):
    def compute(model, x, generator):
        y = (
            corruption.gaussian(x, 0.1, generator)
            if kind == "clean"
            else getattr(corruption, kind)(x, level, generator)
        )
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/detached
# objective-target-check: carries no gradient
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model(y)[0], x).detach()}

    return compute


# %% objective/closure-in-a-loop
# objective-target-check: This is another corruption
def objective(kind, level):
    made = {}
    for name in KINDS:

        def compute(model, x, generator):
            y = x if kind == "clean" else getattr(corruption, name)(x, level, generator)
            return {"mse": losses.mse(model(y)[0], x)}

        made[name] = compute
    return made.get(kind, compute)


# %% objective/returns-a-number
# objective-target-check: expected a dictionary such as
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return losses.mse(model(y)[0], x)

    return compute


# %% objective/returns-no-function
# objective-target-check: define it inside and return it without calling it
# objective-fresh-check: not callable
def objective(kind, level):
    return {"mse": level}


# %% objective/fixed-seed
# objective-fresh-check: 0.3) corrupts the same pixels at every step
def objective(kind, level):
    def compute(model, x, generator):
        y = x if kind == "clean" else getattr(corruption, kind)(x, level, 0)
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/noise-kept
# objective-fresh-check: 0.3) corrupts the same pixels at every step
def objective(kind, level):
    noise = {}

    def compute(model, x, generator):
        if "y" not in noise:
            noise["y"] = x if kind == "clean" else getattr(corruption, kind)(x, level, generator)
        return {"mse": losses.mse(model(noise["y"])[0], x)}

    return compute


# %% objective/global-generator
# objective-fresh-check: PyTorch's global generator
def objective(kind, level):
    def compute(model, x, generator):
        y = (
            x
            if kind == "clean"
            else getattr(corruption, kind)(x, level, int(torch.randint(10**6, ()).item()))
        )
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/seeded-by-the-clock
# objective-fresh-check: two results for one seed
def objective(kind, level):
    def compute(model, x, generator):
        y = (
            x
            if kind == "clean"
            else getattr(corruption, kind)(x, level, __import__("time").time_ns() % 10**9)
        )
        return {"mse": losses.mse(model(y)[0], x)}

    return compute


# %% objective/changes-the-batch
# objective-target-check: You compared with the corrupted image
# objective-fresh-check: changes the batch itself
def objective(kind, level):
    def compute(model, x, generator):
        if kind != "clean":
            x.copy_(getattr(corruption, kind)(x, level, generator))
        return {"mse": losses.mse(model(x)[0], x)}

    return compute


# %% objective/model-not-called
# objective-target-check: never calls the network
# objective-fresh-check: list index out of range
def objective(kind, level):
    def compute(model, x, generator):
        return {"mse": losses.mse(torch.zeros_like(x, requires_grad=True), x)}

    return compute


# %% train/returns-the-history
# train-budget-check: expected the network
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    history = fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return history


# %% train/no-hidden-layer-given
# train-budget-check: The network is not the one of the task
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(latent_dim=32)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/fixed-steps
# train-budget-check: pass `steps` to fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, images.train, objective, steps=6, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/default-batch-size
# train-budget-check: A batch holds 128 images
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, images.train, objective, steps=steps, lr=LR, seed=seed)
    return model


# %% train/trains-on-test
# train-budget-check: that are not in images.train
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, test, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/trains-on-corrupted-images
# train-budget-check: pass the clean training images to fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(
        model,
        corruption.masking(images.train, 0.3, seed),
        objective,
        steps=steps,
        batch_size=BATCH,
        lr=LR,
        seed=seed,
    )
    return model


# %% train/default-learning-rate
# train-budget-check: That is the default learning rate of fit
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, seed=seed)
    return model


# %% train/network-before-the-seed
# train-seed-check: the network must be created inside train
def train(objective, seed, steps=STEPS):
    model = Autoencoder(hidden=(128,), latent_dim=32)
    torch.manual_seed(seed)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/one-network-for-all
# train-seed-check: the network must be created inside train
network = Autoencoder(hidden=(128,), latent_dim=32)


def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    fit(network, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return network


# %% train/batches-by-the-clock
# train-seed-check: Two runs with the same seed get different batches
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(
        model,
        images.train,
        objective,
        steps=steps,
        batch_size=BATCH,
        lr=LR,
        seed=__import__("time").time_ns() % 2**31,
    )
    return model


# %% train/one-start-for-all-seeds
# train-seed-check: Every seed starts from the same weights
def train(objective, seed, steps=STEPS):
    torch.manual_seed(0)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR, seed=seed)
    return model


# %% train/one-batch-order-for-all-seeds
# train-seed-check: Every seed gets the same batches
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    fit(model, images.train, objective, steps=steps, batch_size=BATCH, lr=LR)
    return model


# %% train/not-trained
# train-budget-check: took 0 steps
# train-seed-check: train never called the objective
def train(objective, seed, steps=STEPS):
    torch.manual_seed(seed)
    model = Autoencoder(hidden=(128,), latent_dim=32)
    pass
    return model


# %% spoil/shared-generator
# spoil-check: they share a generator
def spoil(corruptions, x, seed):
    generator = torch.Generator(x.device).manual_seed(seed)
    return {name: corrupt(x, generator) for name, corrupt in corruptions.items()}


# %% spoil/seed-from-the-reversed-place
# spoil-check: The images of one kind change with its position in the dictionary
def spoil(corruptions, x, seed):
    return {
        name: corrupt(x, torch.Generator(x.device).manual_seed(seed + i))
        for i, (name, corrupt) in enumerate(reversed(corruptions.items()))
    }


# %% spoil/seed-from-the-place
# spoil-check: they share a generator
def spoil(corruptions, x, seed):
    return {
        name: corrupt(x, torch.Generator(x.device).manual_seed(seed + i))
        for i, (name, corrupt) in enumerate(corruptions.items())
    }


# %% spoil/seeded-by-chance
# spoil-check: set the seed of the generators from `seed`
def spoil(corruptions, x, seed):
    result = {}
    for name, corrupt in corruptions.items():
        generator = torch.Generator(x.device)
        generator.seed()
        result[name] = corrupt(x, generator)
    return result


# %% spoil/seed-0-for-all
# spoil-check: Every seed gives the same images
def spoil(corruptions, x, seed):
    return {
        name: corrupt(x, torch.Generator(x.device).manual_seed(0))
        for name, corrupt in corruptions.items()
    }


# %% spoil/never-seeded
# spoil-check: Every seed gives the same images
def spoil(corruptions, x, seed):
    return {name: corrupt(x, torch.Generator(x.device)) for name, corrupt in corruptions.items()}


# %% spoil/global-seed-set
# spoil-check: which draws the initial weights
def spoil(corruptions, x, seed):
    torch.manual_seed(seed)
    return {
        name: corrupt(x, torch.Generator(x.device).manual_seed(seed))
        for name, corrupt in corruptions.items()
    }


# %% spoil/seed-for-generator
# spoil-check: expected a torch.Generator
def spoil(corruptions, x, seed):
    return {name: corrupt(x, seed) for name, corrupt in corruptions.items()}


# %% spoil/one-after-another
# spoil-check: apply each to the clean x
def spoil(corruptions, x, seed):
    result = {}
    for name, corrupt in corruptions.items():
        x = corrupt(x, torch.Generator(x.device).manual_seed(seed))
        result[name] = x
    return result


# %% spoil/returns-a-list
# spoil-check: a dictionary with the names
def spoil(corruptions, x, seed):
    return [
        corrupt(x, torch.Generator(x.device).manual_seed(seed)) for corrupt in corruptions.values()
    ]


# %% spoil/corruption-not-called
# spoil-check: call the corruption with x and a generator
def spoil(corruptions, x, seed):
    return {
        name: lambda: corrupt(x, torch.Generator(x.device).manual_seed(seed))
        for name, corrupt in corruptions.items()
    }


# %% spoil/global-generator
# spoil-check: set the seed of the generators from `seed`
def spoil(corruptions, x, seed):
    return {name: corrupt(x, torch.default_generator) for name, corrupt in corruptions.items()}


# %% error-matrix/corrupted-target
# error-matrix-check: You compared with the corrupted images
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(network(y)[0], y).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/clean-input
# error-matrix-check: You applied the network to the clean images
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(network(x)[0], x).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/untouched-error-in-a-row
# error-matrix-check: That is the error of doing nothing
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/zero-for-untouched
# error-matrix-check: Doing nothing has an error
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: 0.0 for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(network(y)[0], x).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/untouched-against-itself
# error-matrix-check: Doing nothing has an error
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, y).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(network(y)[0], x).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/summed-for-mean
# error-matrix-check: This is the sum
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {
                kind: losses.mse(network(y)[0], x, "sum").item() for kind, y in corrupted.items()
            }
    return errors


# %% error-matrix/root
# error-matrix-check: You took the square root
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).sqrt().item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {
                kind: losses.mse(network(y)[0], x).sqrt().item() for kind, y in corrupted.items()
            }
    return errors


# %% error-matrix/absolute-error
# error-matrix-check: This is the absolute error
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mae(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mae(network(y)[0], x).item() for kind, y in corrupted.items()}
    return errors


# %% error-matrix/no-untouched-row
# error-matrix-check: The row 'untouched' is missing
def error_matrix(networks, corrupted, x):
    return {
        name: {kind: losses.mse(network(y)[0], x).item() for kind, y in corrupted.items()}
        for name, network in networks.items()
    }


# %% error-matrix/rows-and-columns-swapped
# error-matrix-check: a row for each network
def error_matrix(networks, corrupted, x):
    return {
        kind: {name: losses.mse(network(y)[0], x).item() for name, network in networks.items()}
        for kind, y in corrupted.items()
    }


# %% error-matrix/empty
# error-matrix-check: a row for each network
def error_matrix(networks, corrupted, x):
    return {}


# %% error-matrix/extra-row
# error-matrix-check: expected 'untouched' and the names
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: losses.mse(network(y)[0], x).item() for kind, y in corrupted.items()}
        errors["clean"] = errors["untouched"]
    return errors


# %% error-matrix/missing-column
# error-matrix-check: expected one entry
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {
                kind: losses.mse(network(y)[0], x).item()
                for kind, y in corrupted.items()
                if kind != name
            }
    return errors


# %% error-matrix/no-values
# error-matrix-check: is a `return` missing?
def error_matrix(networks, corrupted, x):
    with torch.no_grad():
        errors = {"untouched": {kind: losses.mse(y, x).item() for kind, y in corrupted.items()}}
        for name, network in networks.items():
            errors[name] = {kind: None for kind, y in corrupted.items()}
    return errors


# %% gains/share-left
# gains-check: the share of the error that is left
def gains(errors):
    nothing = errors["untouched"]
    return {name: {kind: row[kind] / nothing[kind] for kind in row} for name, row in errors.items()}


# %% gains/difference
# gains-check: You took the difference
def gains(errors):
    nothing = errors["untouched"]
    return {name: {kind: nothing[kind] - row[kind] for kind in row} for name, row in errors.items()}


# %% gains/sign-reversed
# gains-check: The sign is wrong
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: row[kind] / nothing[kind] - 1 for kind in row} for name, row in errors.items()
    }


# %% gains/divided-by-own-error
# gains-check: You divided by the network's own error
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: 1 - nothing[kind] / row[kind] for kind in row} for name, row in errors.items()
    }


# %% gains/relative-to-clean-training
# gains-check: You compared with training on clean images
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: 1 - row[kind] / errors["clean"][kind] for kind in row}
        for name, row in errors.items()
    }


# %% gains/negative-gains-cut
# gains-check: A gain may be negative
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: max(0.0, 1 - row[kind] / nothing[kind]) for kind in row}
        for name, row in errors.items()
    }


# %% gains/divided-by-the-mean
# gains-check: You divided by the mean over the kinds
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: 1 - row[kind] * len(nothing) / sum(nothing.values()) for kind in row}
        for name, row in errors.items()
    }


# %% gains/divided-by-the-first-column
# gains-check: You divided by the first column's
def gains(errors):
    nothing = errors["untouched"]
    return {
        name: {kind: 1 - row[kind] / list(nothing.values())[0] for kind in row}
        for name, row in errors.items()
    }


# %% gains/no-untouched-row
# gains-check: 'untouched' included
def gains(errors):
    return {
        name: {kind: 1 - row[kind] / errors["untouched"][kind] for kind in row}
        for name, row in errors.items()
        if name != "untouched"
    }


# %% gains/last-column-missing
# gains-check: ' does not have the columns of the errors
def gains(errors):
    return {
        name: {kind: 1 - row[kind] / errors["untouched"][kind] for kind in list(row)[:-1]}
        for name, row in errors.items()
    }


# %% specialist-wins/always-false
# specialist-wins-check: On fog the training on fog is best
def specialist_wins(gain, test):
    return False


# %% specialist-wins/smallest-gain
# specialist-wins-check: On fog the training on fog is best
def specialist_wins(gain, test):
    return min(gain, key=lambda name: gain[name][test]) == test


# %% specialist-wins/clean-left-out
# specialist-wins-check: it counts as a training too
def specialist_wins(gain, test):
    return (
        max(
            (name for name in gain if name not in ("untouched", "clean")),
            key=lambda name: gain[name][test],
        )
        == test
    )


# %% specialist-wins/beats-untouched-only
# specialist-wins-check: it counts as a training too
def specialist_wins(gain, test):
    return gain[test][test] > gain["untouched"][test]


# %% specialist-wins/fixed-tests
# specialist-wins-check: not along the row
def specialist_wins(gain, test):
    return test in ("fog", "hail", "dust")


# %% specialist-wins/best-row-and-best-column
# specialist-wins-check: although it is better on other tests
def specialist_wins(gain, test):
    return (
        max(gain, key=lambda name: gain[name][test]) == test
        and max(gain[test], key=gain[test].get) == test
    )


# %% specialist-wins/along-the-row
# specialist-wins-check: not along the row
def specialist_wins(gain, test):
    return max(gain[test], key=gain[test].get) == test


# %% specialist-wins/returns-the-name
# specialist-wins-check: gives 'fog'
def specialist_wins(gain, test):
    return max(gain, key=lambda name: gain[name][test])


# %% specialist-wins/beats-clean-only
# specialist-wins-check: On hail another specialist is best
def specialist_wins(gain, test):
    return gain[test][test] > gain["clean"][test]


# %% transfer/divided-by-own-test
# transfer-check: divide by that of the specialist of the test
def transfer(gain, training, test):
    return (
        gain[training][test] / gain[training][training]
        if training in gain[training]
        else gain[training][test] / gain[test][test]
    )


# %% transfer/divided-by-the-best
# transfer-check: You divided by the best gain of the column
def transfer(gain, training, test):
    return gain[training][test] / max(row[test] for row in gain.values())


# %% transfer/fraction-inverted
# transfer-check: Numerator and denominator are swapped
def transfer(gain, training, test):
    return gain[test][test] / gain[training][test]


# %% transfer/difference
# transfer-check: You took the difference
def transfer(gain, training, test):
    return gain[training][test] - gain[test][test]


# %% transfer/gain-itself
# transfer-check: That is the gain itself
def transfer(gain, training, test):
    return gain[training][test]


# %% transfer/divided-by-clean-training
# transfer-check: You divided by the gain of clean training
def transfer(gain, training, test):
    return gain[training][test] / gain["clean"][test]


# %% transfer/reversed
# transfer-check: the first index is the training
def transfer(gain, training, test):
    if training not in gain[test]:
        return gain[training][test] / gain[test][test]
    return gain[test][training] / gain[training][training]


# %% generalises/own-test-included
# generalises-check: It is worse than the reference only on its own test
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(own[t] > other[t] for t in own)


# %% generalises/means-compared
# generalises-check: compare test by test, not the means
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return sum(own[t] for t in own if t != training) > sum(other[t] for t in own if t != training)


# %% generalises/reference-ignored
# generalises-check: compare test by test, not the means
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(own[t] > 0 for t in own if t != training)


# %% generalises/one-test-is-enough
# generalises-check: compare test by test, not the means
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return any(own[t] > other[t] for t in own if t != training)


# %% generalises/one-test-is-enough-against-untouched
# generalises-check: it must be better on all other tests
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return (
        any(own[t] > other[t] for t in own if t != training)
        if reference == "untouched"
        else all(own[t] > other[t] for t in own if t != training)
    )


# %% generalises/needs-an-own-test
# generalises-check: The row of clean training has no test of its own
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return training in own and all(own[t] > other[t] for t in own if t != training)


# %% generalises/first-tests-only
# generalises-check: It has no test of its own here
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(own[t] > other[t] for t in list(own)[:2] if t != training)


# %% generalises/ties-count
# generalises-check: the gain must be larger
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(own[t] >= other[t] for t in own if t != training)


# %% generalises/reference-is-always-clean-but-for-untouched
# generalises-check: The reference is another specialist here
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(
        own[t] > (other if reference == "untouched" else gain["clean"])[t]
        for t in own
        if t != training
    )


# %% generalises/reference-is-always-clean
# generalises-check: Its gain on every other test is above 0
def generalises(gain, training, reference):
    own, other = gain[training], gain[reference]
    return all(own[t] > gain["clean"][t] for t in own if t != training)


# %% generalist/largest-regret
# generalist-check: That row has the largest regret
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return max(gain, key=lambda name: max(best[t] - gain[name][t] for t in tests))


# %% generalist/best-worst-gain
# generalist-check: That row has the largest worst gain
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return max(gain, key=lambda name: min(gain[name].values()))


# %% generalist/largest-sum
# generalist-check: That row has the best mean
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return max(gain, key=lambda name: sum(gain[name].values()))


# %% generalist/smallest-sum-of-regrets
# generalist-check: That row has the best mean
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return min(gain, key=lambda name: sum(best[t] - gain[name][t] for t in tests))


# %% generalist/smallest-regret-of-each-row
# generalist-check: You took the smallest regret of each row
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return min(gain, key=lambda name: min(best[t] - gain[name][t] for t in tests))


# %% generalist/returns-the-regret
# generalist-check: That is the regret: return the name
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return min(max(best[t] - row[t] for t in tests) for row in gain.values())


# %% generalist/fixed-name
# generalist-check: gives 'clean'
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return "clean"


# %% generalist/regret-from-the-specialists
# generalist-check: You computed the regret relative to the specialists
def generalist(gain):
    tests = list(gain["clean"])
    best = {t: max(row[t] for row in gain.values()) for t in tests}
    return min(gain, key=lambda name: max(gain[t][t] - gain[name][t] for t in tests))


# %% asymmetry/sign-reversed
# asymmetry-check: The sign is wrong
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return (gain[b][a] - clean[a]) - (gain[a][b] - clean[b])


# %% asymmetry/gains-without-clean
# asymmetry-check: You compared the gains
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return gain[a][b] - gain[b][a]


# %% asymmetry/one-direction
# asymmetry-check: That is the lift of a on b only
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return gain[a][b] - clean[b]


# %% asymmetry/sum
# asymmetry-check: You added the two lifts
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return gain[a][b] - clean[b] + gain[b][a] - clean[a]


# %% asymmetry/from-the-specialists
# asymmetry-check: You computed the lift over the specialists
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return gain[a][b] - gain[b][b] - (gain[b][a] - gain[a][a])


# %% asymmetry/clean-of-the-other-test
# asymmetry-check: check the second index
def asymmetry(gain, a, b):
    clean = gain["clean"]
    return (gain[a][b] - clean[a]) - (gain[b][a] - clean[b])


# %% settled/second-only
# settled-check: The first is better with every seed
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return max(gaps) < 0


# %% settled/first-only
# settled-check: The second is better with every seed
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return min(gaps) > 0


# %% settled/mean
# settled-check: neither the mean nor a majority
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return sum(gaps) != 0


# %% settled/majority
# settled-check: neither the mean nor a majority
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return abs(sum(gap > 0 for gap in gaps) - len(gaps) / 2) > 0.1


# %% settled/first-and-last-seed
# settled-check: The seed in the middle has the opposite outcome
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return gaps[0] * gaps[-1] > 0


# %% settled/ties-count
# settled-check: One seed has a tie
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return min(gaps) >= 0 or max(gaps) <= 0


# %% settled/ties-alone-count
# settled-check: There are only ties
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return len({(gap > 0) - (gap < 0) for gap in gaps}) == 1


# %% settled/ranges-compared
# settled-check: Compare within a seed
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return min(run[a][test] for run in runs) > max(run[b][test] for run in runs) or max(
        run[a][test] for run in runs
    ) < min(run[b][test] for run in runs)


# %% settled/few-seeds-only-if-positive
# settled-check: Compare within a seed
def settled(runs, a, b, test):
    gaps = [run[a][test] - run[b][test] for run in runs]
    return min(gaps) > 0 and len(gaps) < 4 or max(gaps) < 0
