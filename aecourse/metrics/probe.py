"""Linear probe: how well a linear classifier predicts the class from the code."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aecourse import validation


def linear_probe(
    z: torch.Tensor,
    labels: torch.Tensor | np.ndarray,
    folds: int = 5,
    C: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """Cross-validated accuracy of logistic regression on standardized codes.

    Each sample is classified by a model that was not trained on it.

    Args:
        z: codes, (N, k), floating point, finite.
        labels: (N,) integers or names of classes: a tensor, an array or a list.
        folds: stratified parts of the samples; each is held out once.
        C: inverse weight of the L2 penalty, as in scikit-learn.
        seed: for the split into folds.

    Returns:
        (folds,) accuracies between 0 and 1, a NumPy array: report their spread too.

    Raises:
        TypeError: If `z` is not a floating-point tensor, or `labels` are not integers or names.
        ValueError: If the numbers of codes and labels differ, a value of `z` is not finite, there
            is one class, or a class has fewer samples than there are folds.
    """
    validation.finite("z", z)
    classes = labels.cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)
    if z.dim() != 2 or classes.shape != z.shape[:1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and labels {classes.shape}; expected (N, k) and "
            "(N,): one label for each code"
        )
    rows = z.detach().cpu().double().numpy()
    if classes.dtype.kind not in "iubUSO":
        raise TypeError(
            f"labels has dtype {classes.dtype}; expected integers or names of classes: "
            "number the classes from 0"
        )
    kinds, sizes = np.unique(classes, return_counts=True)
    if len(kinds) < 2:
        raise ValueError(
            f"labels contains {len(kinds)} class; expected at least two, between which a "
            "classifier decides"
        )
    smallest = sizes.min()
    if validation.positive("folds", folds) == 1:
        raise ValueError(
            "folds is 1; expected at least two, since each is held out from the others: try 5"
        )
    validation.positive("C", C, float)
    if smallest < folds:
        raise ValueError(
            f"labels contains a class of {smallest} samples; expected at least {folds}, one for "
            "each fold: take fewer folds"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    return cross_val_score(
        model, rows, classes, cv=StratifiedKFold(folds, shuffle=True, random_state=seed)
    )
