"""A table of numbers instead of images: nuclei of breast cells, benign or malignant.

It is used for anomaly detection and for codes of tabular data. It has 569 samples, each with 30
features of the outlines of their cells' nuclei: mean, standard error and worst of radius, texture
and so on. The table comes with scikit-learn. Street, Wolberg and Mangasarian (1993).
"""

from dataclasses import dataclass

import torch

from aecourse.device import as_generator, pick_device

KINDS = ("benign", "malignant")


@dataclass(frozen=True, eq=False, repr=False)
class CellNuclei:
    """Rows of features, and whether each sample is benign or malignant.

    Attributes:
        name: ``"cell_nuclei"``.
        train, test: (N, 30) float32, standardized: the columns of the training part have mean 0 and
            variance 1. A feature in its own unit is ``row * scale + mean``.
        train_labels, test_labels: (N,) int64, indices into `kinds`.
        mean, scale: (30,), of the features.
        columns: names of the features.
        kinds: names of the labels.
    """

    name: str
    train: torch.Tensor
    train_labels: torch.Tensor
    test: torch.Tensor
    test_labels: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor
    columns: tuple[str, ...]
    kinds: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"{self.name}: {len(self.train)} training and {len(self.test)} test rows "
            f"of {len(self.columns)} features, {' or '.join(self.kinds)}, on {self.train.device}"
        )


def load_cell_nuclei(
    test: float = 0.25,
    seed: int | torch.Generator = 0,
    device: str | torch.device = "cpu",
) -> CellNuclei:
    """The table, split into training and test data with the same fraction of malignant samples.

    Args:
        test: fraction of each kind in the test part, above 0 and below 1, rounded to an
            integer number of samples.
        seed: an integer, or a ``torch.Generator`` on the CPU; it selects the samples.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`CellNuclei`; label 1 is malignant (scikit-learn's labels are the reverse).

    Raises:
        ValueError: If `test` leaves a part without one of the kinds.
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Street, Wolberg and Mangasarian (1993).
    """
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    generator = as_generator(seed, torch.empty(0))
    x = torch.tensor(table.data)  # (569, 30) float64
    labels = torch.tensor(1 - table.target, dtype=torch.int64)  # (569,)
    train = []
    held_out = []
    for kind in range(len(KINDS)):
        rows = torch.nonzero(labels == kind)[:, 0]
        size = round(test * len(rows))
        if not 0 < size < len(rows):
            raise ValueError(
                f"test is {test!r}, which is {size} of {len(rows)} {KINDS[kind]} samples; expected "
                "a fraction between 0 and 1 that leaves both kinds in both parts, as in 0.25"
            )
        rows = rows[torch.randperm(len(rows), generator=generator)]
        held_out.append(rows[:size])
        train.append(rows[size:])
    train = torch.cat(train).sort().values  # in the order of the table
    held_out = torch.cat(held_out).sort().values
    mean = x[train].mean(0)
    scale = x[train].std(0, correction=0)
    rows = ((x - mean) / scale).float()
    device = pick_device(device)
    return CellNuclei(
        "cell_nuclei",
        train=rows[train].to(device),
        train_labels=labels[train].to(device),
        test=rows[held_out].to(device),
        test_labels=labels[held_out].to(device),
        mean=mean.float().to(device),
        scale=scale.float().to(device),
        columns=tuple(map(str, table.feature_names)),
        kinds=KINDS,
    )
