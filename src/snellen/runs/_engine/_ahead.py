"""Work done ahead in threads, within a budget of bytes, taken in the order in which it is done."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Self, TypeVar

from snellen._threads import undivided_pool

T = TypeVar("T")
D = TypeVar("D")

_MOST_AHEAD = 256


class ByteBudget:
    """Bytes that threads may hold together; one that needs more than all waits to be alone."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used, self._closed = limit, 0, False
        self._changed = threading.Condition()

    def acquire(self, size: int) -> None:
        """Wait until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fits(size))
            self._used += size

    def _fits(self, size: int) -> bool:
        return self._used == 0 or self._used + size <= self._limit

    def release(self, size: int) -> None:
        """Give room back."""
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody in who waits: the work is called off."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class DoneAhead(Generic[T, D]):
    """Runs a function over tasks in threads, ahead of whoever takes the results.

    Parameters
    ----------
    tasks
        Taken one at a time, by the thread that takes results.
    work
        The function. It waits for a `ByteBudget` of its own if results are large, and must not
        raise: what it raises ends the run.
    threads
        How many at once.
    ahead
        Most tasks that are begun and whose results are not yet taken.
    """

    def __init__(
        self, tasks: Iterable[T], work: Callable[[T], D], threads: int, ahead: int = _MOST_AHEAD
    ) -> None:
        self._tasks, self._work, self._ahead = iter(tasks), work, ahead
        self._pool = undivided_pool(threads, "snellen-decode")
        self._done: queue.SimpleQueue[D | BaseException] = queue.SimpleQueue()
        self._waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, wait: bool = True) -> D | None:
        """Return the next result; None if all were taken, or if none is there and `wait` is off."""
        self._submit()
        if self._waiting == 0:
            return None
        try:
            result = self._done.get(block=wait)
        except queue.Empty:
            return None
        self._waiting -= 1
        if isinstance(result, BaseException):
            raise result
        return result

    def add(self, future: "Future[D]") -> None:
        """Have the result of other work taken like the rest, when it is done."""
        self._waiting += 1
        future.add_done_callback(lambda done: self._done.put(done.exception() or done.result()))

    def _submit(self) -> None:
        while self._waiting < self._ahead:
            try:
                task = next(self._tasks)
            except StopIteration:
                return
            self._pool.submit(self._run, task)
            self._waiting += 1

    def _run(self, task: T) -> None:
        try:
            self._done.put(self._work(task))
        except BaseException as error:
            self._done.put(error)


def work_ahead(
    tasks: Iterable[T], work: Callable[[T], D], threads: int, ahead: int = _MOST_AHEAD
) -> Iterator[D]:
    """Yield the results of a function over tasks, in the order in which they are done.

    Parameters are those of `DoneAhead`.
    """
    with DoneAhead(tasks, work, threads, ahead) as running:
        while (result := running.take()) is not None:
            yield result


def in_order(results: Iterable[tuple[int, T]], start: int = 0) -> Iterator[T]:
    """Put numbered results back into the order of their numbers.

    Parameters
    ----------
    results
        Pairs of a number and a result; numbers go from `start` without a gap.
    start
        The first number.

    Examples
    --------
    >>> list(in_order([(1, "b"), (0, "a"), (2, "c")]))
    ['a', 'b', 'c']
    """
    early: dict[int, T] = {}
    for number, result in results:
        early[number] = result
        while start in early:
            yield early.pop(start)
            start += 1
