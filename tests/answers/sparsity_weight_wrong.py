# Plausible wrong answers to solutions/sparsity_weight: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% l1/summed-for-mean
# l1-check: This is the sum
def l1(z):
    return z.abs().sum()


# %% l1/summed-over-units
# l1-check: You took the sum over the units and the mean over the batch
def l1(z):
    return z.abs().sum(1).mean()


# %% l1/one-per-sample
# l1-check: You returned one number per sample
def l1(z):
    return z.abs().mean(1)


# %% l1/one-per-unit
# l1-check: You returned one number per unit
def l1(z):
    return z.abs().mean(0)


# %% l1/no-absolute-value
# l1-check: The absolute value is missing
def l1(z):
    return z.mean()


# %% l1/squared
# l1-check: These are squares
def l1(z):
    return (z**2).mean()


# %% l1/nonzero-units
# l1-check: You counted the units that are not zero
def l1(z):
    return (z != 0).float().mean()


# %% l1/detached
# l1-check: carries no gradient
def l1(z):
    return z.detach().abs().mean().item()


# %% kl/averaged-over-units
# kl-check: This is the mean over the units
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, rho, "mean")


# %% kl/each-activation-compared
# kl-check: You compared each single activation with rho
def kl_sparsity(logits, rho=0.05):
    cost = rho * (math.log(rho) - F.logsigmoid(logits)) + (1 - rho) * (
        math.log(1 - rho) - F.logsigmoid(-logits)
    )
    return cost.sum(1).mean()


# %% kl/averaged-over-all
# kl-check: You took the mean over the units too
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits.reshape(-1, 1), rho)


# %% kl/mean-over-units
# kl-check: take the mean of each unit over the batch
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits.T, rho)


# %% kl/one-per-unit
# kl-check: You returned one number per unit
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, rho, "none")


# %% kl/no-second-half
# kl-check: The second term is missing
def kl_sparsity(logits, rho=0.05):
    log_on = F.logsigmoid(logits).logsumexp(0) - math.log(len(logits))
    return (rho * (math.log(rho) - log_on)).sum()


# %% kl/no-first-half
# kl-check: The first term is missing
def kl_sparsity(logits, rho=0.05):
    log_off = F.logsigmoid(-logits).logsumexp(0) - math.log(len(logits))
    return ((1 - rho) * (math.log(1 - rho) - log_off)).sum()


# %% kl/coins-swapped
# kl-check: rho and the mean are swapped
def kl_sparsity(logits, rho=0.05):
    mean = logits.sigmoid().mean(0)
    return (mean * (mean / rho).log() + (1 - mean) * ((1 - mean) / (1 - rho)).log()).sum()


# %% kl/sign-reversed
# kl-check: The sign is wrong
def kl_sparsity(logits, rho=0.05):
    mean = logits.sigmoid().mean(0)
    return (rho * (mean / rho).log() + (1 - rho) * ((1 - mean) / (1 - rho)).log()).sum()


# %% kl/logits-averaged
# kl-check: You took the sigmoid of the mean logit
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits.mean(0, keepdim=True), rho)


# %% kl/logits-as-activations
# kl-check: You treated the logits as activations
def kl_sparsity(logits, rho=0.05):
    mean = logits.mean(0)
    return (rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()).sum()


# %% kl/sigmoid-twice
# kl-check: You applied the sigmoid twice
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits.sigmoid(), rho)


# %% kl/fixed-rho
# kl-check: The target is an argument: here it is 0.2
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, RHO)


# %% kl/base-2
# kl-check: This is in bits
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, rho) / math.log(2)


# %% kl/of-rounded-activations
# kl-check: a mean activation that is rounded to 0 or 1
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty(torch.sigmoid(logits), rho)


# %% kl/clamp-rounded-away
# kl-check: a mean activation that is rounded to 0 or 1
def kl_sparsity(logits, rho=0.05):
    rho_hat = torch.clamp(
        torch.mean(torch.sigmoid(logits), dim=0), 1e-8, 1 - 1e-8
    )  # 1 - 1e-8 is 1 in float32
    return torch.sum(
        rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))
    )


# %% kl/clamped
# kl-check: A clamp or a small constant inside the logarithm hides the infinity
def kl_sparsity(logits, rho=0.05):
    rho_hat = torch.sigmoid(logits).mean(0).clamp(1e-6, 1 - 1e-6)
    return torch.sum(
        rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))
    )


