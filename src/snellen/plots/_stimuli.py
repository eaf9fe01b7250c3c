"""A sheet of gratings, as they are shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from snellen.errors import ImageError
from snellen.vision import Grating

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_stimuli(gratings: Sequence[Grating], *, columns: int = 6, title: str = "") -> "Figure":
    """Draw gratings side by side, each with its frequency, orientation and contrast.

    Parameters
    ----------
    gratings
        At least one.
    columns
        Number of gratings in a row.
    title
        Text above them.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`.

    Raises
    ------
    ImageError
        There are no gratings, or no columns.
    """
    from matplotlib.figure import Figure

    if not gratings or columns < 1:
        raise ImageError(
            f"plot_stimuli: expected gratings and columns; got {len(gratings)} and {columns}."
        )
    columns = min(columns, len(gratings))
    rows = -(-len(gratings) // columns)
    figure = Figure(figsize=(1.9 * columns, 2.25 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, grating in zip(axes, gratings, strict=False):
        ax.imshow(grating.render().permute(1, 2, 0).numpy(), vmin=0, vmax=1)
        ax.set_title(describe(grating), fontsize=7)
    figure.suptitle(title, fontsize=10)
    return figure


def describe(grating: Grating) -> str:
    """Name a grating in two lines.

    Examples
    --------
    >>> print(describe(Grating(7.5, 45.0, contrast=0.5)))
    7.5 cpd, 45 deg
    achromatic, contrast 0.5
    """
    turned = "rings" if grating.orientation is None else f"{grating.orientation:g} deg"
    envelope = "" if grating.sigma is None else f", sigma {grating.sigma:.2g} deg"
    return (
        f"{grating.frequency:.3g} cpd, {turned}{envelope}\n"
        f"{grating.color}, contrast {grating.contrast:.3g}"
    )
