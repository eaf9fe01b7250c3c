"""DISTS: structure and texture of feature maps, from global means and variances."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from snellen.errors import MetricError
from snellen.readouts._moments import Moments
from snellen.readouts._pair_statistics import Statistics, pair_statistics
from snellen.readouts._readout import Readout
from snellen.readouts._sums import accumulate, alike, as_rows, broadcast, ratio, spatial_mean, widen
from snellen.readouts._tally import ChannelMoments, MomentTally, Tally


@dataclass(frozen=True)
class StructureTexture(Readout):
    """One minus the weighted mean over channels of texture and structure similarity.

    With m, v and cov the global means, variances and covariance of a channel of both images, the
    texture term is l = (2 m_f m_g + c1) / (m_f^2 + m_g^2 + c1) and the structure term
    s = (2 cov + c2) / (v_f + v_g + c2). Both are computed as 1 - l and 1 - s, from the difference
    of the means and the variance of the difference, which is exact for similar images.

    Weights stand in the place of the paper's alpha and beta: (C,) for both alike, or (2, C), the
    texture's first. Without weights all count the same.

    Parameters
    ----------
    c1, c2
        The paper's stabilising constants.

    References
    ----------
    Ding, Ma, Wang and Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
    Similarity", IEEE TPAMI 44(5), 2022, Eqs. 4-6.
    """

    c1: float = 1e-6
    c2: float = 1e-6
    name: ClassVar[str] = "structure-texture"
    has_map: ClassVar[bool] = True
    joins: ClassVar[bool] = True
    needs_means: ClassVar[bool] = True
    source: ClassVar[str] = "Ding et al., TPAMI 2022, Eqs. 4-6"

    def __post_init__(self) -> None:
        if not (self.c1 > 0 and self.c2 > 0):
            raise MetricError(f"c1 and c2 must be positive; got {self.c1!r} and {self.c2!r}.")

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Weighted sum of dissimilarities over channels, and the sum of the weights."""
        return _joined(*self._by_channel(_statistics(widen(f), widen(g)), weights))

    def from_moments(self, moments: Moments) -> Tensor:
        """Sum of dissimilarities over channels, and the sum of the weights."""
        gap, mean_g = moments.gap_of_means[None], moments.reference.mean[None]
        of_f, of_g = moments.variances
        statistics = gap, mean_g + gap, mean_g, moments.gap_variance[None], (of_f + of_g)[None]
        return _joined(*self._by_channel(statistics, None))[0]

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""
        return MomentTally(partial(self._settle, weights=weights))

    def _settle(self, moments: ChannelMoments, weights: Tensor | None) -> Tensor:
        of_both = (moments.ff + moments.gg) / moments.positions
        of_gap = moments.dd / moments.positions
        statistics = (moments.mean_d, moments.mean_f, moments.mean_g, of_gap, of_both)
        return _joined(*self._by_channel(statistics, weights))

    def share(self, channels: int, weights: Tensor | None = None) -> float:
        """Sum of the weights of both terms."""
        if weights is None:
            return 2.0 * channels
        return float(weights.sum()) * (3 - weights.ndim)

    def map(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Share of every position in the distance: its mean over positions is the distance.

        What each channel adds is divided among positions as its squared differences are.
        """
        f, g = widen(f), widen(g)
        dissimilarity, total = self._by_channel(_statistics(f, g), weights)
        squares = (f - g) ** 2
        scale = ratio(dissimilarity, total.to(f) * squares.mean((2, 3)))
        return (squares * scale[:, :, None, None]).sum(1, keepdim=True)

    def _by_channel(self, statistics: Statistics, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Weighted dissimilarities (N, C), and the sum of all weights."""
        gap, mean_f, mean_g, of_gap, of_both = statistics
        texture = gap**2 / (mean_f**2 + mean_g**2 + self.c1)
        structure = of_gap / (of_both + self.c2)
        alpha, beta = self._weights(texture, weights)
        return texture * alpha + structure * beta, accumulate(alpha + beta, 0)

    def _weights(self, terms: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        if weights is None:
            weights = terms.new_ones(terms.shape[1])
        weights = weights.to(terms)
        return (weights[0], weights[1]) if weights.ndim == 2 else (weights, weights)

    def distance(self, sums: Tensor) -> Tensor:
        """Weighted mean over channels and both terms."""
        return ratio(sums[:, 0], sums[:, 1])


def _joined(dissimilarity: Tensor, total: Tensor) -> Tensor:
    summed = accumulate(dissimilarity, 1)
    return torch.stack([summed, total.expand_as(summed)], dim=1)


def _statistics(f: Tensor, g: Tensor) -> Statistics:
    """Difference of means, both means, variance of f - g, and sum of both variances: (N, C)."""
    per_image = f.is_cpu and not torch.is_grad_enabled()
    return (_in_blocks if per_image else _whole)(f, g)


def _whole(f: Tensor, g: Tensor) -> Statistics:
    f, g = alike(f, g)
    mean_f, mean_g = (spatial_mean(t) for t in (f, g))
    f, g = f - mean_f, g - mean_g
    mean_f, mean_g = mean_f[:, :, 0, 0], mean_g[:, :, 0, 0]
    variances = (f * f).mean((2, 3)) + (g * g).mean((2, 3))
    return mean_f - mean_g, mean_f, mean_g, ((f - g) ** 2).mean((2, 3)), variances


def _in_blocks(f: Tensor, g: Tensor) -> Statistics:
    """Return the same as `_whole`, in passes over blocks that stay in the processor's cache."""
    f, g = broadcast(f, g)
    rows = ((as_rows(a[None]), as_rows(b[None])) for a, b in zip(f, g, strict=True))
    images = [pair_statistics(*pair) for pair in rows]
    gap, mean_f, mean_g, of_gap, of_both = (
        torch.stack(part).to(f.dtype) for part in zip(*images, strict=True)
    )
    return gap, mean_f, mean_g, of_gap, of_both
