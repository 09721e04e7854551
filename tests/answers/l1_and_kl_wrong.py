# Plausible wrong answers to solutions/l1_and_kl: each fails on the checks named, with the
# words named, and on no other.
# A block starts with "# %% cell/name of the mistake"; then "# check: words of the message", one
# line for each check that must fail.

# %% active/fraction-as-threshold
# active-check: The threshold is an absolute number
def active(z, fraction):
    return z.abs() > fraction


# %% active/maximum-of-the-whole-code
# active-check: You took the largest activation of the whole code
def active(z, fraction):
    return z.abs() > fraction * z.abs().max()


# %% active/maximum-of-each-image
# active-check: You took the largest unit of each image
def active(z, fraction):
    return z.abs() > fraction * z.abs().amax(1, keepdim=True)


# %% active/no-absolute-value
# active-check: A strongly negative activation counts as active
def active(z, fraction):
    return z > fraction * z.amax(0)


# %% active/absolute-value-in-the-maximum-only
# active-check: You took the absolute value in the maximum only
def active(z, fraction):
    return z > fraction * z.abs().amax(0)


# %% active/dead-units-active
# active-check: A dead unit
def active(z, fraction):
    return z.abs() >= fraction * z.abs().amax(0)


# %% active/silent-ones
# active-check: These are the inactive units
def active(z, fraction):
    return z.abs() <= fraction * z.abs().amax(0)


# %% active/mean-of-each-unit
# active-check: You compared with the mean of each unit
def active(z, fraction):
    return z.abs() > fraction * z.abs().mean(0)


# %% active/share-for-all
# active-check: This is a share
def active(z, fraction):
    return (z.abs() > fraction * z.abs().amax(0)).float().mean()


# %% active/range-for-maximum
# active-check: compute one element by hand
def active(z, fraction):
    return z.abs() > fraction * (z.amax(0) - z.amin(0))


# %% active/no-return
# active-check: is a `return` missing?
def active(z, fraction):
    z.abs() > fraction * z.abs().amax(0)


# %% population/share-of-each-unit
# population-check: This is a share for each unit
def population(on):
    return on.float().mean(0)


# %% population/one-for-all
# population-check: You returned one number for all
def population(on):
    return on.float().mean()


# %% population/count
# population-check: This is a count
def population(on):
    return on.sum(1)


# %% population/divided-by-images
# population-check: You divided by the number of images
def population(on):
    return on.sum(1) / len(on)


# %% population/silent-share
# population-check: This is the share of inactive units
def population(on):
    return 1 - on.float().mean(1)


# %% population/mean-of-booleans
# population-check: mean
def population(on):
    return on.mean(1)


# %% lifetime/share-of-each-image
# lifetime-check: This is a share for each image
def lifetime(on):
    return on.float().mean(1)


# %% lifetime/one-for-all
# lifetime-check: You returned one number for all
def lifetime(on):
    return on.float().mean()


# %% lifetime/count
# lifetime-check: This is a count
def lifetime(on):
    return on.float().sum(0)


# %% lifetime/divided-by-units
# lifetime-check: You divided by the number of units
def lifetime(on):
    return on.sum(0) / on.shape[1]


# %% lifetime/silent-share
# lifetime-check: a small value must mean sparse
def lifetime(on):
    return (~on).float().mean(0)


# %% lifetime/dead-units-left-out
# lifetime-check: The dead unit is left out
def lifetime(on):
    share = on.float().mean(0)
    return share[share > 0]


# %% hoyer/scale-reversed
# hoyer-check: The scale is reversed
def hoyer(z):
    one, two, root = z.abs().sum(1), z.norm(dim=1), z.shape[1] ** 0.5
    return (torch.where(two > 0, one / two, 1) - 1) / (root - 1)


# %% hoyer/ratio-of-norms
# hoyer-check: This is the ratio of the norms
def hoyer(z):
    return z.abs().sum(1) / z.norm(dim=1)


