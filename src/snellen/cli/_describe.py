"""``snellen describe``: what the sender of a reduced-reference system transmits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import (
    DeviceOption,
    LayerOption,
    Precision,
    PrecisionOption,
    ProjectionOption,
    ResizeOption,
    WeightsOption,
    device_errors,
)
from snellen.cli._output import exit_if_failed, with_bar, without

if TYPE_CHECKING:
    from snellen.metrics import ReducedReferenceMetric


def describe(
    references: Annotated[list[Path], typer.Argument(help="Reference images, or folders.")],
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
        from snellen.runs import describe_rows, descriptor_files, keep_freed_memory

        keep_freed_memory()
        files = descriptor_files(references, output)
        made = reduced_metric(metric, options, device)
    rows = list(with_bar(describe_rows(files, made), len(files), "describing"))
    from snellen.cli._console import print_table

    print_table(without(rows, "width", "height"))
    exit_if_failed(rows)


def reduced_metric(name: str, options: dict[str, Any], device: str) -> "ReducedReferenceMetric":
    """Make a reduced-reference metric, and refuse any other."""
    from snellen.errors import MetricError
    from snellen.metrics import ReducedReferenceMetric, create_metric, list_metrics

    given = {key: value for key, value in options.items() if value not in (None, [])}
    with device_errors(device):
        metric = create_metric(name, device=device, **given)
    if not isinstance(metric, ReducedReferenceMetric):
        raise MetricError(
            f"{name} is {metric.kind} and has no descriptors; reduced-reference metrics are "
            f"{', '.join(list_metrics('reduced-reference'))}."
        )
    return metric
