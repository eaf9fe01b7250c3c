"""The best and the worst images of a scored table."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from numpy.typing import NDArray

from snellen.errors import ImageError, MetricError
from snellen.images import read_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_NAME = 26
_PER_ROW = 6
_DPI = 120


def plot_ranking(
    rows: Sequence[Mapping[str, Any]],
    column: str,
    *,
    lower_better: bool | None = None,
    image: str = "image",
    count: int = 6,
    size: int = 180,
    title: str = "",
) -> "Figure":
    """Draw the best and the worst images of a scored table as a contact sheet.

    Parameters
    ----------
    rows
        A row for each image, as `snellen score` writes them; rows without a score are left out.
    column
        Name of the column of scores.
    lower_better
        Direction of the scores; None for attributes, whose highest come first.
    image
        Name of the column of image files.
    count
        Number of images of either kind; of a shorter table, half of its rows.
    size
        Longest side of a picture in pixels; larger images are shrunk.
    title
        Text above the figure; the name of the column by default.

    Returns
    -------
    matplotlib.figure.Figure
        The best above the worst, each from the end of the ranking inwards, with score and file
        name. An image that cannot be read any more is a frame with the reason.

    Raises
    ------
    MetricError
        No row has a score and an image.
    """
    from matplotlib.figure import Figure

    ranked = _ranked(rows, column, image, lower_better)
    if count < 1 or not ranked:
        raise MetricError(
            f"plot_ranking: expected rows with the columns {image!r} and {column!r} and a count "
            f"of at least 1; got {len(ranked)} such rows of {len(rows)}, and count={count}."
        )
    count = max(1, min(count, len(ranked) // 2))
    bands = [ranked[:count], ranked[::-1][:count]] if len(ranked) > 1 else [ranked]
    per_row = min(count, _PER_ROW)
    lines = -(-count // per_row)
    side = size / _DPI
    figure = Figure(
        figsize=(per_row * (side + 0.15), len(bands) * (lines * (side + 0.5) + 0.3) + 0.4),
        layout="constrained",
    )
    figure.suptitle(title or column, fontsize=11)
    heads = ("highest", "lowest") if lower_better is None else ("best", "worst")
    panels = figure.subfigures(len(bands), 1, squeeze=False)[:, 0]
    for panel, band, head in zip(panels, bands, heads, strict=False):
        panel.suptitle(head, fontsize=10, x=0.01, ha="left", weight="bold")
        axes = panel.subplots(lines, per_row, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, row in zip(axes, band, strict=False):
            _show(ax, Path(str(row[image])), float(row[column]), size)
    return figure


def _ranked(
    rows: Sequence[Mapping[str, Any]], column: str, image: str, lower_better: bool | None
) -> list[Mapping[str, Any]]:
    scored = [row for row in rows if row.get(image) and _is_number(row.get(column))]
    return sorted(scored, key=lambda row: float(row[column]), reverse=not lower_better)


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _show(ax: "Axes", path: Path, score: float, size: int) -> None:
    name = path.name
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 9]}…{name[-8:]}"
    ax.set_title(f"{score:.4g}", fontsize=9, pad=3)
    try:
        ax.imshow(_thumbnail(path, size))
    except ImageError as error:
        ax.text(0.5, 0.5, f"{error}"[:160], fontsize=6, ha="center", va="center", wrap=True)
    ax.text(0.5, -0.03, name, fontsize=7, ha="center", va="top", transform=ax.transAxes)


def _thumbnail(path: Path, size: int) -> NDArray[Any]:
    picture = read_image(path)[None]
    longest = max(picture.shape[2:])
    if longest > size:
        height, width = (max(1, round(side * size / longest)) for side in picture.shape[2:])
        picture = F.interpolate(picture, (height, width), mode="bilinear", antialias=True)
    pixels: NDArray[Any] = picture[0].permute(1, 2, 0).clamp(0, 1).numpy()
    return pixels
