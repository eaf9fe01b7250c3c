"""``snellen score --reference-descriptor``: images against descriptors of their references."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snellen.cli._describe import reduced_metric
from snellen.cli._output import OutputFormat, with_bar, write_rows
from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.metrics import ReducedReferenceMetric
    from snellen.runs import DescribedImage, Journal, Row


def score_described(
    images: Sequence[Path],
    descriptors: Path,
    name: str | None,
    options: dict[str, str | Path | None],
    device: str,
    form: OutputFormat,
    output: Path | None,
) -> "list[Row]":
    """Score images against descriptors, write the rows, and return them."""
    from snellen.runs import pair_descriptors

    pairs = pair_descriptors(images, descriptors)
    return _run(pairs, _metric_of(pairs, name, options, device), form, output)


def _metric_of(
    pairs: "list[DescribedImage]",
    name: str | None,
    options: dict[str, str | Path | None],
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
        made = reduced_metric(descriptor.metric, {**descriptor.options(), **options}, device)
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
