"""Sums of a few atoms of a known dictionary, with which a sparse code can be compared."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from aecourse import validation
from aecourse.device import as_generator, pick_device


@dataclass(frozen=True, eq=False, repr=False)
class PlantedDictionary:
    """Data, and the atoms and codes that they were made from.

    Attributes:
        x: data (N, d) float32, ``codes @ atoms`` and noise.
        codes: (N, k), zero or between 0.5 and 1.5.
        atoms: (k, d), of norm 1.
    """

    x: torch.Tensor
    codes: torch.Tensor
    atoms: torch.Tensor

    def __repr__(self) -> str:
        n, k = self.codes.shape
        active = (self.codes > 0).sum(1).float().mean().item()
        return (
            f"planted dictionary: {n} samples, {self.x.shape[1]} features, {k} atoms, "
            f"{active:.3g} active a sample, on {self.x.device}"
        )


def make_planted_dictionary(
    n: int = 4096,
    features: int = 32,
    atoms: int | torch.Tensor = 64,
    active: int = 4,
    noise: float = 0.0,
    seed: int | torch.Generator = 0,
    device: str | torch.device = "cpu",
) -> PlantedDictionary:
    """Samples that are sums of `active` atoms each, drawn uniformly from a dictionary.

    The atoms are random directions, uniform on the sphere. Each active atom has an amplitude that
    is uniform between 0.5 and 1.5; all sets of `active` atoms are equally likely.

    Args:
        n: number of samples.
        features: d, of a sample.
        atoms: k, their number; or the dictionary of an earlier call, (k, d), for new samples of it.
        active: number of atoms in a sample, at most k.
        noise: standard deviation of Gaussian noise on each feature.
        seed: an integer, or a ``torch.Generator`` on the CPU.
        device: of the tensors; ``"auto"`` is the fastest.

    Returns:
        :class:`PlantedDictionary`.

    Raises:
        ValueError: If a number is not positive, `active` exceeds k, or a dictionary is not (k, d).
        TypeError: If `seed` is neither an integer nor a generator.

    Source:
        Aharon, Elad and Bruckstein (2006), in their synthetic experiments.
    """
    for name, value in (("n", n), ("features", features), ("active", active)):
        validation.positive(name, value)
    validation.weight("noise", noise)
    generator = as_generator(seed, torch.empty(0))
    if isinstance(atoms, torch.Tensor):
        if validation.finite("atoms", atoms).dim() != 2 or atoms.shape[1] != features:
            raise ValueError(
                f"atoms has shape {tuple(atoms.shape)}; expected (k, {features}), one atom a row: "
                "pass features=atoms.shape[1]"
            )
        dictionary = atoms.cpu().float()
    else:
        validation.positive("atoms", atoms)
        dictionary = F.normalize(torch.randn(atoms, features, generator=generator), dim=1)
    k = len(dictionary)
    if active > k:
        raise ValueError(f"active is {active}; expected at most the number of atoms, {k}: lower it")
    units = torch.rand(n, k, generator=generator).topk(active, dim=1).indices  # (n, active)
    amplitudes = 0.5 + torch.rand(n, active, generator=generator)
    codes = torch.zeros(n, k).scatter(1, units, amplitudes)
    x = codes @ dictionary + noise * torch.randn(n, features, generator=generator)
    device = pick_device(device)
    return PlantedDictionary(*(part.to(device) for part in (x, codes, dictionary)))
