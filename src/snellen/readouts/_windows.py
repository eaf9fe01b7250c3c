"""DeepWSD and DeepKLD: statistical divergences between windows of feature maps, as published.

A caution about both: in the authors' code a "window" is made by a plain reshape of the padded
map to (k, k, C, -1), so that its values do not come from a square of the image. The scores below
are theirs; `Wasserstein(window=k)` compares true windows.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.readouts._readout import Readout
from snellen.readouts._sums import accumulate, broadcast, check_window, weighted, widen


@dataclass(frozen=True)
class _WindowDivergence(Readout):
    window: int = 8

    def __post_init__(self) -> None:
        check_window(self.window)

    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Mean over windows of the divergence and the down-weighted squared difference."""
        f, g = broadcast(weighted(widen(f), weights), weighted(widen(g), weights))
        f, g = self._windows(f), self._windows(g)
        divergence = self._divergence(f, g)
        shifted = divergence + 10
        weight = 1 / ((-1 / shifted).exp().sqrt() * shifted**2)
        total = divergence + ((f - g) ** 2).sum(1) * weight
        return (accumulate(total, 1) / total.shape[1])[:, None]

    def _windows(self, f: Tensor) -> Tensor:
        """Pad or crop as published, and reshape (N, C, h, w) to (N, k * k, windows)."""
        k = self.window
        bottom, left = (max(1, round(side / k)) * k - side for side in f.shape[2:])
        padded = F.pad(f, (left, 0, 0, bottom))
        return padded.contiguous().view(f.shape[0], k * k, -1)

    @abstractmethod
    def _divergence(self, f: Tensor, g: Tensor) -> Tensor:
        """Divergence of every window, (N, windows), of features (N, positions, windows)."""

    def distance(self, sums: Tensor) -> Tensor:
        """Mean over windows."""
        return sums[:, 0]

    def score(self, distance: Tensor) -> Tensor:
        """Return log(1 + d)^(1/4) of the mean over layers, with gradient 0 at 0."""
        positive = ~(distance <= 0)  # NaN stays NaN
        safe = torch.where(positive, distance, 1)
        return torch.where(positive, safe.log1p() ** 0.25, 0)


@dataclass(frozen=True)
class DeepWSD(_WindowDivergence):
    """Wasserstein distance between positions of energy within windows, as in DeepWSD.

    The weight of a position is p = f^2 / sum(f), with the sum over the image's whole layer (of
    magnitudes, which for the published non-negative features is the same). The 2-Wasserstein
    distance W between the positions 0 ... k^2 - 1 under both weights is computed as by POT's
    ``wasserstein_1d``, for weights that need not sum to the same. A window's distance is
    W + w sum (f - g)^2 with w = 1 / (sqrt(exp(-1 / (W + 10))) (W + 10)^2).

    Parameters
    ----------
    window
        Side k of a window.

    References
    ----------
    Liao, Chen, Zhu, Wang, Zhou and Kwong, "DeepWSD: Projecting Degradations in Perceptual Space
    to Wasserstein Distance in Deep Feature Space", ACM MM 2022, and the authors' code.
    """

    name: ClassVar[str] = "deepwsd"
    source: ClassVar[str] = "Liao et al., ACM MM 2022, and the authors' code"

    def _divergence(self, f: Tensor, g: Tensor) -> Tensor:
        mass_f, mass_g = (_mass(x) for x in (f, g))
        return _transport_cost(mass_f.transpose(1, 2), mass_g.transpose(1, 2))


def _mass(f: Tensor) -> Tensor:
    return f * f / (f.abs().sum((1, 2), keepdim=True) + 1e-6)


def _transport_cost(p: Tensor, q: Tensor) -> Tensor:
    """Return the squared 2-Wasserstein cost between positions 0 ... K - 1 with masses (..., K)."""
    cumulated_p, cumulated_q = p.cumsum(-1), q.cumsum(-1)
    levels = torch.cat([cumulated_p, cumulated_q], -1).sort(-1).values
    position_p, position_q = (
        torch.searchsorted(c.contiguous(), levels.contiguous()).clamp_max(p.shape[-1] - 1)
        for c in (cumulated_p, cumulated_q)
    )
    steps = levels.diff(dim=-1, prepend=torch.zeros_like(levels[..., :1]))
    return (steps * (position_p - position_q) ** 2).sum(-1)


@dataclass(frozen=True)
class SymmetricKL(_WindowDivergence):
    """Symmetric Kullback-Leibler divergence between softmax weights within windows.

    0.5 (KL(p, q) + KL(q, p)) with p the softmax over the positions of a window, in the place of
    DeepWSD's Wasserstein distance.

    Parameters
    ----------
    window
        Side of a window.

    References
    ----------
    Liao, Wei, Chen et al., "Image Quality Assessment: Measuring Perceptual Degradation via
    Distribution Measures in Deep Feature Spaces", IEEE TIP 2024.
    """

    window: int = 4
    name: ClassVar[str] = "symmetric-kl"
    source: ClassVar[str] = "Liao et al., IEEE TIP 2024"

    def _divergence(self, f: Tensor, g: Tensor) -> Tensor:
        log_p, log_q = f.log_softmax(1), g.log_softmax(1)
        # KL(p, q) + KL(q, p) = sum (p - q)(log p - log q): exactly 0 for equal windows.
        return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(1) / 2
