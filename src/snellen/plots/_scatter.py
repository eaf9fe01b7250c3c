"""Human scores over a metric's scores, with the fitted curve."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snellen.agreement import LogisticFit
from snellen.errors import AgreementError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osv^D"
_COLORS = 10
_MOST_LEGENDS = 50


def plot_scatter(
    scores: ArrayLike,
    human_scores: ArrayLike,
    *,
    types: Sequence[str] | None = None,
    fit: LogisticFit | None = None,
    score_label: str = "metric",
    human_label: str = "human score",
    title: str = "",
) -> "Figure":
    """Draw one point per image, coloured by type of distortion, and the fitted curve.

    Parameters
    ----------
    scores, human_scores
        One number per image.
    types
        Distortion type of each image; one colour and marker each, named in the legend.
    fit
        Curve from scores to human scores.
    score_label, human_label
        Names of the axes; `axis_label` adds the direction.
    title
        What was compared, and how far it agrees.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    AgreementError
        There are no points, or the columns differ in length.
    """
    from matplotlib.figure import Figure

    x, y = np.asarray(scores, dtype=np.float64), np.asarray(human_scores, dtype=np.float64)
    labels = np.asarray([""] * len(x) if types is None else list(types))
    if not len(x) == len(y) == len(labels) or len(x) == 0:
        raise AgreementError(
            f"expected as many human scores and types as scores, at least one; got {len(x)} "
            f"scores, {len(y)} human scores and {len(labels)} types."
        )
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    _draw_points(axes, x, y, labels)
    if fit is not None:
        line = np.linspace(x.min(), x.max(), 400)
        curve = f"fitted, {len(fit.parameters)} parameters"
        axes.plot(line, fit.predict(line), color="black", linewidth=1.5, label=curve, zorder=3)
    axes.set(xlabel=score_label, ylabel=human_label)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    if 0 < len(axes.get_legend_handles_labels()[1]) <= _MOST_LEGENDS:
        figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    return figure


def axis_label(name: str, lower_better: bool) -> str:
    """Name an axis with its direction.

    Examples
    --------
    >>> axis_label("dfb", lower_better=True)
    'dfb (lower = better)'
    """
    return f"{name} ({'lower' if lower_better else 'higher'} = better)"


def _draw_points(axes: "Axes", x: "np.ndarray", y: "np.ndarray", labels: "np.ndarray") -> None:
    markers = cycle(_MARKERS)
    marker = next(markers)
    for i, kind in enumerate(np.unique(labels)):
        if i and i % _COLORS == 0:
            marker = next(markers)
        chosen = labels == kind
        axes.scatter(
            x[chosen],
            y[chosen],
            s=14,
            alpha=0.75,
            color=f"C{i % _COLORS}",
            marker=marker,
            linewidths=0,
            label=str(kind) or None,
        )
