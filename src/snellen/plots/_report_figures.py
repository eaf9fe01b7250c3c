"""Figures as parts of a page: drawn, and put into it."""

import base64
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snellen.plots._palette import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

_LARGEST_SVG = 150_000
_DPI = 110


def figure_html(figure: "Figure", alt: str, caption: str) -> str:
    """Return a figure with its caption; the picture lies in the page itself.

    Parameters
    ----------
    figure
        It is an SVG where that is small, else a PNG.
    alt
        What is to be seen, for those who do not see it.
    caption
        HTML.
    """
    kind, data = _encoded(figure)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return (
        f'<figure><img src="{source}" alt="{escape(alt)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _encoded(figure: "Figure") -> tuple[str, bytes]:
    from matplotlib import rc_context

    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "snellen"}):
        # A name may hold letters that the font does not: boxes in their place will do.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        vector = io.BytesIO()
        figure.savefig(vector, format="svg", metadata={"Date": None})
        if len(vector.getvalue()) <= _LARGEST_SVG:
            return "svg+xml", vector.getvalue()
        pixels = io.BytesIO()
        figure.savefig(pixels, format="png", dpi=_DPI)
    return "png", pixels.getvalue()


def plain(name: str) -> str:
    """Return a name that matplotlib takes as it is: no formulas, and no hidden labels."""
    text = name.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def renamed(label: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Give rows the label of their network, as figures take it."""
    return [{**row, "network": plain(label)} for row in rows]


def plot_tuning_by_depth(
    tuning: Mapping[str, Sequence[Row]], *, human_peak: float, selective: float, opponent: float
) -> "Figure":
    """Draw tuning against depth: preferred frequency, orientation selectivity, colour.

    Parameters
    ----------
    tuning
        Rows of tuning exams by label of the network.
    human_peak
        Cycles per degree; drawn as a line.
    selective, opponent
        Least OSI and colour opponency of channels that count.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels, a line per network.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for i, (label, rows) in enumerate(tuning.items()):
        layers = list(dict.fromkeys(row["layer"] for row in rows))
        x = np.linspace(0, 1, len(layers)) if len(layers) > 1 else np.zeros(1)
        own = [[row for row in rows if row["layer"] == layer] for layer in layers]
        style = {"color": COLORS[i % len(COLORS)], "marker": ".", "linewidth": 1.4}
        low, half, high = np.transpose([_quartiles(one) for one in own])
        left.plot(x, half, label=plain(label), **style)
        left.fill_between(x, low, high, color=style["color"], alpha=0.13, linewidth=0)
        middle.plot(x, [_share(one, "osi", selective) for one in own], **style)
        right.plot(x, [_share(one, "color_opponency", opponent) for one in own], **style)
        if len(tuning) == 1:
            for axes in (left, middle, right):
                axes.set_xticks(x, map(plain, layers), rotation=90, fontsize=7)
    left.axhline(human_peak, color="0.35", linestyle=":", label="people")
    left.set_title("preferred frequency, cycles per degree", fontsize=10)
    left.set_yscale("log", base=2)
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    middle.set_title("share selective for orientation", fontsize=10)
    right.set_title("share that prefers colour", fontsize=10)
    for axes in (middle, right):
        axes.set_ylim(-0.03, 1.03)
    _dress((left, middle, right), several=len(tuning) > 1)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    return figure


def _dress(panels: Sequence["Axes"], *, several: bool) -> None:
    for axes in panels:
        axes.grid(alpha=0.25)
        axes.set_xlabel("relative depth" if several else "layer")


def _quartiles(rows: Sequence[Row]) -> NDArray[np.float64]:
    values = finite(rows, "preferred_frequency")
    return np.quantile(values, (0.25, 0.5, 0.75)) if len(values) else np.full(3, np.nan)


def _share(rows: Sequence[Row], column: str, least: float) -> float:
    values = finite(rows, column)
    return float((values >= least).mean()) if len(values) else float("nan")


def finite(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    """Return the values of a column that are numbers."""
    values = np.array([row.get(column, np.nan) for row in rows], dtype=np.float64)
    return values[np.isfinite(values)]


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
