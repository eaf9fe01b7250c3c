"""The fit of the human curve to measured thresholds, and how far every curve is from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.errors import DatasetError
from snellen.vision._cones import Array
from snellen.vision._csf_curves import CSF_CURVES, SensitivityCurve
from snellen.vision._csf_model import HUMAN_CSF, CSFModel
from snellen.vision._thresholds import Thresholds

DIMMEST = 0.5
"""Least luminance in cd/m2 of the thresholds that are fitted: cones see alone above it, about."""

# Differences of less than this factor (log10) count in full, larger ones linearly.
_TOLERANCE = 0.2
_MOST_POOLING = 6.0


@dataclass(frozen=True)
class CSFFit:
    """A curve beside the thresholds that it was fitted to.

    Attributes
    ----------
    model
        The curve.
    thresholds
        Those fitted.
    residuals
        log10 of predicted over measured sensitivity, one a threshold.
    """

    model: CSFModel
    thresholds: Thresholds
    residuals: Array

    def rows(self) -> list[dict[str, Any]]:
        """Report by study and colour: number, mean offset and rms, in log10 units."""
        keys = [
            (study, color)
            for study in np.unique(self.thresholds.study)
            for color in np.unique(self.thresholds.color)
        ]
        found = []
        for study, color in keys:
            own = (self.thresholds.study == study) & (self.thresholds.color == color)
            if own.any():
                found.append(_row(str(study), str(color), self.residuals[own]))
        return [*found, _row("all", "all", self.residuals)]


def _row(study: str, color: str, residuals: Array) -> dict[str, Any]:
    return {
        "study": study,
        "color": color,
        "n": len(residuals),
        "offset": float(residuals.mean()),
        "rms": rms(residuals),
        "rms_without_offset": float(residuals.std()),
    }


def rms(values: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.square(values).mean()))


def fitted_thresholds(thresholds: Thresholds) -> Thresholds:
    """Choose what the curve is fitted to: static foveal gratings of at least `DIMMEST` cd/m2."""
    return thresholds.select(thresholds.static & (thresholds.luminance >= DIMMEST))


def fit_csf(thresholds: Thresholds, start: CSFModel = HUMAN_CSF) -> CSFFit:
    """Fit the curve to thresholds: robust least squares of log10 sensitivity.

    Parameters
    ----------
    thresholds
        Such as `load_castlecsf` returns; of these, static foveal gratings of at least
        `DIMMEST` cd/m2 are used, every colour and background.
    start
        Where the search begins.

    Returns
    -------
    CSFFit
        The curve and its residuals.

    Raises
    ------
    DatasetError
        There are not more thresholds than parameters.

    Notes
    -----
    Residuals enter through 2(sqrt(1 + z) - 1) with z the square of residual / 0.2, so that single
    odd thresholds do not bend the curve. Every threshold has the same weight; studies have no
    offsets of their own.
    """
    from scipy.optimize import least_squares

    data = fitted_thresholds(thresholds)
    free = start.parameters()
    if len(data) <= len(free):
        raise DatasetError(
            f"contrast sensitivity: {len(free)} parameters need more static foveal thresholds of "
            f"at least {DIMMEST} cd/m2; got {len(data)}."
        )

    def residuals(model: CSFModel) -> Array:
        return np.asarray(np.log10(model.predict(data) / data.sensitivity))

    # The exponent of luminance may have either sign; all else is positive, and fitted as its log.
    signed = np.array([name == "shift" for name in _names()])
    low = np.where(signed, -1.0, -np.inf)
    high = np.where(signed, 1.0, np.inf)
    low[-1], high[-1] = 0.0, np.log(_MOST_POOLING)

    def unpack(x: Array) -> CSFModel:
        return CSFModel.from_parameters(np.where(signed, x, np.exp(np.where(signed, 0.0, x))))

    begin = np.where(signed, free, np.log(np.where(signed, 1.0, free)))
    found = least_squares(
        lambda x: residuals(unpack(x)),
        begin,
        bounds=(low, high),
        loss="soft_l1",
        f_scale=_TOLERANCE,
        x_scale="jac",
        xtol=1e-10,
        ftol=1e-10,
    )
    model = unpack(found.x)
    return CSFFit(model, data, residuals(model))


def _names() -> list[str]:
    one = ["gain", "peak", "width", "luminance", "shift", "cycles"]
    return [*one, "drop", "area", *one, *one, "pooling"]


def compare_curves(
    thresholds: Thresholds, curves: Mapping[str, SensitivityCurve] = CSF_CURVES
) -> list[dict[str, Any]]:
    """Measure how far curves are from achromatic thresholds.

    Parameters
    ----------
    thresholds
        Such as `load_castlecsf` returns; static foveal achromatic gratings of at least
        `DIMMEST` cd/m2 are used.
    curves
        `SensitivityCurve` by name; all of `CSF_CURVES` by default.

    Returns
    -------
    list of dict
        One row a curve: ``n``; ``rms`` of log10(curve / measured) as it stands (None for
        relative curves); ``scale``, the factor that suits it best; and ``rms_scaled``, after that.
    """
    data = fitted_thresholds(thresholds)
    data = data.select(data.color == "achromatic")
    # What these curves are about; greys of displays drive the cones a little unequally.
    measured = 1 / np.abs(data.mechanisms[:, 0])
    rows = []
    for name, curve in curves.items():
        predicted = curve(data.frequency, luminance=data.luminance, area=data.area)
        residuals = np.log10(predicted / measured)
        rows.append(
            {
                "curve": name,
                "n": len(data),
                "rms": None if curve.relative else rms(residuals),
                "scale": float(10 ** -residuals.mean()),
                "rms_scaled": float(residuals.std()),
            }
        )
    return rows
