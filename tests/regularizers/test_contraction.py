"""The contractive penalty against autograd's Jacobians, finite differences and closed forms."""

import numpy as np
import pytest
import torch
from torch import nn

from aecourse.models import Autoencoder
from aecourse.models.autoencoder import ACTIVATIONS
from aecourse.regularizers import (
    contractive_penalty,
    contractive_penalty_by_jacobian,
    contractive_penalty_by_probes,
    contractive_penalty_of_mlp,
    contractive_penalty_of_sigmoid_layer,
)
from aecourse.regularizers.contraction import ELEMENTWISE

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "regularizers.contractive_penalty": (
        "central differences along each pixel; the squared singular values of a linear "
        "encoder, `numpy.linalg.svd`",
        "differences 1e-7; singular values 1e-13",
        "through `contractive_penalty_of_mlp`",
    ),
    "regularizers.contractive_penalty_by_jacobian": (
        "one backward pass for each output; by hand",
        "1e-14; float32 1e-5",
        "yes, twice",
    ),
    "regularizers.contractive_penalty_by_probes": (
        "the mean of 400 draws; the closed form of their variance; the mean over all signs",
        "4 standard errors; variance 5 %; all signs 1e-13",
        "yes, twice",
    ),
    "regularizers.contractive_penalty_of_mlp": (
        "one backward pass for each output; the automatic Jacobian; by hand",
        "1e-14; float32 1e-5",
        "yes, twice",
    ),
    "regularizers.contractive_penalty_of_sigmoid_layer": (
        "the automatic Jacobian, value and gradient",
        "1e-14; float32 1e-5; gradient 100 × that",
        "no: gradients compared",
    ),
}

FLOATS = pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-5), (torch.float64, 1e-14)])
# more data than code dimensions, fewer, equal; a first layer wider than the data; one layer
WIDTHS = [(9, 7, 5, 3), (3, 8, 6), (4, 4, 4), (5, 12, 2), (6, 3), (2, 7), (1, 1), (3, 1, 4)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def encoder_of(widths, activation="tanh", code="linear", dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    return Autoencoder(widths[0], widths[1:-1], widths[-1], activation, code).encoder.to(dtype)


def inputs(*shape, dtype=torch.float64, seed=1):
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).to(dtype)


class Penalised(nn.Module):
    """A penalty as a module, so that its parameters can be replaced."""

    def __init__(self, encoder, penalty):
        super().__init__()
        self.encoder, self.penalty = encoder, penalty

    def forward(self, x):
        return self.penalty(self.encoder, x)


def by_finite_differences(encoder, x, h=1e-5):
    """Central differences along each dimension of the data, (B,)."""
    with torch.no_grad():
        columns = [
            (encoder(x + h * e) - encoder(x - h * e)) / (2 * h)
            for e in torch.eye(x.shape[1], dtype=x.dtype)
        ]
    return torch.stack(columns).square().sum((0, 2))


def by_a_loop(encoder, x):
    """One backward pass for each output, (B,)."""
    x = x.clone().requires_grad_()
    rows = [torch.autograd.grad(column.sum(), x, create_graph=True)[0] for column in encoder(x).T]
    return torch.stack(rows).square().sum((0, 2))


def gradients(penalty, module):
    return torch.autograd.grad(
        penalty, list(module.parameters()), allow_unused=True, materialize_grads=True
    )


@FLOATS
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("code", ["linear", "sigmoid"])
def test_the_fast_form_equals_the_readable_one_and_so_does_its_gradient(widths, code, dtype, rtol):
    encoder, x = encoder_of(widths, "tanh", code, dtype), inputs(6, widths[0], dtype=dtype)
    fast, readable = (
        contractive_penalty_of_mlp(encoder, x, "none"),
        contractive_penalty_by_jacobian(encoder, x, "none"),
    )
    assert fast.shape == (6,) and fast.dtype == dtype
    torch.testing.assert_close(fast, readable, rtol=rtol, atol=0)
    torch.testing.assert_close(fast, by_a_loop(encoder, x), rtol=rtol, atol=0)
    pairs = zip(gradients(fast.mean(), encoder), gradients(readable.mean(), encoder), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=100 * rtol, atol=10 * rtol)
    assert contractive_penalty(encoder, x).item() == fast.mean().item()


@pytest.mark.parametrize("widths", WIDTHS)
def test_it_agrees_with_finite_differences(widths):
    encoder, x = encoder_of(widths, "softplus", "sigmoid"), inputs(4, widths[0])
    torch.testing.assert_close(
        contractive_penalty(encoder, x, "none"),
        by_finite_differences(encoder, x),
        rtol=1e-7,
        atol=0,
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_autoencoder_has_the_fast_form(activation):
    encoder, x = encoder_of((6, 5, 4), activation, activation), inputs(5, 6)
    fast, readable = (
        penalty(encoder, x, "none")
        for penalty in (contractive_penalty_of_mlp, contractive_penalty_by_jacobian)
    )
    torch.testing.assert_close(fast, readable, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("layer", ELEMENTWISE)
def test_every_layer_listed_as_elementwise_is(layer):
    encoder, x = (
        nn.Sequential(nn.Linear(4, 5), layer(), nn.Linear(5, 3), layer()).double(),
        3 * inputs(8, 4),
    )
    fast, readable = (
        penalty(encoder, x, "none")
        for penalty in (contractive_penalty_of_mlp, contractive_penalty_by_jacobian)
    )
    torch.testing.assert_close(fast, readable, rtol=1e-12, atol=1e-300)


def test_the_derivatives_of_consecutive_activations_multiply():
    encoder, x = (
        nn.Sequential(
            nn.Linear(4, 5), nn.Sequential(nn.Softplus(), nn.Tanh()), nn.Linear(5, 3)
        ).double(),
        inputs(6, 4),
    )
    torch.testing.assert_close(
        contractive_penalty_of_mlp(encoder, x, "none"),
        by_finite_differences(encoder, x),
        rtol=1e-7,
        atol=0,
    )


@pytest.mark.parametrize(
    "reduction, value", [("none", [34.0, 34.0]), ("mean", 34.0), ("sum", 68.0)]
)
def test_a_linear_encoder_by_hand(reduction, value):
    """W = (1 2 5; 0 2 0): its squares sum to 34 at any input."""
    encoder = nn.Linear(3, 2)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 2.0, 5.0], [0.0, 2.0, 0.0]]))
    for penalty in (
        contractive_penalty,
        contractive_penalty_of_mlp,
        contractive_penalty_by_jacobian,
    ):
        assert penalty(encoder, torch.randn(2, 3), reduction).tolist() == pytest.approx(value)


