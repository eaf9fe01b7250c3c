r"""Filters of the Gabor bank and their tuning, in closed form.

Everything here is numpy in float64; `snellen.backbones._gabor` runs the same filters on images.

A grating of frequency :math:`f` (cycles per pixel) and orientation :math:`\theta` is
:math:`a\cos(2\pi f(x\cos\theta + y\sin\theta) + \varphi)` with x to the right and y **down**
(columns and rows of the image). So :math:`\theta` is the direction of the *wave vector*, across
the bars: 0 means vertical bars, :math:`\pi/2` horizontal ones, and it grows clockwise on screen.

A Gabor of peak frequency :math:`f_0` under a round Gaussian of standard deviation
:math:`\sigma` is itself a Gaussian in the frequency plane [1]_: its response to a grating
falls off as :math:`\exp(-2\pi^2\sigma^2 d^2)` with the distance :math:`d` between the grating
and the peak.
Half of the height is reached at :math:`d_h = \sqrt{\ln 2 / 2} / (\pi\sigma)`, hence

* bandwidth in octaves :math:`b = \log_2\frac{f_0 + d_h}{f_0 - d_h}`, or the other way round
  :math:`\sigma = \frac{1}{\pi f_0}\sqrt{\frac{\ln 2}{2}}\,\frac{2^b + 1}{2^b - 1}`;
* half-width in orientation :math:`2\arcsin\frac{d_h}{2 f_0}`: 19.2 degrees for one octave.

References
----------
.. [1] J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and
   orientation optimized by two-dimensional visual cortical filters", JOSA A 2(7), 1985.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import BackboneError

Array = NDArray[np.float64]

PLANES = ("luminance", "red-green", "blue-yellow")

OPPONENT: Array = np.array(
    [[0.2126, 0.7152, 0.0722], [0.5, -0.5, 0.0], [-0.25, -0.25, 0.5]], dtype=np.float64
)
"""Rows: the planes as sums of encoded R, G and B. Grey drives only the first (Rec. 709 luma)."""

PREFILTER_SIGMA = 1.5
"""Blur before each halving of the grid, in samples of the finer grid.

