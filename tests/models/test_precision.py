"""Models in half precision agree with those in single; other dtypes are refused in words."""

import pytest
import torch

from aecourse import baselines, models, objectives
from aecourse.objectives.register import KINDS

X = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
MODELS = {
    name: lambda kind=kind: kind.build((1, 8, 8), latent_dim=4) for name, kind in KINDS.items()
}
MODELS |= {
    "linear": lambda: models.LinearAutoencoder((1, 8, 8), 3),
    "linear vae": lambda: models.LinearVAE((1, 8, 8), 3),
    "gaussian vae": lambda: models.VAE((1, 8, 8), (8,), 3, likelihood="gaussian"),
    "fixed sigma": lambda: models.VAE((1, 8, 8), (8,), 3, likelihood="gaussian", sigma=0.3),
    "ladder without skip": lambda: models.LadderVAE((1, 8, 8), (8, 8), (3, 2), skip=False),
    "dense codes": lambda: models.VQVAE((1, 8, 8), grid=(3,), dim=2, codes=4, decay=None),
}
HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


def built(name):
    torch.manual_seed(0)
    return MODELS[name]().eval()


def objective_of(name):
    if name in KINDS:
        return KINDS[name].objective(KINDS[name].weight)
    return {
        "linear": objectives.reconstruction(),
        "dense codes": objectives.vq_vae(),
    }.get(name, objectives.beta_vae())


@HALVES
@pytest.mark.parametrize("name", MODELS)
def test_a_model_in_half_precision_computes_what_one_in_single_does(name, dtype):
    """The reconstruction is in half precision, and terms within its 8 bits, in single."""
    model, objective = built(name), objective_of(name)
    with torch.no_grad():
        wanted = objective(model, X, torch.Generator().manual_seed(0))
        model.to(dtype)
        x_hat, z = model(X.to(dtype))
        assert x_hat.dtype == dtype and torch.equal(model.decode(z), x_hat)
        terms = objective(model, X.to(dtype), torch.Generator().manual_seed(0))
        if hasattr(model, "sample"):
            assert model.sample(2).dtype == dtype
    for term, value in terms.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(wanted[term].item(), rel=0.03, abs=0.02)
    sum(objective(model.train(), X.to(dtype), torch.Generator().manual_seed(0)).values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@HALVES
def test_the_averages_of_a_codebook_stay_in_single_precision(dtype):
    """A hundredth of a step is rounded away in half precision, and 10 x 7000 is infinite."""
    book = models.Codebook(2, 1, decay=0.99, restart=0).to(dtype)
    single = models.Codebook(2, 1, decay=0.99, restart=0)
    z, indices = torch.full((7000, 1), 10.0), torch.zeros(7000, dtype=torch.int64)
    for _ in range(300):
        book.update(z.to(dtype), indices)
        single.update(z, indices)
    assert book.weight.dtype == dtype and book.counts.dtype == torch.float32
    torch.testing.assert_close(book.counts, single.counts, rtol=1e-6, atol=0)
    assert book.weight[0].item() == 10
    book.double()
    assert book.counts.dtype == torch.float64


@pytest.mark.parametrize("name", MODELS)
def test_data_and_codes_of_another_dtype_are_refused_with_the_way_to_convert_them(name):
    model = built(name)
    words = (
        r"has dtype torch.float64 and the model's weights torch.float32; .*\.to\(torch.float32\)"
    )
    with pytest.raises(TypeError, match=f"^x {words}"):
        model(X.double())
    z = model.encode(X)
    several = isinstance(z, tuple)
    with pytest.raises(TypeError, match=f"^z {words}"):
        model.decode(tuple(code.double() for code in z) if several else z.double())
    with pytest.raises(TypeError, match="^x has dtype torch.float32 and the model's weights"):
        model.bfloat16()(X)


@pytest.mark.parametrize(
    "model",
    [baselines.LinearDenoiser(X).gaussian(0.3), baselines.TransformCoder(X, 2, axes=3, most=2)],
    ids=["denoiser", "coder"],
)
def test_linear_baselines_refuse_another_dtype(model):
    with pytest.raises(TypeError, match=r"x has dtype torch.float64 .* x.to\(torch.float32\)"):
        model(X.double())


@pytest.mark.parametrize("name", ["ladder-vae", "masked", "vae", "vq-vae"])
def test_a_model_is_exported_with_a_free_batch_size(name):
    model = built(name)
    batch = torch.export.Dim("batch", min=2, max=64)
    exported = torch.export.export(model, (X,), dynamic_shapes=({0: batch},), strict=False)
    x = torch.rand(9, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(exported.module()(x)[0], model(x)[0])