# %% hoyer/divided-by-root-of-k
# hoyer-check: You divided by the square root of k
def hoyer(z):
    return 1 - z.abs().sum(1) / z.norm(dim=1) / z.shape[1] ** 0.5


# %% hoyer/no-root-of-k
# hoyer-check: The root of k is missing
def hoyer(z):
    return (z.shape[1] - z.abs().sum(1) / z.norm(dim=1)) / (z.shape[1] - 1)


# %% hoyer/images-for-units
# hoyer-check: You used the number of images instead of units
def hoyer(z):
    root = len(z) ** 0.5
    return (root - z.abs().sum(1) / z.norm(dim=1)) / (root - 1)


# %% hoyer/no-absolute-value
# hoyer-check: The absolute value is missing in the first norm
def hoyer(z):
    root = z.shape[1] ** 0.5
    return (root - z.sum(1) / z.norm(dim=1)) / (root - 1)


# %% hoyer/no-root-in-the-second-norm
# hoyer-check: The second norm lacks its square root
def hoyer(z):
    root = z.shape[1] ** 0.5
    return (root - z.abs().sum(1) / z.square().sum(1)) / (root - 1)


# %% hoyer/one-for-the-batch
# hoyer-check: You returned one number for the batch
def hoyer(z):
    root = z.shape[1] ** 0.5
    return ((root - z.abs().sum(1) / z.norm(dim=1)) / (root - 1)).mean()


# %% hoyer/nan-for-a-silent-image
# hoyer-check: Zero over zero is nan
def hoyer(z):
    root = z.shape[1] ** 0.5
    return (root - z.abs().sum(1) / z.norm(dim=1)) / (root - 1)


# %% hoyer/silent-image-left-out
# hoyer-check: The row of zeros is left out
def hoyer(z):
    z = z[z.abs().sum(1) > 0]
    root = z.shape[1] ** 0.5
    return (root - z.abs().sum(1) / z.norm(dim=1)) / (root - 1)


# %% hoyer/silent-image-above-1
# hoyer-check: The row of zeros must have the value 1
def hoyer(z):
    root = z.shape[1] ** 0.5
    return (root - z.abs().sum(1) / (z.norm(dim=1) + 1e-9)) / (root - 1)


# %% match/arithmetic-middle
# match-falling-check: That is the arithmetic mean
# match-rising-check: That is the arithmetic mean
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low + high) / 2
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle


# %% match/assumes-falling
# match-rising-check: This measure rises with the weight
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if value > target:
            low = middle
        else:
            high = middle


# %% match/assumes-rising
# match-rising-check: This measure rises with the weight
def match(measure, target, low, high, calls=8, tolerance=0.1):
    if not measure(high) <= target <= measure(low):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        low, high = (middle, high) if value > target else (low, middle)


# %% match/keeps-the-wrong-half
# match-falling-check: Keep the half that contains it
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if value < target:
            low = middle
        else:
            high = middle


# %% match/no-tolerance-assumes-rising
# match-falling-check: The search ended at the wrong weight
# match-rising-check: The tolerance is relative
# match-limits-check: The calls were used up
def match(measure, target, low, high, calls=8, tolerance=0.1):
    if not min(measure(low), measure(high)) <= target <= max(measure(low), measure(high)):
        return None
    for _ in range(calls - 4):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if value < target:
            low = middle
        else:
            high = middle
    return middle


# %% match/last-middle-assumes-falling
# match-rising-check: The search ended at the wrong weight
# match-limits-check: The calls were used up
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    middle = low
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            break
        low, high = (middle, high) if value > target else (low, middle)
    return middle


# %% match/last-middle-when-calls-run-out
# match-limits-check: The calls were used up
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle
    return middle


# %% match/clamps-to-an-end
# match-limits-check: The target is not between the values at the ends
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if target > max(at_low, at_high):
        return low if at_low > at_high else high
    if target < min(at_low, at_high):
        return high if at_low > at_high else low
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle


