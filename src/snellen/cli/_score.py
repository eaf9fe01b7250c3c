"""``snellen score``: collections of images, with or without references."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._compare import Align
from snellen.cli._errors import usage_errors
from snellen.cli._options import (
    HeadWeightsOption,
    LayerOption,
    MetricOption,
    ProjectionOption,
    ResizeOption,
    TileOption,
    WeightsOption,
    device_errors,
)
from snellen.cli._output import (
    FormatOption,
    OutputFormat,
    exit_if_any_failed,
    exit_if_failed,
    output_form,
    write_stdout,
)
from snellen.cli._score_described import score_described
from snellen.cli._score_figures import ContactSheetOption, CorrelationsOption, draw_figures
from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.runs import Row, ScoredCollection, Source


class Engine(StrEnum):
    """What computes."""

    LOCAL = "local"
    RAY = "ray"


class AnyPrecision(StrEnum):
    """The type in which the network computes, or the choice of it."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


_SOURCES = (
    "Images, folders, patterns; tables (.csv, .parquet) with a column image and, if there are "
    "references, reference; lists (.txt); tar files in WebDataset layout; s3:// or https:// "
    "addresses of any of these."
)
_OUTPUT = "File of results (.csv, .json, .jsonl, .parquet), or a folder for Parquet parts."


def score(
    sources: Annotated[list[str], typer.Argument(help=_SOURCES)],
    reference: Annotated[
        str | None,
        typer.Option(
            "-r", "--reference", help="One reference for all, or a folder: paired by name."
        ),
    ] = None,
    reference_descriptor: Annotated[
        Path | None,
        typer.Option(
            "-d",
            "--reference-descriptor",
            "--descriptor",
            help="REF.json of `snellen describe`, or a folder of those, paired by name.",
        ),
    ] = None,
    metric: MetricOption = None,
    attributes: Annotated[
        bool, typer.Option("--attributes", help="Add all attributes of the catalogue.")
    ] = False,
    prompt: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="CLEAN DEGRADED", help="Words for metrics of text and image."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=_OUTPUT)] = None,
    format_: FormatOption = None,
    contact_sheet: ContactSheetOption = None,
    correlations: CorrelationsOption = None,
    engine: Annotated[Engine, typer.Option(help="What computes.")] = Engine.LOCAL,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Only so many inputs, the first ones.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="PART/PARTS, such as 1/16: every 16th input, from the first.")
    ] = None,
    dedupe: Annotated[
        bool, typer.Option("--dedupe", help="Score images of equal content once.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw away what an earlier run left in --output.")
    ] = False,
    weights: WeightsOption = None,
    head_weights: HeadWeightsOption = None,
    projection: ProjectionOption = None,
    layer: LayerOption = None,
    resize: ResizeOption = None,
    align: Annotated[
        Align, typer.Option(help="What to do with images of another size than the reference's.")
    ] = Align.ERROR,
    precision: Annotated[
        AnyPrecision, typer.Option(help="Of the network; auto: bfloat16 on a GPU that has it.")
    ] = AnyPrecision.FLOAT32,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Most images at once. Default: by device and size.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads that decode. Default: one a processor.")
    ] = None,
    tile: TileOption = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of the Ray engine. Default: all that fit.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster. Default: RAY_ADDRESS, or this machine.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Score a collection of images: alone, against references, or against their descriptors.

    The default metric is dfb with references and ddr without. Every input becomes one row, on
    standard output or in a file; one that cannot be scored carries its error. A run that is cut
    off while it writes to --output goes on where it was. With descriptors, layers, number of
    values, protocol and precision are those of the descriptor. Exit status: 0 all scored, 1 some
    rows failed, 2 wrong usage.
    """
    options = {
        "weights": weights, "head_weights": head_weights, "projection": projection,
        "layers": layer, "resize": resize, "align": align.value, "prompts": prompt and [prompt],
    }  # fmt: skip
    settings = {
        "limit": limit, "shard": shard, "dedupe": dedupe, "attributes": attributes,
        "engine": engine.value, "device": device, "precision": precision.value,
        "batch_size": batch_size, "threads": threads, "tile": tile,
        "engine_options": _given({"workers": workers, "address": ray_address}),
    }  # fmt: skip
    with usage_errors():
        from snellen.runs import is_folder, keep_freed_memory

        keep_freed_memory()
        folder = output is not None and is_folder(output, format_ and format_.value)
        form = OutputFormat.PARQUET if folder else output_form(format_, output)
        if reference_descriptor is not None:
            rows = _described(sources, reference_descriptor, reference, metric, options, device,
                              form, output)  # fmt: skip
        elif output is None:
            rows = _to_stdout(sources, reference, metric, {**settings, **_given(options)}, form)
        else:
            given = None if format_ is None else format_.value
            target = {"sink": output, "form": given, "restart": restart}
            done = _to_sink(sources, reference, metric, {**settings, **target, **_given(options)})
            if contact_sheet is not None or correlations is not None:
                draw_figures(done.table().to_pylist(), contact_sheet, correlations)
            _say_if_nothing(done.rows)
            exit_if_any_failed(done.failed, done.rows)
            return
        draw_figures(rows, contact_sheet, correlations)
    _say_if_nothing(len(rows))
    exit_if_failed(rows)


def _say_if_nothing(rows: int) -> None:
    if not rows:
        typer.echo("snellen: no input is left by --limit and --shard: no rows", err=True)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out options that were not given."""
    default = {"align": "error"}
    return {k: v for k, v in options.items() if v not in (None, []) and default.get(k) != v}


