"""``snellen compare``: distorted images against their references."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import (
    DeviceOption,
    HeadWeightsOption,
    LayerOption,
    MetricOption,
    Precision,
    PrecisionOption,
    ResizeOption,
    TileOption,
    WeightsOption,
    device_errors,
)
from snellen.cli._output import (
    FormatOption,
    OutputFormat,
    OutputOption,
    check_map,
    draw_maps,
    exit_if_failed,
    output_form,
    with_bar,
    write_rows,
)

if TYPE_CHECKING:
    from snellen.images import Pairing
    from snellen.metrics import MetricSet
    from snellen.runs import Journal, Row


class Align(StrEnum):
    """What happens to images of different sizes."""

    ERROR = "error"
    CROP = "crop"
    RESIZE = "resize"


def compare(
    distorted: Annotated[
        Path | None, typer.Argument(help="Distorted image, or folder of images.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Argument(help="Reference image, or folder; paired by file name.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("-t", "--target", help="The same as DISTORTED.")
    ] = None,
    ref: Annotated[
        Path | None, typer.Option("-r", "--ref", "--reference", help="The same as REFERENCE.")
    ] = None,
    metric: MetricOption = None,
    weights: WeightsOption = None,
    head_weights: HeadWeightsOption = None,
    layer: LayerOption = None,
    resize: ResizeOption = None,
    align: Annotated[
        Align, typer.Option(help="What to do with images of different sizes.")
    ] = Align.ERROR,
    precision: PrecisionOption = Precision.FLOAT32,
    tile: TileOption = "auto",
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="Draw where they differ: a file, or a folder for many pairs."),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Score distorted images against their references.

    Rows go to standard output or to a file, everything else to standard error. Exit status: 0
    all scored, 1 some rows failed (they carry their error), 2 wrong usage. A run that is cut off
    while it writes to a file goes on where it was when it is started again.
    """
    first, second = _one("DISTORTED", distorted, target), _one("REFERENCE", reference, ref)
    with usage_errors():
        form = output_form(format_, output)
        from snellen.images import pair_images
        from snellen.runs import keep_freed_memory, tiling

        keep_freed_memory()
        tiling(tile)  # says before any work if it is none
        pairing = pair_images(first, second)
        options = {
            "weights": weights, "head_weights": head_weights, "resize": resize,
            "layers": layer, "precision": precision.value,
        }  # fmt: skip
        metrics = _metrics(metric or ["dfb"], options, align, device)
        if map_ is not None:
            check_map(map_, metrics, len(pairing.pairs))
        rows = _run(pairing, metrics, first, tile, form, output)
    if map_ is not None:
        draw_maps(map_, rows, metrics)
    exit_if_failed(rows)


def _one(name: str, positional: Path | None, option: Path | None) -> Path:
    if (positional is None) == (option is None):
        problem = "is missing" if positional is None else "was given twice"
        raise typer.BadParameter(f"{name} {problem}; see snellen compare --help")
    chosen = positional if positional is not None else option
    assert chosen is not None
    return chosen


def _metrics(
    names: Sequence[str], options: dict[str, Any], align: Align, device: str
) -> "MetricSet":
    from snellen.metrics import create_metrics

    split = [name for text in names for name in text.split(",") if name]
    given = {name: value for name, value in options.items() if value not in (None, [])}
    with device_errors(device):
        return create_metrics(split, align=align.value, device=device, **given)


def _run(
    pairing: "Pairing",
    metrics: "MetricSet",
    first: Path,
    tile: str,
    form: OutputFormat,
    output: Path | None,
) -> list["Row"]:
    """Score every pair; write rows as they come, and report files without a partner."""
    from snellen.runs import PairScore, comparison_rows

    names = [metric.name for metric in metrics]
    lonely = []
    for item in pairing.unpaired:
        if item.path == first or first in item.path.parents:
            lonely.append(PairScore(item.path, None, error=item.reason).row(names))
        else:
            typer.echo(f"snellen: {item.path}: {item.reason}", err=True)

    def rows(journal: "Journal | None") -> "Iterator[Row]":
        done = comparison_rows(pairing.pairs, metrics, journal, tile=tile)
        return chain(with_bar(done, len(pairing.pairs), "comparing"), lonely)

    return write_rows(rows, ("distorted", "reference"), form, output, metrics)
