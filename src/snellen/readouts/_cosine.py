"""Cosine distance of features, in the three readings of "cosine of a feature map".

All three are computed as half the squared distance of unit vectors, which is 1 - cos. Taken as
written, 1 - cos loses every digit for similar images; this form loses none and is exactly 0 at
identity. Where one of two vectors is zero their cosine is undefined: the distance is then 1/2, as
in the unweighted LPIPS; where both are, it is 0.
"""

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
    broadcast,
    per_position,
    ratio,
    safe_sqrt,
    spatial_mean,
    squared_length,
    weighted,
    widen,
)
from snellen.readouts._tally import ChannelMoments, MomentTally, SumTally, Tally

Reading = Literal["position", "flattened", "channel"]


def unit(rows: Tensor) -> Tensor:
    """Scale vectors (P, C) to unit length as LPIPS does; zero stays zero."""
    norm: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows * (norm + 1e-10).reciprocal()


def half_squared_distance(f: Tensor, g: Tensor) -> Tensor:
    """Cosine distance of every two vectors of (P, C): (P,)."""
    return squared_length(unit(f) - unit(g)) / 2


@dataclass(frozen=True)
class Cosine(Readout):
    """Cosine distance of features.

    Parameters
    ----------
    reading
        Which vectors have the cosine: ``"position"``, the C channels at every position, averaged
        over positions (half of the unweighted LPIPS distance); ``"flattened"``, all C * h * w
        features at once; ``"channel"``, the h * w positions of every channel, averaged over
        channels.
    centred
        Subtract every channel's spatial mean first; with ``"channel"`` this is the structure
        term of SSIM on features.

    References
    ----------
    Hou, Sun, Liu, Gong, Garibaldi and Qiu, "Direct Application of Convolutional Neural Network
    Features to Image Quality Assessment", VCIP 2018. The paper does not say which reading it
    means; all three are offered.
    """

    reading: Reading = "position"
    centred: bool = False
    name: ClassVar[str] = "cosine"
    has_map: ClassVar[bool] = True
    joins: ClassVar[bool] = True
    source: ClassVar[str] = "Hou et al., VCIP 2018"

    def __post_init__(self) -> None:
        if self.reading not in ("position", "flattened", "channel"):
            raise MetricError(
                f"reading must be 'position', 'flattened' or 'channel'; got {self.reading!r}."
            )

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the sums of which `distance` is made."""
        f, g = (self._prepare(t, weights) for t in alike(f, g))
        if self.reading == "position":
            total = accumulate(per_position(half_squared_distance, f, g), (1, 2))
            return torch.stack([total, torch.full_like(total, f.shape[2] * f.shape[3])], dim=1)
        return self._of_channels(_products(f, g))

    def from_moments(self, moments: Moments) -> Tensor:
        """Take the sums that are there, if channels are not centred."""
        if self.centred:
            return super().from_moments(moments)
        if self.reading == "flattened":
            return moments.total_products
        over_positions, over_channels = moments.cosines
        if self.reading == "position":
            return moments.as_sums(over_positions, moments.positions)
        return moments.as_sums(over_channels, moments.channels)

    def _of_channels(self, sums: Tensor) -> Tensor:
        """Reduce sums by channel (N, C, 4) as the reading says."""
        if self.reading == "flattened":
            return sums.sum(1)
        total = _distance(sums).sum(1)
        return torch.stack([total, torch.full_like(total, sums.shape[1])], dim=1)

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile.

        Raises
        ------
        MetricError
            ``"position"`` with `centred` needs the means before it can look at a position.
        """
        if self.reading != "position":
            return MomentTally(partial(self._settle, weights=weights))
        if self.centred:
            return super().tally(weights)
        return SumTally(partial(self.measure, weights=weights))

    def _settle(self, moments: ChannelMoments, weights: Tensor | None) -> Tensor:
        sums = torch.stack(moments.products(self.centred), dim=-1)
        return self._of_channels(sums if weights is None else sums * weights.to(sums)[:, None])

    def distance(self, sums: Tensor) -> Tensor:
        """Mean of the cosine distances, or the distance of the flattened features."""
        if self.reading == "flattened":
            return _distance(sums)
        return sums[:, 0] / sums[:, 1]

    def map(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Share of every position in the distance: its mean over positions is the distance."""
        f, g = (self._prepare(t, weights) for t in alike(f, g))
        if self.reading == "position":
            return per_position(half_squared_distance, f, g)[:, None]
        vectors = (1, 2, 3) if self.reading == "flattened" else (2, 3)
        gap = _unit_over(widen(f), vectors) - _unit_over(widen(g), vectors)
        shares = gap.square().sum(1, keepdim=True) * (f.shape[2] * f.shape[3] / 2)
        return shares if self.reading == "flattened" else shares / f.shape[1]

    def _prepare(self, f: Tensor, weights: Tensor | None) -> Tensor:
        if self.centred:
            f = widen(f)
            f = f - spatial_mean(f)
        return weighted(f, weights)


def _unit_over(f: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Scale the vectors that lie along `dims` to unit length; zero stays zero."""
    length: Tensor = torch.linalg.vector_norm(f, dim=dims, keepdim=True)
    return f * (length + 1e-10).reciprocal()


def _products(f: Tensor, g: Tensor) -> Tensor:
    """Sum f^2, g^2, (f - g)^2 and (f - g)(f + g) over positions: (N, C, 4)."""
    f, g = broadcast(widen(f), widen(g))
    difference = f - g
    terms = (f * f, g * g, difference * difference, difference * (f + g))
    return torch.stack([accumulate(term, (2, 3)) for term in terms], dim=-1)


def _distance(sums: Tensor) -> Tensor:
    """Half the squared distance of unit vectors, from sums (..., 4) that add up over layers.

    They are those of f^2, g^2, d^2 and d (f + g). With d = f - g and lengths F, G, D of f, g, d:
    F G (1 - cos) = (D^2 - (F - G)^2) / 2, in which every difference of like numbers was taken
    before squaring.
    """
    ff, gg, dd, ds = sums.unbind(-1)
    norm_f, norm_g = safe_sqrt(ff), safe_sqrt(gg)
    gap = ratio(ds, norm_f + norm_g)
    cosine = ratio((dd - gap * gap).clamp_min(0), 2 * norm_f * norm_g)
    one_is_zero = (ff == 0) != (gg == 0)
    return torch.where(one_is_zero, 0.5, cosine)
