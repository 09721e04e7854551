"""Curves and grids: as many lines and images as were asked for, with the right numbers in them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from aecourse.pages import label_curves, plot_history, plot_images, subplots
from aecourse.pages.plots import spread
from aecourse.pages.style import BLUE, RED, TEXT_SHADES


def a_run(values, validation_losses=()):
    """What `fit` returns, as far as curves are concerned."""
    return SimpleNamespace(
        terms={"fit": values, "loss": values},
        steps=list(range(1, len(values) + 1)),
        validation_losses=list(validation_losses),
    )


def curves(fig):
    return fig.axes[0].get_lines()


def labels(fig):
    return [text for text in fig.axes[0].texts if isinstance(text, Annotation)]


def test_history_draws_a_line_a_run_and_labels_it_at_its_end():
    runs = {"A": a_run([3.0, 2.0, 1.0]), "B": a_run([4.0, 4.0])}
    fig = plot_history(runs, smooth=1)
    assert [
        (line.get_label(), list(line.get_xdata()), list(line.get_ydata())) for line in curves(fig)
    ] == [("A", [1, 2, 3], [3, 2, 1]), ("B", [1, 2], [4, 4])]
    assert [(text.get_text(), text.xy, to_hex(text.get_color())) for text in labels(fig)] == [
        ("A", (3, 1), TEXT_SHADES[BLUE].lower()),
        ("B", (2, 4), TEXT_SHADES[RED].lower()),
    ]
    assert labels(plot_history({"A": runs["A"]})) == []


@pytest.mark.parametrize("n, smooth, width", [(60, 20, 20), (60, 7, 7), (5, 20, 5), (60, 1, 1)])
def test_history_is_a_running_mean_drawn_at_its_last_step(n, smooth, width):
    values = np.random.default_rng(0).random(n)
    (line,) = curves(plot_history({"A": a_run(values.tolist())}, term="fit", smooth=smooth))
    np.testing.assert_allclose(
        line.get_ydata(), np.convolve(values, np.ones(width) / width, "valid"), rtol=1e-12
    )
    assert list(line.get_xdata()) == list(range(width, n + 1))


def test_history_draws_the_validation_loss_where_it_was_measured():
    runs = {"A": a_run([3.0, 2.0, 1.0], validation_losses=[(1, 3.5), (3, 2.5)])}
    train, check = curves(plot_history(runs, smooth=1))
    assert (check.get_label(), list(check.get_xdata()), list(check.get_ydata())) == (
        "A, validation",
        [1, 3],
        [3.5, 2.5],
    )
    assert check.get_color() == train.get_color() and check.get_linestyle() != train.get_linestyle()
    assert len(curves(plot_history(runs, term="fit"))) == 1


@pytest.mark.parametrize("log, scale", [(False, "linear"), (True, "log")])
def test_history_names_its_axes(log, scale):
    ax = plot_history({"A": a_run([1.0])}, term="fit", log=log).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("step", "fit", scale)


def test_history_refuses_an_unknown_term_and_lists_those_that_are():
    with pytest.raises(
        ValueError, match="term is 'kl'; expected one of 'fit', 'loss', the terms of 'A'"
    ):
        plot_history({"A": a_run([1.0])}, term="kl")


@pytest.mark.parametrize("ends", [[1, 1.01, 1.02, 3], [2, 2, 2], [0, 10]])
def test_labels_do_not_overlap(ends):
    fig, ax = subplots()
    for i, end in enumerate(ends):
        ax.plot([0, 1], [0, end], label=f"curve {i}")
    label_curves(ax)
    fig.draw_without_rendering()
    boxes = sorted(
        (text.get_window_extent().y0, text.get_window_extent().y1) for text in labels(fig)
    )
    assert len(boxes) == len(ends) and all(
        above[0] >= below[1] - 1 for below, above in zip(boxes, boxes[1:], strict=False)
    )


@pytest.mark.parametrize(
    "heights, wanted",
    [
        ([5, 50], [5, 50]),
        ([10, 10], [5, 15]),
        ([10, 12, 40], [6, 16, 40]),
        ([12, 10], [16, 6]),
        ([0, 6, 17], [-2.3, 7.7, 17.7]),
    ],
)
def test_heights_are_moved_apart_and_no_further(heights, wanted):
    np.testing.assert_allclose(spread(heights, 10), wanted, atol=0.05)


@pytest.mark.parametrize("shape", [(5, 1, 7, 9), (5, 7, 9)])
@pytest.mark.parametrize("columns, drawn", [(3, 3), (6, 5)])
def test_images_draws_a_labelled_row_a_batch(shape, columns, drawn):
    batches = torch.rand(2, *shape, requires_grad=True)
    fig = plot_images(
        {"original": batches[0].detach(), "copy": batches[1]}, columns=columns, limits=(-1, 2)
    )
    pictures = [picture for ax in fig.axes for picture in ax.get_images()]
    assert len(pictures) == len(fig.axes) == 2 * drawn and all(
        picture.get_clim() == (-1, 2) for picture in pictures
    )
    wanted = batches.detach().reshape(2, 5, 7, 9)[:, :drawn].flatten(0, 1).numpy()
    np.testing.assert_allclose(np.stack([picture.get_array() for picture in pictures]), wanted)
    assert [text.get_text() for text in fig.texts] == ["original", "copy"]


def test_images_have_their_size_and_shape_and_labels_stand_above():
    fig = plot_images({"a": torch.rand(7, 6, 3), "b": torch.rand(7, 4, 4)}, size=1)
    fig.draw_without_rendering()
    boxes = [ax.get_window_extent() for ax in fig.axes]
    sizes = {(round(box.width / fig.dpi, 3), round(box.height / fig.dpi, 3)) for box in boxes}
    assert sizes == {(1, 2), (1, 1)} and len(boxes) == 10
    assert all(later.x0 > one.x1 for one, later in zip(boxes[:4], boxes[1:5], strict=False)), (
        "side by side"
    )
    for text, row in zip(fig.texts, (boxes[:5], boxes[5:]), strict=False):
        assert (
            text.get_window_extent().y0 >= row[0].y1 - 0.5
            and abs(text.get_window_extent().x0 - row[0].x0) < 2
        )
    assert fig.texts[1].get_window_extent().y1 <= boxes[0].y0 + 0.5, (
        "no label lies on the row above"
    )


def test_images_of_one_batch_need_no_label():
    fig = plot_images(torch.rand(2, 1, 4, 4), size=1)
    assert (
        len(fig.axes) == 2
        and not fig.texts
        and tuple(fig.get_size_inches()) == pytest.approx((2.06, 1))
    )


@pytest.mark.parametrize(
    "batch, error, words",
    [
        (torch.zeros(2, 1, 4, 4).byte(), TypeError, "copy is of type torch.uint8"),
        ([[0.0]], TypeError, "copy is of type list"),
        (
            torch.zeros(2, 3, 4, 4),
            ValueError,
            r"copy has shape \(2, 3, 4, 4\); expected \(B, 1, H, W\) or \(B, H, W\)",
        ),
        (torch.zeros(2, 16), ValueError, r"copy has shape \(2, 16\)"),
        (torch.zeros(0, 4, 4), ValueError, r"copy has shape \(0, 4, 4\)"),
    ],
)
def test_images_refuses_what_is_no_grey_image(batch, error, words):
    with pytest.raises(error, match=words):
        plot_images({"copy": batch})


def test_images_refuses_no_rows():
    with pytest.raises(ValueError, match="rows is empty"):
        plot_images({})
