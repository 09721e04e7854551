"""Vector quantisation against SciPy's and scikit-learn's, its gradient against its definition, its prior by enumeration."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.cluster import vq
from sklearn.cluster import KMeans

from aecourse.losses import mse
from aecourse.metrics.codes import code_entropy, codebook_usage, perplexity, usage_counts
from aecourse.models.code_prior import CodePrior
from aecourse.models.codebook import Codebook, nearest, nearest_by_differences
from aecourse.models.vq_vae import VQVAE
from aecourse.objectives.quantization import vq_vae
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.CodePrior": (
        "by hand; the chances of all 27 grids sum to 1; `scipy.stats.chisquare` of 20,000 samples",
        "by hand 1e-6, float32; sum 1e-5; p > 0.001",
        "no",
    ),
    "models.Codebook": (
        '`sklearn.cluster.KMeans(init=E, n_init=1, max_iter=1, algorithm="lloyd", tol=0)` at '
        "decay 0; averages by hand",
        "absolute 2e-15; averages 1e-7",
        "not smooth",
    ),
    "metrics.CodebookUsage": (
        "through `codebook_usage`, which returns it",
        "1e-12",
        "counts",
    ),
    "models.VQVAE": (
        "`scipy.cluster.vq.vq`; the gradient is the straight-through definition",
        "indices exact; gradient `assert_close`",
        "not smooth: by definition",
    ),
    "metrics.code_entropy": (
        "`scipy.stats.entropy`",
        "1e-12",
        "counts",
    ),
    "metrics.codebook_usage": (
        "`numpy.bincount`; `scipy.stats.entropy`",
        "counts exact; 1e-12",
        "counts",
    ),
    "metrics.perplexity": (
        "the exponential of `scipy.stats.entropy`",
        "1e-12",
        "counts",
    ),
    "objectives.vq_vae": (
        "`scipy.cluster.vq.vq` and NumPy",
        "1e-12",
        "not smooth",
    ),
    "metrics.usage_counts": (
        "by hand",
        "exact",
        "counts",
    ),
}

KINDS = pytest.mark.parametrize("decay", [None, 0.9])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def start(shape=(1, 8, 8), seed=0, **options):
    torch.manual_seed(seed)
    return VQVAE(
        shape, **{"codes": 7, "dim": 3, "width": 5, "activation": "tanh", **options}
    ).double()


def data(n=6, shape=(1, 8, 8), seed=1):
    return torch.rand(n, *shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n, k, d", [(1, 1, 1), (50, 7, 3), (300, 64, 8), (5, 20, 1)])
def test_the_nearest_code_is_scipys_and_that_of_the_readable_form(n, k, d, dtype):
    vectors, codebook = noise(n, d).to(dtype), noise(k, d, seed=1).to(dtype) + 0.5
    indices = nearest(vectors, codebook)
    assert indices.tolist() == vq.vq(vectors.numpy(), codebook.numpy())[0].tolist()
    assert torch.equal(indices, nearest_by_differences(vectors, codebook))


@pytest.mark.parametrize("shape", [(40, 3), (5, 2, 4, 3), (2, 20, 3)])
def test_one_full_step_of_averages_without_memory_is_a_step_of_k_means(shape):
    z, book = noise(*shape), Codebook(4, 3, decay=0.0).double()
    book.weight.data.copy_(z.flatten(0, -2)[:4])
    kmeans = KMeans(
        4, init=book.weight.numpy().copy(), n_init=1, max_iter=1, algorithm="lloyd", tol=0
    ).fit(z.flatten(0, -2))
    book.update(z, book(z)[1])
    np.testing.assert_allclose(book.weight, kmeans.cluster_centers_, rtol=0, atol=2e-15)


def test_averages_start_without_bias_and_forget_at_their_rate():
    """By hand: the weights of step i of t are decay^(t - i), over sums and over counts."""
    book, batches = (
        Codebook(2, 1, decay=0.8).double(),
        [([1.0, 2.0], [0, 0]), ([5.0, -1.0], [0, 1]), ([3.0, 0.0], [1, 1])],
    )
    untouched = Codebook(3, 1, decay=0.8)
    for values, indices in batches:
        book.update(torch.tensor(values, dtype=torch.float64)[:, None], torch.tensor(indices))
    first = (0.64 * 3 + 0.8 * 5) / (0.64 * 2 + 0.8 * 1)
    second = (0.8 * -1 + 3) / (0.8 * 1 + 2)
    assert book.weight.flatten().tolist() == pytest.approx([first, second], rel=1e-7)
    assert book.usage().tolist() == pytest.approx([2.08 / 4.88, 2.8 / 4.88], rel=1e-6)
    kept = untouched.weight[2].clone()
    untouched.update(torch.ones(4, 1), torch.tensor([0, 0, 1, 1]))
    assert untouched.weight[:2].flatten().tolist() == [1, 1] and torch.equal(
        untouched.weight[2], kept
    )


def test_a_learned_codebook_counts_but_does_not_move():
    book = Codebook(3, 2, decay=None)
    before = book.weight.clone()
    book.update(torch.ones(4, 2), torch.tensor([0, 0, 0, 2]))
    assert (
        torch.equal(book.weight, before)
        and book.usage().tolist() == pytest.approx([0.75, 0, 0.25])
        and book.weight.requires_grad
    )


@KINDS
def test_dead_codes_move_to_vectors_of_the_batch_and_others_stay(decay):
    book, z = Codebook(4, 2, decay, restart=0.1), torch.arange(20.0).reshape(10, 2) + 100
    book.update(torch.zeros(8, 2), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]))
    before = book.weight.clone()
    book.revive(z, seeded())
    assert torch.equal(book.weight[:2], before[:2])
    assert all(any(torch.equal(code, vector) for vector in z) for code in book.weight[2:]), (
        "each is a vector of the batch"
    )
    assert (book.usage() >= 0.1 / 4).all(), "a new code has time to be found"
    after = book.weight.clone()
    book.revive(z + 1, seeded())
    assert torch.equal(book.weight, after)
    book.update(torch.zeros(8, 2), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]))
    torch.testing.assert_close(book.weight[2:], after[2:])


def test_the_first_step_starts_the_codes_among_the_data():
    book = Codebook(5, 2)
    book.revive(noise(50, 2).float() + 100, seeded())
    assert (book.weight > 90).all()


def test_a_code_on_the_edge_of_use_lives():
    for count, dead in ((3, False), (2, True)):  # of 100, against a share of 0.1 / 4
        book = Codebook(4, 1, restart=0.1)
        book.update(
            torch.ones(100, 1),
            torch.tensor([0] * (100 - 2 * 30 - count) + [1] * 30 + [2] * 30 + [3] * count),
        )
        book.revive(torch.full((9, 1), 7.0), seeded())
        assert (book.weight[3].item() == 7) == dead


def test_the_gradient_passes_straight_through():
    """That of the code after quantisation, taken as that of the code before it; codes get none from the reconstruction."""
    model, x = start(decay=None), data(2)
    upstream = noise(2, 2, 2, 3)
    parameters = list(model.encoder.parameters())
    wanted = torch.autograd.grad((model.features(x) * upstream).sum(), parameters)
    for ours, theirs in zip(
        torch.autograd.grad((model.encode(x) * upstream).sum(), parameters), wanted
    ):
        torch.testing.assert_close(ours, theirs)
    mse(model(x)[0], x).backward()
    assert model.codebook.weight.grad is None


@pytest.mark.parametrize(
    "shape, options, grid",
    [
        ((1, 28, 28), {}, (7, 7)),
        ((3, 16, 24), {"n_downsamplings": 3}, (2, 3)),
        ((2, 6, 10), {"n_downsamplings": 1}, (3, 5)),
        (9, {"grid": (4,)}, (4,)),
        ((1, 5, 7), {"grid": (2, 3)}, (2, 3)),
    ],
)
def test_an_image_becomes_a_grid_of_codes_and_comes_back(shape, options, grid):
    model = start(shape, **options)
    x = data(2, model.shape)
    x_hat, z = model(x)
    indices = model.indices(x)
    assert (
        x_hat.shape == x.shape
        and indices.shape == (2, *grid)
        and z.shape == (2, *grid, 3)
        and model.grid == grid
    )
    torch.testing.assert_close(z, model.codebook.weight[indices])
    torch.testing.assert_close(model.decode_indices(indices), x_hat)
    assert torch.equal(x_hat, model.logits(z).sigmoid()) and model.output_range == (0, 1)
    wanted = vq.vq(
        model.features(x).detach().flatten(0, -2).numpy(), model.codebook.weight.detach().numpy()
    )[0]
    assert indices.flatten().tolist() == wanted.tolist()


def test_a_place_of_the_grid_looks_at_its_own_part_of_the_image():
    """Changing the last rows leaves the first row of symbols alone."""
    model, x = start((1, 32, 32), codes=50), data(4, (1, 32, 32))
    y = x.clone()
    y[:, :, 20:] = 0
    before, after = model.features(x), model.features(y)
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.equal(before[:, 5:], after[:, 5:])


def test_a_place_of_the_grid_writes_its_own_part_of_the_image():
    model = start((1, 16, 16))
    z = noise(2, 4, 4, 3)
    moved = z.clone()
    moved[:, 0, 0] += 1
    change = (model.logits(moved) - model.logits(z)).abs()
    assert (
        change[:, :, :4, :4].max() > 1e-6
        and not change[:, :, 12:].any()
        and not change[:, :, :, 12:].any()
    )


@pytest.mark.parametrize("options", [{}, {"grid": (2,)}])
def test_encoder_and_decoder_bend(options):
    """An affine map takes the middle of two points to the middle of their images."""
    model = start(**options)
    for part, (a, b) in (
        (model.features, data(2)[:, None]),
        (model.logits, noise(2, 1, *model.grid, 3)),
    ):
        assert not torch.allclose(part((a + b) / 2), (part(a) + part(b)) / 2)


@KINDS
def test_the_objective_by_hand(decay):
    model, x = start(decay=decay, restart=0), data()
    z = model.features(x).detach().numpy()
    indices, _ = vq.vq(z.reshape(-1, 3), model.codebook.weight.detach().numpy())
    codes = model.codebook.weight.detach().numpy()[indices].reshape(z.shape)
    error = ((z - codes) ** 2).mean()
    terms = vq_vae(0.25)(model, x, seeded())
    assert list(terms) == ["reconstruction", "codebook", "commitment"][:: 1 if decay is None else 2]
    assert terms["commitment"].item() == pytest.approx(0.25 * error, rel=1e-12)
    assert terms.get("codebook", torch.tensor(error)).item() == pytest.approx(error, rel=1e-6)
    x_hat = start(decay=decay, restart=0).decode(torch.as_tensor(codes))
    assert terms["reconstruction"].item() == pytest.approx(
        (x_hat - x).square().mean().item(), rel=1e-12
    )


def test_each_term_teaches_its_own_part():
    model, x = start(decay=None), data()
    encoder = model.encoder[0].weight
    decoder = model.decoder[0].weight
    codes = model.codebook.weight

    def taught(name):
        terms = vq_vae(0.25)(model, x, seeded())
        gradients = torch.autograd.grad(terms[name], [encoder, decoder, codes], allow_unused=True)
        return [gradient is not None and bool(gradient.any()) for gradient in gradients]

    assert taught("reconstruction") == [True, True, False]
    assert taught("codebook") == [False, False, True]
    assert taught("commitment") == [True, False, False]


@KINDS
def test_a_doubled_batch_costs_the_same(decay):
    model, x = start(decay=decay, restart=0).eval(), data()
    once, twice = (vq_vae()(model, batch, seeded()) for batch in (x, torch.cat([x, x])))
    for name in once:
        torch.testing.assert_close(once[name], twice[name])


@KINDS
def test_only_training_with_the_objective_changes_the_codebook(decay):
    model, x = start(decay=decay), data()

    def state():
        return {name: value.clone() for name, value in model.codebook.state_dict().items()}

    def same(one, two):
        return all(torch.equal(one[name], two[name]) for name in one)

    before = state()
    model.train()(x)
    model.indices(x)
    assert same(before, state())
    vq_vae()(model.eval(), x, seeded())
    assert same(before, state())
    vq_vae()(model.train(), x, seeded())
    assert not same(before, state())


@KINDS
def test_training_beats_a_code_that_says_nothing(decay):
    x = (noise(400, 4) > 0).float().repeat(1, 2)  # 16 patterns of 4 bits
    torch.manual_seed(0)
    model = VQVAE(8, codes=8, dim=4, width=32, grid=(2,), decay=decay)
    history = fit(model, x, vq_vae(), steps=400, batch_size=100, lr=0.01, device="cpu")
    assert mse(model(x)[0], x).item() < 0.02 < 0.2 < x.var(0).mean().item()
    assert perplexity(usage_counts(model.indices(x), 8)).item() > 3.5
    assert set(history.terms) == {"reconstruction", "commitment", "loss"} | (
        {"codebook"} if decay is None else set()
    )
    copied = VQVAE(8, codes=8, dim=4, width=32, grid=(2,), decay=decay)
    copied.load_state_dict(model.state_dict())
    assert torch.equal(copied(x)[0], model(x)[0]) and torch.equal(
        copied.codebook.usage(), model.codebook.usage()
    )


def test_restarting_cures_a_codebook_that_starts_far_away():
    x, used = (noise(200, 4) > 0).float().repeat(1, 2), {}
    for restart in (0, 0.03):
        torch.manual_seed(0)
        model = VQVAE(8, codes=32, dim=4, width=32, grid=(2,), restart=restart)
        model.codebook.weight.data.add_(20)
        fit(model, x, vq_vae(), steps=100, batch_size=100, lr=0.01, device="cpu")
        used[restart] = perplexity(usage_counts(model.indices(x), 32)).item()
    assert used[0] < 2 and used[0.03] > 4


@pytest.mark.parametrize(
    "indices, counts, wanted",
    [
        ([0, 0, 0], [3, 0, 0, 0], 1),
        ([0, 1, 2, 3], [1, 1, 1, 1], 4),
        ([[3, 1], [1, 3]], [0, 2, 0, 2], 2),
    ],
)
def test_perplexity_by_hand(indices, counts, wanted):
    seen = usage_counts(torch.tensor(indices), 4)
    assert seen.tolist() == counts and perplexity(seen).item() == pytest.approx(wanted, rel=1e-14)


def test_entropy_and_perplexity_are_scipys():
    counts = torch.tensor([5, 0, 17, 3, 1_000_000, 41])
    assert code_entropy(counts).item() == pytest.approx(stats.entropy(counts), rel=1e-12)
    assert perplexity(counts).item() == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-12)


def test_perplexity_of_a_batch_is_too_low():
    indices = torch.randint(64, (200, 32), generator=seeded())
    whole, parts = (
        perplexity(usage_counts(indices, 64)),
        [perplexity(usage_counts(batch, 64)) for batch in indices],
    )
    assert max(parts) < whole - 10


def every_grid(codes, shape):
    return torch.tensor(list(itertools.product(range(codes), repeat=math.prod(shape)))).reshape(
        -1, *shape
    )


@pytest.mark.parametrize("concentration", [0.5, 4.0, math.inf])
def test_the_prior_is_a_distribution_and_samples_follow_it(concentration):
    prior = CodePrior(
        torch.randint(2, (9, 3, 1), generator=seeded())
        + torch.randint(2, (9, 3, 1), generator=seeded(1)),
        3,
        concentration,
    )
    grids = every_grid(3, (3, 1))
    chances = prior.log_prob(grids).exp().double()
    assert chances.sum().item() == pytest.approx(1, rel=1e-5)
    drawn = prior.sample(20_000, seeded())
    assert drawn.shape == (20_000, 3, 1)
    seen = usage_counts((drawn.flatten(1) * torch.tensor([9, 3, 1])).sum(1), 27)
    assert stats.chisquare(seen, 20_000 * chances / chances.sum()).pvalue > 0.001
    assert torch.equal(
        prior.sample(5, seeded()), drawn[:0].new_tensor(prior.sample(5, seeded()).tolist())
    )


def test_independent_places_by_hand():
    prior = CodePrior(torch.tensor([[0, 1], [0, 1], [0, 0], [1, 1]]), 2, math.inf, smoothing=1.0)
    chances = prior.log_prob(torch.tensor([[0, 1], [1, 0]])).exp()
    assert chances.tolist() == pytest.approx([(3.5 / 5) ** 2, (1.5 / 5) ** 2], rel=1e-6)


def test_pairs_by_hand():
    prior = CodePrior(torch.tensor([[0, 1, 0], [0, 1, 1]]), 2, concentration=2.0, smoothing=1.0)
    second = (2 + 2 * 2.5 / 3) / (
        2 + 2
    )  # 1 after 0: twice out of twice, with a share of 2.5 of 3 at that place
    third = (1 + 2 * 1.5 / 3) / (2 + 2)  # 0 after 1: once out of twice
    assert prior.log_prob(torch.tensor([[0, 1, 0]])).exp().item() == pytest.approx(
        2.5 / 3 * second * third, rel=1e-6
    )


def test_the_prior_that_looks_back_learns_a_rhythm_and_independent_places_cannot():
    bits = torch.randint(2, (300, 1), generator=seeded())
    rows = (bits + torch.arange(8)) % 2  # 0101... or 1010...
    back, alone = CodePrior(rows[:200], 2), CodePrior(rows[:200], 2, math.inf)
    assert -back.log_prob(rows[200:]).mean().item() == pytest.approx(math.log(2), abs=0.1)
    assert -alone.log_prob(rows[200:]).mean().item() == pytest.approx(8 * math.log(2), abs=0.1)
    assert (back.sample(100, seeded()).diff(dim=1) != 0).float().mean() > 0.95


def test_a_trained_model_decodes_new_samples_from_its_prior():
    model, x = start(), data(20)
    new = model.decode_indices(CodePrior(model.indices(x), 7).sample(5, seeded()))
    assert new.shape == (5, 1, 8, 8) and 0 <= new.min() and new.max() <= 1


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"shape": (1, 30, 28)},
            r"shape is \(1, 30, 28\) with n_downsamplings = 2; expected .* divisible by 4",
        ),
        ({"shape": (28, 28)}, r"shape is \(28, 28\)"),
        ({"shape": 784}, "give grid="),
        ({"codes": 0}, "codes is 0"),
        ({"dim": 0}, "dim is 0"),
        ({"width": 0}, "width is 0"),
        ({"n_downsamplings": 0}, "n_downsamplings is 0"),
        ({"grid": (2, 0)}, "grid is 0"),
        ({"grid": 8}, "grid is 8; expected a tuple"),
        ({"grid": ()}, r"grid is \(\)"),
        ({"shape": (), "grid": (1,)}, r"shape is \(\)"),
        ({"activation": "RELU"}, "activation is 'RELU'"),
        ({"output": "relu"}, "output is 'relu'"),
        ({"decay": 1.0}, "decay is 1.0"),
        ({"restart": -0.1}, "restart is -0.1"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        VQVAE(**options)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda m: m(torch.rand(2, 8, 8)),
            ValueError,
            r"x has shape \(2, 8, 8\); expected \(B, 1, 8, 8\)",
        ),
        (lambda m: m([1.0]), TypeError, "x is a list"),
        (
            lambda m: m.decode(torch.rand(2, 3, 2, 2)),
            ValueError,
            r"z has shape \(2, 3, 2, 2\); expected \(B, 2, 2, 3\)",
        ),
        (lambda m: vq_vae(-1), ValueError, "commitment is -1"),
        (lambda m: CodePrior(m.indices(data()), 7).sample(0), ValueError, "n is 0"),
    ],
)
def test_a_wrong_call_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(start())


def test_usage_over_a_data_set_is_numpys_and_scipys():
    model, x = start(codes=9), data(23)
    usage = codebook_usage(model, x)
    counts = np.bincount(model.indices(x).flatten(), minlength=9)
    assert usage.counts.tolist() == counts.tolist() and counts.sum() == 23 * 4 and 0 in counts, (
        "some code is never used"
    )
    np.testing.assert_allclose(usage.share, counts / counts.sum(), rtol=1e-6)
    assert usage.entropy.item() == pytest.approx(stats.entropy(counts), rel=1e-12)
    assert usage.perplexity.item() == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-12)
    assert not usage.share.requires_grad and model.training, "nothing else is touched"


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_usage_does_not_depend_on_the_batches(batch_size):
    model, x = start(), data(23)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for seen, wanted in zip(codebook_usage(model, x, batch_size), codebook_usage(model, x)):
        assert torch.equal(seen, wanted)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_batch_uses_fewer_codes_than_an_epoch():
    """Entropy is concave: over batches of one size its mean is never above that of all. A perplexity of a batch is biased low."""
    model, x = start(codes=64), 4 * noise(96, 1, 8, 8)
    whole = codebook_usage(model, x)
    for size in (1, 4, 24):
        parts = [codebook_usage(model, batch) for batch in x.split(size)]
        assert sum(part.counts for part in parts).tolist() == whole.counts.tolist()
        assert np.mean([part.entropy for part in parts]) < whole.entropy - 0.01
        assert np.mean([part.perplexity for part in parts]) < whole.perplexity - 0.1
        assert max(part.perplexity for part in parts) <= size * 4, "no more codes than places"


def test_usage_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="batch_size is 0"):
        codebook_usage(start(), data(), 0)
    with pytest.raises(ValueError, match="data is empty"):
        codebook_usage(start(), data()[:0])
    with pytest.raises(ValueError, match=r"x has shape \(6, 8, 8\)"):
        codebook_usage(start(), data()[:, 0])
