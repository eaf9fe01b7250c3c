"""What a tuning curve says: peak, width, selectivity, phase.

Functions of plain arrays with a row per channel. Responses are relative to the response to a
uniform field, so that zero is no response; what a channel does not show is NaN.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import Akima1DInterpolator

Array = NDArray[np.float64]

_STEPS = 32
_SAME = 1e-6


@dataclass(frozen=True)
class Peak:
    """Highest point of every curve, and where it has fallen to half of that.

    Parameters
    ----------
    position
        (C,), in the unit of the positions; NaN where no response is above zero.
    height
        (C,).
    low, high
        (C,), positions of half the height below and above; NaN where the curve stays higher up
        to the end of its range.
    """

    position: Array
    height: Array
    low: Array
    high: Array

    @property
    def width(self) -> Array:
        """Distance between the half heights."""
        return self.high - self.low


def find_peak(curves: ArrayLike, positions: ArrayLike, *, period: float | None = None) -> Peak:
    """Find the peak and the half heights of curves, between the samples.

    Samples are joined by Akima's piecewise cubic (modified), which does not overshoot as a spline
    does; the peak is that of a parabola through its highest points.

    Parameters
    ----------
    curves
        (C, K), responses.
    positions
        (K,), growing; for frequencies, their logarithms.
    period
        Of the positions (180 for orientations in degrees), whose first one is not repeated at the
        end; None where there is none.

    Returns
    -------
    Peak
        Positions in ``[positions[0], positions[0] + period)`` where there is a period; half
        heights are not wrapped, so that ``low < position < high``.
    """
    x = np.asarray(positions, dtype=np.float64)
    start, end = x[0], x[-1] if period is None else x[0] + period
    fine, dense = _interpolate(np.asarray(curves, dtype=np.float64), x, period)
    inside = (fine >= start - 1e-9) & (fine <= end + 1e-9)
    top = np.where(inside, dense, -np.inf).argmax(1)
    position, height = _vertex(fine, dense, top)
    reach = None if period is None else period / 2
    low, high = _half_heights(fine, dense, top, height, reach)
    shown = height > 0
    if period is not None:
        turned = start + (position - start) % period
        turned = np.where(end - turned < period * _SAME, start, turned)
        low, high = low + turned - position, high + turned - position
        position = turned
    return Peak(*(np.where(shown, one, np.nan) for one in (position, height, low, high)))


def _interpolate(y: Array, x: Array, period: float | None) -> tuple[Array, Array]:
    """Fine positions, over three periods if there is one, and the curves at them."""
    if period is not None:
        y = np.concatenate([y, y, y], axis=1)
        x = np.concatenate([x - period, x, x + period])
    parts = [np.linspace(a, b, _STEPS, endpoint=False) for a, b in pairwise(x)]
    fine = np.concatenate([*parts, x[-1:]])
    return fine, np.asarray(Akima1DInterpolator(x, y, axis=1, method="makima")(fine))


def _vertex(x: Array, y: Array, top: NDArray[np.intp]) -> tuple[Array, Array]:
    """Peak of the parabola through the highest sample and its two neighbors."""
    rows, middle = np.arange(len(y)), top.clip(1, len(x) - 2)
    a, b, c = (y[rows, middle + k] for k in (-1, 0, 1))
    bend = a - 2 * b + c
    shift = np.where(bend < 0, (a - c) / np.where(bend < 0, 2 * bend, 1), 0).clip(-1, 1)
    shift = np.where(top == middle, shift, 0)
    step = np.where(shift < 0, x[middle] - x[middle - 1], x[middle + 1] - x[middle])
    return x[top] + shift * step, y[rows, top] - 0.25 * (a - c) * shift


def _half_heights(
    x: Array, y: Array, top: NDArray[np.intp], height: Array, reach: float | None
) -> tuple[Array, Array]:
    below = y < height[:, None] / 2
    order = np.arange(len(x))
    if reach is not None:
        below &= np.abs(x - x[top][:, None]) <= reach * (1 + 1e-9)
    right = below & (order > top[:, None])
    left = below & (order < top[:, None])
    after = np.where(right.any(1), right.argmax(1), 0)
    before = np.where(left.any(1), len(x) - 1 - left[:, ::-1].argmax(1), 0)
    high = np.where(right.any(1), crossing(x, y, after - 1, after, height / 2), np.nan)
    low = np.where(left.any(1), crossing(x, y, before, before + 1, height / 2), np.nan)
    return low, high


def crossing(x: Array, y: Array, i: NDArray[np.intp], j: NDArray[np.intp], level: Array) -> Array:
    """Where lines between samples i and j of every row of y reach a level."""
    rows = np.arange(len(y))
    rise = y[rows, j] - y[rows, i]
    share = (level - y[rows, i]) / np.where(rise == 0, 1, rise)
    return np.asarray(x[i] + share * (x[j] - x[i]))


def circular_variance(curves: ArrayLike, orientations: ArrayLike) -> Array:
    r"""Measure how evenly a channel responds to all orientations: 0 to one only, 1 to all alike.

    .. math:: 1 - \left|\sum_j r_j e^{2 i \theta_j}\right| / \sum_j r_j

    Parameters
    ----------
    curves
        (C, K), responses; those below zero count as zero.
    orientations
        (K,), degrees, evenly spaced over 180 without repeating the first.

    Returns
    -------
    numpy.ndarray
        (C,); NaN without any response.

    References
    ----------
    .. [1] D. L. Ringach, R. M. Shapley and M. J. Hawken, "Orientation selectivity in macaque V1:
       diversity and laminar dependence", Journal of Neuroscience 22(13), 2002.

    Examples
    --------
    >>> circular_variance([[1, 1, 1], [1, 0, 0]], [0, 60, 120]).round(6).tolist()
    [1.0, 0.0]
    """
    r = np.asarray(curves, dtype=np.float64).clip(0)
    angle = np.exp(2j * np.deg2rad(np.asarray(orientations, dtype=np.float64)))
    return 1 - _ratio(np.abs(r @ angle), r.sum(1))


def orientation_selectivity(curves: ArrayLike, orientations: ArrayLike) -> Array:
    r"""Compare the best orientation with the one across it: :math:`(r_p - r_o) / (r_p + r_o)`.

    Parameters
    ----------
    curves
        (C, K), responses; those below zero count as zero.
    orientations
        (K,), degrees, evenly spaced over 180 without repeating the first.

    Returns
    -------
    numpy.ndarray
        (C,), 0 to 1; NaN without any response.
    """
    r, x = np.asarray(curves, dtype=np.float64), np.asarray(orientations, dtype=np.float64)
    best = find_peak(r, x, period=180)
    across = np.nan_to_num(best.position, nan=x[0]) + 90
    fine, dense = _interpolate(r, x, 180)
    pairs = zip(across, dense.clip(0), strict=True)
    other = np.array([np.interp(angle, fine, row) for angle, row in pairs])
    return _ratio(best.height - other, best.height + other)


def phase_modulation(f0: ArrayLike, f1: ArrayLike) -> Array:
    r"""Tell how far a unit's response depends on the phase of a grating.

    Parameters
    ----------
    f0, f1
        Mean of the response over phases, and the amplitude of its first harmonic.

    Returns
    -------
    numpy.ndarray
        :math:`F_1 / (F_1 + |F_0|)`: 0 where the phase does not matter (complex cells), 1 where
        the response is linear. The usual :math:`F_1 / F_0` is :math:`m / (1 - m)`; its border
        between simple and complex cells, 1, is 0.5 here, and a half-wave rectifier has 0.61. NaN
        without any response.

    References
    ----------
    .. [1] B. C. Skottun et al., "Classifying simple and complex cells on the basis of response
       modulation", Vision Research 31(7-8), 1991.

    Examples
    --------
    >>> phase_modulation([0.0, 1.0, 1 / 3.141592653589793], [1.0, 0.0, 0.5]).round(3).tolist()
    [1.0, 0.0, 0.611]
    """
    first, mean = np.abs(np.asarray(f1, dtype=np.float64)), np.abs(np.asarray(f0, dtype=np.float64))
    return _ratio(first, first + mean)


def _ratio(part: Array, whole: Array) -> Array:
    defined = whole > 0
    return np.asarray(np.where(defined, part / np.where(defined, whole, 1), np.nan))
