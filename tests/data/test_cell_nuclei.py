"""The table of cell nuclei, compared with scikit-learn's copy and scaler."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from aecourse.data.cell_nuclei import load_cell_nuclei

ORACLES = {  # name: independent check, agreement, smooth, other files that test it
    "data.load_cell_nuclei": (
        "`sklearn.datasets.load_breast_cancer` and `StandardScaler`",
        "absolute 1e-6, float32",
        "no",
    ),
    "data.CellNuclei": (
        "through `load_cell_nuclei`, which returns it",
        "absolute 1e-6, float32",
        "no",
    ),
}

OWN = load_breast_cancer()


def own_units(data, rows):
    return rows.double().numpy() * data.scale.double().numpy() + data.mean.double().numpy()


def found(data, rows):
    """The nearest rows of scikit-learn's table, in units of each column's standard deviation."""
    spread = OWN.data.std(0)
    distances = np.linalg.norm(
        (own_units(data, rows)[:, None] - OWN.data) / spread, axis=2
    )  # (N, 569)
    assert distances.min(1).max() < 1e-4
    return distances.argmin(1)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_sample_is_in_one_part_with_its_own_label(seed):
    data = load_cell_nuclei(seed=seed)
    train, test = found(data, data.train), found(data, data.test)
    assert (
        sorted([*train, *test]) == list(range(569))
        and list(train) == sorted(train)
        and list(test) == sorted(test)
    )
    for rows, labels in ((train, data.train_labels), (test, data.test_labels)):
        assert [data.kinds[label] for label in labels] == [
            OWN.target_names[target] for target in OWN.target[rows]
        ]
    assert data.columns == tuple(OWN.feature_names) and data.kinds == ("benign", "malignant")


@pytest.mark.parametrize(
    "share, benign, malignant", [(0.25, 89, 53), (0.5, 178, 106), (0.01, 4, 2), (0.99, 353, 210)]
)
def test_the_split_keeps_the_share_of_each_kind(share, benign, malignant):
    data = load_cell_nuclei(share)
    assert data.test_labels.bincount().tolist() == [benign, malignant]
    assert data.train_labels.bincount().tolist() == [357 - benign, 212 - malignant]


def test_it_is_standardized_by_the_training_part_only():
    data = load_cell_nuclei()
    rows = found(data, data.train)
    scaler = StandardScaler().fit(OWN.data[rows])
    np.testing.assert_allclose(data.mean, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(data.scale, scaler.scale_, rtol=1e-6)
    np.testing.assert_allclose(data.train, scaler.transform(OWN.data[rows]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        data.test, scaler.transform(OWN.data[found(data, data.test)]), rtol=0, atol=2e-6
    )  # values up to 12
    assert (
        data.train.double().mean(0).abs().max() < 1e-7
        and (data.test.mean(0).abs() > 0.05).sum() > 5
    )


def test_malignant_nuclei_are_larger():
    data = load_cell_nuclei()
    radius = own_units(data, data.train)[:, data.columns.index("mean radius")]
    assert radius[data.train_labels == 1].mean() > 1.3 * radius[data.train_labels == 0].mean()


def test_another_seed_gives_another_split():
    assert not torch.equal(load_cell_nuclei().test, load_cell_nuclei(seed=1).test)


@pytest.mark.parametrize("share", [0, 1, 0.001, 0.999, -0.2, 3])
def test_a_part_without_one_of_the_kinds_is_refused(share):
    with pytest.raises(
        ValueError,
        match=f"test is {share}, which is .* samples; expected a fraction between 0 and 1",
    ):
        load_cell_nuclei(share)
