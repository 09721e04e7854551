"""A table of measures in place of pictures: nuclei of breast cells, benign or malignant. For anomaly scores and codes of columns.

569 samples, 30 measures of the outlines of their cells' nuclei: mean, standard error and worst of radius, texture and so on.
It comes with scikit-learn. Street, Wolberg and Mangasarian (1993).
"""

from dataclasses import dataclass

import torch

from aecourse.device import as_generator, pick_device

KINDS = ("benign", "malignant")


@dataclass(frozen=True, eq=False, repr=False)
class CellNuclei:
    """Rows (N, 30) float32, standardised: the columns of the training part have mean 0 and variance 1.

    Labels (N,) int64 number `kinds`. A measure in its own unit is ``row * scale + mean``; `mean` and `scale` are (30,).
    """

    name: str
    train: torch.Tensor
    train_labels: torch.Tensor
    test: torch.Tensor
    test_labels: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor
    columns: tuple
    kinds: tuple

    def __repr__(self):
        return (
            f"{self.name}: {len(self.train)} training and {len(self.test)} test rows of {len(self.columns)} measures, "
            f"{' or '.join(self.kinds)}, on {self.train.device}"
        )


def load_cell_nuclei(test=0.25, seed=0, device="cpu"):
    """The table, split into a training and a test part with the same share of malignant samples.

    Args:
        test: share of each kind that goes to the test part, above 0 and below 1, rounded to whole samples.
        seed: an integer, or a ``torch.Generator`` on the CPU; it decides which samples.
        device: where the tensors go; "auto" takes the fastest.

    Returns:
        :class:`CellNuclei`; label 1 is malignant (scikit-learn's own labels are the other way round).

    Raises:
        ValueError: where `test` leaves a part without one of the kinds.
        TypeError: where `seed` is neither an integer nor a generator.

    Source:
        Street, Wolberg and Mangasarian (1993).
    """
    from sklearn.datasets import load_breast_cancer

    table, generator = load_breast_cancer(), as_generator(seed, torch.empty(0))
    x, labels = (
        torch.tensor(table.data),
        torch.tensor(1 - table.target, dtype=torch.int64),
    )  # (569, 30) float64, (569,)
    kept, held = [], []
    for kind in range(len(KINDS)):
        rows = torch.nonzero(labels == kind)[:, 0]
        rows, size = rows[torch.randperm(len(rows), generator=generator)], round(test * len(rows))
        if not 0 < size < len(rows):
            raise ValueError(
                f"test is {test!r}, which is {size} of {len(rows)} {KINDS[kind]} samples; expected a share between 0 "
                "and 1 that leaves both kinds in both parts, as in 0.25"
            )
        held.append(rows[:size])
        kept.append(rows[size:])
    kept, held = (torch.cat(part).sort().values for part in (kept, held))  # in the table's order
    mean, scale = x[kept].mean(0), x[kept].std(0, correction=0)
    device, rows = pick_device(device), ((x - mean) / scale).float()
    tensors = (rows[kept], labels[kept], rows[held], labels[held], mean.float(), scale.float())
    return CellNuclei(
        "cell_nuclei",
        *(tensor.to(device) for tensor in tensors),
        tuple(map(str, table.feature_names)),
        KINDS,
    )
