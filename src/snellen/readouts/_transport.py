"""Wasserstein distance between the distributions of feature values."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.readouts._readout import Readout
from snellen.readouts._sums import accumulate, broadcast, check_window, weighted, widen


@dataclass(frozen=True)
class Wasserstein(Readout):
    """Squared 2-Wasserstein distance between the values of a channel in both images.

    In one dimension it is the mean squared difference of the sorted values (the quantile
    distance). Where a value stands does not matter, only which values there are.

    Parameters
    ----------
    window
        Compare within square windows of this side instead of over whole channels, so that
        structure counts again; what does not fill a window at the right and bottom is left out,
        unless the map is smaller than one window.
    """

    window: int | None = None
    name: ClassVar[str] = "wasserstein"
    joins: ClassVar[bool] = True
    source: ClassVar[str] = "closed form in one dimension"

    def __post_init__(self) -> None:
        if self.window is not None:
            check_window(self.window)

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum over channels and windows, and their number."""
        f, g = broadcast(weighted(widen(f), weights), weighted(widen(g), weights))
        f, g = self._values(f), self._values(g)
        gap = (f.sort(-1).values - g.sort(-1).values) ** 2
        total = accumulate(gap.mean(-1), 1)
        return torch.stack([total, torch.full_like(total, f.shape[1])], dim=1)

    def _values(self, f: Tensor) -> Tensor:
        """Group values (N, C, h, w) into distributions (N, K, M)."""
        if self.window is None or min(f.shape[2:]) < self.window:
            return f.flatten(2)
        columns = F.unfold(f, self.window, stride=self.window)
        columns = columns.view(*f.shape[:2], self.window**2, -1).transpose(2, 3)
        return columns.flatten(1, 2)

    def distance(self, sums: Tensor) -> Tensor:
        """Mean over channels and windows."""
        return sums[:, 0] / sums[:, 1]
