"""References that several images share: decoded once, their features computed once."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

from torch import Tensor

from snellen.metrics import MetricSet, PreparedReference
from snellen.runs._engine._decode import read_reference
from snellen.runs._sources import Item, Location

_WINDOW = 4096
Key = TypeVar("Key")


class References:
    """The references that were used last, as many as fit into a budget of bytes.

    Parameters
    ----------
    metrics
        Whose features are kept.
    budget
        Bytes of decoded references and features together.
    """

    def __init__(self, metrics: MetricSet, budget: int) -> None:
        self._metrics, self._budget = metrics, budget
        self._policy = next(iter(metrics)).policy
        self._device = next(iter(metrics)).device
        self._lock = threading.Lock()
        self._decoded: OrderedDict[Location, Future[Tensor]] = OrderedDict()
        self._prepared: OrderedDict[Location, PreparedReference] = OrderedDict()
        self._bytes: dict[Location, int] = {}

    def read(self, location: Location) -> Tensor:
        """Return the decoded reference; threads that ask for one that is being read wait."""
        with self._lock:
            future = self._decoded.get(location)
            first = future is None
            if future is None:
                future = self._decoded[location] = Future()
        if first:
            try:
                future.set_result(read_reference(location, self._policy))
            except BaseException as error:
                future.set_exception(error)
            self._trim()
        return future.result()

    def _trim(self) -> None:
        """Let go of the references that were decoded first, where all do not fit."""
        with self._lock:
            done = [future for future in self._decoded.values() if future.done()]
            total = sum(f.result().nbytes for f in done if f.exception() is None)
            for location, future in list(self._decoded.items()):
                if total <= self._budget:
                    return
                if future.done() and future.exception() is None:
                    total -= self._decoded.pop(location).result().nbytes

    def prepare(self, location: Location, batch: Tensor) -> PreparedReference:
        """Return the reference with its features, if they fit into the budget."""
        found = self._prepared.get(location)
        if found is not None:
            self._prepared.move_to_end(location)
            return found
        size = batch.nbytes + self._metrics.feature_bytes(batch.shape[2], batch.shape[3])
        if size > self._budget:
            self._forget(location)
            return PreparedReference(batch.to(self._device))
        while self._prepared and sum(self._bytes.values()) + size > self._budget:
            self._forget(next(iter(self._prepared)))
        try:
            prepared = self._metrics.prepare(batch)
        except Exception:  # scoring will say why, for each image
            return PreparedReference(batch.to(self._device))
        self._bytes[location] = size
        self._prepared[location] = prepared
        return prepared

    def _forget(self, location: Location) -> None:
        self._prepared.pop(location, None)
        self._bytes.pop(location, None)
        with self._lock:
            self._decoded.pop(location, None)


def mark_shared(
    tasks: Iterable[tuple[Key, Item]], window: int = _WINDOW
) -> Iterator[tuple[Key, Item, bool]]:
    """Tell which items have a reference that comes again soon, by looking some items ahead.

    Examples
    --------
    >>> a, b = Location("a.png"), Location("b.png")
    >>> items = [Item(Location("1.png"), a), Item(Location("2.png"), b), Item(Location("3.png"), a)]
    >>> [shared for _, _, shared in mark_shared(enumerate(items))]
    [True, False, True]
    """
    stream = iter(tasks)
    known: set[Location | None] = set()
    while ahead := list(islice(stream, window)):
        uses = Counter(item.reference for _, item in ahead)
        known = {one for one in known if one in uses}
        known |= {one for one, count in uses.items() if count > 1 and one is not None}
        for key, item in ahead:
            yield key, item, item.reference in known