# %% match/too-many-calls
# match-falling-check: each call trains a network
# match-rising-check: each call trains a network
# match-limits-check: a search must stop even if it has not found a weight
def match(measure, target, low, high, calls=8, tolerance=0.1):
    if not min(measure(low), measure(high)) <= target <= max(measure(low), measure(high)):
        return None
    for _ in range(calls):
        middle = (low * high) ** 0.5
        if abs(measure(middle) - target) <= tolerance * target:
            return middle
        if (measure(middle) > target) == (measure(low) > target):
            low = middle
        else:
            high = middle


# %% match/never-ends
# match-limits-check: a search must stop even if it has not found a weight
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    while high / low > 1.0000001:
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return middle
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle


# %% match/returns-the-value
# match-falling-check: That is the value of measure
# match-rising-check: That is the value of measure
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance * target:
            return value
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle


# %% match/first-middle
# match-falling-check: That is the first middle, whatever its value
# match-rising-check: That is the first middle, whatever its value
# match-limits-check: The calls were used up
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    return (low * high) ** 0.5


# %% match/absolute-tolerance
# match-falling-check: The tolerance is relative
# match-rising-check: The tolerance is relative
def match(measure, target, low, high, calls=8, tolerance=0.1):
    at_low, at_high = measure(low), measure(high)
    if not min(at_low, at_high) <= target <= max(at_low, at_high):
        return None
    for _ in range(calls - 2):
        middle = (low * high) ** 0.5
        value = measure(middle)
        if abs(value - target) <= tolerance:
            return middle
        if (value > target) == (at_low > target):
            low = middle
        else:
            high = middle


