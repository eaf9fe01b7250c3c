"""Drawing parameters."""

from collections.abc import Sequence

import torch


class Draw:
    """Numbers from one generator.

    Parameters
    ----------
    random
        Where they come from.
    """

    def __init__(self, random: torch.Generator) -> None:
        self._random = random

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from `low` to `high`."""
        share = torch.rand((), generator=self._random, dtype=torch.float64)
        return low + (high - low) * share.item()

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._random))

    def chance(self, odds: float) -> bool:
        """Return True with a probability."""
        return self.uniform(0, 1) < odds

    def weighted(self, odds: Sequence[float]) -> int:
        """Draw a position with the probability that stands there; they sum to 1."""
        share, total = self.uniform(0, 1), 0.0
        for position, one in enumerate(odds):
            total += one
            if share < total:
                return position
        return len(odds) - 1
