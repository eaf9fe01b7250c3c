"""The finest type of numbers that a device has."""

import torch
from torch import Tensor


def finest(x: Tensor) -> torch.dtype:
    """Return float64, or float32 on the one device that has no float64."""
    return torch.float32 if x.device.type == "mps" else torch.float64
