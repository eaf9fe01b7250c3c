"""Agreement with people by depth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MetricError
from snellen.plots._names import plain
from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES = (":", "-.", (0, (6, 2)), (0, (1, 5)), (0, (3, 1, 1, 1, 1, 1)))
"""Of horizontal lines, which have no colours, to be told apart by."""


def plot_layers(
    rows: Sequence[Mapping[str, Any]],
    *,
    by: str = "readout",
    statistic: str = "srcc",
    metrics: Mapping[str, float] | None = None,
    title: str = "",
) -> "Figure":
    """Draw agreement with people against depth, a panel for each network or each readout.

    Parameters
    ----------
    rows
        Rows of a `snellen.exam.LayerExam`, those to be shown: of one combination, dataset and
        protocol.
    by
        What the lines of a panel are: ``"readout"`` (a panel per network) or ``"network"`` (a
        panel per readout, in which networks with random weights are dashed).
    statistic
        ``"srcc"`` or ``"plcc"``, which have intervals, shown as bands; or ``"krcc"``.
    metrics
        Agreement of other metrics by name, shown as horizontal lines.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows, or `by` is another column.
    """
    from matplotlib.figure import Figure

    if by not in ("readout", "network") or not rows:
        raise MetricError(
            f"plot_layers: expected rows and by='readout' or 'network'; got {len(rows)} rows and "
            f"by={by!r}."
        )
    over = "network" if by == "readout" else "readout"
    panels = list(dict.fromkeys(row[over] for row in rows))
    lines = list(dict.fromkeys(row[by] for row in rows))
    columns = min(3, len(panels))
    height = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns + 1.6, 3.7 * height + 0.6), layout="constrained")
    axes = figure.subplots(height, columns, squeeze=False, sharey=True).ravel()
    for panel, ax in zip(panels, axes, strict=False):
        for line in lines:
            own = [row for row in rows if row[over] == panel and row[by] == line]
            _line(ax, own, statistic, COLORS[lines.index(line) % len(COLORS)], line)
        _dress(ax, panel, metrics or {}, label_layers=by == "readout", rows=rows, over=over)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[::columns]:
        ax.set_ylabel(f"{statistic.upper()} with human scores")
    handles = {h.get_label(): h for ax in axes for h in ax.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8)
    figure.suptitle(title)
    return figure


def _line(
    ax: "Axes", rows: Sequence[Mapping[str, Any]], statistic: str, colour: str, label: str
) -> None:
    if not rows:
        return
    rows = sorted(rows, key=lambda row: int(row["depth"]))
    x = np.array([row["relative_depth"] for row in rows])
    y = np.array([row[statistic] for row in rows])
    style = "--" if rows[0]["weights"] == "random" else "-"
    ax.plot(x, y, style, color=colour, label=plain(label), marker=".", linewidth=1.4)
    if f"{statistic}_low" in rows[0]:
        low, high = (
            np.array([row[f"{statistic}_{end}"] for row in rows]) for end in ("low", "high")
        )
        ax.fill_between(x, low, high, color=colour, alpha=0.1, linewidth=0)


def _dress(
    ax: "Axes",
    panel: str,
    metrics: Mapping[str, float],
    *,
    label_layers: bool,
    rows: Sequence[Mapping[str, Any]],
    over: str,
) -> None:
    for i, (name, value) in enumerate(metrics.items()):
        dashes = _DASHES[i % len(_DASHES)]
        ax.axhline(value, color="0.35", linewidth=1, linestyle=dashes, label=name)
    ax.set_title(plain(panel), fontsize=10)
    ax.grid(alpha=0.25)
    ax.set_xlabel("relative depth")
    if label_layers:
        names = {row["relative_depth"]: row["layer"] for row in rows if row[over] == panel}
        step = -(-len(names) // 20)
        shown = sorted(names)[::step]
        ax.set_xticks(shown, [plain(names[x]) for x in shown], rotation=90, fontsize=7)
        ax.set_xlabel("layer")
