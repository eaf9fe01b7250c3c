"""What a metric sees, beside what people see."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MetricError
from snellen.exam import MaskingCurve, MetricCSF
from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_metric_csf(found: Sequence[MetricCSF], *, title: str = "") -> "Figure":
    """Draw the contrast sensitivity of metrics, and of people, by frequency.

    One panel a colour; sensitivities at several orientations are averaged as logarithms. Metrics
    with four orientations or more get a panel of sensitivity by orientation as well.

    Parameters
    ----------
    found
        Results of `snellen.exam.metric_csf`.
    title
        Text above all panels.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`.

    Raises
    ------
    MetricError
        There are no results.
    """
    from matplotlib.figure import Figure

    if not found:
        raise MetricError("plot_metric_csf: expected at least one result; got none.")
    colors = list(dict.fromkeys(row["color"] for one in found for row in one.rows))
    turned = [one for one in found if _orientations(one)]
    panels = len(colors) + bool(turned)
    figure = Figure(figsize=(4.9 * panels + 1.4, 4.2), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for ax, color in zip(axes, colors, strict=False):
        _draw_frequencies(ax, found, color)
    if turned:
        _draw_orientations(axes[-1], found)
    handles = {h.get_label(): h for ax in axes for h in ax.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _draw_frequencies(ax: "Axes", found: Sequence[MetricCSF], color: str) -> None:
    people = [row for one in found for row in one.rows if row["color"] == color]
    _line(ax, people, "human_sensitivity", color="black", linewidth=2.2, label="people")
    for i, one in enumerate(found):
        own = [row for row in one.rows if row["color"] == color]
        colour = COLORS[i % len(COLORS)]
        _line(ax, own, "sensitivity", color=colour, marker="o", markersize=3, label=one.metric.name)
    ax.set(xscale="log", yscale="log", xlabel="cycles per degree", title=color)
    ax.set_ylabel("sensitivity (1 / cone contrast)")
    ax.grid(alpha=0.25, which="both")


def _line(ax: "Axes", rows: Sequence[dict[str, Any]], column: str, **style: Any) -> None:
    """Draw the mean over orientations; a frequency without a threshold leaves a gap."""
    frequencies = sorted({row["frequency"] for row in rows})
    means = []
    for f in frequencies:
        values = [row[column] for row in rows if row["frequency"] == f]
        known = [v for v in values if v is not None]
        means.append(float(np.exp(np.log(known).mean())) if known else np.nan)
    ax.plot(frequencies, means, **style)


def _orientations(one: MetricCSF) -> list[float]:
    angles = {row["orientation"] for row in one.rows} - {None}
    return sorted(angles) if len(angles) >= 4 else []


def _draw_orientations(ax: "Axes", found: Sequence[MetricCSF]) -> None:
    """Sensitivity by orientation over its mean, at the frequency nearest the anchor."""
    for i, one in enumerate(found):
        near = 4.0 if one.anchor is None else one.anchor.frequency
        rows = [
            row
            for row in one.rows
            if row["color"] == one.rows[0]["color"]
            and row["orientation"] is not None
            and row["sensitivity"] is not None
        ]
        if not rows:
            continue
        f = min((row["frequency"] for row in rows), key=lambda v: abs(np.log(v / near)))
        own = [row for row in rows if row["frequency"] == f]
        points = sorted((row["orientation"], row["sensitivity"]) for row in own)
        x, y = np.array(points).T
        colour = COLORS[i % len(COLORS)]
        ax.plot(x, y / np.exp(np.log(y).mean()), marker="o", markersize=3, color=colour)
        ax.set_title(f"by orientation, {f:.3g} cycles per degree", fontsize=10)
    ax.set(xlabel="direction of the wave vector (degrees)", ylabel="sensitivity / mean")
    ax.grid(alpha=0.25)


def plot_masking(found: Sequence[MaskingCurve], *, title: str = "") -> "Figure":
    """Draw thresholds on masks over the contrast of the mask.

    Both axes are relative to the threshold on a blank field of the same metric; metrics without
    one are left out. The dotted line, slope 1, is Weber's law; below 1 is facilitation.

    Parameters
    ----------
    found
        Results of `snellen.exam.masking`.
    title
        Text above the panel.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`.

    Raises
    ------
    MetricError
        There are no results.
    """
    from matplotlib.figure import Figure

    if not found:
        raise MetricError("plot_masking: expected at least one result; got none.")
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    ax = figure.subplots()
    for i, one in enumerate(found):
        alone = one.rows[0]["threshold"]
        rows = [r for r in one.rows[1:] if r["relative_threshold"] is not None]
        if alone is not None and rows:
            x = [r["mask_contrast"] / alone for r in rows]
            y = [r["relative_threshold"] for r in rows]
            colour = COLORS[i % len(COLORS)]
            ax.plot(x, y, marker="o", markersize=4, color=colour, label=one.metric.name)
    ax.axhline(1, color="0.4", linewidth=0.8)
    ax.plot([1, 100], [1, 100], ":", color="0.4", linewidth=1)
    ax.set(xscale="log", yscale="log", ylabel="threshold / threshold without mask")
    ax.set_xlabel("contrast of the mask / threshold without mask")
    ax.grid(alpha=0.25)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=8)
    ax.set_title(title, fontsize=10)
    return figure
