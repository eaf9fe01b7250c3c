"""Blur kernels: the Gaussian, the disk of a defocused lens, the line of a moved camera."""

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def gaussian_taps(sigma: float, radius: int) -> list[float]:
    """Sample a Gaussian at whole pixels.

    Parameters
    ----------
    sigma
        Standard deviation in pixels; 0 gives the identity.
    radius
        Taps on either side of the centre.

    Returns
    -------
    taps
        ``2 * radius + 1`` weights with sum 1.
    """
    if sigma == 0:
        return [float(offset == 0) for offset in range(-radius, radius + 1)]
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2.0 * sigma * sigma))
    weights[weights < np.finfo(np.float64).eps] = 0
    taps: list[float] = (weights / weights.sum()).tolist()
    return taps


def disk_kernel(radius: float) -> Array:
    """Average over a disk: each weight is the area that its pixel shares with the disk.

    Parameters
    ----------
    radius
        In pixels; 0 gives the identity.

    Returns
    -------
    kernel
        Array (K, K) with sum 1, K odd; that of MATLAB's ``fspecial('disk', radius)``.
    """
    if radius == 0:
        return np.ones((1, 1))
    reach = max(0, math.ceil(radius - 0.5))
    edges = np.arange(-reach - 0.5, reach + 1.0)
    corners = _signed_area(edges[:, None], edges[None, :], radius)
    areas: Array = np.diff(np.diff(corners, axis=0), axis=1).clip(0)
    areas /= areas.sum()
    return areas


def _signed_area(x: Array, y: Array, radius: float) -> Array:
    """Area of the disk between the axes and the lines at x and y, signed as x * y."""
    width, height = np.minimum(abs(x), radius), np.minimum(abs(y), radius)
    flat = np.minimum(_half_chord(height, radius), width)
    area: Array = height * flat + _cap(width, radius) - _cap(flat, radius)
    return np.sign(x) * np.sign(y) * area


def _half_chord(x: Array, radius: float) -> Array:
    # As a product: the difference of squares can round to less than 0 where x equals the radius.
    half: Array = np.sqrt((radius - x) * (radius + x))
    return half


def _cap(x: Array, radius: float) -> Array:
    """Integral of the half circle from 0 to x."""
    area: Array = (x * _half_chord(x, radius) + radius**2 * np.arcsin(x / radius)) / 2
    return area


def motion_kernel(length: float, angle: float) -> Array:
    """Average along a line, its edges smoothed over a pixel.

    Parameters
    ----------
    length
        Of the line, in pixels; 1 or less gives the identity.
    angle
        Counter-clockwise from the horizontal, in degrees.

    Returns
    -------
    kernel
        Array (K, K) with sum 1, K odd; that of MATLAB's ``fspecial('motion', length, angle)``.
    """
    half = (max(1.0, length) - 1) / 2
    phi = math.radians(angle % 180)
    reach = max(1, math.ceil(half))
    column = np.arange(-reach, reach + 1)[None, :]
    upward = np.arange(reach, -reach - 1, -1)[:, None]
    along = column * math.cos(phi) + upward * math.sin(phi)
    across = upward * math.cos(phi) - column * math.sin(phi)
    beyond = np.where(np.hypot(column, upward) >= half, abs(along) - half, 0)
    weights: Array = 1 - np.hypot(across, beyond)
    weights[weights < 1e-9] = 0
    weights /= weights.sum()
    return weights
