"""Human contrast sensitivity: every formula beside measured thresholds."""

from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import DatasetError
from snellen.vision import CSF_CURVES, HUMAN_CSF, Thresholds, compare_curves, fitted_thresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = ("achromatic", "red-green", "blue-yellow")
_STYLES = {
    "mannos-sakrison": ("#ccbb44", "--"),
    "tariq": ("#aa3377", "-."),
    "barten": ("#4477aa", ":"),
    "measured": ("black", "-"),
}
_FREQUENCIES = np.geomspace(0.06, 40, 300)
_MARKERS = "osv^D<>Pp*X"


def plot_csf(
    thresholds: Thresholds, *, luminance: float = 100.0, area: float = 4.0, title: str = ""
) -> "Figure":
    """Draw the curves of human sensitivity over measured thresholds, and their residuals.

    Above, one panel a colour: sensitivities, each brought from its own luminance, area and
    direction to the stated ones by the ratio of the fitted curve. Below, one panel a curve:
    log10 of curve over measurement, as measured, for achromatic gratings; of relative curves
    after the factor that suits them best.

    Parameters
    ----------
    thresholds
        Such as `snellen.vision.load_castlecsf` returns.
    luminance
        cd/m2.
    area
        Square degrees.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`.

    Raises
    ------
    DatasetError
        None of the thresholds is of a static foveal achromatic grating.
    """
    from matplotlib.figure import Figure

    data = fitted_thresholds(thresholds)
    if not (data.color == "achromatic").any():
        raise DatasetError(
            "plot_csf: expected thresholds of static foveal achromatic gratings; there are none."
        )
    figure = Figure(figsize=(14, 7.6), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    above, below = parts
    markers = {str(s): _MARKERS[i % len(_MARKERS)] for i, s in enumerate(np.unique(data.study))}
    axes = above.subplots(1, 3)
    for ax, color in zip(axes, _COLORS, strict=True):
        _draw_color(ax, data.select(data.color == color), color, luminance, area, markers)
    axes[0].set_ylabel("sensitivity (1 / cone contrast)")
    residual_axes = below.subplots(1, len(CSF_CURVES), sharey=True)
    achromatic = data.select(data.color == "achromatic")
    for ax, row in zip(residual_axes, compare_curves(thresholds), strict=True):
        _draw_residuals(ax, achromatic, row, markers)
    residual_axes[0].set_ylabel("log10(curve / measured)")
    handles = {h.get_label(): h for ax in axes for h in ax.get_legend_handles_labels()[0]}
    above.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=7)
    figure.suptitle(title, fontsize=11)
    return figure


def _draw_color(
    ax: "Axes",
    data: Thresholds,
    color: str,
    luminance: float,
    area: float,
    markers: dict[str, str],
) -> None:
    common = HUMAN_CSF.sensitivity(data.frequency, color, luminance=luminance, area=area)
    brought = data.sensitivity * common / HUMAN_CSF.predict(data)
    _points(ax, data, brought, markers)
    if color == "achromatic":
        # Relative curves have no height of their own: they are drawn to the peak of the measured.
        peak = CSF_CURVES["measured"](_FREQUENCIES, luminance=luminance, area=area).max()
        for name, curve in CSF_CURVES.items():
            values = curve(_FREQUENCIES, luminance=luminance, area=area)
            values = values * peak / values.max() if curve.relative else values
            ax.plot(_FREQUENCIES, values, _STYLES[name][1], color=_STYLES[name][0], label=name)
    else:
        values = HUMAN_CSF.sensitivity(_FREQUENCIES, color, luminance=luminance, area=area)
        ax.plot(_FREQUENCIES, values, color="black", label="measured")
    ax.set(xscale="log", yscale="log", xlabel="cycles per degree", ylim=(1, 3000))
    ax.set_title(f"{color}, n = {len(data)}, at {luminance:g} cd/m2, {area:g} deg2", fontsize=9)
    ax.grid(alpha=0.25)


def _draw_residuals(
    ax: "Axes", data: Thresholds, row: dict[str, float | str], markers: dict[str, str]
) -> None:
    curve = CSF_CURVES[str(row["curve"])]
    values = curve(data.frequency, luminance=data.luminance, area=data.area)
    factor = float(row["scale"]) if curve.relative else 1.0
    residuals = np.log10(factor * values * np.abs(data.mechanisms[:, 0]))
    _points(ax, data, residuals, markers)
    spread = row["rms_scaled"] if curve.relative else row["rms"]
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xscale="log", xlabel="cycles per degree", ylim=(-1.8, 1.8))
    ax.set_title(f"{curve.name}: rms {spread:.3f}", fontsize=9)
    ax.grid(alpha=0.25)


def _points(ax: "Axes", data: Thresholds, values: "np.ndarray", markers: dict[str, str]) -> None:
    for i, (study, marker) in enumerate(markers.items()):
        own = data.study == study
        if own.any():
            ax.scatter(
                data.frequency[own],
                values[own],
                s=13,
                alpha=0.65,
                linewidths=0,
                marker=marker,
                color=f"C{i % 10}",
                label=study,
            )
