"""The error at each level of a pyramid: values and gradients of the multi-scale loss."""

import pytest
import torch

from aecourse.losses import mse, multi_scale_loss
from aecourse.models.multi_scale import bands
from aecourse.objectives import hierarchical
from tests.helpers import noise
from tests.small_models import small_multi_scale

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "objectives.hierarchical": (
        "means of blocks in NumPy; `multi_scale_loss`, value and gradient",
        "1e-12; gradient 1e-9",
        "no: gradients compared",
    ),
}


def test_the_error_of_an_image_is_the_sum_over_its_bands():
    model, x = small_multi_scale(), noise(4, 2, 8, 12)
    x_hat = model(x)[0]
    levels = [term.item() for term in hierarchical()(model, x, None).values()]
    errors = [mse(*pair).item() for pair in zip(bands(x_hat, 3), bands(x, 3), strict=True)]
    assert levels == pytest.approx([sum(errors[level:]) for level in range(3)], rel=1e-12)
    assert levels[0] == pytest.approx(mse(x_hat, x).item(), rel=1e-12)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 0.0, 4.0)])
def test_the_objective_equals_the_multi_scale_loss(weights):
    """For a linear output, in values and gradients."""
    model, x = small_multi_scale(), noise(4, 2, 8, 12)
    terms = hierarchical(weights)(model, x, None)
    assert list(terms) == ["level_0", "level_1", "level_2"]
    total, wanted = sum(terms.values()), multi_scale_loss(model(x)[0], x, weights)
    torch.testing.assert_close(total, wanted, rtol=1e-12, atol=0)
    parameters = list(model.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(total, parameters), torch.autograd.grad(wanted, parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-13)


def test_the_objective_compares_each_level_with_its_own_image():
    model, x = small_multi_scale(output="sigmoid"), noise(4, 2, 8, 12).sigmoid()
    terms = hierarchical((1.0, 2.0, 3.0))(model, x, None)
    drawn = model.reconstructions(model.encode(x))
    for level, (term, image) in enumerate(zip(terms.values(), drawn, strict=True)):
        size = 2**level
        wanted = x.numpy().reshape(4, 2, 8 // size, size, 12 // size, size).mean((3, 5))
        assert term.item() == pytest.approx(
            (level + 1) * ((image.detach().numpy() - wanted) ** 2).mean(), rel=1e-12
        )
