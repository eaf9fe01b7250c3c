"""Euclidean distance of what is left of features when positions are averaged away."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from snellen.errors import MetricError
from snellen.readouts._readout import Readout
from snellen.readouts._rows import accumulate, safe_sqrt, spatial_mean, weighted, widen

Moments = Literal["mean", "mean-std", "gram"]


@dataclass(frozen=True)
class Statistics(Readout):
    """Euclidean distance of statistics of the channels.

    Parameters
    ----------
    moments
        ``"mean"``: spatial means of the channels; ``"mean-std"``: means and standard deviations;
        ``"gram"``: the Gram matrix F F^T / (h * w) (Gatys et al. 2016).

    References
    ----------
    Hernandez-Camara et al., Neural Networks 2025, use "statistical descriptors"; which ones
    exactly is not known to us, hence the option.
    """

    moments: Moments = "mean-std"
    name: ClassVar[str] = "statistics"
    joins: ClassVar[bool] = True
    source: ClassVar[str] = "after Hernandez-Camara et al., Neural Networks 2025"

    def __post_init__(self) -> None:
        if self.moments not in ("mean", "mean-std", "gram"):
            raise MetricError(
                f"moments must be 'mean', 'mean-std' or 'gram'; got {self.moments!r}."
            )

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum of squared differences of the statistics."""
        f, g = (self.describe(weighted(widen(t), weights)) for t in (f, g))
        return accumulate((f - g) ** 2, 1)[:, None]

    def describe(self, f: Tensor) -> Tensor:
        """Return the statistics of features (N, C, h, w) as vectors (N, K)."""
        if self.moments == "gram":
            rows = f.flatten(2)
            return (rows @ rows.transpose(1, 2) / rows.shape[2]).flatten(1)
        mean = spatial_mean(f)
        if self.moments == "mean":
            return mean[:, :, 0, 0]
        variance = ((f - mean) ** 2).mean((2, 3))
        return torch.cat([mean[:, :, 0, 0], safe_sqrt(variance)], dim=1)

    def distance(self, sums: Tensor) -> Tensor:
        """Root of the sum."""
        return safe_sqrt(sums[:, 0])
