"""Reference images to files of descriptors, one each: what a reduced-reference sender transmits."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from snellen.errors import MetricError
from snellen.metrics import ReducedReferenceMetric
from snellen.records import Columns, PathLike
from snellen.runs._descriptor_names import DESCRIPTOR_SUFFIX, name_within
from snellen.runs._engine import Outcome, Task, each_image
from snellen.runs._layout import SEEN, Layout
from snellen.runs._run import Run
from snellen.runs._sources import Item, Sources, open_source

_MEASURED: Columns = {"descriptor": "string", **SEEN, "bytes": "int64", "error": "string"}


def describe(references: Sources, output: PathLike, metric: ReducedReferenceMetric) -> Run:
    """Describe reference images into files; every image becomes one row.

    Nothing is described before the run is iterated over, or brought into a table.

    Parameters
    ----------
    references
        Images, as for `score`.
    output
        For one image file, a name that ends in ``.json``; else a folder, in which descriptors
        have the sub-folders and stems of their images.
    metric
        What describes.

    Returns
    -------
    Run
        Rows with the columns ``reference``, ``descriptor``, ``width``, ``height``, ``bytes`` (that
        the values take), ``error``.

    Raises
    ------
    SourceError
        An image or folder does not exist, or a folder holds no image.
    MetricError
        Several images cannot go to one file.
    """
    source = open_source(references)
    items = _targets(list(source), source.description["inputs"], Path(output))
    return Run(
        replace(source, items=lambda: items, count=len(items)),
        Layout({"reference": "string"}, _MEASURED, lambda item: {"reference": item.image.name}),
        _DescribeWork(metric),
        {"command": "describe", "metric": metric.manifest(), "output": str(output)},
        is_kept=lambda item: Path(item.columns["target"]).is_file(),
    )


def _targets(items: Sequence[Item], inputs: Sequence[str], output: Path) -> list[Item]:
    """Give every image the file of its descriptor."""
    if output.suffix.lower() == DESCRIPTOR_SUFFIX:
        if len(items) > 1 or Path(inputs[0]).is_dir():
            raise MetricError(
                f"{output}: {len(items)} image{'s' if len(items) > 1 else ''} of a folder or a "
                "list need a folder for one descriptor each; give a name without a suffix."
            )
        return [replace(items[0], columns={"target": str(output)})]
    names = [name_within(item.image, inputs).with_suffix(DESCRIPTOR_SUFFIX) for item in items]
    uses = Counter(names)
    return [
        replace(
            item,
            columns={"target": str(output / name)},
            problem=item.problem
            or (
                f"several images would be described in {output / name}" if uses[name] > 1 else None
            ),
        )
        for item, name in zip(items, names, strict=True)
    ]


@dataclass(frozen=True)
class _DescribeWork:
    """Describes one image after the other."""

    metric: ReducedReferenceMetric

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        return each_image(tasks, self.metric.policy, self._described, name="reference")

    def _described(self, item: Item, batch: Tensor) -> Mapping[str, Any]:
        target = item.columns["target"]
        made = self.metric.describe(batch)
        made.save(target)
        height, width = made.size
        return {"descriptor": target, "bytes": made.nbytes, "width": width, "height": height}