# %% kl/small-number-in-log
# kl-check: A clamp or a small constant inside the logarithm hides the infinity
def kl_sparsity(logits, rho=0.05):
    mean = torch.sigmoid(logits).mean(0)
    return (
        rho * (math.log(rho) - (mean + 1e-8).log())
        + (1 - rho) * (math.log(1 - rho) - (1 - mean + 1e-8).log())
    ).sum()


# %% kl/gradient-nan-through-where
# kl-check: torch.where also differentiates the branch that it discards
def kl_sparsity(logits, rho=0.05):
    def log_mean(a):
        mean = a.sigmoid().mean(0)
        return torch.where(
            mean > 1e-30, mean.log(), F.logsigmoid(a).logsumexp(0) - math.log(len(a))
        )

    return (
        rho * (math.log(rho) - log_mean(logits))
        + (1 - rho) * (math.log(1 - rho) - log_mean(-logits))
    ).sum()


# %% kl/number-without-gradient
# kl-check: carries no gradient
def kl_sparsity(logits, rho=0.05):
    return regularizers.kl_sparsity_penalty_from_logits(logits, rho).item()


# %% kl-slope/by-autograd
# kl-slope-check: the gradient that you derived on paper
def kl_slope(mean, rho=0.05):
    mean = mean.detach().requires_grad_()
    cost = -rho * mean.log() - (1 - rho) * (1 - mean).log()
    return torch.autograd.grad(cost.sum(), mean)[0]


# %% kl-slope/sign-reversed
# kl-slope-check: The sign is wrong
def kl_slope(mean, rho=0.05):
    return rho / mean - (1 - rho) / (1 - mean)


# %% kl-slope/second-sign-reversed
# kl-slope-check: The inner derivative of ln(1 - m) is -1
def kl_slope(mean, rho=0.05):
    return -rho / mean - (1 - rho) / (1 - mean)


# %% kl-slope/first-part-only
# kl-slope-check: The term of ln(1 - m) is missing
def kl_slope(mean, rho=0.05):
    return -rho / mean


# %% kl-slope/second-part-only
# kl-slope-check: The term of ln m is missing
def kl_slope(mean, rho=0.05):
    return (1 - rho) / (1 - mean)


# %% kl-slope/in-the-logit
# kl-slope-check: This is the derivative with respect to the logit of a unit with the same activation for every sample
def kl_slope(mean, rho=0.05):
    return mean - rho


# %% kl-slope/rho-swapped
# kl-slope-check: rho and 1 - rho are swapped
def kl_slope(mean, rho=0.05):
    return rho / (1 - mean) - (1 - rho) / mean


# %% kl-slope/logarithms-kept
# kl-slope-check: The logarithms are still there
def kl_slope(mean, rho=0.05):
    return (1 - rho) * torch.log(1 - mean) - rho * torch.log(mean)


# %% kl-slope/fixed-rho
# kl-slope-check: The target is an argument: here it is 0.3
def kl_slope(mean, rho=0.05):
    return (1 - RHO) / (1 - mean) - RHO / mean


# %% cheat/code-shrinks-alone
# cheat-check: The code shrank
def cheat(z, weight, factor):
    return z / factor, weight


# %% cheat/decoder-grows-alone
# cheat-check: The decoder grew
def cheat(z, weight, factor):
    return z, weight * factor


# %% cheat/both-shrink
# cheat-check: Code and decoder both shrank
def cheat(z, weight, factor):
    return z / factor, weight / factor


# %% cheat/unchanged
# cheat-check: The penalty is as large as before
def cheat(z, weight, factor):
    return z, weight


# %% cheat/code-grows
# cheat-check: The code grew
def cheat(z, weight, factor):
    return z * factor, weight / factor


# %% cheat/always-halves
# cheat-check: You halved the code
def cheat(z, weight, factor=2):
    return z / 2, weight * 2


# %% cheat/decoder-transposed
# cheat-check: has changed its shape
def cheat(z, weight, factor):
    return z / factor, (weight * factor).T


# %% cheat/returns-the-product
# cheat-check: cheat must return two tensors
def cheat(z, weight, factor):
    return (z / factor) @ (weight * factor).T


