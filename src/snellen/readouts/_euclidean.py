"""Differences of features, squared and summed."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from snellen.readouts._moments import Moments
from snellen.readouts._readout import Readout
from snellen.readouts._sums import accumulate, per_position, safe_sqrt, squared_length, weighted
from snellen.readouts._tally import SumTally, Tally


def _squared_differences(f: Tensor, g: Tensor) -> Tensor:
    """Sum of squared differences over channels, at rows (P, C)."""
    return squared_length(f - g)


@dataclass(frozen=True)
class _Difference(Readout):
    has_map: ClassVar[bool] = True
    joins: ClassVar[bool] = True

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum of squared differences, and the number of terms in it."""
        squares = per_position(_squared_differences, weighted(f, weights), weighted(g, weights))
        total = accumulate(squares, (1, 2))
        return torch.stack([total, torch.full_like(total, f[0].numel())], dim=1)

    def from_moments(self, moments: Moments) -> Tensor:
        """Sum of squared differences, and the number of terms in it."""
        return moments.as_sums(moments.total_gap_square, moments.positions * moments.channels)

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""
        return SumTally(partial(self.measure, weights=weights))

    def map(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Mean over channels of the squared differences at every position."""
        squares = per_position(_squared_differences, weighted(f, weights), weighted(g, weights))
        return squares[:, None] / f.shape[1]


@dataclass(frozen=True)
class Euclidean(_Difference):
    """Euclidean distance of two sets of features: sqrt(sum (f - g)^2).

    Parameters
    ----------
    rms
        Divide the sum by the number of features C * h * w, so that the distance does not grow
        with the image.

    References
    ----------
    Hernandez-Camara, Vila-Tomas, Laparra and Malo, "Analysis of Deep Image Quality Models",
    arXiv:2302.13345 (plain, unnormalised).
    """

    rms: bool = False
    name: ClassVar[str] = "euclidean"
    source: ClassVar[str] = "Hernandez-Camara et al., arXiv:2302.13345"

    def distance(self, sums: Tensor) -> Tensor:
        """Root of the sum, or of the mean."""
        return safe_sqrt(sums[:, 0] / sums[:, 1] if self.rms else sums[:, 0])


@dataclass(frozen=True)
class Squared(_Difference):
    """Mean squared difference of features.

    References
    ----------
    Tariq, Tursun, Kim and Didyk, "Why Are Deep Representations Good Perceptual Quality
    Features?", ECCV 2020, Eq. 1.
    """

    name: ClassVar[str] = "squared"
    source: ClassVar[str] = "Tariq et al., ECCV 2020, Eq. 1"

    def distance(self, sums: Tensor) -> Tensor:
        """Mean over channels and positions."""
        return sums[:, 0] / sums[:, 1]
