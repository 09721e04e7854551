"""Autoencoders: losses, regularizers, variants and metrics, with the course that explains them."""

__version__ = "0.1.0"


def about() -> None:
    """Print the versions, the device and the data set of this kernel, at the top of a notebook."""
    import torch

    from aecourse.data import dataset_name
    from aecourse.device import pick_device

    print(
        f"aecourse {__version__}, torch {torch.__version__}, "
        f"device {pick_device()}, data set {dataset_name()}"
    )
