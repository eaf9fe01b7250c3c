"""``snellen exam csf``: what a metric or a network sees, as people are asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._exam_files import write_json, write_tables
from snellen.cli._exam_options import (
    EncodingChoice,
    EncodingOption,
    FolderOption,
    MeanOption,
    SideOption,
)
from snellen.cli._options import DeviceOption, PixelsPerDegreeOption, WeightsOption
from snellen.records import write_arrow

if TYPE_CHECKING:
    from snellen.exam import MaskingCurve, MetricCSF


def csf(
    name: Annotated[
        list[str],
        typer.Argument(help="Metrics; a backbone stands for its Euclidean distance."),
    ],
    output: FolderOption,
    frequency: Annotated[
        list[float] | None, typer.Option(help="Cycles per degree; may be repeated.")
    ] = None,
    orientation: Annotated[
        list[float] | None, typer.Option(help="Degrees; may be repeated. Default: 0.")
    ] = None,
    rings: Annotated[bool, typer.Option(help="Show rings instead of gratings.")] = False,
    color: Annotated[
        list[str] | None, typer.Option(help="achromatic, red-green or blue-yellow; repeatable.")
    ] = None,
    masking: Annotated[bool, typer.Option(help="Also measure thresholds on masks.")] = False,
    multiple: Annotated[
        float, typer.Option(help="Contrast of the anchor over the human threshold.")
    ] = 10.0,
    mean: MeanOption = 0.5,
    encoding: EncodingOption = EncodingChoice.CODE,
    pixels_per_degree: PixelsPerDegreeOption = 60.0,
    size: SideOption = 256,
    weights: WeightsOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Measure the contrast sensitivity of metrics, beside that of people.

    Writes csf.csv, csf.parquet, manifest.json and figures; with --masking also masking.csv.
    """
    with usage_errors():
        from snellen import exam
        from snellen.vision import Grating, Viewing

        template = Grating(
            4.0,
            None if rings else 0.0,
            contrast=0.0,
            mean=mean,
            encoding=encoding.value,
            size=size,
            viewing=Viewing(pixels_per_degree),
        )
        found, masked = _measure(
            name,
            {"weights": weights, "device": device},
            template,
            frequencies=frequency or exam.DEFAULT_FREQUENCIES,
            orientations=[None] if rings else orientation or [0.0],
            colors=color or ["achromatic"],
            multiple=multiple,
            masking=masking,
        )
        _write(found, masked, output)
    for one in found:
        typer.echo(_line(one))


def _measure(
    names: Sequence[str],
    options: dict[str, Any],
    template: Any,
    *,
    masking: bool,
    multiple: float,
    **conditions: Any,
) -> "tuple[list[MetricCSF], list[MaskingCurve]]":
    from snellen import exam
    from snellen.cli._console import progress

    metrics = [_metric(name, **options) for name in names]
    total = 1
    for values in conditions.values():
        total *= len(values)
    found, masked = [], []
    with progress() as bar:
        for metric in metrics:
            task = bar.add_task(metric.name, total=total)

            def advance(count: int, task: Any = task) -> None:
                bar.update(task, advance=count)

            found.append(
                exam.metric_csf(
                    metric, stimulus=template, multiple=multiple, progress=advance, **conditions
                )
            )
            if masking:
                masked.append(exam.masking(metric, target=template, multiple=multiple))
    return found, masked


def _metric(name: str, weights: str | None, device: str) -> Any:
    """Make a metric; the name of a backbone stands for its Euclidean distance."""
    from snellen import create_metric
    from snellen.errors import MetricError
    from snellen.metrics import find_row

    try:
        row = find_row(name)
    except MetricError:
        # Whether a backbone has that name, the second look-up says.
        row = find_row(f"euclidean-{name}")
    own: dict[str, Any] = {} if row.backbone is None else {"weights": weights}
    return create_metric(row.name, device=device, **own)


def _write(found: "Sequence[MetricCSF]", masked: "Sequence[MaskingCurve]", folder: Path) -> None:
    from snellen.plots import plot_masking, plot_metric_csf, save_figure

    write_tables(folder, {"csf": _together(found)})
    write_json(folder / "manifest.json", {one.metric.name: one.manifest() for one in found})
    save_figure(plot_metric_csf(found), folder / "csf.png")
    if masked:
        write_arrow(folder / "masking.csv", _together(masked))
        save_figure(plot_masking(masked), folder / "masking.png")


def _together(found: "Sequence[MetricCSF] | Sequence[MaskingCurve]") -> Any:
    import pyarrow

    tables = []
    for one in found:
        table = one.to_table()
        names = pyarrow.array([one.metric.name] * len(table), pyarrow.string())
        tables.append(table.add_column(0, "metric", names))
    return pyarrow.concat_tables(tables)


def _line(one: "MetricCSF") -> str:
    agreement = one.agreement(one.rows[0]["color"])
    seen = [row for row in one.rows if row["sensitivity"] is not None]
    if not seen:
        return f"{one.metric.name}: no threshold found ({one.rows[0]['status']})"
    best = max(seen, key=lambda row: float(row["sensitivity"]))
    correlation = agreement["pearson"]
    shape = "flat" if correlation is None else f"r = {correlation:.2f} with people"
    return (
        f"{one.metric.name}: best at {best['frequency']:.3g} cycles per degree, {shape}, "
        f"{len(seen)} of {len(one.rows)} thresholds found"
    )
