"""``snellen compare``: distorted images against their references."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._maps import check_map, draw_maps
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
    ResizeOption,
    WeightsOption,
    device_errors,
    given,
)
from snellen.cli._output import exit_if_failed, output_form, show_run
from snellen.cli._sources import SOURCES_HELP, say_notes


@grouped
def compare(
    output: OutputOptions,
    part: PartOptions,
    engine: EngineChoice,
    batches: BatchOptions,
    distorted: Annotated[str | None, typer.Argument(help=SOURCES_HELP)] = None,
    reference: Annotated[
        str | None, typer.Argument(help="Reference image, or folder; paired by file name.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("-t", "--target", help="The same as DISTORTED.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option("-r", "--ref", "--reference", help="The same as REFERENCE.")
    ] = None,
    metric: MetricOption = None,
    weights: WeightsOption = None,
    head_weights: HeadWeightsOption = None,
    layer: LayerOption = None,
    resize: ResizeOption = None,
    align: Annotated[
        Align, typer.Option(help="What to do with images of different sizes.")
    ] = Align.ERROR,
    precision: Annotated[
        AnyPrecision, typer.Option(help="Of the network; auto: bfloat16 on a GPU that has it.")
    ] = AnyPrecision.FLOAT32,
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="Draw where they differ: a file, or a folder for many pairs."),
    ] = None,
    device: AutoDeviceOption = "auto",
) -> None:
    """Score distorted images against their references.

    Rows go to standard output or to --output, everything else to standard error. Exit status: 0
    all scored, 1 some rows failed (they carry their error), 2 wrong usage. The same command,
    given again, keeps the rows of files that did not change.

    Example: snellen compare restored/ originals/ -m psnr lpips-vgg -o scores.csv
    """
    first = _one("DISTORTED", distorted, target)
    if first is None:
        raise typer.BadParameter("DISTORTED is missing; see snellen compare --help")
    options = {
        "weights": weights, "head_weights": head_weights, "resize": resize, "layers": layer,
        "align": align.value,
    }  # fmt: skip
    with usage_errors():
        output_form(output)
        from snellen.runs import compare as start
        from snellen.runs import open_source

        source = open_source(first, _one("REFERENCE", reference, ref))
        say_notes(source)
        with device_errors(device):
            run = start(
                source, None, metric, device=device, precision=precision.value,
                **part.given(), **engine.given(), **batches.given(), **given(options),
            )  # fmt: skip
        if map_ is not None:
            check_map(map_, run)
        shown = show_run(run, "comparing", output)
        if map_ is not None:
            draw_maps(map_, shown.rows(), run)
    exit_if_failed(shown.failed, shown.count)


def _one(name: str, positional: str | None, option: str | None) -> str | None:
    if positional is not None and option is not None:
        raise typer.BadParameter(f"{name} was given twice; see snellen compare --help")
    return positional if positional is not None else option
