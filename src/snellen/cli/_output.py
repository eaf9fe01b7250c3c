"""What ``snellen compare`` shows: rows on standard output, and figures of difference maps."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.metrics import Metric, MetricSet
    from snellen.runs import Row


def write_stdout(rows: "Iterable[Row]", form: str, metrics: "MetricSet") -> "list[Row]":
    """Write rows to standard output, one at a time where the form allows it, and return them."""
    from snellen.runs import FORMATS

    written: list[Row] = []
    for row in rows:
        if form in ("csv", "jsonl"):
            options = {"header": not written} if form == "csv" else {}
            sys.stdout.write(FORMATS[form]([row], **options).decode())
            sys.stdout.flush()
        written.append(row)
    if form == "json":
        sys.stdout.write(FORMATS["json"](written, metrics.manifest()).decode())
    elif form == "table":
        _print(written, metrics)
    return written


def _print(rows: "Sequence[Row]", metrics: "MetricSet") -> None:
    from snellen.cli._console import print_table

    hidden = {"width", "height", "seconds"}
    if all(row["error"] is None for row in rows):
        hidden.add("error")
    headers = {m.name: f"{m.name} {'↓' if m.lower_better else '↑'}" for m in metrics}
    print_table([{k: v for k, v in row.items() if k not in hidden} for row in rows], headers)


def check_map(path: Path, metrics: "MetricSet", pairs: int) -> None:
    """Find out before any work whether the maps can be drawn."""
    _mapping(metrics)
    if pairs > 1 and path.suffix:
        raise MetricError(
            f"--map {path}: {pairs} pairs need a folder, one figure each; give a name without "
            "a suffix."
        )


def _mapping(metrics: "MetricSet") -> "Metric":
    """Return the first of the metrics that has a map."""
    for metric in metrics:
        if metric.has_map:
            return metric
    names = ", ".join(metric.name for metric in metrics)
    raise MetricError(f"--map: none of the metrics ({names}) has a map; dfb and LPIPS have one.")


def draw_maps(path: Path, rows: "Sequence[Row]", metrics: "MetricSet") -> None:
    """Draw reference, distorted image and map of every pair that was scored."""
    from snellen.plots import plot_comparison, save_figure

    metric = _mapping(metrics)
    scored = [row for row in rows if row[metric.name] is not None]
    for row in scored:
        x, prepared = metric.pair(row["distorted"], row["reference"])
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