# %% watch/notes-every-call
# watch-notes-check: Every call was recorded
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        with torch.no_grad():
            notes.append((step, look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/counts-from-1
# watch-notes-check: You count from 1
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        step += 1
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        return objective(model, x, generator)

    return watched


# %% watch/one-count-for-all-objectives
# watch-notes-check: The counter continued from another watched objective
def watch(objective, look, every, notes, count=[0]):
    def watched(model, x, generator):
        if count[0] % every == 0:
            with torch.no_grad():
                notes.append((count[0], look(model)))
        count[0] += 1
        return objective(model, x, generator)

    return watched


# %% watch/no-step-0
# watch-notes-check: Step 0 is missing
def watch(objective, look, every, notes):
    step = -1

    def watched(model, x, generator):
        nonlocal step
        step += 1
        if step and step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        return objective(model, x, generator)

    return watched


# %% watch/numbers-of-the-notes
# watch-notes-check: These are the numbers of the notes
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append((len(notes), look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/first-look-repeated
# watch-notes-check: That is the value at another step
def watch(objective, look, every, notes):
    step, seen = 0, None

    def watched(model, x, generator):
        nonlocal step, seen
        with torch.no_grad():
            seen = look(model) if seen is None else seen
        if step % every == 0:
            notes.append((step, seen))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/first-element-of-the-look
# watch-notes-check: Record everything that look(model) returns
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                seen = look(model)
            notes.append((step, seen[0] if isinstance(seen, tuple) else seen))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/look-without-step
# watch-notes-check: expected pairs (step, look(model))
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append(look(model))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/list-of-its-own
# watch-notes-check: append to the list `notes` itself
def watch(objective, look, every, notes):
    step, notes = 0, []

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/look-with-gradient
# watch-training-check: call it in a block of torch.no_grad()
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            notes.append((step, look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/objective-without-gradient
# watch-training-check: carries no gradient
@torch.no_grad()
def watch(objective, look, every, notes):
    step = 0

    @torch.no_grad()
    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            notes.append((step, look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/objective-called-twice
# watch-training-check: In 5 steps the objective was called
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        objective(model, x, generator)
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/generator-of-its-own
# watch-training-check: Watching changed the training
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        step += 1
        return objective(model, x, torch.Generator())

    return watched


# %% watch/leaves-eval-mode
# watch-training-check: and change neither the mode of the model nor any random state
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model.eval())))
        step += 1
        return objective(model, x, generator)

    return watched


# %% watch/returns-the-sum
# watch-training-check: The watched objective must return all terms of the objective under their names
def watch(objective, look, every, notes):
    step = 0

    def watched(model, x, generator):
        nonlocal step
        if step % every == 0:
            with torch.no_grad():
                notes.append((step, look(model)))
        step += 1
        return sum(objective(model, x, generator).values())

    return watched


# %% watch/returns-the-notes
# watch-training-check: return it without calling it
# watch-notes-check: not callable
def watch(objective, look, every, notes):
    return notes


# %% arrival/relative-to-the-end-alone
# arrival-smooth-check: Progress is measured from the first value
# arrival-noisy-check: expected 60
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, None
    for step, value in zip(reversed(steps), reversed(values)):
        if value / end < share:
            break
        arrived = step
    return arrived


# %% arrival/number-of-the-note
# arrival-smooth-check: That is the number of the note
# arrival-noisy-check: gives 6
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, None
    if end == values[0]:
        return None
    for i in reversed(range(len(values))):
        if (values[i] - values[0]) / (end - values[0]) < share:
            break
        arrived = i
    return arrived


# %% arrival/note-before
# arrival-smooth-check: That is the note before
# arrival-noisy-check: That is the last step below the line
def arrival(steps, values, share=0.9, last=3):
    end = sum(values[-last:]) / last
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < share:
            return step


# %% arrival/last-step-above-the-line
# arrival-smooth-check: That is the last step
# arrival-noisy-check: expected 60
def arrival(steps, values, share=0.9, last=3):
    end = sum(values[-last:]) / last
    return max(
        step
        for step, value in zip(steps, values)
        if (value - values[0]) / (end - values[0]) >= share
    )


# %% arrival/rising-curves-only
# arrival-smooth-check: Does your function work for rising and for falling curves?
# arrival-noisy-check: is a `return` missing
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, None
    for step, value in zip(reversed(steps), reversed(values)):
        if value < values[0] + share * abs(end - values[0]):
            break
        arrived = step
    return arrived


# %% arrival/first-crossing
# arrival-noisy-check: The curve crosses the line there and returns
def arrival(steps, values, share=0.9, last=3):
    end = sum(values[-last:]) / last
    if end == values[0]:
        return None
    for step, value in zip(steps, values):
        if (value - values[0]) / (end - values[0]) >= share:
            return step


# %% arrival/last-value-for-the-end
# arrival-noisy-check: You took the last value as the end
def arrival(steps, values, share=0.9, last=3):
    end, arrived = values[-1], None
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < share:
            break
        arrived = step
    return arrived


# %% arrival/mean-of-three-for-the-end
# arrival-noisy-check: here the end is the mean of five
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-3:]) / 3, None
    if end == values[0]:
        return None
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < share:
            break
        arrived = step
    return arrived


# %% arrival/fixed-share
# arrival-noisy-check: The share is a parameter
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, None
    if end == values[0]:
        return None
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < 0.9:
            break
        arrived = step
    return arrived


# %% arrival/last-step-if-never-arrived
# arrival-noisy-check: the last note is below the line
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, steps[-1]
    if end == values[0]:
        return None
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < share:
            break
        arrived = step
    return arrived


# %% arrival/first-step-if-flat
# arrival-noisy-check: the end equals the start
def arrival(steps, values, share=0.9, last=3):
    end, arrived = sum(values[-last:]) / last, None
    if end == values[0]:
        return steps[0]
    for step, value in zip(reversed(steps), reversed(values)):
        if (value - values[0]) / (end - values[0]) < share:
            break
        arrived = step
    return arrived


# %% levels/zeros-of-the-code
# levels-check: You counted the zeros of the code
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((z == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/images-for-units
# levels-check: You counted images
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((z == 0).all(1).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/silent-for-some-image
# levels-check: You counted the units that are zero for some image
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((z == 0).any(0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/living-units
# levels-check: You counted the units that are not dead
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m > 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/unbiased-deviation
# levels-check: PyTorch's std divides by k - 1
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std() / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/deviation-not-relative
# levels-check: The deviation depends on the scale of the code
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/variance
# levels-check: This is the variance
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.var(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/spread-of-all-activations
# levels-check: This is the spread of all activations
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": z.abs().std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/means-of-images
# levels-check: You took the mean of each image
def levels(z, rho):
    m, n = z.abs().mean(0), z.abs().mean(1)
    return {
        "dead": int((m == 0).sum()),
        "spread": n.std(correction=0) / n.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/no-absolute-value
# levels-check: The absolute value is missing
def levels(z, rho):
    m = z.mean(0)
    return {
        "dead": int((z == 0).all(0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/dead-units-left-out
# levels-check: You left out the dead units
def levels(z, rho):
    m = z.abs().mean(0)
    lives = m[m > 0]
    return {
        "dead": int((m == 0).sum()),
        "spread": lives.std(correction=0) / lives.mean(),
        "miss": (m - rho).abs().mean(),
    }


# %% levels/averaged-before-distance
# levels-check: You took the mean first
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m.mean() - rho).abs(),
    }


# %% levels/distance-with-sign
# levels-check: The absolute value is missing
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).mean(),
    }


# %% levels/squared-distance
# levels-check: These are squared distances
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - rho).square().mean(),
    }


# %% levels/distance-of-each-activation
# levels-check: rho is a target for the mean of a unit
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (z.abs() - rho).abs().mean(),
    }


# %% levels/fixed-rho
# levels-check: You used 0.05 for rho
def levels(z, rho):
    m = z.abs().mean(0)
    return {
        "dead": int((m == 0).sum()),
        "spread": m.std(correction=0) / m.mean(),
        "miss": (m - RHO).abs().mean(),
    }


# %% levels/returns-a-tuple
# levels-check: expected a dictionary with the entries
def levels(z, rho):
    m = z.abs().mean(0)
    return int((m == 0).sum()), m.std(correction=0) / m.mean(), (m - rho).abs().mean()


# %% redundancy/compared-with-itself
# redundancy-check: Each feature was compared with itself
def redundancy(features):
    unit = F.normalize(features, dim=1)
    return (unit @ unit.T).amax(1).mean()


# %% redundancy/products-for-cosines
# redundancy-check: These are products, not cosines
def redundancy(features):
    products = features @ features.T
    products.fill_diagonal_(-1e9)
    return products.amax(1).mean()


# %% redundancy/absolute-cosines
# redundancy-check: You took absolute values
def redundancy(features):
    unit = F.normalize(features, dim=1)
    return (unit @ unit.T).abs().fill_diagonal_(-2).amax(1).mean()


# %% redundancy/mean-over-the-others
# redundancy-check: You took the mean over the other features
def redundancy(features):
    unit = F.normalize(features, dim=1)
    k = len(unit)
    return (unit @ unit.T).fill_diagonal_(0).sum() / (k * (k - 1))


# %% redundancy/mean-over-all
# redundancy-check: You took the mean over all features
def redundancy(features):
    unit = F.normalize(features, dim=1)
    return (unit @ unit.T).mean()


# %% redundancy/worst-pair-alone
# redundancy-check: That is the largest cosine of all
def redundancy(features):
    unit = F.normalize(features, dim=1)
    return (unit @ unit.T).fill_diagonal_(-2).max()


# %% redundancy/zero-on-the-diagonal
# redundancy-check: You put 0 on the diagonal
def redundancy(features):
    unit = F.normalize(features, dim=1)
    return (unit @ unit.T).fill_diagonal_(0).amax(1).mean()


# %% redundancy/compared-pixels
# redundancy-check: You compared the pixels
def redundancy(features):
    unit = F.normalize(features, dim=0)
    return (unit.T @ unit).fill_diagonal_(-2).amax(1).mean()


# %% nearest/not-standardised
# nearest-check: The unit with the largest activations dominates
def nearest(z, labels, z_test, labels_test):
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) == labels_test).float().mean()


# %% nearest/centres-from-test-codes
# nearest-check: You computed the centres from the test codes
def nearest(z, labels, z_test, labels_test):
    z, labels = z_test, labels_test
    a, s = z.mean(0), z.std(0).clamp(min=1e-8)
    z, z_test = (z - a) / s, (z_test - a) / s
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) == labels_test).float().mean()


# %% nearest/training-accuracy
# nearest-check: This is the accuracy on the training codes
def nearest(z, labels, z_test, labels_test):
    z = (z - z.mean(0)) / z.std(0).clamp(min=1e-8)
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z, centres).argmin(1) == labels).float().mean()


