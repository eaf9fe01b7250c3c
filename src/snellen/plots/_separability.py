"""Types of distortion in the feature space of a network: by depth, as points, pair by pair."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MetricError
from snellen.plots._names import plain
from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from snellen.exam import PlaneProjection

_MARKERS = "os^DvP*X"
_PANELS = {False: "without the reference", True: "difference to the reference"}
_NAMES = {
    "accuracy": "type accuracy, contents left out",
    "level_accuracy": "level accuracy, contents left out",
    "level_within_one": "level within one, contents left out",
    "silhouette": "silhouette of types",
    "davies_bouldin": "Davies-Bouldin index (lower = better)",
    "calinski_harabasz": "Calinski-Harabasz index",
}
_CHANCES = {
    "accuracy": "chance",
    "level_accuracy": "level_chance",
    "level_within_one": "level_within_one_chance",
}


def plot_separability(
    rows: Sequence[Mapping[str, Any]], *, statistic: str = "accuracy", title: str = ""
) -> "Figure":
    """Draw how well types are told apart against depth, without and with the reference.

    Parameters
    ----------
    rows
        Rows of a `snellen.exam.SeparabilityExam`, of one setting for each network: one row per
        layer, and with and without difference.
    statistic
        Name of a column; those with an interval get a band, those with a chance level a line.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows, they have no such column, or they mix settings.
    """
    from matplotlib.figure import Figure

    _check(rows, statistic)
    panels = [one for one in _PANELS if any(row["difference"] == one for row in rows)]
    networks = list(dict.fromkeys(row["network"] for row in rows))
    figure = Figure(figsize=(4.8 * len(panels) + 1.8, 4.3), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for panel, ax in zip(panels, axes, strict=True):
        for network, colour in zip(networks, _colours(len(networks)), strict=True):
            own = [r for r in rows if r["network"] == network and r["difference"] == panel]
            _line(ax, own, statistic, colour)
        _dress(ax, [row for row in rows if row["difference"] == panel], statistic)
        ax.set_title(_PANELS[panel], fontsize=10)
    axes[0].set_ylabel(_NAMES.get(statistic, statistic))
    handles = {h.get_label(): h for ax in axes for h in ax.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _check(rows: Sequence[Mapping[str, Any]], statistic: str) -> None:
    if not rows or statistic not in rows[0]:
        raise MetricError(
            f"plot_separability: expected rows with a column {statistic!r}; got {len(rows)} rows."
        )
    keys = [(row["network"], row["layer"], row["difference"]) for row in rows]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MetricError(
            f"plot_separability: {keys.count(twice)} rows of network {twice[0]}, layer {twice[1]}, "
            f"difference={twice[2]}; give rows of one setting."
        )


def _colours(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]


def _line(ax: "Axes", rows: Sequence[Mapping[str, Any]], statistic: str, colour: str) -> None:
    if not rows:
        return
    rows = sorted(rows, key=lambda row: int(row["depth"]))
    x = [row["relative_depth"] for row in rows]
    style = "--" if rows[0]["weights"] == "random" else "-"
    label, y = rows[0]["network"], [row[statistic] for row in rows]
    ax.plot(x, y, style, color=colour, label=plain(label), marker=".", linewidth=1.4)
    if f"{statistic}_low" in rows[0]:
        low, high = ([row[f"{statistic}_{end}"] for row in rows] for end in ("low", "high"))
        ax.fill_between(x, low, high, color=colour, alpha=0.1, linewidth=0)


def _dress(ax: "Axes", rows: Sequence[Mapping[str, Any]], statistic: str) -> None:
    if statistic in _CHANCES:
        chance = rows[0][_CHANCES[statistic]]
        ax.axhline(chance, color="0.35", linewidth=1, linestyle=":", label="chance")
        ax.set_ylim(bottom=0, top=1.02)
    ax.grid(alpha=0.25)
    ax.set_xlabel("relative depth (0 = pixels)")
    if len({row["network"] for row in rows}) == 1:
        names = {row["relative_depth"]: row["layer"] for row in rows}
        shown = sorted(names)[:: -(-len(names) // 20)]
        ax.set_xticks(shown, [plain(names[x]) for x in shown], rotation=90, fontsize=7)
        ax.set_xlabel("layer")


def plot_projection(projection: "PlaneProjection", *, title: str = "") -> "Figure":
    """Draw images as points in two principal components, coloured by type, larger with level.

    Parameters
    ----------
    projection
        From `snellen.exam.SeparabilityExam.projection`.
    title
        Text above the figure; by default network, layer and setting.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 5.2), layout="constrained")
    ax = figure.subplots()
    sizes = _sizes(projection.severity)
    for i, kind in enumerate(np.unique(projection.type)):
        own = projection.type == kind
        ax.scatter(
            projection.points[own, 0],
            projection.points[own, 1],
            s=sizes[own],
            color=COLORS[i % len(COLORS)],
            marker=_MARKERS[i // len(COLORS) % len(_MARKERS)],
            alpha=0.7,
            linewidths=0,
            label=str(kind),
        )
    x, y = (f"principal component {i} ({p:.0%})" for i, p in enumerate(projection.explained, 1))
    ax.set(xlabel=x, ylabel=y)
    ax.grid(alpha=0.25)
    ax.set_title(title or _describe(projection.row), fontsize=10)
    legend = figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([24])  # type: ignore[union-attr]
    return figure


def _sizes(severity: np.ndarray) -> np.ndarray:
    """Area of each point: from 8 at the least severity to 44 at the greatest, 20 without one."""
    known = np.isfinite(severity)
    sizes = np.full(len(severity), 20.0)
    if known.any() and (spread := np.ptp(severity[known])) > 0:
        sizes[known] = 8 + 36 * (severity[known] - severity[known].min()) / spread
    return sizes


def _describe(row: Mapping[str, Any]) -> str:
    what = "difference to the reference" if row["difference"] else "no reference"
    return f"{row['network']}, {row['layer']}: {row['pooling']}, {what}, {row['normalize']}"


def plot_pairs(pairs: Sequence[Mapping[str, Any]], *, title: str = "") -> "Figure":
    """Draw which depth separates each pair of types best, and how well it does.

    Parameters
    ----------
    pairs
        From `snellen.exam.SeparabilityExam.pairs`: of one network.
    title
        Text above the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Below the diagonal the relative depth of the best layer, above it the accuracy there.

    Raises
    ------
    MetricError
        There are no pairs.
    """
    from matplotlib.figure import Figure

    if not pairs:
        raise MetricError("plot_pairs: there are no pairs.")
    kinds = list(dict.fromkeys([*(one["type"] for one in pairs), pairs[-1]["other"]]))
    depth, accuracy = (np.full((len(kinds), len(kinds)), np.nan) for _ in range(2))
    for one in pairs:
        a, b = kinds.index(one["type"]), kinds.index(one["other"])
        depth[b, a], accuracy[a, b] = one["relative_depth"], one["accuracy"]
    side = 2.6 + 0.23 * len(kinds)
    figure = Figure(figsize=(side + 2.4, side), layout="constrained")
    ax = figure.subplots()
    least = min(0.5, float(np.nanmin(accuracy)))
    for values, colours, low, label in (
        (depth, "viridis", 0.0, "below: relative depth of the best layer"),
        (accuracy, "magma", least, "above: accuracy there"),
    ):
        drawn = ax.imshow(values, cmap=colours, vmin=low, vmax=1)
        figure.colorbar(drawn, ax=ax, shrink=0.8).set_label(label, fontsize=8)
    ax.set_xticks(range(len(kinds)), kinds, rotation=90, fontsize=7)
    ax.set_yticks(range(len(kinds)), kinds, fontsize=7)
    ax.set_title(title, fontsize=10)
    return figure