def test_two_relu_layers_by_hand():
    """In the first sample only the first unit is active: the derivative along x1 is 2 * 3."""
    encoder = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        encoder[0].weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
        encoder[2].weight.copy_(torch.tensor([[2.0, 1.0]]))
    x = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert contractive_penalty(encoder, x, "none").tolist() == [36, 1, 37, 0]


@FLOATS
def test_one_sigmoid_layer_has_a_closed_form(dtype, rtol):
    encoder, x = encoder_of((7, 4), code="sigmoid", dtype=dtype), inputs(6, 7, dtype=dtype)
    layer, readable = encoder[0][0], contractive_penalty_by_jacobian(encoder, x, "none")
    closed = contractive_penalty_of_sigmoid_layer(encoder(x), layer.weight, "none")
    torch.testing.assert_close(closed, readable, rtol=rtol, atol=0)
    torch.testing.assert_close(
        closed, contractive_penalty_of_mlp(encoder, x, "none"), rtol=rtol, atol=0
    )
    pairs = zip(gradients(closed.mean(), encoder), gradients(readable.mean(), encoder), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=100 * rtol, atol=10 * rtol)
    assert contractive_penalty_of_sigmoid_layer(encoder(x), layer.weight).item() == pytest.approx(
        readable.mean().item(), rel=1e-5
    )


def test_a_convolutional_encoder_and_a_function_use_the_jacobian():
    torch.manual_seed(0)
    encoder = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3)
    ).double()
    x = inputs(3, 2, 4, 4)
    wanted = by_finite_differences(lambda rows: encoder(rows.unflatten(1, (2, 4, 4))), x.flatten(1))
    torch.testing.assert_close(contractive_penalty(encoder, x, "none"), wanted, rtol=1e-7, atol=0)
    maps = nn.Sequential(encoder[0], encoder[1])  # a code of maps
    wanted = by_finite_differences(
        lambda rows: maps(rows.unflatten(1, (2, 4, 4))).flatten(1), x.flatten(1)
    )
    torch.testing.assert_close(contractive_penalty(maps, x, "none"), wanted, rtol=1e-7, atol=0)
    model = Autoencoder((1, 3, 3), (5,), 2, "tanh").double()
    x = inputs(4, 1, 3, 3)
    torch.testing.assert_close(
        contractive_penalty(model.encode, x),
        contractive_penalty(model.encoder, x),
        rtol=1e-13,
        atol=0,
    )


