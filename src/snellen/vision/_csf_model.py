r"""Contrast sensitivity of people as a curve through measured thresholds.

Three opponent mechanisms (see `mechanism_signals`) each have a sensitivity of frequency f
(cycles per degree), luminance L (cd/m2) and area A (square degrees):

.. math::
    \ln S = \ln g - \left(\frac{\ln f / f_p}{w}\right)^2 - \ln\left(1 + \frac{L_0}{L}\right)
    - \frac{1}{2} \ln\left(1 + \frac{A_c}{A}\right),
    \qquad f_p = f_{100}\left(\frac{L}{100}\right)^e,
    \quad A_c = \frac{1}{1 / A_0 + f^2 / n}

a parabola in log frequency; a loss at low luminance; and the loss of gratings below a critical
area, which is one of about n square cycles and at most :math:`A_0` (luminance only) [1]_. Below
:math:`f_p` the parabola falls by at most a factor :math:`e^{-d}` (luminance), or not at all
(colour) [2]_. A stimulus that drives several mechanisms
is at threshold where :math:`\sum_k (S_k c_k)^\beta = 1`.

The form borrows from those models; the parameters are this project's own fit.

References
----------
.. [1] J. Rovamo, O. Luntinen and R. Nasanen, "Modelling the dependence of contrast sensitivity on
   grating area and spatial frequency", Vision Research 33(18), 1993.
.. [2] A. B. Watson and A. J. Ahumada, "A standard model for foveal detection of spatial
   contrast", Journal of Vision 5(9), 2005.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import MetricError
from snellen.vision._cones import RGB_TO_LMS, Array
from snellen.vision._thresholds import Thresholds, mechanism_signals

_AXES = {
    "achromatic": (1.0, 1.0, 1.0),
    "red-green": (1.0, -1.0, 0.0),
    "blue-yellow": (0.0, 0.0, 1.0),
}


@dataclass(frozen=True)
class MechanismCSF:
    """Sensitivity of one opponent mechanism to its own contrast.

    Attributes
    ----------
    gain
        g: sensitivity at the peak, bright and large.
    peak
        f_100: cycles per degree at the peak of the parabola, at 100 cd/m2.
    width
        w: of the parabola, in natural logarithms of frequency.
    luminance
        L_0: cd/m2 at which half of the sensitivity is lost.
    shift
        e: exponent with which the peak moves with luminance.
    cycles
        n: square cycles at which sensitivity is 1 / sqrt(2) of that to a large grating.
    drop
        d: natural logarithm of the loss below the peak.
    area
        A_0: largest critical area in square degrees.
    """

    gain: float
    peak: float
    width: float
    luminance: float
    shift: float
    cycles: float
    drop: float = 0.0
    area: float = np.inf

    def log_sensitivity(self, frequency: Array, luminance: Array, area: Array) -> Array:
        """Return the natural logarithm of the sensitivity, for positive values."""
        octaves = np.log(frequency / (self.peak * (luminance / 100) ** self.shift)) / self.width
        parabola = -np.square(octaves)
        shape = np.where(octaves < 0, np.maximum(parabola, -self.drop), parabola)
        dim = np.log1p(self.luminance / luminance)
        small = 0.5 * np.log1p(1 / (area * (1 / self.area + frequency**2 / self.cycles)))
        return np.asarray(np.log(self.gain) + shape - dim - small)


# Parameters of a chromatic mechanism: neither a drop nor a largest critical area shows in the data.
_CHROMATIC = len(fields(MechanismCSF)) - 2


@dataclass(frozen=True)
class CSFModel:
    """Contrast sensitivity to static gratings in the middle of the visual field.

    Attributes
    ----------
    luminance, red_green, blue_yellow
        The mechanisms.
    pooling
        beta: exponent with which they add.
    """

    luminance: MechanismCSF
    red_green: MechanismCSF
    blue_yellow: MechanismCSF
    pooling: float

    def sensitivity(
        self,
        frequency: ArrayLike,
        color: str = "achromatic",
        *,
        luminance: ArrayLike = 100.0,
        area: ArrayLike = 1.0,
    ) -> Array:
        """Return the sensitivity to a grating about daylight white (D65).

        Parameters
        ----------
        frequency
            Cycles per degree, positive; arrays are broadcast.
        color
            ``"achromatic"``, ``"red-green"`` (L against M) or ``"blue-yellow"`` (S alone).
        luminance
            cd/m2.
        area
            Square degrees; pi sigma^2 for a Gaussian envelope.

        Returns
        -------
        numpy.ndarray
            One over the root-mean-square cone contrast at threshold; for achromatic gratings
            over the Michelson contrast.

        Raises
        ------
        MetricError
            There is no such colour, or a value is not positive.

        Examples
        --------
        >>> HUMAN_CSF.sensitivity([1.0, 4.0, 16.0], area=4.0).round()
        array([136., 277.,  54.])
        """
        if color not in _AXES:
            raise MetricError(
                f"human contrast sensitivity: expected a color of {', '.join(_AXES)}; got {color!r}"
            )
        conditions = [np.asarray(v, dtype=np.float64) for v in (frequency, luminance, area)]
        if not all((values > 0).all() for values in conditions):
            raise MetricError(
                "human contrast sensitivity: frequency, luminance and area must be positive."
            )
        white = RGB_TO_LMS.sum(axis=1)
        step = np.array(_AXES[color])
        cones = step if color == "achromatic" else step / white
        signals = mechanism_signals(cones / np.sqrt(np.square(cones).mean()), white)
        return np.exp(self._log_visibility(np.broadcast_arrays(*conditions), signals))

    def predict(self, thresholds: Thresholds) -> Array:
        """Return the sensitivity where people's was measured.

        Parameters
        ----------
        thresholds
            Of gratings of any colour about any background.

        Returns
        -------
        numpy.ndarray
            (N,) one over the root-mean-square cone contrast.
        """
        t = thresholds
        unit = t.mechanisms * t.sensitivity[:, None]
        conditions = (t.frequency, t.luminance, t.area)
        return np.exp(self._log_visibility(conditions, unit))

    def _log_visibility(self, conditions: Sequence[Array], signals: Array) -> Array:
        """Natural logarithm of the pooled response to signals (..., 3)."""
        parts = (self.luminance, self.red_green, self.blue_yellow)
        each = np.stack([part.log_sensitivity(*conditions) for part in parts], axis=-1)
        with np.errstate(divide="ignore"):
            driven = self.pooling * (each + np.log(np.abs(signals)))
        pooled: Array = np.logaddexp.reduce(driven, axis=-1) / self.pooling
        return pooled

    def parameters(self) -> Array:
        """Return all parameters as one vector."""
        parts = (self.luminance, self.red_green, self.blue_yellow)
        vectors = [astuple(parts[0]), *(astuple(part)[:_CHROMATIC] for part in parts[1:])]
        return np.array([*(v for vector in vectors for v in vector), self.pooling])

    @classmethod
    def from_parameters(cls, values: Array) -> Self:
        """Make a model of the vector that `parameters` returns."""
        first = len(fields(MechanismCSF))
        cuts = (0, first, first + _CHROMATIC, first + 2 * _CHROMATIC)
        one, two, three = (MechanismCSF(*map(float, values[a:b])) for a, b in pairwise(cuts))
        return cls(one, two, three, float(values[-1]))


HUMAN_CSF = CSFModel(
    luminance=MechanismCSF(665.4, 1.532, 1.494, 0.8082, 0.1769, 96.96, 0.9143, 343.2),
    red_green=MechanismCSF(1369.0, 0.02590, 3.199, 2.660, 0.09415, 15.36),
    blue_yellow=MechanismCSF(138.1, 0.02853, 3.237, 2.670, 0.09690, 3.339),
    pooling=2.447,
)
"""Fitted to 1,014 thresholds of the castleCSF collection by ``recipes/fit_csf.py``."""
