"""Threads for images and for blocks of features, none of which waits for another.

torch divides every single operation among its threads, which meet at the end of each. For a block
of features that meeting takes longer than the work, and on a busy machine a thousand times longer.
Images of common size are done sooner, too, if each has a thread of its own. So there is a pool of
as many threads as torch has, in each of which torch itself uses one.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import pairwise
from threading import Barrier
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
U = TypeVar("U")

_DIVIDED = 1 << 15  # numbers from which torch splits an operation
_MOST = 8  # one thread at a time is in Python, for about a tenth of the work on a block
_COMMON = 1 << 20  # pixels up to which a thread of its own serves an image best
_PIXELS = 1 << 24  # pixels at once, so that many images take no more memory than one large one


def at_once(pixels: int, device: torch.device, thread_safe: bool) -> int:
    """Return how many batches of so many pixels each to work on at once, a thread for each.

    Examples
    --------
    >>> at_once(1 << 22, torch.device("cpu"), True), at_once(1 << 18, torch.device("cuda"), True)
    (1, 1)
    """
    if device.type != "cpu" or pixels > _COMMON or not thread_safe:
        return 1
    # Never more threads than torch has: that number is the user's word on how many cores to take.
    return min(torch.get_num_threads(), max(1, _PIXELS // max(1, pixels)))


def submit(work: Callable[[], T]) -> "Future[T]":
    """Begin work in a thread in which torch splits no operation."""
    return _pool(os.getpid(), torch.get_num_threads()).submit(_infer, work)


def side_by_side(work: Callable[[T], U], items: Iterable[T], most: int) -> Iterator[U]:
    """Yield ``work(item)`` for every item, in their order, with several items in work at once.

    Parameters
    ----------
    work
        Called in threads of its own, in inference mode, unless `most` is 1.
    items
        Taken as threads become free.
    most
        Number of items in work at once, as `at_once` gives it.
    """
    # Alone, an item keeps the caller's thread, in which torch may divide its operations.
    if most == 1:
        yield from map(work, items)
        return
    begun: deque[Future[U]] = deque()
    try:
        for item in items:
            begun.append(submit(partial(work, item)))
            # The oldest is waited for even if a later one is done: the order of results stays that
            # of the items, and never more than `most` results are in memory.
            if len(begun) == most:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:  # the caller stopped early, or an item failed: what has not begun never shall
        for future in begun:
            future.cancel()


def in_parts(work: Callable[[range], None], count: int, device: torch.device) -> None:
    """Divide blocks, by their numbers, among as many threads as torch has.

    Every thread goes from its last block to its first: the network wrote the last one last, so
    that it is still in the cache, and whatever reads the map next starts at the first.

    Parameters
    ----------
    work
        Works on the blocks of the given numbers; must not make tensors that outlive it.
    count
        Number of blocks.
    device
        Where the blocks lie; there is nothing to divide but on a processor.
    """
    threads = torch.get_num_threads()
    if threads == 1 or device.type != "cpu":
        work(range(count)[::-1])
        return
    parts = min(threads, _MOST, count)
    bounds = [i * count // parts for i in range(parts + 1)]
    ranges = (range(*pair)[::-1] for pair in pairwise(bounds))
    for _ in _pool(os.getpid(), threads).map(partial(_infer, work), ranges):
        pass


def alone(work: Callable[[], T], operand: Tensor) -> T:
    """Return ``work()``, done in a thread of the pool if torch would divide its operations.

    Parameters
    ----------
    work
        Many short operations.
    operand
        A tensor of the size that these operations have.
    """
    # Below `_DIVIDED` numbers torch divides nothing: a change of threads would gain nothing.
    threads = torch.get_num_threads()
    if threads == 1 or operand.device.type != "cpu" or operand.numel() < _DIVIDED:
        return work()
    return submit(work).result()


def _infer(work: Callable[..., T], *args: object) -> T:
    with torch.inference_mode():  # a setting of each thread
        return work(*args)


@lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return the pool of this process: threads do not survive a fork, which copies this cache.

    One pool is kept. Another number of torch's threads makes another pool; the threads of the
    former end once nothing holds them.
    """
    return undivided_pool(threads, "snellen-compute")


def undivided_pool(threads: int, name: str) -> ThreadPoolExecutor:
    """Make a pool of threads in which torch divides no operation."""
    of_torch = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, name)
    # Without the barrier a quick thread could take two starts, and leave a thread as torch made it.
    everyone = Barrier(threads)

    def start(_: int) -> None:
        torch.get_num_threads()  # or the first operation would set the number that others have
        torch.set_num_threads(1)
        everyone.wait()

    list(pool.map(start, range(threads)))
    torch.set_num_threads(of_torch)  # new threads take over the number that was last set anywhere
    return pool
