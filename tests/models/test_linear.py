"""Linear models against scikit-learn's PCA, SciPy's Gaussian and probabilistic PCA."""

import math

import numpy as np
import pytest
import torch
from scipy import linalg, stats
from sklearn.decomposition import PCA
from torch.distributions import MultivariateNormal, kl_divergence

from aecourse.baselines.pca import pca_error
from aecourse.linalg import principal_axes
from aecourse.losses import mse
from aecourse.metrics.likelihood import iwae_bound
from aecourse.models.linear import LinearAutoencoder, LinearVAE
from aecourse.objectives.variational import beta_vae
from aecourse.training import fit
from tests.helpers import correlated, seeded

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "models.LinearAutoencoder": (
        '`sklearn.decomposition.PCA(k, svd_solver="full")`; with a penalty, Kunin et al. '
        "(2019); trained, `scipy.linalg.subspace_angles`",
        "absolute 1e-10; trained 1e-4 above the optimum, angles 0.01",
        "no",
    ),
    "models.LinearVAE": (
        "`scipy.stats.multivariate_normal(b, W W' + sigma² I).logpdf`; "
        "`PCA.explained_variance_`; the gap is `kl_divergence` to the true posterior",
        "density 1e-7; variance 1e-10; gap 1e-9",
        "no",
    ),
}


TIES = pytest.mark.parametrize("tied", [False, True])


def linear_vae(seed=0, orthogonal=False, k=2, **options):
    """A random decoder, or one with orthogonal columns, and an untrained encoder."""
    torch.manual_seed(seed)
    model = LinearVAE(6, k, **options).double().eval()
    with torch.no_grad():
        model.decoder.weight.mul_(4)
        model.log_variance.normal_()
        if orthogonal:
            u, s, _ = torch.linalg.svd(model.decoder.weight, full_matrices=False)
            model.decoder.weight.copy_(u * s)
    return model


@TIES
@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_the_solution_is_pca(tied, k):
    x, pca = correlated(), PCA(k, svd_solver="full").fit(correlated())
    model = LinearAutoencoder(6, k, tied).double().solve(x)
    np.testing.assert_allclose(
        model(x)[0].detach(), pca.inverse_transform(pca.transform(x)), atol=1e-10
    )
    np.testing.assert_allclose(model.encode(x).detach().abs(), np.abs(pca.transform(x)), atol=1e-9)
    assert mse(model(x)[0], x, "batchmean").item() == pytest.approx(
        pca_error(x, k).item(), abs=1e-12
    )


@TIES
def test_training_reaches_the_solution_and_nothing_goes_below(tied):
    x = correlated()
    torch.manual_seed(0)
    model = LinearAutoencoder((2, 3), 2, tied).double()
    fit(
        model,
        x.reshape(-1, 2, 3),
        lambda model, x, generator: {"fit": mse(model(x)[0], x, "batchmean")},
        steps=1000,
        batch_size=200,
        lr=0.02,
        device="cpu",
    )
    error, least = (
        mse(model(x.reshape(-1, 2, 3))[0], x.reshape(-1, 2, 3), "batchmean").item(),
        pca_error(x, 2).item(),
    )
    assert -1e-9 < error / least - 1 < 1e-4
    decoder = model.encoder.weight.T if tied else model.decoder.weight
    angles = linalg.subspace_angles(
        decoder.detach(), PCA(2, svd_solver="full").fit(x).components_.T
    )
    assert angles.max() < 0.01


def test_an_invertible_map_of_the_code_leaves_an_untied_model_as_good():
    x, model = correlated(), LinearAutoencoder(6, 2).double().solve(correlated())
    turn = torch.tensor([[2.0, 1.0], [-0.5, 3.0]], dtype=torch.float64)
    before = model(x)[0]
    with torch.no_grad():
        model.encoder.weight.copy_(turn @ model.encoder.weight)
        model.encoder.bias.copy_(turn @ model.encoder.bias)
        model.decoder.weight.copy_(model.decoder.weight @ turn.inverse())
    torch.testing.assert_close(model(x)[0], before)