# %% nearest/test-codes-standardised-alone
# nearest-check: The test codes were standardised by their own mean
def nearest(z, labels, z_test, labels_test):
    z, z_test = ((t - t.mean(0)) / t.std(0).clamp(min=1e-8) for t in (z, z_test))
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) == labels_test).float().mean()


# %% nearest/count
# nearest-check: This is the number of right classes
def nearest(z, labels, z_test, labels_test):
    a, s = z.mean(0), z.std(0).clamp(min=1e-8)
    z, z_test = (z - a) / s, (z_test - a) / s
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) == labels_test).sum()


# %% nearest/share-of-mistakes
# nearest-check: This is the share of mistakes
def nearest(z, labels, z_test, labels_test):
    a, s = z.mean(0), z.std(0).clamp(min=1e-8)
    z, z_test = (z - a) / s, (z_test - a) / s
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) != labels_test).float().mean()


# %% nearest/dead-unit-divides-by-0
# nearest-check: A constant unit has a deviation of 0
def nearest(z, labels, z_test, labels_test):
    a, s = z.mean(0), z.std(0)
    z, z_test = (z - a) / s, (z_test - a) / s
    centres = torch.stack([z[labels == c].mean(0) for c in labels.unique()])
    return (torch.cdist(z_test, centres).argmin(1) == labels_test).float().mean()


