"""``snellen describe``: what the sender of a reduced-reference system transmits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._option_groups import OutputOptions
from snellen.cli._options import (
    DeviceOption,
    LayerOption,
    Precision,
    PrecisionOption,
    ProjectionOption,
    ResizeOption,
    WeightsOption,
    device_errors,
    given,
)
from snellen.cli._output import exit_if_failed, show_run, without

if TYPE_CHECKING:
    from snellen.records import Row


def describe(
    references: Annotated[list[str], typer.Argument(help="Reference images, or folders.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File REF.json; for many images, a folder.")
    ],
    metric: Annotated[
        str, typer.Option("-m", "--metric", help="A reduced-reference metric.")
    ] = "rr-gabor",
    values: Annotated[
        int | None, typer.Option(help="Number of values to transmit. Default: 16.")
    ] = None,
    weights: WeightsOption = None,
    projection: ProjectionOption = None,
    layer: LayerOption = None,
    resize: ResizeOption = None,
    precision: PrecisionOption = Precision.FLOAT32,
    device: DeviceOption = "cpu",
) -> None:
    """Describe references by a few numbers, for `snellen score --reference-descriptor`.

    Every image gets a JSON file with its values, the bytes they take, and all that the receiver
    has to do alike. Exit status: 0 all described, 1 some images failed, 2 wrong usage.
    """
    options = {
        "values": values, "weights": weights, "projection": projection, "layers": layer,
        "resize": resize, "precision": precision.value,
    }  # fmt: skip
    with usage_errors():
        from snellen.runs import describe as start
        from snellen.runs import reduced_metric

        with device_errors(device):
            made = reduced_metric(metric, device=device, **given(options))
        shown = show_run(start(references, output, made), "describing", OutputOptions(), _print)
    exit_if_failed(shown.failed, shown.count)


def _print(rows: "Sequence[Row]") -> None:
    from snellen.cli._console import print_table

    print_table(without(rows, "width", "height"))
