"""L1 and sparse coding against PyTorch, scikit-learn, and the proved rates of convergence."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.decomposition import sparse_encode
from torch import nn

from aecourse.models import Autoencoder
from aecourse.objectives import sparse_l1
from aecourse.regularizers import (
    atom_norms,
    fista,
    ista,
    l1_penalty,
    normalize_atoms_,
    scale_free_l1,
    soft_threshold,
    sparse_objective,
)
from aecourse.training import fit

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "regularizers.fista": (
        '`sklearn.decomposition.sparse_encode(algorithm="lasso_cd", max_iter=10**5)`; the '
        "conditions of the lasso; the proved rate of convergence",
        "objective 4e-6, float32 too; entries 4e-4",
        "yes, off the kinks",
    ),
    "regularizers.ista": (
        "as for `fista`; the objective never increases",
        "objective 4e-6, float32 too; entries 4e-4",
        "yes, off the kinks",
    ),
    "regularizers.l1_penalty": (
        "`F.l1_loss` to a code of zeros; by hand",
        "`assert_close`; by hand exact, float32 too",
        "not smooth at 0: by hand",
    ),
    "regularizers.scale_free_l1": (
        "by hand; unchanged if the code is scaled and the decoder by the inverse",
        "by hand exact; `assert_close`",
        "yes",
    ),
    "regularizers.soft_threshold": (
        '`F.softshrink`; `sparse_encode(algorithm="threshold")` with a rotation; the minimum '
        "over a grid",
        "exact, float32 too; codes 1e-14",
        "not smooth; through `ista`",
    ),
    "regularizers.sparse_objective": (
        "by hand",
        "exact",
        "yes",
        "test_smooth.py",
    ),
    "regularizers.normalize_atoms_": (
        "norms of 1; `F.cosine_similarity` of 1 with the old direction",
        "1e-6, float32 too",
        "changes in place",
    ),
    "regularizers.atom_norms": (
        "`torch.Tensor.norm` of each unit; by hand",
        "`assert_close`",
        "through `scale_free_l1`",
    ),
}

FLOATS = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
BOTH = pytest.mark.parametrize("solve", [ista, fista])


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).to(dtype)


def problem(samples=6, atoms=12, size=8, dtype=torch.float64):
    """Data, and a dictionary with more atoms than the data have dimensions, of norm 1."""
    return normal(samples, size, dtype=dtype), F.normalize(normal(atoms, size, seed=1, dtype=dtype))


@FLOATS
@pytest.mark.parametrize("reduction, value", [("mean", 1.5), ("sum", 6.0), ("batchmean", 3.0)])
def test_l1_by_hand(reduction, value, dtype):
    z = torch.tensor([[-1.0, 2.0], [0.0, -3.0]], dtype=dtype)
    assert l1_penalty(z, "none").tolist() == [[1, 2], [0, 3]]
    assert l1_penalty(z, reduction).item() == value and l1_penalty(z, reduction).dtype == dtype
    assert (
        l1_penalty(torch.cat([z, z]), reduction).item() == (2 if reduction == "sum" else 1) * value
    )


@pytest.mark.parametrize("shape", [(1,), (7,), (5, 12), (4, 3, 5, 7)])
def test_l1_is_the_absolute_error_of_a_zero_code(shape):
    z = normal(*shape)
    for reduction in ("none", "mean", "sum"):
        torch.testing.assert_close(
            l1_penalty(z, reduction), F.l1_loss(z, torch.zeros_like(z), reduction=reduction)
        )
    assert l1_penalty(z).item() == l1_penalty(z, "mean").item()


def test_its_gradient_has_constant_magnitude_and_is_zero_at_zero():
    z = torch.tensor([-5.0, -1e-3, 0.0, 2.0], requires_grad=True)
    l1_penalty(z, "sum").backward()
    assert z.grad.tolist() == [-1, -1, 0, 1]


@FLOATS
@pytest.mark.parametrize("threshold", [0.0, 0.3, 2])
@pytest.mark.parametrize("shape", [(1,), (5, 12), (2, 3, 4)])
def test_soft_threshold_is_softshrink(dtype, threshold, shape):
    z = normal(*shape, dtype=dtype)
    torch.testing.assert_close(
        soft_threshold(z, threshold), F.softshrink(z, threshold), rtol=0, atol=0
    )


@pytest.mark.parametrize("a", [0.2, 0.7])
def test_soft_threshold_minimises_half_the_square_plus_a_times_the_absolute_value(a):
    """Without the factor of one half the threshold is a / 2."""
    z, grid = normal(20), torch.linspace(-4, 4, 80001, dtype=torch.float64)
    for half, threshold in ((0.5, a), (1.0, a / 2)):
        best = grid[(half * (grid - z[:, None]).square() + a * grid.abs()).argmin(1)]
        torch.testing.assert_close(best, soft_threshold(z, threshold), rtol=0, atol=1.01e-4)


def test_the_objective_of_sparse_coding_by_hand():
    """Codes (1, -2) and (0, 0): residuals (3, 2) and (1, 1), so 13 / 2 + 3 a and 2 / 2."""
    x, dictionary = torch.tensor([[4.0, 0.0], [1.0, 1.0]]), torch.eye(2)
    assert sparse_objective(
        x, torch.tensor([[1.0, -2.0], [0.0, 0.0]]), dictionary, 0.5
    ).tolist() == [8, 1]


def test_soft_threshold_is_the_sparse_code_of_an_orthogonal_dictionary():
    rotation = torch.linalg.qr(normal(8, 8))[0]
    x = normal(5, 8, seed=1)
    wanted = sparse_encode(x.numpy(), rotation.numpy(), algorithm="threshold", alpha=0.4)
    np.testing.assert_allclose(soft_threshold(x @ rotation.T, 0.4), wanted, rtol=0, atol=1e-14)
    np.testing.assert_allclose(ista(x, rotation, 0.4, steps=1), wanted, rtol=0, atol=1e-13)


def test_a_threshold_may_differ_between_units():
    z = torch.tensor([[3.0, 3.0], [-3.0, 0.5]])
    assert soft_threshold(z, torch.tensor([1.0, 2.0])).tolist() == [[2, 1], [-2, 0]]


@FLOATS
@BOTH
@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_sparse_codes_are_those_of_coordinate_descent(solve, alpha, dtype):
    x, dictionary = problem(atoms=10, dtype=dtype)
    wanted = sparse_encode(
        x.double().numpy(),
        dictionary.double().numpy(),
        algorithm="lasso_cd",
        alpha=alpha,
        max_iter=10**5,
    )
    codes = solve(x, dictionary, alpha, steps=3000)
    assert codes.dtype == dtype and codes.shape == (6, 10)
    objective = sparse_objective(x, codes, dictionary, alpha).double().numpy()
    least = sparse_objective(x.double(), torch.tensor(wanted), dictionary.double(), alpha).numpy()
    np.testing.assert_allclose(objective, least, rtol=4e-6)
    np.testing.assert_array_equal(codes.abs() > 1e-2, np.abs(wanted) > 1e-2)


@FLOATS
@BOTH
def test_sparse_codes_of_a_small_dictionary_agree_entry_by_entry(solve, dtype):
    """Fewer atoms than dimensions: the minimum is unique."""
    x, dictionary = problem(atoms=5, dtype=dtype)
    wanted = sparse_encode(
        x.double().numpy(),
        dictionary.double().numpy(),
        algorithm="lasso_cd",
        alpha=0.2,
        max_iter=10**5,
    )
    assert np.abs(wanted).max() > 0.5 and (wanted == 0).any()
    np.testing.assert_allclose(solve(x, dictionary, 0.2, steps=500), wanted, rtol=0, atol=4e-4)


@BOTH
def test_the_codes_satisfy_the_conditions_of_the_lasso(solve):
    """At the minimum, residual times atom is alpha times the sign of the code, or below alpha."""
    x, dictionary = problem()
    codes = solve(x, dictionary, 0.2, steps=4000)
    product = (x - codes @ dictionary) @ dictionary.T
    on = codes != 0
    torch.testing.assert_close(product[on], 0.2 * codes[on].sign(), rtol=0, atol=4e-6)
    assert on.any() and (~on).any() and (product[~on].abs() <= 0.2 + 1e-6).all()


def test_both_satisfy_the_bounds_of_beck_and_teboulle():
    x, dictionary = problem(20, 40, 20)
    best = fista(x, dictionary, 0.1, steps=10000)
    least, distance = sparse_objective(x, best, dictionary, 0.1), best.square().sum(1)
    L = np.linalg.eigvalsh((dictionary @ dictionary.T).numpy())[-1]
    for steps in (1, 3, 10, 30, 100):
        above = {
            solve: sparse_objective(x, solve(x, dictionary, 0.1, steps), dictionary, 0.1) - least
            for solve in (ista, fista)
        }
        assert (above[ista] <= L * distance / (2 * steps)).all()
        assert (above[fista] <= 2 * L * distance / (steps + 1) ** 2).all()
        assert steps < 10 or above[fista].sum() < above[ista].sum() / 2, "momentum is faster"


def test_the_objective_of_ista_never_increases_and_it_can_be_resumed():
    x, dictionary = problem()
    codes, values = None, []
    for _ in range(30):
        codes = ista(x, dictionary, 0.2, steps=1, start=codes)
        values.append(sparse_objective(x, codes, dictionary, 0.2))
    assert (torch.stack(values).diff(dim=0) <= 1e-14).all()
    torch.testing.assert_close(codes, ista(x, dictionary, 0.2, steps=30), rtol=0, atol=0)


@BOTH
def test_a_large_weight_gives_zero_codes_and_weight_zero_gives_least_squares(solve):
    x, dictionary = problem(atoms=5)
    assert (solve(x, dictionary, (x @ dictionary.T).abs().max().item(), steps=50) == 0).all()
    wanted = np.linalg.lstsq(dictionary.T.numpy(), x.T.numpy(), rcond=None)[0].T
    np.testing.assert_allclose(solve(x, dictionary, 0.0, steps=3000), wanted, rtol=0, atol=1e-9)


@BOTH
def test_the_steps_can_be_differentiated(solve):
    """Away from the kinks, as in an unrolled encoder; and under vmap and compilation."""
    x, dictionary = problem(2, 4, 3)
    assert torch.autograd.gradcheck(
        lambda x, D: solve(x, D, 0.1, 4), (x.requires_grad_(), dictionary.requires_grad_())
    )
    x, dictionary = x.detach(), dictionary.detach()
    alphas = torch.tensor([0.1, 0.3], dtype=torch.float64)
    one_by_one = torch.stack([solve(x, dictionary, alpha, 4) for alpha in (0.1, 0.3)])
    torch.testing.assert_close(
        torch.vmap(lambda alpha: solve(x, dictionary, alpha, 4))(alphas), one_by_one
    )
    torch.testing.assert_close(
        torch.compile(solve, backend="eager", fullgraph=True)(x, dictionary, 0.1, 4), one_by_one[0]
    )


@FLOATS
@pytest.mark.parametrize("layer, axis", [(nn.Linear(4, 9), 1), (nn.ConvTranspose2d(4, 3, 5), 0)])
def test_each_atom_gets_norm_one_and_keeps_its_direction(layer, axis, dtype):
    layer = layer.to(dtype)
    before = layer.weight.detach().clone()
    returned = normalize_atoms_(layer.weight, axis)
    assert returned is layer.weight and layer.weight.requires_grad and layer.weight.grad_fn is None
    for unit in range(4):
        after, old = (w.select(axis, unit).flatten() for w in (layer.weight.detach(), before))
        assert after.norm().item() == pytest.approx(1, rel=1e-6)
        assert F.cosine_similarity(after, old, dim=0).item() == pytest.approx(1, rel=1e-6)
    torch.testing.assert_close(
        atom_norms(before, axis), before.transpose(0, axis).flatten(1).norm(dim=1)
    )


def test_an_optimizer_can_normalize_the_atoms_throughout_training():
    """As the docstring says; without it, training changes the norms."""
    model = Autoencoder((1, 4, 4), (), 3)
    x = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    norms = []
    weight = model.decoder[0].weight

    def normalizing(parameters, lr):
        update = torch.optim.Adam(parameters, lr=lr)
        update.register_step_post_hook(
            lambda *_: norms.append(atom_norms(normalize_atoms_(weight)).detach())
        )
        return update

    fit(model, x, sparse_l1(0.1), steps=5, optimizer=normalizing, device="cpu")
    torch.testing.assert_close(torch.stack(norms), torch.ones(5, 3))
    fit(model, x, sparse_l1(0.1), steps=1, device="cpu")
    assert not torch.isclose(atom_norms(weight), torch.ones(3)).any()


@BOTH
def test_a_dictionary_of_zeros_gives_zero_codes(solve):
    x = normal(2, 4)
    assert (solve(x, torch.zeros_like(normal(3, 4)), 0.1, steps=3) == 0).all()


def test_an_atom_of_norm_zero_is_not_changed():
    weight = torch.tensor([[3.0, 0.0], [4.0, 0.0]])
    assert normalize_atoms_(weight).tolist() == pytest.approx(
        torch.tensor([[0.6, 0.0], [0.8, 0.0]])
    )


@pytest.mark.parametrize("reduction, value", [("mean", 6.25), ("sum", 25.0), ("batchmean", 12.5)])
def test_scale_free_l1_by_hand(reduction, value):
    weight, z = torch.tensor([[3.0, 0.0], [4.0, 2.0]]), torch.tensor([[1.0, -2.0], [-3.0, 0.5]])
    assert atom_norms(weight).tolist() == [5, 2]
    assert scale_free_l1(z, weight, reduction="none").tolist() == [[5, 4], [15, 1]]
    assert scale_free_l1(z, weight, reduction=reduction).item() == value


def test_scale_free_l1_is_invariant_to_the_scale_of_the_code():
    z = normal(5, 4)
    weight = normal(9, 4, seed=1)
    scale = torch.tensor([0.1, 1.0, 3.0, 20.0], dtype=torch.float64)
    torch.testing.assert_close(scale_free_l1(z * scale, weight / scale), scale_free_l1(z, weight))
    torch.testing.assert_close(scale_free_l1(z, normalize_atoms_(weight)), l1_penalty(z))
    maps, kernel = normal(2, 4, 3, 3), normal(4, 1, 2, 2, seed=1)
    torch.testing.assert_close(
        scale_free_l1(maps, kernel, axis=0),
        l1_penalty(maps * kernel.flatten(1).norm(dim=1)[:, None, None]),
    )


def test_scale_free_l1_has_the_gradient_of_its_value():
    assert torch.autograd.gradcheck(
        scale_free_l1, (normal(3, 2).requires_grad_(), normal(4, 2, seed=1).requires_grad_())
    )
    z, weight = normal(2, 3, 2), normal(4, 2, seed=1)
    one_by_one = torch.stack([scale_free_l1(part, weight) for part in z])
    torch.testing.assert_close(torch.vmap(lambda part: scale_free_l1(part, weight))(z), one_by_one)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: l1_penalty([1.0]), TypeError, "z is a list"),
        (lambda: l1_penalty(torch.ones(2), "average"), ValueError, "reduction is 'average'"),
        (
            lambda: soft_threshold(torch.ones(2), -0.1),
            ValueError,
            "threshold is -0.1; expected zero or more",
        ),
        (
            lambda: soft_threshold(torch.ones(2, dtype=torch.int64), 0.1),
            TypeError,
            "z has dtype torch.int64",
        ),
        (
            lambda: ista(torch.ones(2, 3), torch.ones(3, 4), 0.1),
            ValueError,
            r"x has shape \(2, 3\) and dictionary \(3, 4\); .* pass its .T",
        ),
        (
            lambda: ista(torch.ones(3), torch.ones(4, 3), 0.1),
            ValueError,
            r"expected \(B, d\) and \(k, d\)",
        ),
        (
            lambda: fista(torch.ones(2, 3), torch.ones(4, 3).double(), 0.1),
            TypeError,
            "x has dtype torch.float32 and dictionary torch.float64",
        ),
        (lambda: fista(torch.ones(2, 3), torch.ones(4, 3), -1.0), ValueError, "alpha is -1.0"),
        (lambda: ista(torch.ones(2, 3), torch.ones(4, 3), 0.1, steps=0), ValueError, "steps is 0"),
        (
            lambda: ista(torch.ones(2, 3), torch.ones(4, 3), 0.1, start=torch.ones(2, 3)),
            ValueError,
            r"start has shape \(2, 3\) and codes \(2, 4\)",
        ),
        (
            lambda: scale_free_l1(torch.ones(2, 3), torch.ones(3, 4)),
            ValueError,
            r"4 units along axis 1; expected \(B, 4\)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