# %% scale-free/lengths-of-rows
# scale-free-check: You took the lengths of the rows
def scale_free_l1(z, weight):
    return (z.abs() * weight.norm(dim=1)).mean()


# %% scale-free/summed-for-mean
# scale-free-check: This is the sum
def scale_free_l1(z, weight):
    return (z.abs() * weight.norm(dim=0)).sum()


# %% scale-free/summed-over-units
# scale-free-check: You took the mean over the batch and the sum over the units
def scale_free_l1(z, weight):
    return z.abs().mean(0) @ weight.norm(dim=0)


# %% scale-free/lengths-squared
# scale-free-check: You squared the lengths
def scale_free_l1(z, weight):
    return (z.abs() * (weight**2).sum(0)).mean()


# %% scale-free/absolute-lengths
# scale-free-check: take its Euclidean length
def scale_free_l1(z, weight):
    return (z.abs() * weight.abs().sum(0)).mean()


# %% scale-free/means-multiplied
# scale-free-check: multiply before you take the mean
def scale_free_l1(z, weight):
    return z.abs().mean() * weight.norm(dim=0).mean()


# %% scale-free/divided-by-lengths
# scale-free-check: You divided by the lengths
def scale_free_l1(z, weight):
    return (z.abs() / weight.norm(dim=0)).mean()


# %% scale-free/no-decoder
# scale-free-check: This is the plain L1 penalty
def scale_free_l1(z, weight):
    return z.abs().mean()


# %% scale-free/length-of-the-matrix
# scale-free-check: You used the length of the whole matrix
def scale_free_l1(z, weight):
    return z.abs().mean() * weight.norm()


# %% scale-free/no-absolute-value
# scale-free-check: The absolute value is missing
def scale_free_l1(z, weight):
    return (z * weight.norm(dim=0)).mean()


# %% scale-free/no-grad
# scale-free-check: carries no gradient
def scale_free_l1(z, weight):
    with torch.no_grad():
        return (z.abs() * weight.norm(dim=0)).mean()


# %% scale-free/lengths-detached
# scale-free-check: The lengths carry no gradient
def scale_free_l1(z, weight):
    with torch.no_grad():
        lengths = weight.norm(dim=0)
    return (z.abs() * lengths).mean()


# %% scale-free/code-detached
# scale-free-check: The gradient with respect to the code is zero
def scale_free_l1(z, weight):
    return (z.detach().abs() * weight.norm(dim=0)).mean()


# %% objective/penalty-detached
# objective-l1-check: but the gradient is not
# objective-kl-check: but the gradient is not
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        with torch.no_grad():
            penalty = (
                regularizers.l1_penalty(z)
                if family == "l1"
                else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
            )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/no-weight
# objective-l1-check: The weight is missing
# objective-kl-check: The weight is missing
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": penalty}

    return compute


# %% objective/weight-at-the-error
# objective-l1-check: The weight multiplies the error
# objective-kl-check: The weight multiplies the error
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": weight * losses.mse(x_hat, x), "penalty": penalty}

    return compute


# %% objective/no-error
# objective-l1-check: The error is missing
# objective-kl-check: The error is missing
def objective(family, weight):
    def compute(model, x, generator):
        penalty = (
            regularizers.l1_penalty(model(x)[1])
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"penalty": weight * penalty}

    return compute


# %% objective/no-penalty
# objective-l1-check: The penalty is missing
# objective-kl-check: The penalty is missing
def objective(family, weight):
    return lambda model, x, generator: {"error": losses.mse(model(x)[0], x)}


# %% objective/penalty-reduced-otherwise
# objective-l1-check: This penalty is a sum
# objective-kl-check: You took the mean of the penalty over the units
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        if family == "l1":
            penalty = regularizers.l1_penalty(z, "sum")
        else:
            penalty = regularizers.kl_sparsity_penalty_from_logits(
                code_logits(model, x), RHO, "mean"
            )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/l1-summed-over-units
# objective-l1-check: You summed the penalty over the units
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z, "batchmean")
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/error-summed
# objective-l1-check: The error is a sum
# objective-kl-check: The error is a sum
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": losses.mse(x_hat, x, "sum"), "penalty": weight * penalty}

    return compute


