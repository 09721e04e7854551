"""Baselines: optimal linear methods, computed in closed form instead of trained."""

from aecourse.baselines.pca import pca_error
from aecourse.baselines.transform_coding import TransformCoder, reverse_water_filling
from aecourse.baselines.wiener import LinearDenoiser, linear_inpaint

__all__ = [
    "LinearDenoiser",
    "TransformCoder",
    "linear_inpaint",
    "pca_error",
    "reverse_water_filling",
]
