"""What perceptual efficacy is worth beside its controls."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MetricError
from snellen.plots._names import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = {
    "H": ("#cc3311", "o-", "H-x (efficacy)"),
    "L": ("#bbbbbb", "v-", "L-x"),
    "H-normalized": ("#ee7733", "s--", "efficacy without gain"),
    "top-activation": ("#0077bb", "^--", "largest activation"),
    "top-variance": ("#33bbee", "d--", "largest variance"),
}
_PAIRS = (
    ("H", "F"),
    ("H", "random"),
    ("H", "top-activation"),
    ("H", "top-variance"),
    ("H-normalized", "random"),
)


def plot_efficacy(rows: Sequence[Mapping[str, Any]], *, title: str = "") -> "Figure":
    """Draw agreement with people against the size of the set of channels, a panel per layer.

    Parameters
    ----------
    rows
        Rows of a `snellen.exam.EfficacyExam`.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There are no rows.
    """
    from matplotlib.figure import Figure

    layers = list(dict.fromkeys(row["layer"] for row in rows))
    if not layers:
        raise MetricError("plot_efficacy: expected rows of an efficacy exam; got none.")
    columns = min(3, len(layers))
    height = -(-len(layers) // columns)
    figure = Figure(figsize=(3.2 * columns + 1.9, 2.6 * height + 0.6), layout="constrained")
    grid = figure.subplots(height, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for layer, axes in zip(layers, grid, strict=False):
        _panel(axes, [row for row in rows if row["layer"] == layer])
        axes.set_title(plain(layer), fontsize=10)
    for axes in grid[len(layers) :]:
        axes.set_axis_off()
    figure.supxlabel("x: percent of the layer's channels", fontsize=9)
    figure.supylabel("SRCC with human scores", fontsize=9)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _panel(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    whole = next(row for row in rows if row["set"] == "F")
    axes.axhline(whole["srcc"], color="black", linewidth=1, label="F (all channels)")
    random = [row for row in rows if row["set"] == "random"]
    x = [row["x"] for row in random]
    low, high = ([row[f"spread_{end}"] for row in random] for end in ("low", "high"))
    axes.fill_between(x, low, high, color="0.85", linewidth=0, label="95 % of random sets")
    axes.plot(x, [row["srcc"] for row in random], color="0.5", label="random, median")
    for name, (colour, style, label) in _STYLES.items():
        own = [row for row in rows if row["set"] == name]
        y = [row["srcc"] for row in own]
        at = [row["x"] for row in own]
        axes.plot(at, y, style, color=colour, linewidth=1.2, markersize=4, label=label)
    axes.set_xscale("log")
    axes.set_xticks(x, [f"{value:g}" for value in x], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.25)


def plot_efficacy_differences(
    differences: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    layer: str = "mean of layers",
    pairs: Sequence[tuple[str, str]] = _PAIRS,
    title: str = "",
) -> "Figure":
    """Draw paired differences between sets of channels with their intervals.

    Parameters
    ----------
    differences
        Differences of exams by label, a panel each; see `snellen.exam.EfficacyExam`.
    layer
        Whose differences are drawn.
    pairs
        First and second set of every group of lines.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    MetricError
        There is no exam, or one has no such layer.
    """
    from matplotlib.figure import Figure

    chosen = {
        label: [row for row in rows if row["layer"] == layer and row["x"] is not None]
        for label, rows in differences.items()
    }
    if not chosen or not all(chosen.values()):
        raise MetricError(
            f"plot_efficacy_differences: expected differences of the layer {layer!r} in every "
            f"exam; found { ({label: len(rows) for label, rows in chosen.items()}) } rows."
        )
    columns = min(3, len(chosen))
    height = -(-len(chosen) // columns)
    figure = Figure(figsize=(3.4 * columns + 1.6, 3.0 * height + 0.6), layout="constrained")
    grid = figure.subplots(height, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for (label, rows), axes in zip(chosen.items(), grid, strict=False):
        _forest(axes, rows, pairs)
        axes.set_title(plain(label), fontsize=10)
    for axes in grid[len(chosen) :]:
        axes.set_axis_off()
    grid[0].invert_yaxis()
    figure.supxlabel("difference of SRCC, 95 % intervals", fontsize=9)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _forest(
    axes: "Axes", rows: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str]]
) -> None:
    from matplotlib import colormaps

    sizes = sorted({row["x"] for row in rows})
    shifts = np.linspace(-0.3, 0.3, len(sizes)) if len(sizes) > 1 else [0.0]
    for i, x in enumerate(sizes):
        own = {(row["first"], row["second"]): row for row in rows if row["x"] == x}
        found = [own[pair] for pair in pairs]
        value = np.array([row["difference"] for row in found])
        ends = np.array([[row[end] for row in found] for end in ("low", "high")])
        axes.errorbar(
            value,
            np.arange(len(pairs)) + shifts[i],
            xerr=np.abs(ends - value),
            fmt="o",
            markersize=3.5,
            linewidth=1.2,
            color=colormaps["plasma"](0.85 * i / max(1, len(sizes) - 1)),
            label=f"x = {x:g} %",
        )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(pairs)), [f"{a} minus {b}" for a, b in pairs], fontsize=8)
    axes.grid(alpha=0.25, axis="x")