# %% objective/penalty-of-the-image
# objective-l1-check: You penalised the reconstruction
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(x_hat)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/penalty-before-relu
# objective-l1-check: You penalised the code before its ReLU
def objective(family, weight):
    def compute(model, x, generator):
        a = code_logits(model, x)
        penalty = (
            regularizers.l1_penalty(a)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(a, RHO)
        )
        return {"error": losses.mse(model(x)[0], x), "penalty": weight * penalty}

    return compute


# %% objective/families-swapped
# objective-l1-check: This is the penalty of the other family
# objective-kl-check: This is the penalty of the other family
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "kl"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/one-family-for-both
# objective-kl-check: This is the penalty of the other family
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        return {"error": losses.mse(x_hat, x), "penalty": weight * regularizers.l1_penalty(z)}

    return compute


# %% objective/kl-of-activations
# objective-kl-check: You passed the activations
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(z, RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/kl-of-rounded-activations
# objective-kl-check: You took the penalty of rounded activations
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty(z, RHO)
        )
        return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% objective/weight-as-rho
# objective-kl-check: You passed the weight as the target rho
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            weight * regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), weight)
        )
        return {"error": losses.mse(x_hat, x), "penalty": penalty}

    return compute


# %% objective/returns-no-function
# objective-l1-check: define it inside and return it without calling it
# objective-kl-check: define it inside and return it without calling it
def objective(family, weight):
    return {
        "error": losses.mse,
        "penalty": weight
        * (
            regularizers.l1_penalty
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits
        )(test[0, 0]),
    }


# %% objective/returns-a-number
# objective-l1-check: expected a dictionary such as
# objective-kl-check: expected a dictionary such as
def objective(family, weight):
    def compute(model, x, generator):
        x_hat, z = model(x)
        penalty = (
            regularizers.l1_penalty(z)
            if family == "l1"
            else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
        )
        return losses.mse(x_hat, x) + weight * penalty

    return compute


# %% objective/no-grad
# objective-l1-check: carries no gradient
# objective-kl-check: carries no gradient
def objective(family, weight):
    def compute(model, x, generator):
        with torch.no_grad():
            x_hat, z = model(x)
            penalty = (
                regularizers.l1_penalty(z)
                if family == "l1"
                else regularizers.kl_sparsity_penalty_from_logits(code_logits(model, x), RHO)
            )
            return {"error": losses.mse(x_hat, x), "penalty": weight * penalty}

    return compute


# %% sweep/weight-alone-as-key
# sweep-check: with the weight alone as a key, the second overwrites the first
def sweep(run, grids, seeds):
    return {
        weight: [run(family, weight, seed) for seed in seeds]
        for family in grids
        for weight in grids[family]
    }


# %% sweep/family-alone-as-key
# sweep-check: With the family alone as a key, each weight overwrites the one before
def sweep(run, grids, seeds):
    made = {}
    for family in grids:
        for weight in grids[family]:
            made[family] = [run(family, weight, seed) for seed in seeds]
    return made


# %% sweep/weights-of-all-families
# sweep-check: Each family has weights of its own
def sweep(run, grids, seeds):
    weights = sorted(set(sum(map(tuple, grids.values()), ())))
    return {
        (family, weight): [run(family, weight, seed) for seed in seeds]
        for family in grids
        for weight in weights
    }


# %% sweep/fixed-families
# sweep-check: Take the families from `grids`, whatever they are called
def sweep(run, grids, seeds):
    return {
        (family, weight): [run(family, weight, seed) for seed in seeds]
        for family in ("l1", "kl")
        for weight in grids[family]
    }


# %% sweep/loops-misnested
# sweep-check: Look at how the loops are nested
def sweep(run, grids, seeds):
    made = {}
    for family in grids:
        for weight in grids[family]:
            pass
        made[family, weight] = [run(family, weight, seed) for seed in seeds]
    return made


# %% sweep/one-run-per-setting
# sweep-check: expected a list with one entry for each seed
def sweep(run, grids, seeds):
    return {
        (family, weight): run(family, weight, seed)
        for family in grids
        for weight in grids[family]
        for seed in seeds
    }


# %% sweep/first-seed-alone
# sweep-check: This is the run of the first seed only
def sweep(run, grids, seeds):
    return {
        (family, weight): [run(family, weight, seeds[0])]
        for family in grids
        for weight in grids[family]
    }


