"""LPIPS: differences of unit-length feature vectors, weighted channel by channel."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from snellen.readouts._cosine import unit
from snellen.readouts._readout import Readout
from snellen.readouts._sums import accumulate, per_position, squared_length
from snellen.readouts._tally import SumTally, Tally


def _weighted_distance(f: Tensor, g: Tensor, weights: Tensor | None) -> Tensor:
    difference = unit(f) - unit(g)
    if weights is None:
        return squared_length(difference)
    return (difference * difference) @ weights.to(difference)


@dataclass(frozen=True)
class Calibrated(Readout):
    """Mean over positions of the weighted squared difference of unit vectors.

    With u and v the channels of both images at a position, scaled to unit length, the distance
    there is sum_c w_c (u_c - v_c)^2.

    The weights enter after the vectors were scaled to unit length, as they are, not as square
    roots; without weights this is twice the cosine distance per position.

    References
    ----------
    Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as
    a Perceptual Metric", CVPR 2018, Eq. 1.
    """

    name: ClassVar[str] = "calibrated"
    has_map: ClassVar[bool] = True
    joins: ClassVar[bool] = True
    source: ClassVar[str] = "Zhang et al., CVPR 2018, Eq. 1"

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum over positions, and their number."""
        total = accumulate(self.map(f, g, weights), (1, 2, 3))
        return torch.stack([total, torch.full_like(total, f.shape[2] * f.shape[3])], dim=1)

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""
        return SumTally(partial(self.measure, weights=weights))

    def distance(self, sums: Tensor) -> Tensor:
        """Mean over positions."""
        return sums[:, 0] / sums[:, 1]

    def map(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Weighted distance of unit vectors at every position."""
        return per_position(partial(_weighted_distance, weights=weights), f, g)[:, None]