# %% settled/always-false
# settled-check: All positive, and close together
def settled(differences):
    return False


# %% settled/positive-only
# settled-check: a difference may be settled in either direction
def settled(differences):
    return all(d > 0 for d in differences) and interval(differences)[1] > 0


# %% settled/signs-alone
# settled-check: but so far apart that the interval contains 0
def settled(differences):
    return all(d > 0 for d in differences) or all(d < 0 for d in differences)


# %% settled/interval-ignored-if-negative
# settled-check: All negative
def settled(differences):
    mean, low, high = interval(differences)
    return all(d > 0 for d in differences) and low > 0 or all(d < 0 for d in differences)


# %% settled/interval-alone
# settled-check: The interval excludes 0
def settled(differences):
    mean, low, high = interval(differences)
    return low > 0 or high < 0


# %% settled/seeds-ignored-if-negative
# settled-check: The interval is below 0
def settled(differences):
    mean, low, high = interval(differences)
    return low > 0 and min(differences) > 0 or high < 0


# %% settled/mixed-signs-settled
# settled-check: The signs differ
def settled(differences):
    mean, low, high = interval(differences)
    if min(differences) < 0 < max(differences):
        return len(differences) < 5
    return (low > 0 or high < 0) and 0 not in differences


# %% settled/zero-differences-settled
# settled-check: There is no difference at all
def settled(differences):
    mean, low, high = interval(differences)
    return (
        low == high
        or 0 not in differences
        and len({d > 0 for d in differences}) == 1
        and (low > 0 or high < 0)
    )