@pytest.mark.parametrize("widths", [(9, 7, 3), (3, 8, 6)])
def test_probes_are_unbiased_and_more_of_them_are_more_precise(widths):
    encoder, x = encoder_of(widths), inputs(5, widths[0])
    exact = contractive_penalty(encoder, x, "none")
    draws = torch.stack(
        [
            contractive_penalty_by_probes(
                encoder, x, torch.Generator().manual_seed(seed), 1, "none"
            )
            for seed in range(400)
        ]
    )
    error = draws.std(0) / 20
    assert ((draws.mean(0) - exact).abs() < 4 * error).all() and (draws.std(0) > 0.01 * exact).any()
    many = contractive_penalty_by_probes(encoder, x, torch.Generator().manual_seed(0), 4000, "none")
    assert ((many - exact).abs() < 4 * draws.std(0) / 4000**0.5 + 1e-12).all()


def test_the_variance_of_a_probe_has_its_closed_form():
    """For signs the variance of v' A v is twice the sum of squares off the diagonal of A = J J'."""
    encoder, x = encoder_of((6, 4)), inputs(1, 6)
    weight = encoder[0][0].weight.detach()
    gram = weight @ weight.T
    variance = 2 * (gram.square().sum() - gram.diag().square().sum())
    rows = x.expand(20000, 6)
    draws = contractive_penalty_by_probes(
        encoder, rows, torch.Generator().manual_seed(0), reduction="none"
    )
    assert draws.var().item() == pytest.approx(variance.item(), rel=0.05)


def test_probes_are_exact_if_the_rows_are_orthogonal():
    encoder = nn.Linear(5, 3).double()
    with torch.no_grad():
        encoder.weight.copy_(
            torch.linalg.qr(inputs(5, 3))[0].T * torch.tensor([[1.0], [2.0], [3.0]])
        )
    estimates = contractive_penalty_by_probes(
        encoder, inputs(4, 5), torch.Generator().manual_seed(0), reduction="none"
    )
    assert estimates.tolist() == pytest.approx([14] * 4)