@pytest.mark.parametrize("penalty", [0.0, 50.0, 500.0])
def test_a_penalty_on_both_matrices_shrinks_each_axis(penalty):
    """The gradient is zero, and the map is that of Kunin and others."""
    x, model = correlated(), LinearAutoencoder(6, 3).double().solve(correlated(), penalty)
    loss = mse(model(x)[0], x, "sum") + penalty * (
        model.encoder.weight.square().sum() + model.decoder.weight.square().sum()
    )
    assert (
        max(g.abs().max().item() for g in torch.autograd.grad(loss, list(model.parameters())))
        < 1e-8
    )
    u, s, _ = np.linalg.svd((x - x.mean(0)).T.numpy(), full_matrices=False)
    wanted = u[:, :3] * np.maximum(1 - penalty / s[:3] ** 2, 0) @ u[:, :3].T
    np.testing.assert_allclose(
        (model.decoder.weight @ model.encoder.weight).detach(), wanted, atol=1e-10
    )
    assert (
        np.linalg.matrix_rank(wanted, tol=1e-9)
        == (s[:3] ** 2 > penalty).sum()
        == {0: 3, 50: 3, 500: 2}[penalty]
    )


def test_training_with_the_penalty_reaches_the_shrunken_solution():
    x, penalty = correlated(), 100.0
    torch.manual_seed(0)
    model = LinearAutoencoder(6, 3).double()

    def objective(model, x, generator):
        weights = model.encoder.weight.square().sum() + model.decoder.weight.square().sum()
        return {"fit": mse(model(x)[0], x, "sum"), "weights": penalty * weights}

    fit(model, x, objective, steps=1500, batch_size=200, lr=0.02, device="cpu")
    best = LinearAutoencoder(6, 3).double().solve(x, penalty)
    torch.testing.assert_close(
        model.decoder.weight @ model.encoder.weight,
        best.decoder.weight @ best.encoder.weight,
        rtol=0,
        atol=1e-4,
    )


@TIES
def test_units_beyond_the_dimensions_of_the_data_stay_idle(tied):
    x = correlated()
    model = LinearAutoencoder(6, 9, tied).double().solve(x, penalty=0.5)
    six = LinearAutoencoder(6, 6, tied).double().solve(x, penalty=0.5)
    torch.testing.assert_close(model(x)[0], six(x)[0], rtol=0, atol=1e-12)
    assert (model.encode(x)[:, 6:] == 0).all()
    vae = LinearVAE(6, 9, sigma=0.1).double().solve(x)
    few = LinearVAE(6, 6, sigma=0.1).double().solve(x)
    torch.testing.assert_close(vae.true_log_likelihood(x), few.true_log_likelihood(x))


def test_tied_weights_are_one_matrix():
    tied, free = LinearAutoencoder(6, 2, tied=True), LinearAutoencoder(6, 2)
    assert sum(p.numel() for p in tied.parameters()) == 6 * 2 + 2 + 6
    assert sum(p.numel() for p in free.parameters()) == 2 * 12 + 2 + 6
    tied.encoder.weight.data.fill_(0.5)
    assert torch.equal(tied.decode(torch.ones(1, 2)), torch.ones(1, 6))


def test_the_likelihood_equals_scipys():
    model, x = linear_vae(sigma=0.7), correlated(5)
    weight, bias = model.decoder.weight.detach().numpy(), model.decoder.bias.detach().numpy()
    wanted = stats.multivariate_normal(bias, weight @ weight.T + 0.7**2 * np.eye(6)).logpdf(x)
    np.testing.assert_allclose(
        model.true_log_likelihood(x).detach(), wanted, rtol=1e-7
    )  # sigma is kept in float32 first


def test_the_true_posterior_is_the_conditional_of_the_joint_gaussian():
    model, x = linear_vae(sigma=0.7), correlated(3)
    weight, noise = model.decoder.weight.detach(), (2 * model.log_sigma).exp().item()
    gain = weight.T @ torch.linalg.inv(
        weight @ weight.T + noise * torch.eye(6)
    )  # (k, d), the rule of conditioning
    posterior = model.true_posterior(x)
    torch.testing.assert_close(posterior.mean, (x - model.decoder.bias) @ gain.T)
    torch.testing.assert_close(
        posterior.covariance_matrix[0], torch.eye(2).double() - gain @ weight
    )