# %% sweep/last-seed-alone
# sweep-check: This is the value of the last seed only
def sweep(run, grids, seeds):
    made = {}
    for family in grids:
        for weight in grids[family]:
            for seed in seeds:
                made[family, weight] = [run(family, weight, seed)]
    return made


# %% sweep/numbers-for-seeds
# sweep-check: You numbered the runs
def sweep(run, grids, seeds):
    return {
        (family, weight): [run(family, weight, i) for i in range(len(seeds))]
        for family in grids
        for weight in grids[family]
    }


# %% sweep/seeds-sorted
# sweep-check: The seeds are in another order
def sweep(run, grids, seeds):
    return {
        (family, weight): [run(family, weight, seed) for seed in sorted(seeds)]
        for family in grids
        for weight in grids[family]
    }


# %% sweep/first-seed-repeated
# sweep-check: Every entry has the first seed
def sweep(run, grids, seeds):
    return {
        (family, weight): [run(family, weight, seeds[0])] * len(seeds)
        for family in grids
        for weight in grids[family]
    }


# %% sweep/flat-list
# sweep-check: expected a dictionary
def sweep(run, grids, seeds):
    return [
        run(family, weight, seed) for family in grids for weight in grids[family] for seed in seeds
    ]


# %% active/share-as-threshold
# active-check: You compared with a fixed number
def active(z, share=0.1):
    return z.abs() > share


# %% active/maximum-of-the-whole-code
# active-check: You compared with the largest activation of the whole code
def active(z, share=0.1):
    return z.abs() > share * z.abs().max()


# %% active/maximum-of-each-sample
# active-check: You compared with the largest unit of each sample
def active(z, share=0.1):
    return z.abs() > share * z.abs().amax(1, keepdim=True)


# %% active/or-equal
# active-check: use >
def active(z, share=0.1):
    return z.abs() >= share * z.abs().amax(0)


# %% active/no-absolute-value
# active-check: The absolute value is missing
def active(z, share=0.1):
    return z > share * z.amax(0)


# %% active/mean-of-each-unit
# active-check: You compared with the mean of each unit
def active(z, share=0.1):
    return z.abs() > share * z.abs().mean(0)


# %% active/silent-ones
# active-check: These are the inactive units
def active(z, share=0.1):
    return z.abs() <= share * z.abs().amax(0)


# %% active/fixed-share
# active-check: The share is an argument, not always 0.1
def active(z, share=0.1):
    return z.abs() > 0.1 * z.abs().amax(0)


# %% sparsity/swapped
# sparsity-check: Population and lifetime are swapped
def sparsity(on):
    return on.float().mean(0), on.float().mean(1), int((~on.any(0)).sum())


# %% sparsity/population-count
# sparsity-check: This is a count
def sparsity(on):
    return on.float().sum(1), on.float().mean(0), int((~on.any(0)).sum())


# %% sparsity/silent-share
# sparsity-check: This is the share of inactive units
def sparsity(on):
    return (~on).float().mean(1), on.float().mean(0), int((~on.any(0)).sum())


# %% sparsity/one-for-all-samples
# sparsity-check: You returned one number for all samples
def sparsity(on):
    return on.float().mean(1).mean(), on.float().mean(0), int((~on.any(0)).sum())


# %% sparsity/population-twice
# sparsity-check: This is the population sparsity again
def sparsity(on):
    return on.float().mean(1), on.float().mean(1), int((~on.any(0)).sum())


# %% sparsity/lifetime-count
# sparsity-check: This is a count
def sparsity(on):
    return on.float().mean(1), on.float().sum(0), int((~on.any(0)).sum())


# %% sparsity/one-for-all-units
# sparsity-check: You returned one number for all units
def sparsity(on):
    return on.float().mean(1), on.float().mean(0).mean(), int((~on.any(0)).sum())


# %% sparsity/always-on-counted
# sparsity-check: You counted the units that are always on
def sparsity(on):
    return on.float().mean(1), on.float().mean(0), int(on.all(0).sum())


# %% sparsity/dead-share
# sparsity-check: This is the share of dead units
def sparsity(on):
    return on.float().mean(1), on.float().mean(0), (~on.any(0)).float().mean()