def test_the_mean_over_all_signs_is_the_exact_penalty_and_its_gradient():
    """For two units the signs are equal or opposite, each with probability one half."""
    encoder, x = encoder_of((4, 3, 2)), inputs(3, 4)
    both = (
        sum(
            contractive_penalty_by_probes(encoder, x, generator_with(product), 1, "none")
            for product in (1, -1)
        )
        / 2
    )
    torch.testing.assert_close(both, contractive_penalty(encoder, x, "none"), rtol=1e-13, atol=0)
    exact = gradients(contractive_penalty(encoder, x), encoder)
    for ours, theirs in zip(gradients(both.mean(), encoder), exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def generator_with(product):
    """The first seed whose signs for three samples of two units have this product in each row."""
    for seed in range(1000):
        signs = 2 * torch.randint(2, (1, 3, 2), generator=torch.Generator().manual_seed(seed)) - 1
        if (signs.prod(2) == product).all():
            return torch.Generator().manual_seed(seed)
    raise AssertionError("no such seed")


@pytest.mark.parametrize(
    "penalty",
    [
        contractive_penalty_of_mlp,
        contractive_penalty_by_jacobian,
        lambda encoder, x: contractive_penalty_by_probes(
            encoder, x, torch.Generator().manual_seed(0), 2
        ),
    ],
)
@pytest.mark.parametrize("widths", [(3, 4, 2), (2, 4, 3), (3, 2)])
def test_its_first_and_second_derivatives_are_right(penalty, widths):
    encoder, x = encoder_of(widths, "tanh", "sigmoid"), inputs(2, widths[0])
    names, values = zip(*encoder.named_parameters(), strict=True)
    module = Penalised(encoder, penalty)

    def at(x, *values):
        return torch.func.functional_call(
            module,
            {f"encoder.{name}": value for name, value in zip(names, values, strict=True)},
            (x,),
        )

    arguments = (x.requires_grad_(), *(value.detach().requires_grad_() for value in values))
    assert torch.autograd.gradcheck(at, arguments)
    assert torch.autograd.gradgradcheck(at, arguments)


def test_the_members_of_an_ensemble_can_be_penalised_in_one_call():
    """As in a sweep: stacked parameters, one call under vmap."""
    members = [encoder_of((5, 4, 2), seed=seed) for seed in range(3)]
    x, module = inputs(6, 5), Penalised(encoder_of((5, 4, 2)), contractive_penalty)
    stacked = torch.func.stack_module_state(
        [Penalised(member, contractive_penalty) for member in members]
    )[0]
    at_once = torch.vmap(lambda parameters: torch.func.functional_call(module, parameters, (x,)))(
        stacked
    )
    torch.testing.assert_close(
        at_once, torch.stack([contractive_penalty(member, x) for member in members])
    )


@pytest.mark.parametrize(
    "penalty", [contractive_penalty, contractive_penalty_of_mlp, contractive_penalty_by_jacobian]
)
def test_it_compiles_in_one_graph(penalty):
    encoder, x = encoder_of((5, 4, 2)), inputs(3, 5)
    torch.testing.assert_close(
        torch.compile(penalty, backend="eager", fullgraph=True)(encoder, x), penalty(encoder, x)
    )


@pytest.mark.parametrize("penalty", [contractive_penalty, contractive_penalty_by_jacobian])
def test_reductions_agree_and_a_doubled_batch_does_not_move_the_mean(penalty):
    encoder, x = encoder_of((5, 4, 2)), inputs(3, 5)
    each = penalty(encoder, x, "none")
    assert (
        penalty(encoder, x).item()
        == penalty(encoder, x, "mean").item()
        == pytest.approx(each.mean().item())
    )
    assert penalty(encoder, x, "sum").item() == pytest.approx(each.sum().item())
    assert penalty(encoder, torch.cat([x, x])).item() == pytest.approx(each.mean().item())


def test_a_linear_encoder_has_the_sum_of_squared_singular_values():
    encoder, x = encoder_of((6, 4)), inputs(1, 6)
    weight = encoder[0][0].weight
    np.testing.assert_allclose(
        contractive_penalty(encoder, x).item(),
        (np.linalg.svd(weight.detach().numpy())[1] ** 2).sum(),
        rtol=1e-13,
    )
    before = contractive_penalty(encoder, x).item()
    with torch.no_grad():
        weight /= 10
    assert contractive_penalty(encoder, x).item() == pytest.approx(before / 100)


@pytest.mark.parametrize(
    "encoder, seen",
    [
        (nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), "Softmax"),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout()), "Dropout"),
        (nn.Sequential(nn.Tanh(), nn.Linear(4, 3)), "Tanh"),
        (nn.Sequential(), "Sequential"),
        (nn.Tanh(), "Tanh"),
        (torch.tanh, "tanh"),
    ],
)
def test_the_fast_form_refuses_anything_but_a_stack_of_layers(encoder, seen):
    with pytest.raises(
        TypeError,
        match=f"(?s)encoder is .*{seen}.*; expected a torch.nn.Sequential of Linear"
        ".* contractive_penalty_by_jacobian",
    ):
        contractive_penalty_of_mlp(encoder, torch.randn(2, 4))


class Squared(nn.Linear):
    """A linear layer in name only."""

    def forward(self, x):
        return super().forward(x).square()


class Doubled(nn.Sequential):
    def forward(self, x):
        return super().forward(2 * x)


def hooked():
    stack = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    stack[0].register_forward_hook(lambda module, given, z: z.square())
    return stack


def hooked_before():
    stack = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    stack[0].register_forward_pre_hook(lambda module, given: (given[0].sin(),))
    return stack


def patched():
    stack = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    stack[1].forward = torch.square
    return stack


def normalized_weights():
    stack = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    nn.utils.parametrizations.weight_norm(stack[0])
    return stack


def batch_normalized():
    stack = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh())
    stack(3 * torch.randn(50, 4) + 1)
    return stack.eval()


LOOKALIKES = {
    "a subclass of Linear": lambda: nn.Sequential(nn.Linear(4, 4), nn.Tanh(), Squared(4, 4)),
    "a subclass of Linear first": lambda: nn.Sequential(Squared(4, 4), nn.Tanh()),
    "a subclass of Linear alone": lambda: Squared(4, 4),
    "a subclass of Sequential": lambda: Doubled(nn.Linear(4, 4), nn.Tanh()),
    "a forward hook": hooked,
    "a forward hook before": hooked_before,
    "a forward of one layer": patched,
    "normalized weights": normalized_weights,
    "batch normalization": batch_normalized,
    "one slope": lambda: nn.Sequential(nn.Linear(4, 4), nn.PReLU()),
    "a slope for each unit": lambda: nn.Sequential(nn.Linear(4, 4), nn.PReLU(4), nn.Linear(4, 4)),
    **{
        f"{layer.__name__} in place": lambda layer=layer: nn.Sequential(
            nn.Linear(4, 4), layer(inplace=True), nn.Linear(4, 4), layer(inplace=True)
        )
        for layer in (nn.ReLU, nn.ELU, nn.SiLU, nn.Mish, nn.LeakyReLU, nn.Hardtanh, nn.Hardswish)
    },
}