@pytest.mark.parametrize("seed", range(3))
def test_with_the_true_posterior_every_log_weight_is_the_log_likelihood(seed):
    model, x = linear_vae(seed, orthogonal=True).fit_posterior(), correlated(4)
    weights = model.log_importance_weights(x, 25, seeded())
    assert (weights - model.true_log_likelihood(x)).abs().max() < 1e-10
    assert weights.std(0).max() < 1e-12
    for samples in (1, 10):
        torch.testing.assert_close(
            iwae_bound(model, x, samples, seeded()),
            model.true_log_likelihood(x),
            rtol=1e-12,
            atol=0,
        )


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("fitted", [False, True])
def test_the_gap_of_the_elbo_is_the_divergence_to_the_true_posterior(orthogonal, fitted):
    model, x = linear_vae(1, orthogonal), correlated(4)
    model = model.fit_posterior() if fitted else model
    mean, log_variance = model.posterior(x)
    q = MultivariateNormal(mean, torch.diag_embed(log_variance.exp()))
    gap = model.true_log_likelihood(x) - model.true_elbo(x)
    torch.testing.assert_close(gap, kl_divergence(q, model.true_posterior(x)), rtol=1e-9, atol=1e-9)
    assert (gap.abs() < 1e-10).all() if fitted and orthogonal else (gap > 1e-3).all()


def test_the_fitted_posterior_is_the_best_of_its_family():
    model, x = linear_vae(2).fit_posterior(), correlated(50)
    gradients = torch.autograd.grad(
        model.true_elbo(x).mean(), [*model.encoder.parameters(), model.log_variance]
    )
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-10


