"""Curves and grids: as many lines and images as were asked for, with the right numbers in them."""
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.text import Text

from aecourse import plots
from aecourse.training import History


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def a_run(values):
    run = History()
    run.append(["fit", "loss"], torch.tensor([values, values], dtype=torch.float64).T)
    return run


def curves(fig):
    return fig.axes[0].get_lines()


def test_history_draws_a_line_a_run_with_its_label():
    runs = {"A": a_run([3.0, 2.0, 1.0]), "B": a_run([4.0, 4.0])}
    fig = plots.history(runs, smooth=1)
    assert [(line.get_label(), list(line.get_xdata()), list(line.get_ydata())) for line in curves(fig)] == [
        ("A", [1, 2, 3], [3, 2, 1]), ("B", [1, 2], [4, 4])]
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["A", "B"]
    assert plots.history({"A": runs["A"]}).axes[0].get_legend() is None


@pytest.mark.parametrize("n, smooth, width", [(60, 20, 20), (60, 7, 7), (5, 20, 5), (60, 1, 1)])
def test_history_is_a_running_mean_that_stands_at_its_last_step(n, smooth, width):
    values = np.random.default_rng(0).random(n)
    line, = curves(plots.history({"A": a_run(values.tolist())}, "fit", smooth))
    np.testing.assert_allclose(line.get_ydata(), np.convolve(values, np.ones(width) / width, "valid"), rtol=1e-12)
    assert list(line.get_xdata()) == list(range(width, n + 1))


@pytest.mark.parametrize("log, scale", [(False, "linear"), (True, "log")])
def test_history_names_its_axes(log, scale):
    ax = plots.history({"A": a_run([1.0])}, "fit", log=log).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("step", "fit", scale)


def test_history_refuses_an_unknown_term_and_lists_those_that_are():
    with pytest.raises(ValueError, match="term is 'kl'; expected one of 'fit', 'loss'"):
        plots.history({"A": a_run([1.0])}, "kl")


@pytest.mark.parametrize("shape", [(5, 1, 7, 9), (5, 7, 9)])
@pytest.mark.parametrize("columns, drawn", [(3, 3), (6, 5)])
def test_images_draws_a_labelled_row_a_batch(shape, columns, drawn):
    batches = torch.rand(2, *shape, requires_grad=True)
    fig = plots.images({"original": batches[0].detach(), "copy": batches[1]}, columns, limits=(-1, 2))
    pictures = [picture for ax in fig.axes for picture in ax.get_images()]
    assert len(fig.axes) == 2 * columns and len(pictures) == 2 * drawn
    assert all(picture.get_clim() == (-1, 2) for picture in pictures)
    wanted = batches.detach().reshape(2, 5, 7, 9)[:, :drawn].flatten(0, 1).numpy()
    np.testing.assert_allclose(np.stack([picture.get_array() for picture in pictures]), wanted)
    fig.draw_without_rendering()
    assert [text.get_text() for text in fig.findobj(Text) if text.get_text()] == ["original", "copy"], "and no ticks"


@pytest.mark.parametrize("batch, error, words", [
    (torch.zeros(2, 1, 4, 4).byte(), TypeError, "copy has dtype torch.uint8"), ([[0.0]], TypeError, "copy is a list"),
    (torch.zeros(2, 3, 4, 4), ValueError, r"copy has shape \(2, 3, 4, 4\); expected \(B, 1, H, W\) or \(B, H, W\)"),
    (torch.zeros(2, 16), ValueError, r"copy has shape \(2, 16\)")])
def test_images_refuses_what_is_no_grey_image(batch, error, words):
    with pytest.raises(error, match=words):
        plots.images({"copy": batch})
