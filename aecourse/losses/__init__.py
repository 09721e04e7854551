"""Reconstruction losses: functions of tensors, with PyTorch's words for the reductions."""
from aecourse.losses.absolute_error import mae
from aecourse.losses.cross_entropy import bce, bce_of_probabilities
from aecourse.losses.squared_error import mse

__all__ = ["bce", "bce_of_probabilities", "mae", "mse"]
