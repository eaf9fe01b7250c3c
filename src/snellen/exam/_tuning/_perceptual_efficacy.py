r"""Perceptual efficacy of channels, as published, and with the gain taken out.

Of the response :math:`a_m` of channel m to concentric gratings of frequency f, to oriented
gratings at the peak of the contrast sensitivity function (CSF), and of its largest response
:math:`\hat a_m` to those (Tariq et al. [1]_, Eqs. 2 to 5):

.. math::

    \mu_1(m) = \sum_f \mathrm{CSF}(f) \left|\frac{d}{df} a_m(I_f)\right|, \quad
    \mu_2(m) = \sum_\theta (a_m(I_\theta) - \hat a_m)^2, \quad
    \mathrm{PE}(m) = \frac{\mu_1(m) \mu_2(m)}{\sum_m \mu_1(m) \sum_m \mu_2(m)}

All three grow with the gain of a channel, PE with its third power; `gain_normalized` curves
leave their shape alone.

References
----------
.. [1] Tariq, Tursun, Kim and Didyk, "Why Are Deep Representations Good Perceptual Quality
   Features?", ECCV 2020.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import MetricError

Array = NDArray[np.float64]
Sensitivity = Callable[[Array], Array]
Derivative = Literal["step", "per-cpd"]


def frequency_sensitivity(
    curves: ArrayLike,
    frequencies: ArrayLike,
    csf: Sensitivity,
    *,
    derivative: Derivative = "step",
) -> Array:
    r"""Return :math:`\mu_1` of every channel (Eq. 2).

    Parameters
    ----------
    curves
        (C, F), responses to concentric gratings.
    frequencies
        (F,), growing, in cycles per degree.
    csf
        Human contrast sensitivity over frequency.
    derivative
        ``"step"``: :math:`\sum_i \mathrm{CSF}(f_i) |a(f_{i+1}) - a(f_i)|`, which hardly depends on
        how densely frequencies are sampled; the published numbers have its scale. ``"per-cpd"``:
        every difference divided by the step of the frequency.

    Returns
    -------
    numpy.ndarray
        (C,).

    Raises
    ------
    MetricError
        There is no such derivative, or the frequencies do not grow.

    Examples
    --------
    >>> curves, frequencies = [[0, 3, 1]], [1, 2, 4]
    >>> frequency_sensitivity(curves, frequencies, lambda f: 1 / f)
    array([4.])
    >>> frequency_sensitivity(curves, frequencies, lambda f: 1 / f, derivative="per-cpd")
    array([3.5])
    """
    a, f = np.asarray(curves, dtype=np.float64), np.asarray(frequencies, dtype=np.float64)
    if derivative not in ("step", "per-cpd") or len(f) < 2 or (np.diff(f) <= 0).any():
        raise MetricError(
            "frequency_sensitivity: expected growing frequencies and derivative='step' or "
            f"'per-cpd'; got {f.tolist()} and {derivative!r}."
        )
    change = np.abs(np.diff(a, axis=1))
    if derivative == "per-cpd":
        change = change / np.diff(f)
    return np.asarray(change @ np.asarray(csf(f[:-1]), dtype=np.float64))


def orientation_sensitivity(curves: ArrayLike) -> Array:
    r"""Return :math:`\mu_2` of every channel (Eqs. 3 and 4), from responses (C, K) to orientations.

    Published numbers are in units of a million, with a step of one degree.

    Examples
    --------
    >>> orientation_sensitivity([[1, 3, 2], [5, 5, 5]]).tolist()
    [5.0, 0.0]
    """
    a = np.asarray(curves, dtype=np.float64)
    return np.asarray(np.square(a - a.max(1, keepdims=True)).sum(1))


def perceptual_efficacy(frequency: ArrayLike, orientation: ArrayLike) -> Array:
    r"""Return PE of every channel (Eq. 5) from :math:`\mu_1` and :math:`\mu_2`, both (C,).

    Zero for every channel where one of the sums is zero.

    Examples
    --------
    >>> perceptual_efficacy([1, 3], [2, 2]).tolist()
    [0.125, 0.375]
    """
    first = np.asarray(frequency, dtype=np.float64)
    second = np.asarray(orientation, dtype=np.float64)
    total = first.sum() * second.sum()
    return np.asarray(first * second / total) if total > 0 else np.zeros_like(first)


def gain_normalized(curves: ArrayLike) -> Array:
    """Divide every curve (C, K) by its largest absolute response; flat zero stays zero.

    Efficacy of such curves does not change when a channel is multiplied by a constant. The
    paper has no such control: it is ours.
    """
    a = np.asarray(curves, dtype=np.float64)
    largest = np.abs(a).max(1, keepdims=True)
    return a / np.where(largest > 0, largest, 1)
