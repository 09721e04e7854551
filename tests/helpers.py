"""Seeded tensors that many tests share."""

import torch


def seeded(seed=0):
    """A generator on the CPU with this seed."""
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0, dtype=torch.float64):
    """Standard normal numbers, the same in every dtype."""
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def uniform(*shape, seed=1, dtype=torch.float64):
    """Numbers from 0 to 1, the same in every dtype."""
    return torch.rand(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def correlated(n=200, seed=0):
    """Gaussian rows, (n, 6), with six axes of decreasing spread, away from the origin."""
    generator = seeded(seed)
    spread = torch.tensor([3.0, 2.0, 1.2, 0.8, 0.5, 0.3])
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    rows = torch.randn(n, 6, generator=generator, dtype=torch.float64)
    return rows * spread @ rotation.T + 1
