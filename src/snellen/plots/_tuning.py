"""What the channels of a network are tuned to."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snellen.errors import MetricError
from snellen.plots._names import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from snellen.exam import TuningExam

_CURVES = 24
_FREQUENCY_BINS = 24
_ORIENTATION_BINS = 12
_COLOUR = "#4477aa"


def plot_tuning_curves(exam: "TuningExam", layer: str, *, most: int = _CURVES) -> "Figure":
    """Draw curves of a layer over frequency, orientation and contrast, each over its maximum.

    Parameters
    ----------
    exam
        Made by `snellen.exam.tuning`.
    layer
        One of its layers.
    most
        Number of channels: those with the largest efficacy, coloured by preferred frequency.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    BackboneError
        The exam has no such layer.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    rows = [row for row in exam.of_layer(layer) if np.isfinite(row["preferred_frequency"])]
    chosen = sorted(rows, key=lambda row: -float(row["efficacy"]))[:most]
    curves, stimuli = exam.curves[layer], exam.stimuli
    frequencies = stimuli.frequencies or ()
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    norm = LogNorm(min(frequencies), max(frequencies))
    around = [*stimuli.orientations, stimuli.orientations[0] + 180]
    for row in chosen:
        c = row["channel"]
        colour = colormaps["viridis"](norm(row["preferred_frequency"]))
        left.plot(frequencies, _share(curves.frequency[c]), color=colour, linewidth=1)
        turning = curves.orientation[c]
        middle.plot(around, _share(np.append(turning, turning[0])), color=colour, linewidth=1)
        right.plot(stimuli.contrasts, _share(curves.contrast[c]), color=colour, linewidth=1)
    left.set(xscale="log", xlabel="cycles per degree", ylabel="response / largest response")
    middle.set(xlabel="orientation of the wave vector, degrees", xticks=range(0, 181, 45))
    right.set(xscale="log", xlabel="contrast")
    for axes in (left, middle, right):
        axes.set_ylim(-0.5, 1.05)
        axes.grid(alpha=0.25)
    bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=right)
    bar.set_label("preferred frequency, cycles per degree")
    total = len(exam.of_layer(layer))
    figure.suptitle(f"{plain(layer)}: {len(chosen)} of {total} channels, those of largest efficacy")
    return figure


def _share(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = float(curve.max())
    return curve / largest if largest > 0 else curve


def plot_preferred_frequencies(
    rows: Sequence[Mapping[str, Any]], csf: Mapping[float, float], *, csf_label: str = "human CSF"
) -> "Figure":
    """Draw, for each layer, how many channels prefer which frequency, and the human CSF.

    Parameters
    ----------
    rows
        Rows of a `snellen.exam.TuningExam`.
    csf
        Sensitivity by frequency in cycles per degree; drawn over its maximum.
    csf_label
        What the legend calls it.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows.
    """
    figure, panels = _panels(rows, "plot_preferred_frequencies", {})
    x = np.array(sorted(csf))
    curve = np.array([csf[f] for f in x.tolist()])
    bins = np.geomspace(x.min(), x.max(), _FREQUENCY_BINS + 1)
    for layer, axes in panels.items():
        values = _values(rows, layer, "preferred_frequency")
        counts, _ = np.histogram(values, bins)
        axes.stairs(counts / max(1, counts.max()), bins, fill=True, color=_COLOUR, alpha=0.7)
        axes.plot(x, curve / curve.max(), color="black", linewidth=1, label=csf_label)
        axes.set(xscale="log", yticks=[], xlim=(x.min(), x.max()))
        _title(axes, rows, layer, len(values))
    figure.supxlabel("preferred frequency, cycles per degree", fontsize=9)
    figure.supylabel("channels (over the highest bar)", fontsize=9)
    axes = next(iter(panels.values()))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", fontsize=8)
    return figure


def plot_preferred_orientations(rows: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw, for each layer, how many channels prefer which orientation, as a rose.

    Angles are those of the wave vector, clockwise on screen: 0 degrees stands for vertical bars.
    Channels count by their selectivity, one minus circular variance.

    Parameters
    ----------
    rows
        Rows of a `snellen.exam.TuningExam`.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows.
    """
    figure, panels = _panels(rows, "plot_preferred_orientations", {"projection": "polar"})
    width = np.pi / _ORIENTATION_BINS
    centers = np.arange(_ORIENTATION_BINS) * width
    for layer, axes in panels.items():
        angles = np.deg2rad(_values(rows, layer, "preferred_orientation"))
        weights = 1 - _values(rows, layer, "circular_variance")
        places = np.round(angles / width).astype(int) % _ORIENTATION_BINS
        counts = np.bincount(places, weights, minlength=_ORIENTATION_BINS)
        both = np.concatenate([centers, centers + np.pi])
        axes.bar(both, np.tile(counts, 2), width=0.9 * width, color=_COLOUR)
        axes.set(theta_direction=-1, yticks=[], xticks=np.deg2rad([0, 45, 90, 135]))
        axes.tick_params(labelsize=7, pad=-3)
        _title(axes, rows, layer, len(angles))
    figure.suptitle(
        "preferred orientation of the wave vector (0: vertical bars), weighted by selectivity",
        fontsize=10,
    )
    return figure


def _panels(
    rows: Sequence[Mapping[str, Any]], name: str, options: Mapping[str, Any]
) -> tuple["Figure", dict[str, "Axes"]]:
    from matplotlib.figure import Figure

    layers = list(dict.fromkeys(row["layer"] for row in rows))
    if not layers:
        raise MetricError(f"{name}: expected rows of a tuning exam; got none.")
    columns = min(4, len(layers))
    height = -(-len(layers) // columns)
    figure = Figure(figsize=(2.7 * columns + 0.4, 2.3 * height + 0.8), layout="constrained")
    grid = figure.subplots(height, columns, squeeze=False, subplot_kw=dict(options)).ravel()
    for axes in grid[len(layers) :]:
        axes.set_axis_off()
    return figure, dict(zip(layers, grid, strict=False))


def _values(rows: Sequence[Mapping[str, Any]], layer: str, name: str) -> NDArray[np.float64]:
    """Values of the channels of a layer that are tuned at all."""
    own = [row for row in rows if row["layer"] == layer]
    kept = [row for row in own if np.isfinite([row["preferred_frequency"], row[name]]).all()]
    return np.array([row[name] for row in kept], dtype=np.float64)


def _title(axes: "Axes", rows: Sequence[Mapping[str, Any]], layer: str, shown: int) -> None:
    total = sum(row["layer"] == layer for row in rows)
    axes.set_title(f"{plain(layer)} ({shown} of {total})", fontsize=9)
    axes.tick_params(labelsize=7)
