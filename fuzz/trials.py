"""What a trial ends with, and the check of values that every way of reading has to pass."""

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Trial = Callable[[Random], None]
"""One trial: draws what it tries, and raises whatever the package raises."""


class Outcome(StrEnum):
    """How a trial ended; the last four are faults."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FOREIGN = "foreign exceptions"
    CRASHED = "crashes"
    HUNG = "hangs"
    OUTSIDE = "values outside"


FAULTS = (Outcome.FOREIGN, Outcome.CRASHED, Outcome.HUNG, Outcome.OUTSIDE)


class OutsideError(Exception):
    """Something was accepted whose values are outside [0, 1] or not finite, or not its own."""


def check_values(image: "Tensor") -> None:
    """Raise OutsideError unless an image batch is what it is promised to be."""
    import torch

    if image.dtype != torch.float32 or image.shape[-3] != 3 or image.numel() == 0:
        raise OutsideError(f"{tuple(image.shape)} of {image.dtype}")
    low, high = (float(value) for value in torch.aminmax(image))
    if not (low >= 0 and high <= 1):
        raise OutsideError(f"values from {low:g} to {high:g}")
