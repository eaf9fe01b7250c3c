r"""How sensitive people are to contrast, by spatial frequency.

Four curves. The first two are *relative*: shapes without a unit, as metrics have used them as
weights. The last two are sensitivities, one over the contrast at threshold:

================== ======================================================================
name               curve
================== ======================================================================
``mannos-sakrison``  :math:`2.6(0.0192 + 0.114f)e^{-(0.114f)^{1.1}}` [1]_; peak 0.981 at 7.9
``tariq``            :math:`(0.0255 + 0.1252f)e^{-0.1252f}`: fitted by this project to the curve
                     that Tariq et al. plot [2]_ (they give no formula); peak at 7.8
``barten``           Barten's model of noise in the eye [3]_, by luminance and size
``measured``         `HUMAN_CSF`, fitted to measured thresholds; also for opponent colours
================== ======================================================================

References
----------
.. [1] J. L. Mannos and D. J. Sakrison, "The effects of a visual fidelity criterion on the
   encoding of images", IEEE Transactions on Information Theory 20(4), 1974.
.. [2] T. Tariq, O. T. Tursun, M. Kim and P. Didyk, "Why are deep representations good perceptual
   quality features?", ECCV 2020, figure 2(a).
.. [3] P. G. J. Barten, "Contrast Sensitivity of the Human Eye and Its Effects on Image Quality",
   SPIE Press, 1999; "Formula for the contrast sensitivity of the human eye", Proc. SPIE 5294,
   2003.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import MetricError
from snellen.vision._cones import Array
from snellen.vision._csf_model import HUMAN_CSF


def mannos_sakrison_csf(frequency: ArrayLike) -> Array:
    """Relative sensitivity by Mannos and Sakrison (1974).

    Parameters
    ----------
    frequency
        Cycles per degree.

    Returns
    -------
    numpy.ndarray
        Relative sensitivity, at most 0.981 (at 7.9 cycles per degree).

    Examples
    --------
    >>> mannos_sakrison_csf([2.0, 8.0, 30.0]).round(3)
    array([0.528, 0.981, 0.187])
    """
    f = _frequencies(frequency)
    return np.asarray(2.6 * (0.0192 + 0.114 * f) * np.exp(-((0.114 * f) ** 1.1)))


def tariq_csf(frequency: ArrayLike) -> Array:
    """Relative sensitivity as plotted by Tariq et al. (2020).

    Parameters
    ----------
    frequency
        Cycles per degree.

    Returns
    -------
    numpy.ndarray
        Relative sensitivity, at most 0.377 (at 7.78 cycles per degree). The plot shows 3.534
        times this.
    """
    f = _frequencies(frequency)
    return np.asarray((0.0255 + 0.1252 * f) * np.exp(-0.1252 * f))


@dataclass(frozen=True)
class BartenEye:
    """The constants of Barten's model, those of his standard observer by default.

    Attributes
    ----------
    signal_to_noise
        k: ratio at which a grating is seen half of the time.
    blur
        sigma_0: standard deviation of the line spread at a vanishing pupil, minutes of arc.
    pupil_blur
        C_ab: its growth with the pupil, minutes of arc per mm.
    integration_time
        T: seconds.
    largest_size
        X_max: degrees over which the eye integrates.
    most_cycles
        N_max: cycles over which it integrates.
    efficiency
        eta: share of the photons that count.
    photons
        p: photons / (s deg2 Td).
    neural_noise
        Phi_0: spectral density, s deg2.
    inhibition
        u_0: cycles per degree below which lateral inhibition acts.
    pupil
        Diameter in mm; None: from luminance and size.
    """

    signal_to_noise: float = 3.0
    blur: float = 0.5
    pupil_blur: float = 0.08
    integration_time: float = 0.1
    largest_size: float = 12.0
    most_cycles: float = 15.0
    efficiency: float = 0.03
    photons: float = 1.2e6
    neural_noise: float = 3e-8
    inhibition: float = 7.0
    pupil: float | None = None

    def pupil_diameter(self, luminance: Array, area: Array) -> Array:
        """Return the diameter of the pupil in mm, natural unless it was given."""
        if self.pupil is not None:
            return np.full(np.broadcast(luminance, area).shape, self.pupil)
        return np.asarray(5 - 3 * np.tanh(0.4 * np.log10(luminance * area / 40**2)))


_STANDARD_EYE = BartenEye()


def barten_csf(
    frequency: ArrayLike,
    *,
    luminance: ArrayLike = 100.0,
    area: ArrayLike = 1.0,
    eye: BartenEye = _STANDARD_EYE,
) -> Array:
    r"""Sensitivity to achromatic gratings by Barten's model (1999, 2003).

    .. math::
        S(u) = \frac{e^{-2\pi^2\sigma^2u^2} / k}{\sqrt{\frac{2}{T}
        \left(\frac{1}{X_0^2} + \frac{1}{X_{max}^2} + \frac{u^2}{N_{max}^2}\right)
        \left(\frac{1}{\eta p E} + \frac{\Phi_0}{1 - e^{-(u/u_0)^2}}\right)}}

    with :math:`\sigma^2 = \sigma_0^2 + (C_{ab}d)^2`, the pupil
    :math:`d = 5 - 3\tanh(0.4\lg(L X_0^2 / 40^2))` and the retinal illuminance
    :math:`E = \frac{\pi d^2}{4} L (1 - (d/9.7)^2 + (d/12.4)^4)`.

    Parameters
    ----------
    frequency
        Cycles per degree; arrays are broadcast.
    luminance
        cd/m2.
    area
        X_0 squared: size of the grating in square degrees.
    eye
        The constants.

    Returns
    -------
    numpy.ndarray
        One over the Michelson contrast at threshold.

    Raises
    ------
    MetricError
        A frequency is negative, or luminance or area not positive.

    Examples
    --------
    >>> barten_csf([1.0, 4.0, 16.0], area=4.0).round()
    array([119., 356., 155.])
    """
    u = _frequencies(frequency)
    lum, size = (_positive(n, v) for n, v in (("luminance", luminance), ("area", area)))
    pupil = eye.pupil_diameter(lum, size)
    sigma = np.hypot(eye.blur, eye.pupil_blur * pupil) / 60
    trolands = np.pi * pupil**2 / 4 * lum * (1 - (pupil / 9.7) ** 2 + (pupil / 12.4) ** 4)
    integrated = 1 / size + 1 / eye.largest_size**2 + (u / eye.most_cycles) ** 2
    photon_noise = 1 / (eye.efficiency * eye.photons * trolands)
    with np.errstate(divide="ignore"):
        neural_noise = eye.neural_noise / -np.expm1(-((u / eye.inhibition) ** 2))
    noise = 2 / eye.integration_time * integrated * (photon_noise + neural_noise)
    return np.asarray(np.exp(-2 * (np.pi * sigma * u) ** 2) / eye.signal_to_noise / np.sqrt(noise))


@dataclass(frozen=True)
class SensitivityCurve:
    """A curve of human contrast sensitivity by name.

    Attributes
    ----------
    name
        ``mannos-sakrison``, ``tariq``, ``barten`` or ``measured``.
    source
        Where it comes from.
    relative
        Whether its values are a shape only, and not one over a contrast.
    function
        From frequency, luminance (cd/m2) and area (square degrees) to sensitivity.
    """

    name: str
    source: str
    relative: bool
    function: Callable[[Array, Array, Array], Array] = field(repr=False)

    def __call__(
        self, frequency: ArrayLike, *, luminance: ArrayLike = 100.0, area: ArrayLike = 1.0
    ) -> Array:
        """Return the sensitivity; relative curves depend on frequency only."""
        return self.function(
            np.asarray(frequency, dtype=np.float64),
            np.asarray(luminance, dtype=np.float64),
            np.asarray(area, dtype=np.float64),
        )


CSF_CURVES = MappingProxyType(
    {
        curve.name: curve
        for curve in (
            SensitivityCurve(
                "mannos-sakrison",
                "Mannos and Sakrison 1974",
                relative=True,
                function=lambda f, _luminance, _area: mannos_sakrison_csf(f),
            ),
            SensitivityCurve(
                "tariq",
                "fitted by this project to figure 2(a) of Tariq et al. 2020",
                relative=True,
                function=lambda f, _luminance, _area: tariq_csf(f),
            ),
            SensitivityCurve(
                "barten",
                "Barten 1999, 2003",
                relative=False,
                function=lambda f, luminance, area: barten_csf(f, luminance=luminance, area=area),
            ),
            SensitivityCurve(
                "measured",
                "fitted by this project to castleCSF's collection of thresholds",
                relative=False,
                function=lambda f, luminance, area: HUMAN_CSF.sensitivity(
                    f, luminance=luminance, area=area
                ),
            ),
        )
    }
)
"""Curves of achromatic sensitivity by name."""


def find_csf(name: str) -> SensitivityCurve:
    """Return a curve by its name.

    Raises
    ------
    MetricError
        There is no such curve.
    """
    if name not in CSF_CURVES:
        raise MetricError(
            f"there is no contrast sensitivity curve {name!r}; choose from {', '.join(CSF_CURVES)}."
        )
    return CSF_CURVES[name]


def _frequencies(frequency: ArrayLike) -> Array:
    f = np.asarray(frequency, dtype=np.float64)
    if not (np.isfinite(f).all() and (f >= 0).all()):
        raise MetricError("contrast sensitivity: frequencies must be finite and at least 0.")
    return f


def _positive(name: str, value: ArrayLike) -> Array:
    result = np.asarray(value, dtype=np.float64)
    if not (np.isfinite(result).all() and (result > 0).all()):
        raise MetricError(f"contrast sensitivity: {name} must be positive and finite.")
    return result
