"""Scoring on this machine: threads decode, and on a processor others run the network.

Three things go on at once: `DoneAhead` decodes images in threads of its own, as far ahead as the
budget of bytes allows; the loop in `_Engine._results` makes batches of what is decoded; batches are
scored in threads of the pool, or in the loop itself where one at a time is best. All decisions are
made in the loop, by one thread, so that nothing here needs a lock.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from snellen._threads import at_once, submit
from snellen.metrics import MetricSet, PreparedReference
from snellen.runs._engine._ahead import ByteBudget, DoneAhead
from snellen.runs._engine._decode import Decoded, Decoder
from snellen.runs._engine._options import EngineOptions
from snellen.runs._engine._references import References, mark_shared
from snellen.runs._engine._score import Outcome, Scored, outcome, score_group, score_large
from snellen.runs._sources import Item

Task = tuple[int, Item]
"""An input and its number."""
_Work = DoneAhead[tuple[int, Item, bool], Decoded | list[Outcome]]


def score_items(
    tasks: Iterable[Task], metrics: MetricSet, options: EngineOptions | None = None
) -> Iterator[Outcome]:
    """Score inputs as they are decoded; one that fails is a result like any other.

    Threads read and decode ahead, as much as fits into `EngineOptions.ahead_bytes`. Images of one
    size make a batch; the network never waits for one to fill up while images are there. On a
    processor it takes several batches at once, each in a thread; large images one after the other,
    with all threads. A reference that comes again soon is decoded once, and its features are kept.

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
        Of each input, in the order in which they were done.
    """
    return _Engine(metrics, options or EngineOptions()).run(tasks)


class _Engine:
    def __init__(self, metrics: MetricSet, options: EngineOptions) -> None:
        self._metrics, self._options = metrics, options
        first = next(iter(metrics))
        self._device, self._thread_safe = first.device, metrics.thread_safe
        self._full: deque[list[Decoded]] = deque()
        self._filling: OrderedDict[Any, list[Decoded]] = OrderedDict()
        self._running = 0
        self._largest = 0  # pixels of the largest batch since nothing was running
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
        work: _Work = DoneAhead(marked, lambda task: self._decode(*task), self._options.decoders())
        with work:
            try:
                yield from self._results(work)
            finally:
                self._budget.close()

    def _results(self, work: _Work) -> Iterator[Outcome]:
        while True:
            # A wait is only right if no batch could be begun now: what is there is scored first,
            # even in a batch that is not full, for the network costs more than the batch gains.
            found = work.take(wait=not self._free())
            if isinstance(found, list):
                self._running -= 1
                self._largest = self._largest if self._running else 0
                yield from found
            elif found is not None and found.error is not None:
                yield outcome(found, Scored(errors=[found.error]))
            elif found is not None:
                self._collect(found)
            elif group := self._next():
                yield from self._start(group, work)
            else:
                return

    def _collect(self, done: Decoded) -> None:
        """Add an image to the batch of its size and reference; a full batch is set aside.

        A large image, which is scored in tiles, is a batch of its own.
        """
        if done.image is None:
            self._full.append([done])
            return
        key = _key(done)
        group = self._filling.setdefault(key, [])
        group.append(done)
        if len(group) >= self._options.batch_for(_pixels([done]), self._device.type):
            self._full.append(self._filling.pop(key))

    def _free(self) -> bool:
        """Tell whether a batch can be begun: one is there, and a thread is free for it."""
        if not self._full and not self._filling:
            return False
        group = self._full[0] if self._full else next(iter(self._filling.values()))
        # By the largest in work: small batches beside a large one take memory on top of its own.
        return self._running < self._side_by_side(max(_pixels(group), self._largest))

    def _side_by_side(self, pixels: int) -> int:
        return at_once(pixels, self._device, self._thread_safe)

    def _next(self) -> list[Decoded] | None:
        """Take a full batch, or else the one that has been filling for longest."""
        if self._full:
            return self._full.popleft()
        return self._filling.popitem(last=False)[1] if self._filling else None

    def _start(self, group: list[Decoded], work: _Work) -> Iterator[Outcome]:
        """Score a batch here, or begin it in a thread: its outcomes then come by `work`."""
        first, shared = group[0], None
        if first.shared and first.reference is not None and first.item.reference is not None:
            # Here, not in the thread: batches that share a reference must not prepare it twice.
            shared = self._references.prepare(first.item.reference, first.reference)
        if self._side_by_side(_pixels(group)) == 1:
            yield from self._scored(group, shared)
        else:
            self._running += 1
            self._largest = max(self._largest, _pixels(group))
            work.add(submit(partial(self._scored, group, shared)))

    def _scored(self, group: list[Decoded], shared: PreparedReference | None) -> list[Outcome]:
        if group[0].pixels is not None:
            found = [score_large(group[0], self._metrics, self._options.tile_side)]
        else:
            found = score_group(group, shared, self._metrics)
        # Pixels are given back before outcomes are read: decoders wait for these bytes.
        for done in group:
            self._budget.release(done.held)
            done.image = done.reference = done.pixels = None
        return list(map(outcome, group, found))


def _alone(tasks: Iterable[Task]) -> Iterator[tuple[int, Item, bool]]:
    """Drop references, which no metric asks for: they need not be read."""
    return ((position, replace(item, reference=None), False) for position, item in tasks)


def _key(done: Decoded) -> Any:
    """Return what images of one batch have in common: size, and size or name of the reference."""
    assert done.image is not None
    reference = None if done.reference is None else tuple(done.reference.shape)
    return tuple(done.image.shape), reference, done.item.reference if done.shared else None


def _pixels(group: list[Decoded]) -> int:
    return sum((done.width or 0) * (done.height or 0) for done in group)
