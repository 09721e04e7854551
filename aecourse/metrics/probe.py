"""Linear probe: how well a linear classifier predicts the class from the code."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aecourse import validation


def linear_probe(
    z: torch.Tensor, labels: torch.Tensor, folds: int = 5, C: float = 1.0, seed: int = 0
) -> np.ndarray:
    """Cross-validated accuracy of logistic regression on standardized codes.

    Each sample is classified by a model that was not trained on it.

    Args:
        z: codes, (N, k), floating point.
        labels: (N,) integers.
        folds: stratified parts of the samples; each is held out once.
        C: inverse weight of the L2 penalty, as in scikit-learn.
        seed: for the split into folds.

    Returns:
        (folds,) accuracies between 0 and 1, a NumPy array: report their spread too.

    Raises:
        TypeError: If `z` is not a floating-point tensor.
        ValueError: If the numbers of codes and labels differ, or a class has fewer samples than
            there are folds.
    """
    validation.floating("z", z)
    if z.dim() != 2 or labels.shape != z.shape[:1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and labels {tuple(labels.shape)}; expected (N, k) and "
            "(N,): one label for each code"
        )
    rows, classes = z.detach().cpu().double().numpy(), labels.cpu().numpy()
    smallest = np.unique(classes, return_counts=True)[1].min()
    if smallest < folds:
        raise ValueError(
            f"labels contains a class of {smallest} samples; expected at least {folds}, one for "
            "each fold: take fewer folds"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    return cross_val_score(
        model, rows, classes, cv=StratifiedKFold(folds, shuffle=True, random_state=seed)
    )
