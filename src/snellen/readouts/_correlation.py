"""DeepDC: distance correlation between the channels' geometry in two images."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen.readouts._readout import Readout
from snellen.readouts._sums import alike, finest, product_gap, safe_sqrt, weighted, widen
from snellen.readouts._tally import SumTally, Tally

_POSITIONS = 4096  # that are widened to float64 at once


@dataclass(frozen=True)
class DistanceCorrelation(Readout):
    """One minus the distance correlation of two sets of channels.

    Every image is described by the matrix of distances between its channels,
    A_cd = sqrt(d_cd / C^2 + 1e-5), with d_cd the squared distance of channels c and d, doubly
    centred. The distance is 1 - r with
    r = (sum A_f A_g + 1e-6) / (sqrt(sum A_f^2 sum A_g^2) + 1e-6).

    Only distances within an image count: a change that moves all channels alike goes unseen.

    References
    ----------
    Zhu, Chen, Zhu, Wang and Lin, "DeepDC: Deep Distance Correlation as a Perceptual Image
    Quality Evaluator", arXiv:2211.04927; constants from the authors' code.
    """

    name: ClassVar[str] = "distance-correlation"
    source: ClassVar[str] = "Zhu et al., arXiv:2211.04927"

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1 - r of the layer."""
        return self._of_products(*_products(f, g, weights))

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""

        def parts(f: Tensor, g: Tensor) -> Tensor:
            gap, of_reference = _products(f, g, weights)
            return torch.stack([gap, of_reference.expand_as(gap)], 1)

        return SumTally(parts, lambda total: self._of_products(*total.unbind(1)))

    def _of_products(self, gap: Tensor, of_reference: Tensor) -> Tensor:
        a, b = (_centred_distances(products) for products in (of_reference + gap, of_reference))
        shared = (a * b).sum((1, 2))
        scale = safe_sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)))
        # Both differ by rounding only where the images are alike: never below 0.
        return ((scale - shared).clamp_min(0) / (scale + 1e-6))[:, None]

    def distance(self, sums: Tensor) -> Tensor:
        """Return 1 - r."""
        return sums[:, 0]


def _products(f: Tensor, g: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sum products of channels over positions, in float64: f's less g's, and g's, (N, C, C)."""
    f, g = (_less_shared(weighted(widen(t), weights)) for t in alike(f, g))
    gap, of_reference = f.new_zeros(2, 1, 1, 1, dtype=finest(f))
    # In float64: where one image is much fainter than the other, its products are what is left
    # of large ones.
    for a, b in zip(*(torch.split(t, _POSITIONS, 2) for t in (f, g)), strict=True):
        a, b = a.to(gap), b.to(gap)
        gap = gap + product_gap(a, b)
        of_reference = of_reference + b @ b.transpose(1, 2)
    return gap, of_reference


def _less_shared(f: Tensor) -> Tensor:
    """Subtract what all channels share, of which no distance depends: less cancels later."""
    return (f - f.mean(1, keepdim=True)).flatten(2)


def _centred_distances(products: Tensor) -> Tensor:
    """Doubly centred matrix of distances between channels, (N, C, C)."""
    squares = products.diagonal(dim1=1, dim2=2)
    distances = squares[:, :, None] + squares[:, None, :] - 2 * products
    a = (distances.clamp_min(0) / products.shape[1] ** 2 + 1e-5).sqrt()
    return a - a.mean(1, keepdim=True) - a.mean(2, keepdim=True) + a.mean((1, 2), keepdim=True)