# %% sparsity/silent-samples-counted
# sparsity-check: You counted the samples without an active unit
def sparsity(on):
    population, lifetime = on.float().mean(1), on.float().mean(0)
    return population, lifetime, int((population == 0).sum())


# %% sparsity/living-counted
# sparsity-check: You counted the units that are not dead
def sparsity(on):
    return on.float().mean(1), on.float().mean(0), int(on.any(0).sum())


# %% sparsity/ever-silent-counted
# sparsity-check: You counted every unit that is inactive for some sample
def sparsity(on):
    return on.float().mean(1), on.float().mean(0), int((~on.all(0)).sum())


# %% sparsity/two-things
# sparsity-check: sparsity must return three values
def sparsity(on):
    return on.float().mean(1), on.float().mean(0)


# %% features/zero-code-not-subtracted
# features-check: You did not subtract the output of the zero code
def features(model):
    return model.decode(torch.eye(model.latent_dim, device=test.device))


# %% features/difference-reversed
# features-check: The sign of the difference is wrong
def features(model):
    codes = torch.eye(model.latent_dim, device=test.device)
    return model.decode(0 * codes) - model.decode(codes)


# %% features/mean-subtracted
# features-check: You subtracted the mean of the features
def features(model):
    drawn = model.decode(torch.eye(model.latent_dim, device=test.device))
    return drawn - drawn.mean(0)


# %% features/logits
# features-check: You left out the output activation
def features(model):
    codes = torch.eye(model.latent_dim, device=test.device)
    return model.logits(codes) - model.logits(0 * codes)


# %% features/all-units-at-once
# features-check: All units were on at once
def features(model):
    codes = torch.ones(1, model.latent_dim, device=test.device)
    return model.decode(codes) - model.decode(0 * codes)


# %% features/flattened
# features-check: The features are flattened
def features(model):
    codes = torch.eye(model.latent_dim, device=test.device)
    return (model.decode(codes) - model.decode(0 * codes)).flatten(1)


# %% features/decoder-weights
# features-check: compute one element by hand
def features(model):
    return model.decoder[-1].weight.T[: model.latent_dim]


# %% spread/absolute-strength
# spread-check: the strength of a pixel is its square
def spread(v):
    size = v.flatten(1).abs()
    return size.sum(1) ** 2 / (size**2).sum(1)


# %% spread/strength-with-sign
# spread-check: The absolute value is missing
def spread(v):
    flat = v.flatten(1)
    return flat.sum(1) ** 2 / (flat**2).sum(1)


# %% spread/fraction-inverted
# spread-check: Numerator and denominator are swapped
def spread(v):
    p = v.flatten(1) ** 2
    return (p**2).sum(1) / p.sum(1) ** 2


# %% spread/sum-not-squared
# spread-check: The square of the sum is missing
def spread(v):
    p = v.flatten(1) ** 2
    return p.sum(1) / (p**2).sum(1)


# %% spread/share-of-pixels
# spread-check: This is a share of the pixels
def spread(v):
    p = v.flatten(1) ** 2
    return p.mean(1) ** 2 / (p**2).mean(1)


# %% spread/one-for-the-batch
# spread-check: You returned one number for the whole batch
def spread(v):
    p = v**2
    return p.sum() ** 2 / (p**2).sum()


# %% spread/averaged-over-features
# spread-check: You took the mean over the features
def spread(v):
    p = v.flatten(1) ** 2
    return (p.sum(1) ** 2 / (p**2).sum(1)).mean()


# %% spread/nonzero-pixels
# spread-check: You counted the pixels that are not zero
def spread(v):
    return (v.flatten(1) != 0).float().sum(1)


# %% spread/root-of-ratio
# spread-check: You took the square root of the ratio
def spread(v):
    p = v.flatten(1) ** 2
    return p.sum(1) / (p**2).sum(1).sqrt()


# %% likeness/products
# likeness-check: The lengths are missing
def likeness(v, differences):
    return (v.flatten(1) @ differences.flatten(1).T).amax(1)


# %% likeness/feature-not-normalised
# likeness-check: The length of the feature is missing
def likeness(v, differences):
    return (v.flatten(1) @ F.normalize(differences.flatten(1), dim=1).T).amax(1)


# %% likeness/differences-not-normalised
# likeness-check: The lengths of the differences are missing
def likeness(v, differences):
    return (F.normalize(v.flatten(1), dim=1) @ differences.flatten(1).T).amax(1)


