"""Reconstruction losses, and the divergence of Gaussian codes: functions of tensors, with PyTorch's words for the reductions."""
from aecourse.losses.absolute_error import mae
from aecourse.losses.cross_entropy import bce, bce_of_probabilities
from aecourse.losses.edges import edge_loss, forward_differences, sobel
from aecourse.losses.gaussian_kl import gaussian_kl, gaussian_kl_between
from aecourse.losses.multi_scale import multi_scale, multi_scale_levels, pyramid
from aecourse.losses.squared_error import mse
from aecourse.losses.ssim import ms_ssim, ssim, ssim_comparisons, ssim_loss

__all__ = ["bce", "bce_of_probabilities", "edge_loss", "forward_differences", "gaussian_kl", "gaussian_kl_between", "mae", "ms_ssim", "mse",
           "multi_scale", "multi_scale_levels", "pyramid", "sobel", "ssim", "ssim_comparisons", "ssim_loss"]
