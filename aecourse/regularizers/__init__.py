"""Regularizers: functions of tensors that keep a code small, sparse or stable. Their weights are in the objective."""

from aecourse.regularizers.contraction import (
    contractive_penalty,
    contractive_penalty_by_jacobian,
    contractive_penalty_by_probes,
    contractive_penalty_of_mlp,
    contractive_penalty_of_sigmoid_layer,
)
from aecourse.regularizers.kl_sparsity import kl_sparsity_penalty, kl_sparsity_penalty_from_logits
from aecourse.regularizers.l1_sparsity import (
    atom_norms,
    fista,
    ista,
    l1_penalty,
    normalize_atoms_,
    scale_free_l1,
    soft_threshold,
    sparse_objective,
)
from aecourse.regularizers.weight_decay import l2_penalty, prior_weight, weight_matrices

__all__ = [
    "atom_norms",
    "contractive_penalty",
    "contractive_penalty_by_jacobian",
    "contractive_penalty_by_probes",
    "contractive_penalty_of_mlp",
    "contractive_penalty_of_sigmoid_layer",
    "fista",
    "ista",
    "kl_sparsity_penalty",
    "kl_sparsity_penalty_from_logits",
    "l1_penalty",
    "l2_penalty",
    "normalize_atoms_",
    "prior_weight",
    "scale_free_l1",
    "soft_threshold",
    "sparse_objective",
    "weight_matrices",
]
