"""Images against descriptors of their references, which lie elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from snellen.errors import MetricError, RunError
from snellen.metrics import (
    Descriptor,
    MetricSet,
    ReducedReferenceMetric,
    create_metric,
    list_metrics,
)
from snellen.records import PathLike
from snellen.runs._descriptor_names import with_descriptors
from snellen.runs._engine import Outcome, Task, each_image
from snellen.runs._layout import SEEN, file_layout
from snellen.runs._run import Run
from snellen.runs._scoring import select_source, shard_name
from snellen.runs._sources import Item, Sources


def score_described(
    source: Sources,
    descriptors: PathLike,
    metric: str | ReducedReferenceMetric | None = None,
    *,
    limit: int | None = None,
    shard: str | None = None,
    device: str = "cpu",
    **options: Any,
) -> Run:
    """Score images against descriptors of their references; every image becomes one row.

    Parameters
    ----------
    source
        Images, as for `score`.
    descriptors
        A descriptor, as `describe` writes it, which serves all images; or a folder of them, in
        which images find theirs by sub-folder and stem, or by the stem alone.
    metric
        The metric that made the descriptors, or its name; by default the one that they name, with
        the layers, the number of values, the protocol and the precision that they state.
    limit, shard
        As for `score`.
    device
        Where the network computes.
    **options
        Further options of `create_metric`, such as files of weights.

    Returns
    -------
    Run
        Rows with the columns ``image``, ``descriptor``, those that a table carries, ``width``,
        ``height``, the metric's, ``seconds``, ``error``.

    Raises
    ------
    SourceError
        An image or folder does not exist, or a folder holds no image.
    MetricError
        There are no descriptors, none can be read, or the metric is another one.
    """
    found = select_source(source, None, limit, shard)
    inputs = found.description["inputs"]
    items = with_descriptors(found, inputs, Path(descriptors))
    made = (
        metric
        if isinstance(metric, ReducedReferenceMetric)
        else _metric_of(items, metric, {**options, "device": device})
    )
    measured = {**SEEN, made.name: "double", "seconds": "double", "error": "string"}
    chosen = replace(found, items=lambda: items, count=len(items))
    return Run(
        chosen,
        file_layout(chosen, measured, reference="descriptor"),
        _DescribedWork(made),
        {
            "command": "score",
            "metrics": MetricSet([made]).manifest(),
            "descriptors": str(descriptors),
        },
        metrics=MetricSet([made]),
        shard=shard_name(shard),
    )


def _metric_of(
    items: list[Item], name: str | None, options: Mapping[str, Any]
) -> ReducedReferenceMetric:
    """Make the metric of the first descriptor that can be read."""
    places = dict.fromkeys(item.reference for item in items if item.reference is not None)
    problem: Exception = MetricError("no image has a descriptor: their names do not fit.")
    for place in places:
        try:
            descriptor = Descriptor.load(place.url)
        except MetricError as error:
            problem = error
            continue
        if name not in (None, descriptor.metric):
            raise MetricError(f"--metric {name}: {place.url} was made by {descriptor.metric}.")
        made = reduced_metric(descriptor.metric, **{**descriptor.options(), **options})
        made.check(descriptor)
        return made
    raise problem


def reduced_metric(name: str, **options: Any) -> ReducedReferenceMetric:
    """Make a reduced-reference metric, and refuse any other.

    Raises
    ------
    MetricError
        There is no such metric, or it has no descriptors.
    """
    metric = create_metric(name, **options)
    if not isinstance(metric, ReducedReferenceMetric):
        raise MetricError(
            f"{name} is {metric.kind} and has no descriptors; reduced-reference metrics are "
            f"{', '.join(list_metrics('reduced-reference'))}."
        )
    return metric


class _DescribedWork:
    """Scores one image after the other against its descriptor."""

    def __init__(self, metric: ReducedReferenceMetric) -> None:
        self._metric = metric
        self._load = lru_cache(maxsize=1024)(_single)

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        return each_image(tasks, self._metric.policy, self._scored)

    def _scored(self, item: Item, batch: Tensor) -> Mapping[str, Any]:
        if item.reference is None:
            raise RunError(f"{item.image.name}: has no descriptor.")
        descriptor = self._load(item.reference.url)
        return {self._metric.name: float(self._metric(batch, descriptor))}


def _single(path: str) -> Descriptor:
    descriptor = Descriptor.load(path)
    if len(descriptor) != 1:
        raise MetricError(
            f"{path}: describes {len(descriptor)} images; a file of one image's descriptor is "
            "needed here."
        )
    return descriptor
