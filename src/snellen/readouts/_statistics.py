"""Euclidean distance of what is left of features when positions are averaged away."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from snellen.errors import MetricError
from snellen.readouts._moments import Moments
from snellen.readouts._readout import Readout
from snellen.readouts._sums import (
    accumulate,
    alike,
    finest,
    product_gap,
    safe_sqrt,
    spatial_mean,
    weighted,
    widen,
)
from snellen.readouts._tally import ChannelMoments, MomentTally, SumTally, Tally

Kind = Literal["mean", "mean-std", "gram"]


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

    moments: Kind = "mean-std"
    name: ClassVar[str] = "statistics"
    joins: ClassVar[bool] = True
    needs_means: ClassVar[bool] = True
    source: ClassVar[str] = "after Hernandez-Camara et al., Neural Networks 2025"

    def __post_init__(self) -> None:
        if self.moments not in ("mean", "mean-std", "gram"):
            raise MetricError(
                f"moments must be 'mean', 'mean-std' or 'gram'; got {self.moments!r}."
            )

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum of squared differences of the statistics."""
        f, g = (weighted(widen(t), weights) for t in alike(f, g))
        if self.moments == "gram":
            f, g = f.flatten(2), g.flatten(2)
            return _squared_distance(product_gap(f, g) / f.shape[2])
        return _squared_distance(self.describe(f) - self.describe(g))

    def from_moments(self, moments: Moments) -> Tensor:
        """Sum of squared differences of means and standard deviations."""
        if self.moments == "gram":
            return super().from_moments(moments)
        squares = moments.gap_of_means.square()
        if self.moments == "mean-std":
            squares = squares + moments.gap_of_stds.square()
        return squares.sum()[None]

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""
        if self.moments == "gram":
            return SumTally(partial(_gram_parts, weights=weights), _settle_gram)
        return MomentTally(partial(self._settle, weights=weights))

    def _settle(self, moments: ChannelMoments, weights: Tensor | None) -> Tensor:
        gap = moments.mean_d
        if self.moments == "mean-std":
            stds = (safe_sqrt(t.clamp_min(0) / moments.positions) for t in (moments.ff, moments.gg))
            gap = torch.stack([gap, next(stds) - next(stds)])
        scale = 1 if weights is None else weights.to(gap).sqrt()
        return _squared_distance((gap * scale).view(-1, *moments.mean_d.shape).transpose(0, 1))

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


def _squared_distance(gap: Tensor) -> Tensor:
    return accumulate(gap.flatten(1) ** 2, 1)[:, None]


def _gram_parts(f: Tensor, g: Tensor, weights: Tensor | None) -> Tensor:
    """Gap of the products of channels, and the number of positions: (N, 2, C, C)."""
    f, g = (weighted(widen(t), weights).flatten(2) for t in (f, g))
    gap = product_gap(f, g).to(finest(f))
    return torch.stack([gap, torch.full_like(gap, f.shape[2])], 1)


def _settle_gram(parts: Tensor) -> Tensor:
    gap, positions = parts.unbind(1)
    return _squared_distance(gap / positions)
