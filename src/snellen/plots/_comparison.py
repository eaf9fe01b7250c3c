"""Reference, distorted image and difference map, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from snellen.errors import ImageError, reason_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_comparison(
    reference: Tensor,
    distorted: Sequence[Tensor],
    maps: Sequence[Tensor],
    titles: Sequence[str],
    *,
    map_title: str = "difference",
) -> "Figure":
    """Draw one row for each distorted version: reference, distorted, difference map.

    All maps share one scale, so that rows can be compared. It ends where only one position in
    two hundred lies above it: a few glints would otherwise leave everything else black.

    Parameters
    ----------
    reference
        Image batch of one image, (1, 3, H, W).
    distorted
        Distorted versions, (1, 3, H, W) each.
    maps
        Difference maps, (1, 1, H, W) each, larger = worse.
    titles
        Text above each distorted version, such as its score.
    map_title
        What the maps show; stands on the colour scale.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `save_figure`, or shown in a notebook.

    Raises
    ------
    ImageError
        The numbers of images, maps and titles differ.
    """
    from matplotlib.figure import Figure

    rows = len(distorted)
    if not rows == len(maps) == len(titles) or rows == 0:
        raise ImageError(
            f"expected as many maps and titles as distorted images, at least one; got {rows} "
            f"images, {len(maps)} maps and {len(titles)} titles."
        )
    height, width = reference.shape[2:]
    panel = 3.4
    size = (3 * panel + 0.9, rows * (panel * height / width + 0.35))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False)
    top = max(float(np.quantile(_local(m), 0.995)) for m in maps)
    for row, image, local, title in zip(axes, distorted, maps, titles, strict=True):
        _show(row[0], _pixels(reference), "reference")
        _show(row[1], _pixels(image), title)
        drawn = row[2].imshow(_local(local), cmap="magma", vmin=0, vmax=top or 1)
        _frame(row[2], map_title)
    scale = figure.colorbar(drawn, ax=axes[:, 2], fraction=0.05, pad=0.02, extend="max")
    scale.set_label(f"{map_title} (larger = worse)")
    return figure


def save_figure(figure: "Figure", path: str | Path, dpi: int = 120) -> None:
    """Write a figure to a file; folders are made, the format follows the suffix.

    Raises
    ------
    ImageError
        matplotlib knows no such format, or the file cannot be written.
    """
    path = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in known:
        raise ImageError(
            f"{path}: a figure cannot be written with this suffix; use one of "
            f"{', '.join(sorted('.' + name for name in known))}."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=dpi)
    except OSError as error:
        raise ImageError(f"{path}: the figure cannot be written: {reason_text(error)}.") from error


def _local(batch: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = batch[0, 0].detach().float().cpu().numpy()
    return values


def _pixels(batch: Tensor) -> NDArray[np.float32]:
    image: NDArray[np.float32] = batch[0].detach().float().cpu().permute(1, 2, 0).numpy()
    return image.clip(0, 1)


def _show(axes: "Axes", image: NDArray[np.float32], title: str) -> None:
    axes.imshow(image)
    _frame(axes, title)


def _frame(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