# %% likeness/mean-over-images
# likeness-check: You took the mean over the images
def likeness(v, differences):
    return (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T).mean(1)


# %% likeness/one-per-image
# likeness-check: You returned one number for each image
def likeness(v, differences):
    return (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T).amax(0)


# %% likeness/absolute-cosines
# likeness-check: You took absolute values
def likeness(v, differences):
    return (
        (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T)
        .abs()
        .amax(1)
    )


# %% likeness/smallest
# likeness-check: This is the smallest cosine
def likeness(v, differences):
    return (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T).amin(1)


# %% likeness/index-of-the-image
# likeness-check: This is the index of the image
def likeness(v, differences):
    return (
        (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T)
        .max(1)
        .indices
    )


# %% likeness/mean-subtracted
# likeness-check: You subtracted the mean of each image
def likeness(v, differences):
    k = len(v)
    return torch.corrcoef(torch.cat([v.flatten(1), differences.flatten(1)]))[:k, k:].amax(1)


# %% likeness/one-for-all
# likeness-check: You returned one number for all features
def likeness(v, differences):
    return (F.normalize(v.flatten(1), dim=1) @ F.normalize(differences.flatten(1), dim=1).T).max()


# %% collapsed/dead-units
# collapsed-check: You tested for dead units
def collapsed(table, limit=0.9):
    return [name for name, row in table.items() if row["dead"] == 64]


# %% collapsed/not-collapsed
# collapsed-check: These are the settings that have not collapsed
def collapsed(table, limit=0.9):
    return [name for name, row in table.items() if row["error"] < limit]


# %% collapsed/limit-excluded
# collapsed-check: An error equal to the limit counts too
def collapsed(table, limit=0.9):
    return [name for name, row in table.items() if row["error"] > limit]


# %% collapsed/fixed-limit
# collapsed-check: The limit is an argument, not always 0.9
def collapsed(table, limit=0.9):
    return [name for name, row in table.items() if row["error"] >= 0.9]


# %% collapsed/weight-without-family
# collapsed-check: A setting is the whole pair
def collapsed(table, limit=0.9):
    return [name[1] for name, row in table.items() if row["error"] >= limit]


# %% collapsed/worst-only
# collapsed-check: This is only the setting with the largest error
def collapsed(table, limit=0.9):
    return [max(table, key=lambda name: table[name]["error"])]


# %% collapsed/returns-a-boolean
# collapsed-check: expected a list of settings
def collapsed(table, limit=0.9):
    return any(row["error"] >= limit for row in table.values())


# %% pareto/must-be-better-in-both
# pareto-check: A setting that is better in one value and equal in the other beats the other setting
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] < row["error"] and other["active"] < row["active"]
            for other in table.values()
        )
    ]


# %% pareto/equal-settings-beat-each-other
# pareto-check: Two equal settings do not beat each other
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] <= row["error"] and other["active"] <= row["active"]
            for m, other in table.items()
            if m != n
        )
    ]


# %% pareto/better-in-one-beats
# pareto-check: To beat another
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] < row["error"] or other["active"] < row["active"]
            for other in table.values()
        )
    ]


# %% pareto/beaten-ones
# pareto-check: These are the settings that others beat
def pareto(table):
    return [
        n
        for n, row in table.items()
        if any(
            other["error"] <= row["error"]
            and other["active"] <= row["active"]
            and (other["error"], other["active"]) != (row["error"], row["active"])
            for other in table.values()
        )
    ]


# %% pareto/large-is-good
# pareto-check: You treated large values as good
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] >= row["error"]
            and other["active"] >= row["active"]
            and (other["error"], other["active"]) != (row["error"], row["active"])
            for other in table.values()
        )
    ]


# %% pareto/more-active-is-better
# pareto-check: A larger share of active units is not better here
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] <= row["error"]
            and other["active"] >= row["active"]
            and (other["error"], other["active"]) != (row["error"], row["active"])
            for other in table.values()
        )
    ]


# %% pareto/within-a-family
# pareto-check: Compare across families
def pareto(table):
    return [
        n
        for n, row in table.items()
        if not any(
            other["error"] <= row["error"]
            and other["active"] <= row["active"]
            and (other["error"], other["active"]) != (row["error"], row["active"])
            for m, other in table.items()
            if m[0] == n[0]
        )
    ]


