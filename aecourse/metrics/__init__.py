"""Measures: per image, in stated units; average them yourself."""
from aecourse.metrics.psnr import psnr
from aecourse.metrics.sharpness import gradient_energy, sharpness, total_variation

__all__ = ["gradient_energy", "psnr", "sharpness", "total_variation"]
