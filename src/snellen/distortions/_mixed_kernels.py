"""Blur kernels drawn at random: Gaussians round and oval, with other tails, and the sinc."""

import math
from dataclasses import dataclass

import numpy as np

from snellen.distortions._draw import Draw
from snellen.distortions._kernels import Array

_ODDS = {
    "iso": 0.45,
    "aniso": 0.25,
    "generalized-iso": 0.12,
    "generalized-aniso": 0.03,
    "plateau-iso": 0.12,
    "plateau-aniso": 0.03,
}
_SINC_ODDS = 0.1
_BETA = {"generalized": (0.5, 4.0), "plateau": (1.0, 2.0)}


@dataclass(frozen=True)
class KernelShape:
    """A kernel in a few numbers.

    Parameters
    ----------
    kind
        ``"iso"``, ``"aniso"``, the same after ``"generalized-"`` or ``"plateau-"``, or
        ``"sinc"``.
    size
        Taps of a side, odd.
    sigma
        Standard deviations along the two axes, in pixels.
    angle
        Of the first axis, in radians.
    beta
        Shape of the tails: 1 is the Gaussian.
    cutoff
        Of the sinc, in radians per pixel.
    """

    kind: str
    size: int
    sigma: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    beta: float = 1.0
    cutoff: float = 0.0

    def weights(self) -> Array:
        """Return the kernel, array (size, size) with sum 1."""
        reach = np.arange(self.size, dtype=np.float64) - self.size // 2
        x, y = np.meshgrid(reach, reach)
        made = self._sinc(np.hypot(x, y)) if self.kind == "sinc" else self._bell(x, y)
        weights: Array = made / made.sum()
        return weights

    def _bell(self, x: Array, y: Array) -> Array:
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        first, second = self.sigma
        squared = ((cos * x + sin * y) / first) ** 2 + ((cos * y - sin * x) / second) ** 2
        if self.kind.startswith("plateau"):
            plateau: Array = 1 / (squared**self.beta + 1)
            return plateau
        bell: Array = np.exp(-0.5 * squared**self.beta)
        return bell

    def _sinc(self, radius: Array) -> Array:
        from scipy.special import j1

        away = np.where(radius == 0, 1, radius)
        outside = self.cutoff * j1(self.cutoff * away) / (2 * math.pi * away)
        kernel: Array = np.where(radius == 0, self.cutoff**2 / (4 * math.pi), outside)
        return kernel


def draw_blur(draw: Draw, sigma: tuple[float, float]) -> KernelShape:
    """Draw the kernel of a blur with deviations from a range."""
    if draw.chance(_SINC_ODDS):
        return draw_sinc(draw)
    kind = list(_ODDS)[draw.weighted(list(_ODDS.values()))]
    size, first = _size(draw), draw.uniform(*sigma)
    family = kind.split("-")[0]
    beta = _beta(draw, *_BETA[family]) if family in _BETA else 1.0
    if kind.endswith("aniso"):
        angle = draw.uniform(-math.pi, math.pi)
        return KernelShape(kind, size, (first, draw.uniform(*sigma)), angle, beta)
    return KernelShape(kind, size, (first, first), beta=beta)


def draw_sinc(draw: Draw, least: float | None = None) -> KernelShape:
    """Draw a circular low-pass kernel; unless given, the least cutoff depends on the size."""
    size = _size(draw)
    low = least or (math.pi / 3 if size < 13 else math.pi / 5)
    return KernelShape("sinc", size, cutoff=draw.uniform(low, math.pi))


def _size(draw: Draw) -> int:
    return 2 * draw.whole(3, 10) + 1


def _beta(draw: Draw, low: float, high: float) -> float:
    """Draw below 1 as often as above."""
    return draw.uniform(low, 1) if draw.chance(0.5) else draw.uniform(1, high)
