"""The codebook against SciPy's vector quantization and scikit-learn's k-means; its restart."""

import numpy as np
import pytest
import torch
from scipy.cluster import vq
from sklearn.cluster import KMeans

from aecourse.models.codebook import Codebook, nearest, nearest_by_differences
from tests.helpers import noise, seeded

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.Codebook": (
        '`sklearn.cluster.KMeans(init=E, n_init=1, max_iter=1, algorithm="lloyd", tol=0)` at '
        "decay 0; averages by hand",
        "absolute 2e-15; averages 1e-7",
        "not smooth",
    ),
}


KINDS = pytest.mark.parametrize("decay", [None, 0.9])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n, k, d", [(1, 1, 1), (50, 7, 3), (300, 64, 8), (5, 20, 1)])
def test_the_nearest_code_equals_that_of_scipy_and_of_the_readable_form(n, k, d, dtype):
    vectors, codebook = noise(n, d).to(dtype), noise(k, d, seed=1).to(dtype) + 0.5
    indices = nearest(vectors, codebook)
    assert indices.tolist() == vq.vq(vectors.numpy(), codebook.numpy())[0].tolist()
    assert torch.equal(indices, nearest_by_differences(vectors, codebook))


@pytest.mark.parametrize(
    "codes", [[512695.0, 512804.0], [1e5 + i / 4 for i in range(50)], [-3e4, -3e4 - 0.25]]
)
def test_codes_far_from_the_origin_are_told_apart(codes):
    codebook = torch.tensor(codes)[:, None]
    apart = codebook.max() - codebook.min()
    vectors = torch.cat([codebook, codebook.mean(0) + apart * noise(200, 1).float()])
    indices = nearest(vectors, codebook)
    exact = [array.double().numpy() for array in (vectors, codebook)]
    distances = np.abs(exact[0] - exact[1].T)
    chosen = distances[np.arange(len(vectors)), indices]
    np.testing.assert_allclose(chosen, distances.min(1), atol=1e-6 * apart.item())
    assert indices[: len(codes)].tolist() == list(range(len(codes)))


@pytest.mark.parametrize("shape", [(40, 3), (5, 2, 4, 3), (2, 20, 3)])
def test_one_full_step_of_averages_without_memory_is_a_step_of_k_means(shape):
    z, book = noise(*shape), Codebook(4, 3, decay=0.0).double()
    book.weight.data.copy_(z.flatten(0, -2)[:4])
    kmeans = KMeans(
        4, init=book.weight.numpy().copy(), n_init=1, max_iter=1, algorithm="lloyd", tol=0
    ).fit(z.flatten(0, -2))
    book.update(z, book(z)[1])
    np.testing.assert_allclose(book.weight, kmeans.cluster_centers_, rtol=0, atol=2e-15)


def test_averages_are_unbiased_from_the_first_step_and_decay_at_their_rate():
    """By hand: step i of t has the weight decay^(t - i), in sums and in counts."""
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


def test_the_first_step_moves_all_codes_to_the_data():
    book = Codebook(5, 2)
    book.revive(noise(50, 2).float() + 100, seeded())
    assert (book.weight > 90).all()


def test_a_code_is_dead_only_below_the_threshold():
    for count, dead in ((3, False), (2, True)):  # of 100, against a share of 0.1 / 4
        book = Codebook(4, 1, restart=0.1)
        book.update(
            torch.ones(100, 1),
            torch.tensor([0] * (100 - 2 * 30 - count) + [1] * 30 + [2] * 30 + [3] * count),
        )
        book.revive(torch.full((9, 1), 7.0), seeded())
        assert (book.weight[3].item() == 7) == dead