# %% settled/one-zero-difference-settled
# settled-check: One seed shows no difference
def settled(differences):
    mean, low, high = interval(differences)
    return (low > 0 or high < 0) and not min(differences) < 0 < max(differences)


# %% settled/returns-a-string
# settled-check: gives 'yes'
def settled(differences):
    return "yes"


# %% winner/never-open
# winner-check: whichever code has the better mean
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    decided([x - y for x, y in zip(a[measure], b[measure])])
    return first if (sum(a[measure]) > sum(b[measure])) == higher else second


# %% winner/larger-always-wins
# winner-check: `higher` says whether larger or smaller values are better
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    differences = [x - y for x, y in zip(a[measure], b[measure])]
    return (first if sum(differences) > 0 else second) if decided(differences) else "open"


# %% winner/smaller-always-wins
# winner-check: `higher` says whether larger or smaller values are better
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    differences = [x - y for x, y in zip(a[measure], b[measure])]
    return (
        (second if (sum(differences) > 0) == higher else first) if decided(differences) else "open"
    )


# %% winner/decision-inverted
# winner-check: decided(differences) is True
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    differences = [x - y for x, y in zip(a[measure], b[measure])]
    if decided(differences):
        return "open"
    return first if (sum(differences) > 0) == higher else second


# %% winner/fixed-names
# winner-check: gives 'L1'
def winner(table, measure, higher, decided):
    a, b = table.get("L1", {}).get(measure, [0, 0, 0]), table["KL"][measure]
    differences = [x - y for x, y in zip(a, b)]
    return ("L1" if (sum(differences) > 0) == higher else "KL") if decided(differences) else "open"


# %% winner/decides-on-the-mean
# winner-check: You took the difference of the means
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    difference = (sum(a[measure]) - sum(b[measure])) / len(a[measure])
    if not decided([difference]):
        return "open"
    return first if (difference > 0) == higher else second


# %% winner/pairing-lost
# winner-check: The pairs are mixed up
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    differences = [x - y for x, y in zip(sorted(a[measure]), sorted(b[measure]))]
    if not decided(differences):
        return "open"
    return first if (sum(differences) > 0) == higher else second


# %% winner/own-decision
# winner-check: decided was never called
def winner(table, measure, higher, decided):
    (first, a), (second, b) = table.items()
    differences = [x - y for x, y in zip(a[measure], b[measure])]
    mean, low, high = interval(differences)
    if low <= 0 <= high:
        return "open"
    return first if (mean > 0) == higher else second


# %% agree/always-false
# agree-check: All metrics name L1 here
def agree(winners):
    return False


# %% agree/only-if-l1
# agree-check: it does not matter which code they name
def agree(winners):
    return all(name in ("L1", "open") for name in winners.values()) and "L1" in winners.values()


# %% agree/open-counts-as-vote
# agree-check: An open metric has no vote
def agree(winners):
    return len(set(winners.values())) == 1


# %% agree/one-vote-is-not-enough
# agree-check: One metric votes
def agree(winners):
    votes = [name for name in winners.values() if name != "open"]
    return len(votes) > 1 and len(set(votes)) == 1


# %% agree/majority-is-enough
# agree-check: The third metric names another code
def agree(winners):
    votes = list(winners.values())
    return max(votes.count("L1"), votes.count("KL")) > min(votes.count("L1"), votes.count("KL"))


# %% agree/two-codes-and-an-open-agree
# agree-check: The two votes are for different codes
def agree(winners):
    votes = list(winners.values())
    return len(set(votes) - {"open"}) == 1 or len(set(votes)) == 3


# %% agree/no-vote-agrees
# agree-check: No metric votes
def agree(winners):
    return len(set(winners.values()) - {"open"}) <= 1
