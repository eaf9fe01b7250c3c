"""What distortions look like: a row for each type, a column for each level."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from snellen.distortions import LEVELS, DistortionType, find_distortion, list_distortions
from snellen.errors import DistortionError, ImageError
from snellen.images import as_image_batch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Lengths in pixels; at this resolution, that of `save_figure`, a pixel of the image is one there.
_DPI = 120
_LABEL, _GAP, _CAPTION, _HEADING, _MARGIN, _BETWEEN = 196, 6, 22, 34, 24, 28
_WRAP = 27
_LOWEST = 76  # a name and four lines about its parameter
_ASPECT = 4 / 3


@dataclass(frozen=True)
class _Entry:
    """A heading, if it has no type, or a row of one type; `top` counts from the block's top."""

    group: str
    kind: DistortionType | None
    top: int


def plot_contact_sheet(
    image: Any,
    types: Sequence[str | DistortionType] | None = None,
    levels: Sequence[int] = LEVELS,
    *,
    seed: int = 0,
    size: int = 128,
) -> "Figure":
    """Draw an image under types of distortion at several levels.

    Parameters
    ----------
    image
        One image, anything that `snellen.images.as_image_batch` takes. Its center is cut out and
        distorted; larger cuts are not shrunk, since that would hide what is to be seen.
    types
        Names or types; all of the catalogue if None.
    levels
        Columns, from 1 to 5.
    seed
        Of the random types.
    size
        Side of the cut in pixels.

    Returns
    -------
    matplotlib.figure.Figure
        Rows by group, in as many blocks side by side as it takes; the strength stands under each
        picture. To be saved with `snellen.plots.save_figure`.

    Raises
    ------
    DistortionError
        A type or a level does not exist, or none was given.
    ImageError
        `image` is not one image.
    """
    from matplotlib.figure import Figure

    kinds = [find_distortion(one) if isinstance(one, str) else one for one in _given(types)]
    if not kinds or not levels:
        raise DistortionError("a contact sheet needs at least one type and one level.")
    original = _center(as_image_batch(image), size)
    height, width = original.shape[2:]
    row, column = max(height, _LOWEST) + _CAPTION, width + _GAP
    block = _LABEL + len(levels) * column
    blocks = _blocks(kinds, row, block)
    top = _MARGIN + height + 2 * _CAPTION
    deepest = max(entries[-1].top for entries in blocks) + row
    shape = top + deepest + _MARGIN, 2 * _MARGIN + len(blocks) * (block + _BETWEEN) - _BETWEEN
    canvas = np.ones((*shape, 3), np.float32)
    figure = Figure(figsize=(shape[1] / _DPI, shape[0] / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    _place(canvas, original, _MARGIN, _MARGIN)
    axes.text(_MARGIN, _MARGIN + height + 4, "original", va="top", fontsize=8)
    for number, entries in enumerate(blocks):
        left = _MARGIN + number * (block + _BETWEEN)
        for entry in entries:
            if entry.kind is None:
                _head(axes, entry.group, left, top + entry.top, block)
            else:
                _label(axes, entry.kind, left, top + entry.top)
                for place, level in enumerate(levels):
                    corner = top + entry.top, left + _LABEL + place * column
                    _place(canvas, entry.kind(original, level, seed=seed), *corner)
                    text = f"{level}: {entry.kind.strength(level):g}"
                    axes.text(corner[1], corner[0] + height + 2, text, va="top", fontsize=7)
    axes.imshow(canvas, extent=(0, shape[1], shape[0], 0))
    return figure


def _given(
    types: Sequence[str | DistortionType] | None,
) -> Sequence[str | DistortionType]:
    return list_distortions() if types is None else types


def _center(batch: Tensor, size: int) -> Tensor:
    if len(batch) != 1:
        raise ImageError(f"a contact sheet shows one image; got {len(batch)}.")
    height, width = batch.shape[2:]
    top, left = max(0, height - size) // 2, max(0, width - size) // 2
    return batch[..., top : top + size, left : left + size]


def _blocks(kinds: Sequence[DistortionType], row: int, block: int) -> list[list[_Entry]]:
    """Split the rows into as many blocks as make the sheet about four by three."""

    def misfit(count: int) -> float:
        made = _split(kinds, count, row)
        high = max(entries[-1].top for entries in made) + row
        return abs(float(np.log(len(made) * (block + _BETWEEN) / high / _ASPECT)))

    return _split(kinds, min(range(1, len(kinds) + 1), key=misfit), row)


def _split(kinds: Sequence[DistortionType], count: int, row: int) -> list[list[_Entry]]:
    share = -(-len(kinds) // count)
    parts = [kinds[start : start + share] for start in range(0, len(kinds), share)]
    return [_entries(part, row) for part in parts]


def _entries(kinds: Sequence[DistortionType], row: int) -> list[_Entry]:
    entries, top, group = list[_Entry](), 0, ""
    for kind in kinds:
        if kind.group != group:
            group = kind.group
            entries.append(_Entry(group, None, top))
            top += _HEADING
        entries.append(_Entry(group, kind, top))
        top += row
    return entries


def _head(axes: "Axes", group: str, left: int, top: int, width: int) -> None:
    line = top + _HEADING - 10
    axes.text(left, line - 4, group, va="bottom", fontsize=9, weight="bold")
    axes.plot([left, left + width - _GAP], [line, line], color="0.6", linewidth=0.6)


def _label(axes: "Axes", kind: DistortionType, left: int, top: int) -> None:
    axes.text(left, top, kind.name, va="top", fontsize=8)
    about = textwrap.fill(kind.parameter, _WRAP)
    axes.text(left, top + 19, about, va="top", fontsize=6.5, color="0.35", linespacing=1.1)


def _place(canvas: NDArray[np.float32], batch: Tensor, top: int, left: int) -> None:
    pixels = batch[0].permute(1, 2, 0).cpu().numpy()
    canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
