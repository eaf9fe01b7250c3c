"""Tuning of the channels of networks against depth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snellen.plots._names import plain
from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


def plot_tuning_by_depth(rows: Sequence[Row], *, human_peak: float) -> "Figure":
    """Draw tuning against depth: preferred frequency, orientation selectivity, colour.

    Parameters
    ----------
    rows
        One per network and layer, in order of depth: ``network``, ``layer``,
        ``preferred_frequency`` with ``_low`` and ``_high``, and the shares of channels
        ``orientation_selective`` and ``color_opponent``; None where there is none.
    human_peak
        Cycles per degree; drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels, a line per network.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    networks = list(dict.fromkeys(row["network"] for row in rows))
    for i, network in enumerate(networks):
        own = [row for row in rows if row["network"] == network]
        x = np.linspace(0, 1, len(own)) if len(own) > 1 else np.zeros(1)
        style = {"color": COLORS[i % len(COLORS)], "marker": ".", "linewidth": 1.4}
        low, high = (_column(own, f"preferred_frequency_{end}") for end in ("low", "high"))
        left.plot(x, _column(own, "preferred_frequency"), label=plain(network), **style)
        left.fill_between(x, low, high, color=style["color"], alpha=0.13, linewidth=0)
        middle.plot(x, _column(own, "orientation_selective"), **style)
        right.plot(x, _column(own, "color_opponent"), **style)
        if len(networks) == 1:
            for axes in (left, middle, right):
                names = [plain(row["layer"]) for row in own]
                axes.set_xticks(x, names, rotation=90, fontsize=7)
    left.axhline(human_peak, color="0.35", linestyle=":", label="people")
    left.set_title("preferred frequency, cycles per degree", fontsize=10)
    left.set_yscale("log", base=2)
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    middle.set_title("share selective for orientation", fontsize=10)
    right.set_title("share that prefers colour", fontsize=10)
    for axes in (middle, right):
        axes.set_ylim(-0.03, 1.03)
    _dress((left, middle, right), several=len(networks) > 1)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    return figure


def _dress(panels: Sequence["Axes"], *, several: bool) -> None:
    for axes in panels:
        axes.grid(alpha=0.25)
        axes.set_xlabel("relative depth" if several else "layer")


def _column(rows: Sequence[Row], name: str) -> NDArray[np.float64]:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)
