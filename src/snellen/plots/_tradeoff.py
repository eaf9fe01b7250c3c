"""Perception against distortion: what a loss gives, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import TrainingError
from snellen.plots._palette import COLORS
from snellen.plots._scatter import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*X"
_FAR = 2  # times the extent of the losses: farther points would leave them a corner of the panel


def plot_perception_distortion(
    runs: Sequence[Mapping[str, Any]],
    distortion: str,
    perception: str,
    lower_better: Mapping[str, bool],
    *,
    title: str = "",
) -> "Figure":
    """Draw every run as a point, and every loss as the mean and deviation of its runs.

    Both axes are turned so that better is to the right and up. A point without seeds, as the
    degraded image itself is, that lies far from all losses is told in words.

    Parameters
    ----------
    runs
        Rows of `snellen.restoration.LossComparison.runs`; a panel for each test set.
    distortion, perception
        Metrics on the horizontal and the vertical axis.
    lower_better
        Their directions.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    TrainingError
        There are no runs with both scores.
    """
    from matplotlib.figure import Figure

    both = [row for row in runs if None not in (row.get(distortion), row.get(perception))]
    if not both:
        raise TrainingError(f"there are no runs with scores of {distortion} and {perception}.")
    losses = list(dict.fromkeys(row["loss"] for row in both))
    sets = list(dict.fromkeys(row["set"] for row in both))
    width = 4.4 * len(sets) + 1.8
    figure = Figure(figsize=(width, 4.2), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets, strict=True):
        here = [r for r in both if r["set"] == name]
        trained = _points([r for r in here if r["seed"] is not None], distortion, perception)
        for i, loss in enumerate(losses):
            own = [r for r in here if r["loss"] == loss]
            points = _points(own, distortion, perception)
            if len(points) and own[0]["seed"] is None and _far(points[0], trained):
                _tell(ax, points[0], loss)
            elif len(points):
                _draw(ax, points, loss, COLORS[i % len(COLORS)], _MARKERS[i % len(_MARKERS)])
        ax.set(
            xlabel=axis_label(distortion, lower_better[distortion]),
            ylabel=axis_label(perception, lower_better[perception]),
        )
        ax.set_title(name, fontsize=10)
        ax.grid(alpha=0.25)
        for axis, metric in ((ax.xaxis, distortion), (ax.yaxis, perception)):
            axis.set_inverted(lower_better[metric])
    named = {
        label: handle
        for ax in figure.axes
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        named.values(), named.keys(), loc="outside right upper", fontsize=8, frameon=False
    )
    figure.suptitle(title, fontsize=10)
    return figure


def _points(rows: Sequence[Mapping[str, Any]], x: str, y: str) -> "np.ndarray":
    return np.array([[row[x], row[y]] for row in rows], dtype=float).reshape(-1, 2)


def _far(point: "np.ndarray", others: "np.ndarray") -> bool:
    if not len(others):
        return False
    low, high = others.min(0), others.max(0)
    outside = np.maximum(low - point, point - high)
    return bool((outside > _FAR * (high - low)).any())


def _tell(ax: "Axes", point: "np.ndarray", loss: str) -> None:
    text = f"{loss}: {point[0]:.4g}, {point[1]:.3g} (outside)"
    ax.text(0.03, 0.03, text, transform=ax.transAxes, fontsize=8, color="0.35")


def _draw(ax: "Axes", points: "np.ndarray", loss: str, colour: str, marker: str) -> None:
    x, y = points.mean(0)
    if len(points) > 1:
        across, up = points.std(0, ddof=1)
        ax.scatter(points[:, 0], points[:, 1], s=14, color=colour, alpha=0.45, linewidths=0)
        ax.errorbar(x, y, xerr=across, yerr=up, color=colour, capsize=2, linewidth=1)
    ax.scatter(x, y, s=60, color=colour, marker=marker, edgecolors="white", label=loss, zorder=3)
