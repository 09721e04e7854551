"""The floating-point type in which matrix products are computed."""

import torch

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A block in which matrix products run in `precision`; parameters and losses stay float32."""
    return torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "float32")
