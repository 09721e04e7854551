"""Every kind of training in the register: named terms, both precisions, gradients, ensembles.

A new row is tested here without a line.
"""

import inspect

import pytest
import torch

from aecourse import models, objectives
from aecourse.objectives.register import KINDS
from aecourse.regularizers import PENALTIES
from aecourse.search import sweep

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.penalized": (
        "the error and the penalty, each by its own function",
        "`assert_close`",
        "yes",
    ),
    "regularizers.Penalty": ("through `penalized`, which adds it", "`assert_close`", "no"),
}
SHAPE = (1, 8, 8)
# They draw in the precision of the data, or a nearest code jumps: their terms are not comparable.
OTHER_DRAWS = {"vae", "ladder-vae", "wae", "adversarial", "vq-vae"}


def images(n=6, dtype=torch.float64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, *SHAPE, generator=generator, dtype=torch.float64).to(dtype)


def built(name, dtype=torch.float64):
    torch.manual_seed(0)
    return KINDS[name].build(SHAPE, latent_dim=4).to(dtype)


def terms(name, model, x, weight=None):
    objective = KINDS[name].objective(KINDS[name].weight if weight is None else weight)
    return objective(model, x, torch.Generator().manual_seed(2))


def test_the_default_weights_are_the_published_ones():
    defaults = {
        name: {
            key: parameter.default
            for key, parameter in inspect.signature(getattr(objectives, name)).parameters.items()
            if isinstance(parameter.default, (int, float, tuple))
        }
        for name in ("vq_vae", "masked_reconstruction", "beta_vae", "sparse_kl", "hierarchical")
    }
    assert defaults == {
        "vq_vae": {"commitment": 0.25},  # van den Oord and others (2017)
        "masked_reconstruction": {"ratio": 0.75, "normalized": False},  # He and others (2022)
        "beta_vae": {"beta": 1.0},  # the ELBO
        "sparse_kl": {"rho": 0.05},
        "hierarchical": {"weights": (1.0, 1.0, 1.0)},
    }
    plain = ("autoencoder", "convolutional", "tied")
    assert [KINDS[name].weight for name in plain] == [0, 0, 0]
    assert KINDS["vq-vae"].weight == 0.25
    assert KINDS["vae"].weight == KINDS["ladder-vae"].weight == 1
    assert KINDS["wae"].weight == 10


def test_by_default_models_are_for_images_of_handwriting():
    for name in models.__all__:
        made = getattr(models, name)
        shape = inspect.signature(made).parameters.get("shape")
        if shape is not None and shape.default is not inspect.Parameter.empty:
            assert made().shape == (1, 28, 28), name


@pytest.mark.parametrize("name", KINDS)
def test_terms_are_named_finite_scalars_that_train(name):
    model = built(name)
    found = terms(name, model, images())
    assert found and all(term.dim() == 0 and term.isfinite() for term in found.values())
    sum(found.values()).backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in model.parameters())


@pytest.mark.parametrize("name", sorted(KINDS.keys() - OTHER_DRAWS))
def test_single_precision_agrees_with_double(name):
    double = terms(name, built(name), images())
    single = terms(name, built(name, torch.float32), images(dtype=torch.float32))
    for term in double:
        torch.testing.assert_close(single[term].double(), double[term], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_is_added_to_the_error_with_its_weight(name):
    model = built(name)
    x = images()
    penalty = PENALTIES[name]
    found = objectives.penalized(name, 0.3)(model, x, None)
    wanted = 0.3 * penalty.function(model, x, model.encode(x), None)
    torch.testing.assert_close(found[penalty.term], wanted)
    torch.testing.assert_close(found["reconstruction"], (model(x)[0] - x).square().mean())


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_has_the_gradient_of_its_value(name):
    """In the last layer of the encoder, off the kinks of a ReLU code."""
    torch.manual_seed(0)
    model = KINDS[name].build((6,), latent_dim=3).double()
    x = torch.rand(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    last = [key for key, weight in model.named_parameters() if key.startswith("encoder")][-2]

    def value(weight):
        def penalty(x):
            return PENALTIES[name].function(model, x, model.encode(x), None)

        class Held(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, x):
                return penalty(x)

        return torch.func.functional_call(Held(), {f"model.{last}": weight}, (x,))

    weight = model.get_parameter(last).detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, weight, eps=1e-7)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.how == "auto"])
def test_an_ensemble_learns_what_each_learns_alone(name):
    kind, x = KINDS[name], images(24, torch.float32)
    grid = {"latent_dim": [4], "weight": [kind.weight, 2 * kind.weight + 0.1]}

    def build(setting):
        return kind.build(SHAPE, latent_dim=setting["latent_dim"])

    def run(how):
        return sweep(
            grid,
            build,
            lambda setting: kind.objective(setting["weight"]),
            x,
            lambda model, setting: {},
            seeds=1,
            steps=5,
            batch_size=8,
            optimizer=kind.optimizer,
            how=how,
            device="cpu",
        )

    assert run("vmap")["loss"].tolist() == pytest.approx(run("sequential")["loss"], rel=1e-4)
