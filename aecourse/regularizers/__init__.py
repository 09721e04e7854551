"""Regularizers: what keeps a code small, sparse or steady; functions of tensors, their weights standing in the objective."""
from aecourse.regularizers.contraction import (contraction, contraction_by_jacobian, contraction_by_probes, contraction_of_mlp,
                                               contraction_of_sigmoid_layer)
from aecourse.regularizers.kl_sparsity import kl_sparsity, kl_sparsity_of_logits
from aecourse.regularizers.l1 import fista, ista, l1, scale_free_l1, soft_threshold, sparse_objective, unit_norm_, unit_norms
from aecourse.regularizers.weight_decay import prior_weight, weight_decay, weights_of

__all__ = ["contraction", "contraction_by_jacobian", "contraction_by_probes", "contraction_of_mlp",
           "contraction_of_sigmoid_layer", "fista", "ista", "kl_sparsity", "kl_sparsity_of_logits", "l1", "prior_weight",
           "scale_free_l1", "soft_threshold", "sparse_objective", "unit_norm_", "unit_norms", "weight_decay", "weights_of"]
