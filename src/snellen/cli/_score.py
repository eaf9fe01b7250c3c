"""``snellen score``: images whose reference is not here."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._describe import reduced_metric
from snellen.cli._errors import usage_errors
from snellen.cli._options import DeviceOption, ProjectionOption, WeightsOption
from snellen.cli._output import (
    FormatOption,
    OutputFormat,
    OutputOption,
    exit_if_failed,
    output_form,
    with_bar,
    write_rows,
)
from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.metrics import ReducedReferenceMetric
    from snellen.runs import DescribedImage, Journal, Row


class Size(StrEnum):
    """What happens to images of another size than the reference's."""

    ERROR = "error"
    RESIZE = "resize"


def score(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    reference_descriptor: Annotated[
        Path | None,
        typer.Option(
            "-d",
            "--reference-descriptor",
            "--descriptor",
            help="REF.json of `snellen describe`, or a folder of those, paired by name.",
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("-m", "--metric", help="Default: that of the descriptor.")
    ] = None,
    weights: WeightsOption = None,
    projection: ProjectionOption = None,
    align: Annotated[
        Size, typer.Option(help="What to do with images of another size than the reference's.")
    ] = Size.ERROR,
    format_: FormatOption = None,
    output: OutputOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Score images against descriptors of their references.

    Layers, number of values, protocol and precision are those of the descriptor; only files that
    lie elsewhere here have to be named (--weights, --projection). Rows go to standard output or
    to a file. Exit status: 0 all scored, 1 some rows failed (they carry their error), 2 wrong
    usage. A run that is cut off while it writes to a file goes on where it was.
    """  # fmt: skip
    with usage_errors():
        form = output_form(format_, output)
        from snellen.runs import keep_freed_memory, pair_descriptors

        keep_freed_memory()
        if reference_descriptor is None:
            raise MetricError(
                "score needs --reference-descriptor, as `snellen describe` writes it; with the "
                "reference itself at hand use `snellen compare`."
            )
        pairs = pair_descriptors(images, reference_descriptor)
        files = {"weights": weights, "projection": projection}
        made = _metric_of(pairs, metric, files, align, device)
    exit_if_failed(_run(pairs, made, form, output))


def _metric_of(
    pairs: "list[DescribedImage]",
    name: str | None,
    files: dict[str, str | Path | None],
    align: Size,
    device: str,
) -> "ReducedReferenceMetric":
    """Make the metric of the first descriptor that can be read."""
    from snellen.metrics import Descriptor

    paths = dict.fromkeys(pair.descriptor for pair in pairs if pair.descriptor is not None)
    problem: MetricError = MetricError("no image has a descriptor: their names do not fit.")
    for path in paths:
        try:
            descriptor = Descriptor.load(path)
        except MetricError as error:
            problem = error
            continue
        if name not in (None, descriptor.metric):
            raise MetricError(f"--metric {name}: {path} was made by {descriptor.metric}.")
        made = reduced_metric(
            descriptor.metric, {**descriptor.options(), **files, "align": align.value},
            device,
        )  # fmt: skip
        made.check(descriptor)
        return made
    raise problem


def _run(
    pairs: "list[DescribedImage]",
    metric: "ReducedReferenceMetric",
    form: OutputFormat,
    output: Path | None,
) -> "list[Row]":
    from snellen.metrics import MetricSet
    from snellen.runs import described_rows

    def rows(journal: "Journal | None") -> "Iterator[Row]":
        return with_bar(described_rows(pairs, metric, journal), len(pairs), "scoring")

    return write_rows(rows, ("image", "descriptor"), form, output, MetricSet([metric]))
