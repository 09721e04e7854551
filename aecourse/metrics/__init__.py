"""Metrics of images, codes and models.

Those of images return one number for each image, in the units that their docstrings state.
"""

from aecourse.metrics.aggregated_posterior import jensen_shannon
from aecourse.metrics.anomaly import anomaly_score, auroc, score_threshold
from aecourse.metrics.codes import (
    CodebookUsage,
    code_entropy,
    codebook_usage,
    perplexity,
    usage_counts,
)
from aecourse.metrics.dictionary import matched_cosines
from aecourse.metrics.disentanglement import invariances, mig, mutual_information
from aecourse.metrics.edge_energy import gradient_energy, sharpness, total_variation
from aecourse.metrics.gabor import Gabor, fit_gabor
from aecourse.metrics.interpolation import interpolate, max_step_ratio, path_length_ratio
from aecourse.metrics.jacobian import code_variance, local_tangents, sensitivity, tangent_gains
from aecourse.metrics.likelihood import iwae_bound
from aecourse.metrics.modes import mode_counts, mode_coverage
from aecourse.metrics.peak_signal_to_noise import psnr
from aecourse.metrics.posterior_collapse import Collapse, active_units, collapse_report
from aecourse.metrics.probe import linear_probe
from aecourse.metrics.rate_and_distortion import RateDistortion, rate_distortion
from aecourse.metrics.sparsity import dead_units, lifetime_sparsity, population_sparsity
from aecourse.metrics.subspaces import principal_angles

__all__ = [
    "CodebookUsage",
    "Collapse",
    "Gabor",
    "RateDistortion",
    "active_units",
    "anomaly_score",
    "auroc",
    "code_entropy",
    "code_variance",
    "codebook_usage",
    "collapse_report",
    "dead_units",
    "fit_gabor",
    "gradient_energy",
    "interpolate",
    "invariances",
    "iwae_bound",
    "jensen_shannon",
    "lifetime_sparsity",
    "linear_probe",
    "local_tangents",
    "matched_cosines",
    "max_step_ratio",
    "mig",
    "mode_counts",
    "mode_coverage",
    "mutual_information",
    "path_length_ratio",
    "perplexity",
    "population_sparsity",
    "principal_angles",
    "psnr",
    "rate_distortion",
    "score_threshold",
    "sensitivity",
    "sharpness",
    "tangent_gains",
    "total_variation",
    "usage_counts",
]
