"""Losses: functions of tensors, with PyTorch's words for the reductions."""

from aecourse.losses.absolute_error import mae
from aecourse.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from aecourse.losses.cross_entropy import bce, bce_from_probabilities
from aecourse.losses.edges import edge_loss, forward_differences, sobel
from aecourse.losses.kl_divergence import gaussian_kl, gaussian_kl_between
from aecourse.losses.maximum_mean_discrepancy import gaussian_kernel, inverse_multiquadric, mmd
from aecourse.losses.multi_scale import multi_scale_levels, multi_scale_loss, pyramid
from aecourse.losses.squared_error import mse
from aecourse.losses.structural_similarity import ms_ssim, ssim, ssim_comparisons, ssim_loss

__all__ = [
    "bce",
    "bce_from_probabilities",
    "discriminator_loss",
    "edge_loss",
    "forward_differences",
    "gaussian_kernel",
    "gaussian_kl",
    "gaussian_kl_between",
    "generator_loss",
    "gradient_penalty",
    "inverse_multiquadric",
    "mae",
    "mmd",
    "ms_ssim",
    "mse",
    "multi_scale_levels",
    "multi_scale_loss",
    "pyramid",
    "sobel",
    "ssim",
    "ssim_comparisons",
    "ssim_loss",
]
