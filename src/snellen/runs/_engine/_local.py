"""Scoring on this machine: threads decode, the calling thread runs the network."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from snellen.metrics import MetricSet
from snellen.runs._engine._ahead import ByteBudget, DoneAhead
from snellen.runs._engine._decode import Decoded, Decoder
from snellen.runs._engine._options import EngineOptions
from snellen.runs._engine._references import References, mark_shared
from snellen.runs._engine._score import Outcome, Scored, outcome, score_group, score_large
from snellen.runs._sources import Item

Task = tuple[int, Item]
"""An input and its number."""


def score_items(
    tasks: Iterable[Task], metrics: MetricSet, options: EngineOptions | None = None
) -> Iterator[Outcome]:
    """Score inputs as they are decoded; one that fails is a result like any other.

    Threads read and decode ahead, as much as fits into `EngineOptions.ahead_bytes`. Images of one
    size make a batch; the network never waits for one to fill up while images are there. A
    reference that comes again soon is decoded once, and its features are kept.

    Parameters
    ----------
    tasks
        Numbered inputs; taken as they are needed.
    metrics
        What to score them by.
    options
        How many images at once, and how much memory.

    Yields
    ------
    Outcome
        What came of each input, in the order in which it was done.
    """
    return _Engine(metrics, options or EngineOptions()).run(tasks)


class _Engine:
    def __init__(self, metrics: MetricSet, options: EngineOptions) -> None:
        self._metrics, self._options = metrics, options
        first = next(iter(metrics))
        self._device = first.device.type
        self._budget = ByteBudget(options.ahead_bytes)
        self._references = References(metrics, options.cache_bytes)
        tiled = options.whole_pixels is not None and all(metric.tiles for metric in metrics)
        self._decode = Decoder(
            first.policy,
            self._budget,
            self._references.read,
            options.whole_pixels if tiled else None,
        )

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        marked = mark_shared(tasks) if self._metrics.needs_reference else _alone(tasks)
        work = DoneAhead(marked, lambda task: self._decode(*task), self._options.decoders())
        with work:
            try:
                yield from self._results(work)
            finally:
                self._budget.close()

    def _results(self, work: DoneAhead[Any, Decoded]) -> Iterator[Outcome]:
        groups: OrderedDict[Any, list[Decoded]] = OrderedDict()
        while True:
            # What is there is scored before anything is waited for: the oldest group goes first.
            done = work.take(wait=not groups)
            if done is None:
                if not groups:
                    return
                yield from self._scored(groups.popitem(last=False)[1])
            elif done.error is not None:
                yield outcome(done, Scored(errors=[done.error]))
            elif done.pixels is not None:
                yield from self._scored([done])
            else:
                key = _key(done)
                groups.setdefault(key, []).append(done)
                if len(groups[key]) >= self._batch(done):
                    yield from self._scored(groups.pop(key))

    def _batch(self, done: Decoded) -> int:
        assert done.image is not None
        return self._options.batch_for(done.image.shape[2] * done.image.shape[3], self._device)

    def _scored(self, group: list[Decoded]) -> Iterator[Outcome]:
        first, shared = group[0], None
        if first.shared and first.reference is not None and first.item.reference is not None:
            shared = self._references.prepare(first.item.reference, first.reference)
        if first.pixels is not None:
            found = [score_large(first, self._metrics, self._options.tile)]
        else:
            found = score_group(group, shared, self._metrics)
        for done in group:
            self._budget.release(done.held)
            done.image = done.reference = done.pixels = None
        yield from map(outcome, group, found)


def _alone(tasks: Iterable[Task]) -> Iterator[tuple[int, Item, bool]]:
    """Leave references aside, which nothing asks for."""
    return ((position, replace(item, reference=None), False) for position, item in tasks)


def _key(done: Decoded) -> Any:
    """Return what images of one batch have in common."""
    assert done.image is not None
    reference = None if done.reference is None else tuple(done.reference.shape)
    return tuple(done.image.shape), reference, done.item.reference if done.shared else None
