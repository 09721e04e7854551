"""Autoencoders: losses, regularizers, variants and measures, with the course that explains them."""

__version__ = "0.1.0"


def about():
    """Print what this kernel runs on: the first thing a notebook says."""
    import torch

    from aecourse.data import dataset_name
    from aecourse.device import pick_device

    print(
        f"aecourse {__version__}, torch {torch.__version__}, device {pick_device()}, data set {dataset_name()}"
    )
