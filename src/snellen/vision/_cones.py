"""From encoded sRGB to light, and from light to the three cones of the eye.

The cones are those of CIE 2006. Their responses to the light of a display follow from CIE 1931
XYZ by a matrix for the spectra of an LED-lit LCD, the one behind the backgrounds of the measured
thresholds that `load_castlecsf` reads, so that contrasts here and there mean the same.

DKL directions [1]_ are those along which cones are driven in a plane of constant L + M
(red-green, S silent) and along which only S is driven (blue-yellow, often called violet-yellow).

References
----------
.. [1] A. M. Derrington, J. Krauskopf and P. Lennie, "Chromatic mechanisms in lateral geniculate
   nucleus of macaque", Journal of Physiology 357, 1984.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LUMA: Array = np.array([0.2126, 0.7152, 0.0722])
"""Rec. 709 weights: luminance of linear R, G, B; luma of encoded ones."""

_RGB_TO_XYZ: Array = np.array(
    [
        [0.4123907993, 0.3575843394, 0.1804807884],
        [0.2126390059, 0.7151686788, 0.0721923154],
        [0.0193308187, 0.1191947798, 0.9505321522],
    ]
)

_XYZ_TO_LMS: Array = np.array(
    [
        [0.187596268556126, 0.585168649077728, -0.026384263306304],
        [-0.133397430663221, 0.405505777260049, 0.034502127690364],
        [0.000244379021663, -0.000542995890619, 0.019406849066323],
    ]
)

RGB_TO_LMS: Array = _XYZ_TO_LMS @ _RGB_TO_XYZ
"""Linear sRGB to L, M and S; R = G = B = 1 has luminance 1."""


def decode_srgb(value: ArrayLike) -> Array:
    """Turn encoded values in [0, 1] into linear light.

    Examples
    --------
    >>> decode_srgb([0.0, 0.5, 1.0]).round(4)
    array([0.   , 0.214, 1.   ])
    """
    v = np.asarray(value, dtype=np.float64)
    return np.where(v <= 0.04045, v / 12.92, ((np.maximum(v, 0) + 0.055) / 1.055) ** 2.4)


def encode_srgb(light: ArrayLike) -> Array:
    """Turn linear light in [0, 1] into encoded values; the inverse of `decode_srgb`."""
    x = np.asarray(light, dtype=np.float64)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 0) ** (1 / 2.4) - 0.055)


def cone_contrast(high: ArrayLike, low: ArrayLike) -> Array:
    r"""Measure the contrast between two lights in the cones.

    :math:`\sqrt{(c_L^2 + c_M^2 + c_S^2) / 3}` with :math:`c` the Michelson contrast of each cone:
    for achromatic lights the Michelson contrast of luminance. Sensitivity in the castleCSF data
    is one over this number.

    Parameters
    ----------
    high, low
        Linear R, G, B (..., 3) at the two extremes.

    Returns
    -------
    numpy.ndarray
        Contrast (...).
    """
    most, least = (np.asarray(rgb, dtype=np.float64) @ RGB_TO_LMS.T for rgb in (high, low))
    each = (most - least) / (most + least)
    return np.asarray(np.sqrt(np.square(each).mean(-1)))


def opponent_directions() -> dict[str, Array]:
    """Return the DKL directions as steps of linear R, G, B about a grey, largest entry 1."""
    inverse = np.linalg.inv(RGB_TO_LMS)
    cones = {"red-green": (1.0, -1.0, 0.0), "blue-yellow": (0.0, 0.0, 1.0)}
    steps = {name: inverse @ np.array(lms) for name, lms in cones.items()}
    return {
        "achromatic": np.ones(3),
        **{name: step / np.abs(step).max() for name, step in steps.items()},
    }


def luma_directions() -> dict[str, Array]:
    """Return opponent directions as steps of encoded R, G, B of constant luma, largest entry 1.

    Red-green drives R - G and leaves B - (R + G) / 2 alone, blue-yellow the other way round; so
    each drives one plane of the embedded network `gabor`.
    """
    planes = np.array([LUMA, [0.5, -0.5, 0.0], [-0.25, -0.25, 0.5]])
    steps = np.linalg.inv(planes).T
    names = ("achromatic", "red-green", "blue-yellow")
    return {name: step / np.abs(step).max() for name, step in zip(names, steps, strict=True)}