@pytest.mark.parametrize("size", [4, 3])
@pytest.mark.parametrize("name", LOOKALIKES)
def test_it_is_exact_for_what_looks_like_a_stack_of_layers(name, size):
    """Also for as many samples as units, where shapes fit by accident."""
    torch.manual_seed(0)
    encoder, x = LOOKALIKES[name]().double(), inputs(size, 4)
    with torch.no_grad():
        for parameter in encoder.parameters():  # slopes that differ from unit to unit
            parameter.add_(torch.linspace(-0.3, 0.6, parameter.numel()).view_as(parameter))
    wanted = by_finite_differences(encoder, x)
    torch.testing.assert_close(contractive_penalty(encoder, x, "none"), wanted, rtol=1e-7, atol=0)
    images = x.unflatten(1, (1, 2, 2))
    torch.testing.assert_close(
        contractive_penalty(encoder, images, "none"), wanted, rtol=1e-7, atol=0
    )
    ours = gradients(contractive_penalty(encoder, x), encoder)
    theirs = gradients(by_a_loop(encoder, x).mean(), encoder)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "penalty",
    [
        contractive_penalty,
        contractive_penalty_by_jacobian,
        lambda encoder, x: contractive_penalty_by_probes(encoder, x, torch.Generator()),
    ],
)
def test_an_encoder_that_mixes_samples_is_refused(penalty):
    encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False))
    with pytest.raises(ValueError, match="contains BatchNorm1d .* each sample independently"):
        penalty(encoder, inputs(3, 4).float())
    encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    with pytest.raises(ValueError, match=r"call encoder.eval\(\)"):
        penalty(encoder, inputs(3, 4).float())
    with pytest.raises(ValueError, match=r"returns shape \(4, 3\) for 3 samples"):
        penalty(lambda x: encoder[0](x).T, inputs(3, 4).float())


def test_an_encoder_with_a_softmax_uses_the_jacobian():
    encoder, x = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).double(), inputs(5, 4)
    torch.testing.assert_close(
        contractive_penalty(encoder, x, "none"),
        by_finite_differences(encoder, x),
        rtol=1e-7,
        atol=0,
    )


@pytest.mark.parametrize(
    "penalty", [contractive_penalty, contractive_penalty_by_jacobian, contractive_penalty_of_mlp]
)
@pytest.mark.parametrize(
    "x, reduction, error, words",
    [
        (torch.randn(4), "mean", ValueError, r"x has shape \(4,\); expected \(B, ...\)"),
        (torch.zeros(2, 4, dtype=torch.int64), "mean", TypeError, "x has dtype torch.int64"),
        (torch.zeros(0, 4), "mean", ValueError, "x is empty"),
        (
            torch.randn(2, 4),
            "batchmean",
            ValueError,
            "reduction is 'batchmean'; expected one of 'mean', 'sum', 'none'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(penalty, x, reduction, error, words):
    with pytest.raises(error, match=words):
        penalty(nn.Linear(4, 3), x, reduction)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: contractive_penalty(nn.Linear(4, 3), torch.randn(2, 5)),
            ValueError,
            "x has 5 values a sample; expected 4",
        ),
        (
            lambda: contractive_penalty(lambda x: (x, x), torch.randn(2, 5)),
            TypeError,
            "encoder returns a tuple; expected one tensor",
        ),
        (
            lambda: contractive_penalty_by_probes(
                lambda x: (x, x), torch.randn(2, 5), torch.Generator()
            ),
            TypeError,
            "encoder returns a tuple",
        ),
        (
            lambda: contractive_penalty_by_probes(
                nn.Linear(4, 3), torch.randn(2, 4), torch.Generator(), 0
            ),
            ValueError,
            "probes is 0",
        ),
        (
            lambda: contractive_penalty_of_sigmoid_layer(torch.rand(2, 3), torch.randn(4, 3)),
            ValueError,
            r"\(2, 3\) and weight \(4, 3\); expected \(B, k\)",
        ),
        (
            lambda: contractive_penalty_of_sigmoid_layer(torch.tensor([[1.5]]), torch.ones(1, 2)),
            ValueError,
            "z runs from 1.5 to 1.5",
        ),
        (
            lambda: contractive_penalty_of_sigmoid_layer(
                torch.rand(2, 3), torch.randn(3, 4), "batchmean"
            ),
            ValueError,
            "reduction is 'batchmean'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