# %% pareto/best-of-each-respect
# pareto-check: These are only the best settings by each value
def pareto(table):
    least = {key: min(row[key] for row in table.values()) for key in ("error", "active")}
    return [
        n
        for n, row in table.items()
        if row["active"] == least["active"]
        or row["error"] == least["error"]
        and row["active"] < 0.95
    ]


# %% pareto/returns-the-error
# pareto-check: expected a list of settings
def pareto(table):
    return min(row["error"] for row in table.values())


# %% pareto/alone-is-beaten
# pareto-check: If there is only one setting
def pareto(table):
    rows = [row for row in table.values()]
    return [
        n
        for n, row in table.items()
        if len(rows) > 1
        and not any(
            other["error"] <= row["error"]
            and other["active"] <= row["active"]
            and (other["error"], other["active"]) != (row["error"], row["active"])
            for other in rows
        )
    ]


# %% sparsest/most-active
# sparsest-check: You took the most active setting of those that are good enough
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    fair = [n for n, row in table.items() if row["error"] <= (1 + price) * best]
    return max(fair, key=lambda n: table[n]["active"])


# %% sparsest/price-ignored
# sparsest-check: The error of that setting is too large
def sparsest_within(table, price):
    return min(table, key=lambda n: table[n]["active"])


# %% sparsest/absolute-price
# sparsest-check: The error of that setting is too large
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    return min(
        (n for n in table if table[n]["error"] <= best + price), key=lambda n: table[n]["active"]
    )


# %% sparsest/weight-without-family
# sparsest-check: A setting is the whole pair
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    return min(
        (n for n in table if table[n]["error"] <= (1 + price) * best),
        key=lambda n: table[n]["active"],
    )[1]


# %% sparsest/returns-the-share
# sparsest-check: Return the setting, not its share of active units
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    return min(row["active"] for row in table.values() if row["error"] <= (1 + price) * best)


# %% sparsest/smallest-error
# sparsest-check: There is a sparser setting that is good enough
def sparsest_within(table, price):
    return min(table, key=lambda n: table[n]["error"])


# %% sparsest/limit-excluded
# sparsest-check: You returned no setting
def sparsest_within(table, price):
    best = min(row["error"] for row in table.values())
    return min(
        (n for n in table if table[n]["error"] < (1 + price) * best),
        key=lambda n: table[n]["active"],
        default=None,
    )


# %% trend/sign-reversed
# trend-check: The sign is wrong
def trend(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum((a > b) - (a < b) for a, b in pairs) / len(pairs)


# %% trend/neighbours-only
# trend-check: You compared neighbours only
def trend(values):
    return sum((b > a) - (b < a) for a, b in zip(values, values[1:])) / (len(values) - 1)


# %% trend/ends-only
# trend-check: You compared only the last value with the first
def trend(values):
    return (values[-1] > values[0]) - (values[-1] < values[0])


# %% trend/share-of-rising-pairs
# trend-check: This is the share of rising pairs
def trend(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(b > a for a, b in pairs) / len(pairs)


# %% trend/summed
# trend-check: This is a count
def trend(values):
    return sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])


# %% trend/divided-by-n-squared
# trend-check: You divided by the square of the number of values
def trend(values):
    return (
        sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i:]) / len(values) ** 2
    )


# %% trend/divided-by-n-times-n-minus-1
# trend-check: You divided by n (n - 1)
def trend(values):
    n = len(values)
    return sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :]) / (
        n * (n - 1)
    )


# %% trend/both-orders
# trend-check: You took each pair in both orders
def trend(values):
    pairs = [(a, b) for a in values for b in values]
    return sum((b > a) - (b < a) for a, b in pairs) / len(pairs)


# %% trend/correlation
# trend-check: This is a correlation of the values themselves
def trend(values):
    import numpy

    return numpy.corrcoef(values, range(len(values)))[0, 1]


# %% trend/ties-rise
# trend-check: Equal values do not rise
def trend(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(1 if b >= a else -1 for a, b in pairs) / len(pairs)


# %% trend/ties-fall
# trend-check: Equal values do not fall
def trend(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(1 if b > a else -1 for a, b in pairs) / len(pairs)