What folds onto the next scale's peak passes at 0.4 % of what belongs there.
"""

_PREFILTER_RADIUS = 6
_TRUNCATION = 3.5


@dataclass(frozen=True)
class GaborChannel:
    """What one channel of the bank is tuned to.

    Attributes
    ----------
    plane
        ``luminance``, ``red-green`` or ``blue-yellow``.
    scale
        1 for the finest; None in layer ``opponent``, which is not tuned.
    orientation
        Preferred direction of the wave vector, radians in [0, pi).
    phase
        0 for the even (cosine) and pi/2 for the odd (sine) filter; None where the phase does not
        matter.
    frequency
        Preferred frequency in cycles per pixel of the image.
    bandwidth
        Width in octaves between the frequencies of half the peak response.
    half_width
        Distance in radians from the preferred orientation to half the peak response. For
        ``complex`` layers both widths are those at low contrast; saturation widens them.
    """

    plane: str
    scale: int | None = None
    orientation: float | None = None
    phase: float | None = None
    frequency: float | None = None
    bandwidth: float | None = None
    half_width: float | None = None


@dataclass(frozen=True)
class SeparableFilters:
    """Filters in two passes: all `rows`, then for each filter a sum of columns over them.

    Attributes
    ----------
    rows
        (R, k) profiles along x.
    columns
        (F, R, k) profiles along y: filter f is the sum over r of their outer products.
    """

    rows: Array
    columns: Array

    def response(self, fx: Array, fy: Array) -> NDArray[np.complex128]:
        """Return the discrete-time Fourier transform (..., F), frequencies in cycles per sample."""
        radius = self.rows.shape[-1] // 2
        taps = np.arange(-radius, radius + 1)
        along_x = np.exp(2j * np.pi * fx[..., None] * taps) @ self.rows.T
        along_y = np.einsum(
            "...k,frk->...fr", np.exp(2j * np.pi * fy[..., None] * taps), self.columns
        )
        return np.asarray(np.einsum("...r,...fr->...f", along_x, along_y))


@dataclass(frozen=True)
class GaborDesign:
    """The options of a Gabor bank, and what follows from them.

    Attributes
    ----------
    n_scales, n_orientations
        Size of the bank.
    peak_frequency
        Preferred frequency of the finest scale in cycles per pixel, 0.1 to 0.25.
    bandwidth
        Octaves between the half-height frequencies, 0.5 to 1.2.
    semi_saturation
        Amplitude at which normalisation sets in (a grating of contrast 1 has amplitude 0.5).
    pool
        Standard deviation of the normalisation pool, in positions of the layer's grid.
    cross_plane
        Weight in [0, 1] of the other two planes in each plane's normalisation pool.

    Raises
    ------
    BackboneError
        An option lies outside its range.
    """

    n_scales: int = 4
    n_orientations: int = 6
    peak_frequency: float = 0.25
    bandwidth: float = 1.0
    semi_saturation: float = 0.1
    pool: float = 2.0
    cross_plane: float = 0.0

    def __post_init__(self) -> None:
        ranges: dict[str, tuple[float, float]] = {
            "n_scales": (1, 8),
            "n_orientations": (2, 32),
            "peak_frequency": (0.1, 0.25),
            "bandwidth": (0.5, 1.2),
            "semi_saturation": (1e-4, 10),
            "pool": (0.25, 16),
            "cross_plane": (0, 1),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BackboneError(f"gabor: {name} must lie in [{low}, {high}], not {value!r}")

    def config(self) -> dict[str, Any]:
        """Return everything that changes a number, fixed constants included."""
        fixed = {
            "prefilter_sigma": PREFILTER_SIGMA,
            "prefilter_radius": _PREFILTER_RADIUS,
            "envelope_cutoff": _TRUNCATION,
            "opponent": OPPONENT.tolist(),
        }
        return {**asdict(self), **fixed}

    @property
    def orientations(self) -> Array:
        """Preferred orientations in radians, evenly spaced over [0, pi)."""
        return np.linspace(0, np.pi, self.n_orientations, endpoint=False, dtype=np.float64)

    @property
    def sigma(self) -> float:
        """Standard deviation of the envelope, in samples of the scale's grid."""
        ratio = (2**self.bandwidth + 1) / (2**self.bandwidth - 1)
        return math.sqrt(math.log(2) / 2) * ratio / (math.pi * self.peak_frequency)

    @property
    def half_width(self) -> float:
        """Half-width in orientation at half height, in radians."""
        ratio = (2**self.bandwidth - 1) / (2**self.bandwidth + 1)
        return 2 * math.asin(ratio / 2)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order of depth."""
        stages = ("simple", "energy", "complex")
        scales = range(1, self.n_scales + 1)
        return ("opponent", *(f"{stage}{scale}" for scale in scales for stage in stages))

    def filters(self, scale: int) -> SeparableFilters:
        r"""Return the quadrature filters of a scale: all even ones, then all odd ones.

        A Gaussian blur before a Gabor is again a Gabor. The blurs on the way to this scale have
        variance :math:`v` in samples of its grid; an envelope of variance
        :math:`s^2 = \sigma^2 - v` on a carrier of :math:`f_0\sigma^2/s^2` makes the whole chain
        peak at :math:`f_0` with envelope :math:`\sigma`.

        The even filter is :math:`g(\cos - \kappa)` with :math:`\kappa` such that its taps
        sum to zero. The gain makes the amplitude of the response to a grating at the peak equal
        to the grating's amplitude.
        """
        blur = PREFILTER_SIGMA**2 * sum(4.0**-k for k in range(1, scale))
        variance = self.sigma**2 - blur
        carrier = self.peak_frequency * self.sigma**2 / variance
        bare = _gabors(self.orientations, carrier, math.sqrt(variance), self._radius)
        peak = self.peak_frequency / 2 ** (scale - 1)
        own = np.arange(self.n_orientations)
        even, odd = self._chain(bare, scale, np.full(own.shape, peak), self.orientations)
        gain = 1 / np.hypot(even[own, own], odd[own, own]) * math.sqrt(2)
        return SeparableFilters(bare.rows, bare.columns * np.tile(gain, 2)[:, None, None])

    @property
    def _radius(self) -> int:
        return math.ceil(_TRUNCATION * self.sigma)

    def quadrature(
        self, scale: int, frequency: ArrayLike, orientation: ArrayLike
    ) -> tuple[Array, Array]:
        """Amplitudes (..., orientations) of the even and odd responses to a unit grating.

        They belong to the discrete system: the Fourier transforms of the very taps of the
        blurs and filters. Frequencies beyond the grid's limit fold as they do in the network.
        """
        frequencies, orientations = np.broadcast_arrays(
            np.asarray(frequency, dtype=np.float64), np.asarray(orientation, dtype=np.float64)
        )
        return self._chain(self.filters(scale), scale, frequencies, orientations)

    @staticmethod
    def _chain(
        filters: SeparableFilters, scale: int, frequency: Array, orientation: Array
    ) -> tuple[Array, Array]:
        fx, fy = frequency * np.cos(orientation), frequency * np.sin(orientation)
        blur = np.ones(frequency.shape)
        for level in range(scale - 1):
            blur = blur * prefilter().response(2**level * fx, 2**level * fy)[..., 0].real
        response = filters.response(2 ** (scale - 1) * fx, 2 ** (scale - 1) * fy)
        even, odd = np.split(response * blur[..., None], 2, axis=-1)
        return np.abs(even), np.abs(odd)

    def pool_weights(self) -> Array:
        """(3, 3) weight of each plane (column) in the normalisation pool of each plane (row)."""
        return (1 - self.cross_plane) * np.eye(3) + self.cross_plane * np.ones((3, 3))


def gaussian(sigma: float, radius: int) -> Array:
    """Return 2 * radius + 1 samples of a Gaussian that sum to one."""
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(taps / taps.sum())


def blur_filter(sigma: float, radius: int) -> SeparableFilters:
    """Return a round Gaussian blur as one separable filter."""
    taps = gaussian(sigma, radius)
    return SeparableFilters(taps[None], taps[None, None])


def prefilter() -> SeparableFilters:
    """Return the blur before each halving of the grid."""
    return blur_filter(PREFILTER_SIGMA, _PREFILTER_RADIUS)


def _gabors(orientations: Array, carrier: float, sigma: float, radius: int) -> SeparableFilters:
    """Even and odd Gabors from shared rows: cos(a + b) and sin(a + b) taken apart.

    Orientations that mirror each other share their rows, which halves the work along x.
    """
    taps, envelope = np.arange(-radius, radius + 1), gaussian(sigma, radius)
    across, down = np.cos(orientations).round(12), np.sin(orientations)
    speeds = np.union1d([0.0], np.abs(across))
    angle = 2 * np.pi * carrier * speeds[:, None] * taps
    rows = envelope * np.concatenate([np.cos(angle), np.sin(angle[1:])])
    columns = np.zeros((2, len(orientations), len(rows), len(taps)))
    for j, (u, v) in enumerate(zip(across, down, strict=True)):
        cosine, sine = (envelope * f(2 * np.pi * carrier * v * taps) for f in (np.cos, np.sin))
        row = int(np.searchsorted(speeds, abs(u)))
        columns[0, j, row] += cosine
        columns[1, j, row] += sine
        if u != 0:
            sine_row = len(speeds) + row - 1
            columns[0, j, sine_row] -= np.sign(u) * sine
            columns[1, j, sine_row] += np.sign(u) * cosine
        columns[0, j, 0] -= rows[row].sum() * cosine.sum() * envelope
    return SeparableFilters(rows, columns.reshape(-1, len(rows), len(taps)))
