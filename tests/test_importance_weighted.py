"""The table of importance-weighted models: its command runs, continues, and reports the bound."""

import sys
from pathlib import Path

import pytest
import torch

from aecourse.data import load_images
from aecourse.metrics import iwae_bound
from aecourse.models import VAE

ROOT = Path(__file__).resolve().parents[1]
WORDS = "--data digits --epochs 1 --draws 20 --images 30 --device cpu"


@pytest.fixture
def lines(monkeypatch, tmp_path):
    """A function that calls the command, and returns the cells of each model's line."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import importance_weighted

    def called():
        monkeypatch.setattr(
            sys,
            "argv",
            [
                "",
                *WORDS.split(),
                "--out",
                str(tmp_path / "runs"),
                "--page",
                str(tmp_path / "page.md"),
            ],
        )
        importance_weighted.main()
        page = (tmp_path / "page.md").read_text().splitlines()
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page if "AE" in line]

    return called


def test_it_writes_a_line_for_each_model_and_trains_none_twice(lines, tmp_path, monkeypatch):
    first = lines()
    assert [row[0] for row in first] == ["VAE", "IWAE, 5 samples", "IWAE, 50 samples"]
    objectives = {
        name: (None, published)
        for name, (_, published) in sys.modules["importance_weighted"].MODELS.items()
    }
    # Without objectives nothing can be trained.
    monkeypatch.setattr(sys.modules["importance_weighted"], "MODELS", objectives)
    assert [row[:4] for row in lines()] == [row[:4] for row in first]
    model = VAE((1, 28, 28), (200, 200), 50, activation="tanh").eval()
    model.load_state_dict(torch.load(tmp_path / "runs" / "VAE-71.pt")["model"])
    x = torch.bernoulli(
        load_images("digits", device="cpu", quiet=True).test[:30],
        generator=torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        wanted = -iwae_bound(model, x, 20, torch.Generator().manual_seed(0)).mean().item()
    assert float(first[0][1]) == pytest.approx(wanted, abs=0.006)


def test_the_learning_rate_falls_in_eight_stages(lines):
    """Stage i lasts for 3^i of the 3,280 epochs."""
    stages = sys.modules["importance_weighted"].stages
    ends = [sum(3**j for j in range(i + 1)) / 3280 for i in range(8)]
    assert [stages(end - 1e-6) for end in ends] == pytest.approx([10 ** (-i / 7) for i in range(8)])
    assert [stages(0), stages(ends[0] + 1e-6), stages(1)] == pytest.approx([1, 10 ** (-1 / 7), 0.1])
