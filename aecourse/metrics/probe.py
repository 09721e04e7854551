"""What a linear classifier reads from a code."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aecourse import validation


def linear_probe(z, labels, folds=5, C=1.0, seed=0):
    """Accuracy of logistic regression on standardised codes, by cross-validation: each sample is judged by a model that has not seen it.

    Args:
        z: codes, (N, k), floating point.
        labels: (N,) whole numbers.
        folds: parts, stratified; each is held out once.
        C: inverse weight of the L2 penalty, as in scikit-learn.
        seed: of the parts.

    Returns:
        (folds,) accuracies between 0 and 1, a NumPy array: their spread is part of the answer.

    Raises:
        ValueError: where there is no row for each label, or a class has fewer samples than folds.
    """
    validation.floating("z", z)
    if z.dim() != 2 or labels.shape != z.shape[:1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and labels {tuple(labels.shape)}; expected (N, k) and (N,)"
        )
    rows, classes = z.detach().cpu().double().numpy(), labels.cpu().numpy()
    smallest = np.unique(classes, return_counts=True)[1].min()
    if smallest < folds:
        raise ValueError(
            f"labels hold a class of {smallest} samples; expected at least {folds}, one for each fold: take fewer folds"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    return cross_val_score(
        model, rows, classes, cv=StratifiedKFold(folds, shuffle=True, random_state=seed)
    )
