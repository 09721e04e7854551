"""Measures: of images one number each, in stated units, to average yourself; of codes, what they hold and how."""
from aecourse.metrics.active_units import Collapse, active_units, collapse_report
from aecourse.metrics.anomaly import anomaly_score, auroc, score_threshold
from aecourse.metrics.disentanglement import invariances, mig, mutual_information
from aecourse.metrics.interpolation import detour, jumpiness, path
from aecourse.metrics.linear_probe import linear_probe
from aecourse.metrics.mode_coverage import mode_counts, mode_coverage
from aecourse.metrics.principal_angles import principal_angles
from aecourse.metrics.psnr import psnr
from aecourse.metrics.rate_distortion import RateDistortion, rate_distortion
from aecourse.metrics.sensitivity import code_variance, gains, local_tangents, sensitivity
from aecourse.metrics.sharpness import gradient_energy, sharpness, total_variation
from aecourse.metrics.sparsity import dead_units, lifetime_sparsity, population_sparsity

__all__ = ["Collapse", "RateDistortion", "active_units", "anomaly_score", "auroc", "code_variance", "collapse_report", "dead_units",
           "detour", "gains", "gradient_energy", "invariances", "jumpiness", "lifetime_sparsity", "linear_probe",
           "local_tangents", "mig", "mode_counts", "mode_coverage", "mutual_information", "path", "population_sparsity",
           "principal_angles", "psnr", "rate_distortion", "score_threshold", "sensitivity", "sharpness", "total_variation"]
