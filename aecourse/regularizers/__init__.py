"""Regularizers: penalties that keep a code small, sparse or stable.

They are functions of tensors. Their weights belong to the objective.

To add a penalty, write a module, a test with a row of ``ORACLES`` and a reference, and add two
entries here: its name, and a row of ``PENALTIES``, which ``objectives.penalized``, the command
line, its page and the tests read.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from aecourse.regularizers.contraction import (
    contractive_penalty,
    contractive_penalty_by_jacobian,
    contractive_penalty_by_probes,
    contractive_penalty_of_mlp,
    contractive_penalty_of_sigmoid_layer,
)
from aecourse.regularizers.kl_sparsity import kl_sparsity_penalty, kl_sparsity_penalty_from_logits
from aecourse.regularizers.l0_sparsity import jump_relu, l0_penalty, top_k
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


class Penalty(NamedTuple):
    """A row of the register: the penalty that `objectives.penalized` adds to the error."""

    term: str  #: its name in the history
    #: ``(model, x, z, generator) -> scalar``, with the encoder's input `x` and its code `z`
    function: Callable[..., torch.Tensor]
    weight: float  #: the default on the command line
    meaning: str  #: the quantity that the weight multiplies, in a few words
    code_activation: str = "linear"  #: of the model that the command line trains


PENALTIES = {
    "sparse-l1": Penalty(
        "l1",
        lambda model, x, z, generator: l1_penalty(z),
        1e-3,
        "of the mean absolute activation",
        "relu",
    ),
    "weight-decay": Penalty(
        "l2",
        lambda model, x, z, generator: l2_penalty(weight_matrices(model)),
        1e-5,
        "of the sum of squared weights",
    ),
}

__all__ = [
    "PENALTIES",
    "Penalty",
    "atom_norms",
    "contractive_penalty",
    "contractive_penalty_by_jacobian",
    "contractive_penalty_by_probes",
    "contractive_penalty_of_mlp",
    "contractive_penalty_of_sigmoid_layer",
    "fista",
    "ista",
    "jump_relu",
    "kl_sparsity_penalty",
    "kl_sparsity_penalty_from_logits",
    "l0_penalty",
    "l1_penalty",
    "l2_penalty",
    "normalize_atoms_",
    "prior_weight",
    "scale_free_l1",
    "soft_threshold",
    "sparse_objective",
    "top_k",
    "weight_matrices",
]
