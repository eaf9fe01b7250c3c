"""DISTS: structure and texture of feature maps, from global means and variances."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from snellen.errors import MetricError
from snellen.readouts._readout import Readout
from snellen.readouts._rows import accumulate, ratio, spatial_mean, widen
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
    joins: ClassVar[bool] = True
    source: ClassVar[str] = "Ding et al., TPAMI 2022, Eqs. 4-6"

    def __post_init__(self) -> None:
        if not (self.c1 > 0 and self.c2 > 0):
            raise MetricError(f"c1 and c2 must be positive; got {self.c1!r} and {self.c2!r}.")

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Weighted sum of dissimilarities over channels, and the sum of the weights."""
        f, g = widen(f), widen(g)
        mean_f, mean_g = (spatial_mean(t) for t in (f, g))
        f, g = f - mean_f, g - mean_g
        variances = (f * f).mean((2, 3)) + (g * g).mean((2, 3))
        of_gap = ((f - g) ** 2).mean((2, 3))
        mean_f, mean_g, gap = (t[:, :, 0, 0] for t in (mean_f, mean_g, mean_f - mean_g))
        return self._of_channels(mean_f, mean_g, gap, variances, of_gap, weights)

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""
        return MomentTally(partial(self._settle, weights=weights))

    def _settle(self, moments: ChannelMoments, weights: Tensor | None) -> Tensor:
        variances = (moments.ff + moments.gg) / moments.positions
        of_gap = moments.dd / moments.positions
        means = (moments.mean_f, moments.mean_g, moments.mean_d)
        return self._of_channels(*means, variances, of_gap, weights)

    def _of_channels(
        self,
        mean_f: Tensor,
        mean_g: Tensor,
        gap: Tensor,
        variances: Tensor,
        of_gap: Tensor,
        weights: Tensor | None,
    ) -> Tensor:
        """Sum the dissimilarities, from means, their gap, both variances and that of f - g."""
        texture = gap**2 / (mean_f**2 + mean_g**2 + self.c1)
        structure = of_gap / (variances + self.c2)
        alpha, beta = self._weights(texture, weights)
        total = accumulate(texture * alpha + structure * beta, 1)
        return torch.stack([total, accumulate(alpha + beta, 0).expand_as(total)], dim=1)

    def _weights(self, terms: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        if weights is None:
            weights = terms.new_ones(terms.shape[1])
        weights = weights.to(terms)
        return (weights[0], weights[1]) if weights.ndim == 2 else (weights, weights)

    def distance(self, sums: Tensor) -> Tensor:
        """Weighted mean over channels and both terms."""
        return ratio(sums[:, 0], sums[:, 1])
