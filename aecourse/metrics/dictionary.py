"""How well the atoms of a learned dictionary match those of a known one."""

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from aecourse import validation
from aecourse.linalg import at_least_float32


def matched_cosines(found: torch.Tensor, planted: torch.Tensor) -> torch.Tensor:
    """The absolute cosine between each planted atom and its partner among those that were found.

    Each found atom is the partner of one planted atom at most. Of all such pairings it is the one
    with the largest sum of cosines, so the order of the atoms does not matter, nor do their signs
    and lengths. A planted atom without a partner, since fewer were found, counts 0.

    Args:
        found: learned atoms, (m, d), one a row, floating point, finite; the columns of a linear
            decoder's weight are its atoms. An atom of zeros has the cosine 0 to all.
        planted: the known atoms, (k, d).

    Returns:
        (k,) between 0 and 1, in the order of `planted`. Many random atoms match by chance, too:
        compare with a dictionary of random directions.

    Raises:
        TypeError: If an argument is not a floating-point tensor.
        ValueError: If the arguments are not matrices with the same number of columns.

    Source:
        Aharon, Elad and Bruckstein (2006), who match each atom with the closest.
    """
    validation.finite("found", found)
    validation.finite("planted", planted)
    if found.dim() != 2 or planted.dim() != 2 or found.shape[1] != planted.shape[1]:
        raise ValueError(
            f"found has shape {tuple(found.shape)} and planted {tuple(planted.shape)}; expected "
            "(m, d) and (k, d), one atom a row: transpose the weight of a linear decoder"
        )
    found, planted = at_least_float32(found.detach()), at_least_float32(planted.detach())
    cosines = F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T.to(planted)  # (k, m)
    cosines = cosines.abs().clamp(max=1)
    rows, columns = linear_sum_assignment(cosines.cpu().numpy(), maximize=True)
    matched = cosines.new_zeros(len(planted))
    matched[rows] = cosines[rows, columns]
    return matched
