"""DeepDC: distance correlation between the channels' geometry in two images."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen.readouts._readout import Readout
from snellen.readouts._rows import finest, safe_sqrt, weighted, widen
from snellen.readouts._tally import SumTally, Tally


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
        return self._of_products(_products(f, weights), _products(g, weights))

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Take a layer tile by tile."""

        def parts(f: Tensor, g: Tensor) -> Tensor:
            return torch.stack([_products(t, weights) for t in (f, g)], 1)

        return SumTally(parts, lambda total: self._of_products(*total.unbind(1)))

    def _of_products(self, f: Tensor, g: Tensor) -> Tensor:
        a, b = (_centred_distances(products) for products in (f, g))
        shared = (a * b).sum((1, 2))
        scale = safe_sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)))
        # Both differ by rounding only where the images are alike: never below 0.
        return ((scale - shared).clamp_min(0) / (scale + 1e-6))[:, None]

    def distance(self, sums: Tensor) -> Tensor:
        """Return 1 - r."""
        return sums[:, 0]


def _products(f: Tensor, weights: Tensor | None) -> Tensor:
    """Products of channels, summed over positions: (N, C, C), in float64."""
    f = weighted(widen(f), weights)
    n, c = f.shape[:2]
    # The distances do not depend on what all channels share; without it less cancels below.
    rows = (f - f.mean(1, keepdim=True)).permute(0, 2, 3, 1).reshape(n, -1, c)
    products = f.new_zeros(n, c, c, dtype=finest(f))
    for start in range(0, rows.shape[1], 4096):
        block = rows[:, start : start + 4096]
        products = products + (block.transpose(1, 2) @ block).to(products)
    return products


def _centred_distances(products: Tensor) -> Tensor:
    """Doubly centred matrix of distances between channels, (N, C, C)."""
    squares = products.diagonal(dim1=1, dim2=2)
    distances = squares[:, :, None] + squares[:, None, :] - 2 * products
    a = (distances.clamp_min(0) / products.shape[1] ** 2 + 1e-5).sqrt()
    return a - a.mean(1, keepdim=True) - a.mean(2, keepdim=True) + a.mean((1, 2), keepdim=True)
