"""Readouts of an image that comes piece by piece.

A tally takes the features of one layer tile by tile and returns, in the end, the sums that
``Readout.measure`` returns for the whole layer. Sums over positions are added up as they are.
Means and variances are merged pairwise [1]_: added-up squares would lose the digits that are left
when the mean is taken away.

References
----------
.. [1] T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm for
   computing sample variances", COMPSTAT 1982.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.readouts._sums import accumulate, alike, finest, spatial_mean, widen

_FEATURES = 1 << 18  # whose means and products are in memory at once


class Tally(ABC):
    """The sums over one layer of a pair of images of which the tiles seen so far are known."""

    @abstractmethod
    def add(self, f: Tensor, g: Tensor) -> None:
        """Count the features of a tile of both images, (N, C, h, w)."""

    @abstractmethod
    def sums(self) -> Tensor:
        """Return what `Readout.measure` returns for everything that was counted: (N, K)."""


class SumTally(Tally):
    """For what is a sum over positions: the parts of the tiles are added.

    Parameters
    ----------
    measure
        Makes the part of a tile.
    settle
        Makes the sums (N, K) of the total of the parts.
    """

    def __init__(
        self,
        measure: Callable[[Tensor, Tensor], Tensor],
        settle: Callable[[Tensor], Tensor] = lambda total: total,
    ) -> None:
        self._measure, self._settle = measure, settle
        self._total: Tensor | None = None

    def add(self, f: Tensor, g: Tensor) -> None:
        """Count a tile."""
        part = self._measure(f, g)
        self._total = part if self._total is None else self._total + part

    def sums(self) -> Tensor:
        """Return the sums of all tiles."""
        assert self._total is not None
        return self._settle(self._total)


@dataclass(frozen=True)
class ChannelMoments:
    """Means and centred second moments of the channels of two images, (N, C) each.

    With d = f - g and s = f + g, and all of them less their means, `ff`, `gg`, `dd` and `ds` are
    sums of products over `positions` positions.
    """

    positions: int
    mean_f: Tensor
    mean_g: Tensor
    mean_d: Tensor
    ff: Tensor
    gg: Tensor
    dd: Tensor
    ds: Tensor

    @classmethod
    def of(cls, f: Tensor, g: Tensor) -> "ChannelMoments":
        """Measure features (N, C, h, w)."""
        f, g = alike(widen(f), widen(g))
        near_f, near_g = spatial_mean(f), spatial_mean(g)
        f, g = f - near_f, g - near_g
        d = f - g
        count = f.shape[2] * f.shape[3]
        # The means above are rounded; what they leave is small, and is known exactly.
        rest_f, rest_g, rest_d = (accumulate(t, (2, 3)) / count for t in (f, g, d))
        near_f, near_g = (t[:, :, 0, 0].to(finest(t)) for t in (near_f, near_g))
        return cls(
            count,
            near_f + rest_f,
            near_g + rest_g,
            near_f - near_g + rest_d,
            accumulate(f * f, (2, 3)) - count * rest_f * rest_f,
            accumulate(g * g, (2, 3)) - count * rest_g * rest_g,
            accumulate(d * d, (2, 3)) - count * rest_d * rest_d,
            accumulate(d * (f + g), (2, 3)) - count * rest_d * (rest_f + rest_g),
        )

    def merged(self, other: "ChannelMoments") -> "ChannelMoments":
        """Return the moments of both sets of positions together."""
        total = self.positions + other.positions
        share = other.positions / total
        f, g, d = (
            b - a
            for a, b in zip(
                (self.mean_f, self.mean_g, self.mean_d),
                (other.mean_f, other.mean_g, other.mean_d),
                strict=True,
            )
        )
        weight = self.positions * share
        return ChannelMoments(
            total,
            self.mean_f + share * f,
            self.mean_g + share * g,
            self.mean_d + share * d,
            self.ff + other.ff + weight * f * f,
            self.gg + other.gg + weight * g * g,
            self.dd + other.dd + weight * d * d,
            self.ds + other.ds + weight * d * (f + g),
        )

    def products(self, centred: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return sums of f f, g g, d d and d s, with the means taken away or not."""
        if centred:
            return self.ff, self.gg, self.dd, self.ds
        f, g, d, n = self.mean_f, self.mean_g, self.mean_d, self.positions
        return (
            self.ff + n * f * f,
            self.gg + n * g * g,
            self.dd + n * d * d,
            self.ds + n * d * (f + g),
        )


class MomentTally(Tally):
    """For what follows from means, variances and covariances of the channels.

    Parameters
    ----------
    settle
        Makes the sums (N, K) of the moments of the whole layer.
    """

    def __init__(self, settle: Callable[[ChannelMoments], Tensor]) -> None:
        self._settle = settle
        self._moments: ChannelMoments | None = None

    def add(self, f: Tensor, g: Tensor) -> None:
        """Count a tile, some rows at a time: a dozen maps of its size would be too many."""
        rows = max(1, _FEATURES // (f[:, :, :1].numel() or 1))
        for part, other in zip(torch.split(f, rows, 2), torch.split(g, rows, 2), strict=True):
            moments = ChannelMoments.of(part, other)
            self._moments = moments if self._moments is None else self._moments.merged(moments)

    def sums(self) -> Tensor:
        """Return the sums of all tiles."""
        assert self._moments is not None
        return self._settle(self._moments)