def test_elbo_then_importance_weighted_bound_then_likelihood_in_expectation():
    model, x = linear_vae(3), correlated(3)
    with torch.no_grad():
        model.fit_posterior().log_variance.add_(0.5)
        many = x.repeat(4000, 1)
        bounds = [
            iwae_bound(model, many, samples, seeded()).reshape(4000, 3) for samples in (1, 5, 50)
        ]
        draws = sum(model.negative_elbo_terms(many, seeded(1)).values()).item()
    error = [4 * bound.std(0) / 4000**0.5 for bound in bounds]
    elbo, five, fifty = (bound.mean(0) for bound in bounds)
    assert ((elbo - model.true_elbo(x)).abs() < error[0]).all()
    assert -draws == pytest.approx(model.true_elbo(x).mean().item(), abs=2 * error[0].mean().item())
    assert (elbo + error[0] < five - error[1]).all() and (five + error[1] < fifty - error[2]).all()
    assert (fifty - error[2] < model.true_log_likelihood(x)).all()
    assert (bounds[0] > model.true_log_likelihood(x)).any(), (
        "a single draw may lie above the likelihood"
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_at_its_optimum_it_is_probabilistic_pca_and_the_gap_closes(k):
    x = correlated()
    model = LinearVAE(6, k, sigma="learned").double().solve(correlated())
    pca = PCA(k, svd_solver="full").fit(correlated())
    discarded = PCA(svd_solver="full").fit(x).explained_variance_[k:] * 199 / 200
    assert (2 * model.log_sigma).exp().item() == pytest.approx(discarded.mean(), rel=1e-10)
    torch.testing.assert_close(model.true_elbo(x), model.true_log_likelihood(x), rtol=1e-11, atol=0)
    assert model.true_log_likelihood(x).mean().item() == pytest.approx(pca.score(x), abs=0.02), (
        "scikit-learn divides by n - 1"
    )
    gradients = torch.autograd.grad(
        model.true_log_likelihood(x).mean(),
        [model.decoder.weight, model.decoder.bias, model.log_sigma],
    )
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-9


def exact_elbo(model, x, generator):
    return {"elbo": -model.true_elbo(x).mean()}


@pytest.mark.parametrize("sigma", [None, "learned"])
@pytest.mark.parametrize("objective", [beta_vae(1), exact_elbo])
def test_training_the_elbo_reaches_the_optimum(objective, sigma):
    x, best = correlated(500), LinearVAE(6, 2, sigma=sigma).double().solve(correlated(500))
    torch.manual_seed(0)
    model = LinearVAE(6, 2, sigma=sigma).double()
    fit(model, x, objective, steps=1500, batch_size=500, lr=0.02, device="cpu")
    gap = (best.true_log_likelihood(x).mean() - model.true_elbo(x).mean()).item()
    assert 0 < gap < 0.02


@pytest.mark.parametrize("sigma, active", [(0.4, 5), (1.0, 3), (2.5, 1), (10.0, 0)])
def test_a_direction_of_less_variance_than_the_noise_collapses(sigma, active):
    """A collapsed unit has no column, a constant mean, and the prior as its posterior."""
    x, model = correlated(2000), LinearVAE(6, 6, sigma=sigma).double().solve(correlated(2000))
    variances = principal_axes(x)[2]
    units = (variances > sigma**2).sum().item()
    assert units == active == (model.decoder.weight.norm(dim=0) > 0).sum().item()
    mean, log_variance = model.posterior(x)
    assert not mean[:, active:].any() and not log_variance[:, active:].any()
    kept = variances[:active] - sigma**2
    torch.testing.assert_close(
        model.decoder.weight.norm(dim=0)[:active], kept.sqrt(), rtol=1e-6, atol=0
    )
    torch.testing.assert_close(
        mean.var(0, correction=0)[:active], kept / variances[:active], rtol=1e-6, atol=0
    )
    torch.testing.assert_close(
        log_variance[0, :active].exp(), sigma**2 / variances[:active], rtol=1e-6, atol=0
    )


def test_training_collapses_the_direction_that_theory_names():
    x = correlated(500)
    torch.manual_seed(0)
    model = LinearVAE(6, 6, sigma=1.5).double()
    fit(
        model,
        x,
        exact_elbo,
        steps=1500,
        batch_size=500,
        lr=0.02,
        device="cpu",
    )
    lengths = torch.linalg.svdvals(model.decoder.weight)
    wanted = (principal_axes(x)[2] - 1.5**2).clamp(min=0).sqrt()
    assert (wanted > 0).sum() == 2
    torch.testing.assert_close(lengths, wanted, rtol=0, atol=1e-3)
    assert (model.posterior(x)[0].var(0) < 1e-6).sum() == 4


def test_data_without_noise_are_refused_if_sigma_is_learned():
    flat = torch.zeros(20, 6).double()
    flat[:, :2] = torch.rand(20, 2)
    with pytest.raises(
        ValueError,
        match="beyond 4 axes; expected more than 0: lower latent_dim, or pass a sigma to the model",
    ):
        LinearVAE(6, 4).double().solve(flat)
    assert (
        LinearVAE(6, 4, sigma=0.1).double().solve(flat).true_log_likelihood(flat).isfinite().all()
    )


def test_shapes_and_refusals():
    x = correlated(4).reshape(4, 1, 2, 3)
    for model in (
        LinearAutoencoder((1, 2, 3), 2),
        LinearAutoencoder((1, 2, 3), 2, True),
        LinearVAE((1, 2, 3), 2),
    ):
        x_hat, z = model.double()(x)
        assert (
            x_hat.shape == x.shape
            and z.shape == (4, 2)
            and model.output_range == (-math.inf, math.inf)
        )
        with pytest.raises(ValueError, match=r"x has shape \(4, 6\); expected \(B, 1, 2, 3\)"):
            model(x.flatten(1))
    with pytest.raises(ValueError, match="latent_dim is 0"):
        LinearAutoencoder(6, 0)
    with pytest.raises(ValueError, match="penalty is -1"):
        LinearAutoencoder(6, 2).solve(correlated().float(), penalty=-1)
    with pytest.raises(ValueError, match="sigma is -1"):
        LinearVAE(6, 2, sigma=-1)
