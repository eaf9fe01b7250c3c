"""``snellen score``: collections of images, with or without references."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._option_groups import (
    BatchOptions,
    EngineChoice,
    OutputOptions,
    PartOptions,
    grouped,
)
from snellen.cli._options import (
    Align,
    AnyPrecision,
    AutoDeviceOption,
    HeadWeightsOption,
    LayerOption,
    MetricOption,
    ProjectionOption,
    ResizeOption,
    WeightsOption,
    device_errors,
    given,
)
from snellen.cli._output import exit_if_failed, output_form, show_run
from snellen.cli._score_figures import ContactSheetOption, CorrelationsOption, draw_figures
from snellen.cli._sources import SOURCES_HELP, say_notes
from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.runs import Run


@grouped
def score(
    sources: Annotated[list[str], typer.Argument(help=SOURCES_HELP)],
    output: OutputOptions,
    part: PartOptions,
    engine: EngineChoice,
    batches: BatchOptions,
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
    contact_sheet: ContactSheetOption = None,
    correlations: CorrelationsOption = None,
    dedupe: Annotated[
        bool, typer.Option("--dedupe", help="Score images of equal content once.")
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
    device: AutoDeviceOption = "auto",
) -> None:
    """Score a collection of images: alone, against references, or against their descriptors.

    The default metric is dfb with references and ddr without. Every input becomes one row, on
    standard output or in a file; one that cannot be scored carries its error. The same command,
    given again with the same --output, goes on where it was. With descriptors, layers, number of
    values, protocol and precision are those of the descriptor. Exit status: 0 all scored, 1 some
    rows failed, 2 wrong usage.

    Example: snellen score photos/ --attributes -o scores.parquet
    """
    options = {
        "weights": weights, "head_weights": head_weights, "projection": projection,
        "layers": layer, "resize": resize, "align": align.value, "prompts": prompt and [prompt],
    }  # fmt: skip
    settings = {
        "dedupe": dedupe, "attributes": attributes, "device": device,
        "precision": precision.value, **part.given(), **engine.given(), **batches.given(),
    }  # fmt: skip
    with usage_errors():
        output_form(output)
        if reference_descriptor is None:
            run = _scored(sources, reference, metric, {**settings, **given(options)}, device)
        else:
            run = _described(
                sources, reference_descriptor, reference, metric, options, part, device
            )
        shown = show_run(run, "scoring", output)
        if contact_sheet is not None or correlations is not None:
            draw_figures(shown.rows(), contact_sheet, correlations)
    exit_if_failed(shown.failed, shown.count)


def _scored(
    sources: list[str],
    reference: str | None,
    metric: list[str] | None,
    settings: dict[str, Any],
    device: str,
) -> "Run":
    from snellen.runs import open_source
    from snellen.runs import score as start

    source = open_source(sources, reference)
    say_notes(source)
    with device_errors(device):
        return start(source, metric, **settings)


def _described(
    sources: list[str],
    descriptors: Path,
    reference: str | None,
    metric: list[str] | None,
    options: dict[str, Any],
    part: PartOptions,
    device: str,
) -> "Run":
    from snellen.runs import score_described

    if reference is not None or (metric and len(metric) > 1):
        raise MetricError(
            "--reference-descriptor takes the place of --reference, and serves one metric: its own."
        )
    files = {name: options[name] for name in ("weights", "projection", "align")}
    place = "cpu" if device == "auto" else device
    with device_errors(place):
        return score_described(
            sources, descriptors, metric[0] if metric else None,
            device=place, **part.given(), **given(files),
        )  # fmt: skip
