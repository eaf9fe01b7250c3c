"""How the columns of a scored table go together, as a map of their rank correlations."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MetricError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DARK = 0.55
_UNSURE = "0.45"


def plot_correlations(rows: Sequence[Mapping[str, Any]], *, title: str = "") -> "Figure":
    """Draw the rank correlation of every column with every other.

    Parameters
    ----------
    rows
        From `snellen.runs.correlation_table`.
    title
        Text above the figure.

    Returns
    -------
    matplotlib.figure.Figure
        SRCC as colour and number; in grey and in brackets where the interval holds 0. To be
        saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows.
    """
    from matplotlib.figure import Figure

    if not rows:
        raise MetricError("plot_correlations: there are no rows.")
    names = list(dict.fromkeys([name for row in rows for name in (row["first"], row["second"])]))
    values = np.full((len(names), len(names)), np.nan)
    side = 2.4 + 0.52 * len(names)
    figure = Figure(figsize=(side + 0.9, side), layout="constrained")
    ax = figure.subplots()
    for row in rows:
        i, j = names.index(row["first"]), names.index(row["second"])
        values[i, j] = values[j, i] = row["srcc"]
        for place in {(i, j), (j, i)}:
            _write(ax, place, row)
    drawn = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
    figure.colorbar(drawn, ax=ax, shrink=0.8).set_label("SRCC", fontsize=9)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.tick_params(length=0)
    ax.set_title(title, fontsize=10)
    return figure


def _write(ax: "Axes", place: tuple[int, int], row: Mapping[str, Any]) -> None:
    value, low, high = row["srcc"], row["low"], row["high"]
    if not np.isfinite(value):
        return
    unsure = bool(low <= 0 <= high)
    text = f"{value:.2f}".replace("0.", ".", 1)
    colour = "white" if abs(value) > _DARK else "black"
    ax.text(
        place[1],
        place[0],
        f"({text})" if unsure else text,
        ha="center",
        va="center",
        fontsize=7.5,
        color=_UNSURE if unsure else colour,
    )
