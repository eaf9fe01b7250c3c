"""Contrast sensitivity of networks, as metrics, by their labels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.plots._names import plain
from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


def plot_sensitivities(curves: Mapping[str, Sequence[Row]]) -> "Figure":
    """Draw the contrast sensitivity of networks, as metrics, beside that of people.

    Parameters
    ----------
    curves
        Rows of `snellen.exam.MetricCSF`, achromatic at one orientation, by label of the network.

    Returns
    -------
    matplotlib.figure.Figure
        A frequency without a threshold leaves a gap.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 3.9), layout="constrained")
    axes = figure.subplots()
    first = next(iter(curves.values()))
    x, people = _line(first, "human_sensitivity")
    axes.plot(x, people, color="black", linewidth=2.2, label="people (measured)")
    for i, (label, rows) in enumerate(curves.items()):
        x, own = _line(rows, "sensitivity")
        colour = COLORS[i % len(COLORS)]
        axes.plot(x, own, color=colour, marker="o", markersize=3.5, label=plain(label))
    axes.set(xscale="log", yscale="log", xlabel="cycles per degree")
    axes.set_ylabel("sensitivity (1 / cone contrast)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(alpha=0.25, which="both")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    return figure


def _line(rows: Sequence[Row], column: str) -> tuple[list[float], list[float]]:
    values = [np.nan if row[column] is None else float(row[column]) for row in rows]
    return [row["frequency"] for row in rows], values