def _described(
    sources: list[str],
    descriptors: Path,
    reference: str | None,
    metric: list[str] | None,
    options: dict[str, Any],
    device: str,
    form: OutputFormat,
    output: Path | None,
) -> "list[Row]":
    if reference is not None or (metric and len(metric) > 1):
        raise MetricError(
            "--reference-descriptor takes the place of --reference, and serves one metric: its own."
        )
    files = {name: options[name] for name in ("weights", "projection", "align")}
    name = metric[0] if metric else None
    place = "cpu" if device == "auto" else device
    images = [Path(one) for one in sources]
    return score_described(images, descriptors, name, files, place, form, output)


def _opened(sources: list[str], reference: str | None) -> "Source":
    """Open the sources, and say on standard error what lies in them that cannot be read."""
    from snellen.images import passed_over_text
    from snellen.runs import open_source

    source = open_source(sources, reference)
    if source.passed_over:
        typer.echo(f"snellen: {passed_over_text(source.passed_over)}", err=True)
    return source


def _to_stdout(
    sources: list[str],
    reference: str | None,
    metric: list[str] | None,
    settings: dict[str, Any],
    form: OutputFormat,
) -> "list[Row]":
    from snellen.cli._console import progress
    from snellen.runs import score as start

    source = _opened(sources, reference)
    with device_errors(settings["device"]):
        rows = start(source, metric, **settings)
    with progress(disable=rows.count == 1) as bar:
        shown = bar.track(rows, total=rows.count, description="scoring")
        return write_stdout(shown, form.value, rows.metrics)


def _to_sink(
    sources: list[str], reference: str | None, metric: list[str] | None, settings: dict[str, Any]
) -> "ScoredCollection":
    from snellen.cli._console import progress
    from snellen.runs import parse_shard
    from snellen.runs import score as start

    source = _opened(sources, reference)
    part = parse_shard(settings["shard"]) if settings["shard"] else None
    with progress() as bar, device_errors(settings["device"]):
        task = bar.add_task("scoring", total=source.select(settings["limit"], part).count)
        done: ScoredCollection = start(
            source, metric, **settings, on_row=lambda row: bar.advance(task)
        )
    return done
