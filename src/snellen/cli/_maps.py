"""``snellen compare --map``: where distorted images differ from their references."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.metrics import Metric, MetricSet
    from snellen.records import Row
    from snellen.runs import Run


def check_map(path: Path, run: "Run") -> None:
    """Find out before any work whether the maps can be drawn.

    Raises
    ------
    MetricError
        No metric has a map, or several pairs need a folder.
    """
    assert run.metrics is not None
    _metric_with_map(run.metrics)
    if path.suffix and run.count != 1:
        many = "these" if run.count is None else str(run.count)
        raise MetricError(
            f"--map {path}: {many} pairs need a folder, one figure each; give a name without "
            "a suffix."
        )


def _metric_with_map(metrics: "MetricSet") -> "Metric":
    """Return the first of the metrics that has a map."""
    for metric in metrics:
        if metric.has_map:
            return metric
    names = ", ".join(metric.name for metric in metrics)
    raise MetricError(f"--map: none of the metrics ({names}) has a map; dfb and LPIPS have one.")


def draw_maps(path: Path, rows: "Sequence[Row]", run: "Run") -> None:
    """Draw reference, distorted image and map of every pair that was scored."""
    from snellen.images import as_image_batch
    from snellen.plots import plot_comparison, save_figure

    assert run.metrics is not None
    metric = _metric_with_map(run.metrics)
    items = {item.image.name: item for item in run.source}
    scored = [row for row in rows if row[metric.name] is not None]
    for row in scored:
        item = items[row["distorted"]]
        assert item.reference is not None
        with item.image.open() as image, item.reference.open() as reference:
            pair = (as_image_batch(one, metric.policy) for one in (image, reference))
            x, prepared = metric.pair(*pair)
        title = f"{Path(row['distorted']).name}\n{metric.name} = {row[metric.name]:.4g}"
        local = metric.map(x, prepared.batch)
        figure = plot_comparison(prepared.batch, [x], [local], [title], map_title=metric.name)
        save_figure(figure, path if path.suffix else _figure_name(path, row["distorted"], rows))


def _figure_name(folder: Path, distorted: str, rows: "Sequence[Row]") -> Path:
    """Name a figure after its image; images of one name in several folders keep theirs apart."""
    name = Path(distorted)
    same = [row for row in rows if Path(row["distorted"]).stem == name.stem]
    if len(same) == 1:
        return folder / f"{name.stem}.png"
    return folder / "_".join([*name.parent.parts[-1:], f"{name.name}.png"])
