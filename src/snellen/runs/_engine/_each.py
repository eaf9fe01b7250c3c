"""Images one by one, for work that takes no batches: the next is decoded meanwhile."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from snellen.errors import error_text
from snellen.images import ImagePolicy, as_image_batch
from snellen.runs._engine._ahead import work_ahead
from snellen.runs._engine._local import Task
from snellen.runs._engine._score import Outcome
from snellen.runs._sources import Item

_AHEAD = 2  # images: one in work, and one that is decoded


@dataclass(frozen=True)
class _Read:
    position: int
    item: Item
    batch: Tensor | None = None
    sha256: str | None = None
    error: str | None = None


def each_image(
    tasks: Iterable[Task],
    policy: ImagePolicy,
    work: Callable[[Item, Tensor], Mapping[str, Any]],
    *,
    name: str = "image",
) -> Iterator[Outcome]:
    """Do something with every image; one that fails is an outcome like any other.

    Parameters
    ----------
    tasks
        Numbered inputs.
    policy
        How files become pixels.
    work
        Takes an input and its image batch, and returns values by column.
    name
        What messages call the image.

    Yields
    ------
    Outcome
        One for each input, in order.
    """
    for read in work_ahead(tasks, lambda task: _read(task, policy, name), threads=1, ahead=_AHEAD):
        yield _outcome(read, work)


def _read(task: Task, policy: ImagePolicy, name: str) -> _Read:
    position, item = task
    if item.problem is not None:
        return _Read(position, item, error=item.problem)
    try:
        with item.image.open() as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            return _Read(position, item, as_image_batch(stream, policy, name=name), sha256)
    except Exception as error:  # whatever it is, the run goes on
        return _Read(position, item, error=error_text(error))


def _outcome(read: _Read, work: Callable[[Item, Tensor], Mapping[str, Any]]) -> Outcome:
    if read.batch is None:
        return Outcome(read.position, error=read.error)
    height, width = (int(side) for side in read.batch.shape[2:])
    start = time.perf_counter()
    values: Mapping[str, Any] = {}
    error = None
    try:
        values = work(read.item, read.batch)
    except Exception as caught:  # whatever it is, the run goes on
        error = error_text(caught)
    seconds = None if error else round(time.perf_counter() - start, 6)
    return Outcome(read.position, width, height, read.sha256, dict(values), seconds, error)
