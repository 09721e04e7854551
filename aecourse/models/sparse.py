"""The sparse autoencoder of dictionary learning: many units, few of them active for each sample."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import validation
from aecourse.linalg import at_least_float32
from aecourse.models.autoencoder import Autoencoder
from aecourse.regularizers.l0_sparsity import jump_relu, top_k
from aecourse.types import Shape

START = 0.05  # of the thresholds of a JumpReLU


class SparseAutoencoder(Autoencoder):
    r"""One layer each way, with a dictionary of atoms of norm 1 and a sparse code.

    .. math:: a = W (x - b) + c, \qquad z = h(a), \qquad \hat x = b + \sum_j z_j d_j,
              \qquad \lVert d_j \rVert = 1

    The code may have more units than the data have dimensions. Since the atoms have norm 1, a
    penalty on the code cannot be evaded by smaller codes and larger atoms.

    Args:
        shape: shape of one sample, or an integer.
        latent_dim: k, the number of units, one for each atom.
        activation: h: ``"relu"``, which needs a penalty such as
            :func:`~aecourse.objectives.sparse_l1`; ``"top_k"`` keeps the `active` largest;
            ``"jump_relu"`` keeps those above a threshold for each unit, which
            :func:`~aecourse.objectives.sparse_l0` trains.
        active: the number of active units of a ``"top_k"`` code.
        bandwidth: of the gradient of a threshold, in units of the code; see
            :func:`~aecourse.regularizers.jump_relu`.

    Raises:
        ValueError: If a size is not a positive integer, a name is unknown, `active` is missing
            or larger than `latent_dim`, or is given for another activation.

    Source:
        Cunningham and others (2024); atoms of norm 1, the bias b and :meth:`revive`: Bricken and
        others (2023); top k: Gao and others (2025); JumpReLU: Rajamanoharan and others (2024).
    """

    def __init__(
        self,
        shape: Shape = (1, 28, 28),
        latent_dim: int = 1024,
        activation: Literal["relu", "top_k", "jump_relu"] = "relu",
        active: int | None = None,
        bandwidth: float = 0.05,
    ):
        validation.one_of("activation", activation, ("relu", "top_k", "jump_relu"))
        super().__init__(shape, (), latent_dim, output="linear")
        if (activation == "top_k") != (active is not None):
            raise ValueError(
                f"active is {active!r} and activation {activation!r}; expected a number of active "
                "units for 'top_k', and for no other: the others are sparse by a penalty"
            )
        if active is not None and validation.positive("active", active) > latent_dim:
            raise ValueError(
                f"active is {active} and latent_dim {latent_dim}; expected at most as many: lower "
                "active, or give the code more units"
            )
        self.activation = activation
        self.active = active
        self.bandwidth = validation.positive("bandwidth", bandwidth, float)
        d = math.prod(self.shape)
        self.encoder = nn.Linear(d, latent_dim)
        self.decoder = nn.Linear(latent_dim, d)
        if activation == "jump_relu":
            self.log_threshold = nn.Parameter(torch.full((latent_dim,), math.log(START)))
        with torch.no_grad():  # the encoder starts as the transpose of the dictionary
            self.encoder.weight.copy_(self.atoms)
            self.encoder.bias.zero_()
            self.decoder.bias.zero_()

    @property
    def atoms(self) -> torch.Tensor:
        """The dictionary: (k, d), one atom of norm 1 a row."""
        return F.normalize(self.decoder.weight.T, dim=1)

    def pre_activations(self, x: torch.Tensor) -> torch.Tensor:
        """The code before its activation: (B, *shape) -> (B, k)."""
        validation.samples("x", x, self.shape, self)
        return self.encoder(x.flatten(1) - self.decoder.bias)

    def activate(self, a: torch.Tensor) -> torch.Tensor:
        """The code of pre-activations: (B, k) -> (B, k), at least 0."""
        if self.activation == "top_k":
            return top_k(a, self.active)
        if self.activation == "jump_relu":
            return jump_relu(a, self.log_threshold.exp(), self.bandwidth)
        return a.relu()

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The code of `x`: (B, *shape) -> (B, k), at least 0."""
        return self.activate(self.pre_activations(x))

    def logits(self, z: torch.Tensor) -> torch.Tensor:
        """The sum of the active atoms and the bias: (B, k) -> (B, *shape)."""
        validation.floating("z", z)
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"z has shape {tuple(z.shape)}; expected (B, {self.latent_dim}), one code a row: "
                "pass what encode returns"
            )
        z = validation.codes("z", z, self)
        return F.linear(z, self.atoms.T, self.decoder.bias).unflatten(1, self.shape)

    @torch.no_grad()
    def revive(self, x: torch.Tensor, generator: torch.Generator) -> int:
        """Give each unit that no sample of `x` activates a new atom; return their number.

        The atom is what the reconstruction lacks for a sample, drawn with a probability in
        proportion to its squared error. The unit starts with a fifth of the mean encoder weight of
        the others. Call it between two runs of training, with some thousand samples.

        Args:
            x: (B, *shape).
            generator: ``torch.Generator`` on the device of `x`, for the draws.

        Source:
            Bricken and others (2023), "Neuron resampling", with the residual for the input.
        """
        x_hat, z = self(x)
        dead = (z == 0).all(0).nonzero()[:, 0]  # (n,)
        residual = at_least_float32(x - x_hat).flatten(1)  # (B, d)
        errors = residual.square().sum(1)
        if not len(dead) or not errors.sum() > 0:
            return 0
        drawn = torch.multinomial(errors, len(dead), replacement=True, generator=generator)
        atoms = F.normalize(residual[drawn], dim=1).to(z.dtype)  # (n, d)
        alive = (z > 0).any(0)
        length = self.encoder.weight[alive].norm(dim=1).mean() if alive.any() else 1.0
        self.decoder.weight[:, dead] = atoms.T
        self.encoder.weight[dead] = 0.2 * length * atoms
        self.encoder.bias[dead] = 0
        if self.activation == "jump_relu":
            self.log_threshold[dead] = math.log(START)
        return len(dead)
