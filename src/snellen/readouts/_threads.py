"""Work on blocks, in threads of which none waits for another.

Split inside of every operation, as torch does it, work on one block would wait longer for the
threads to meet than it takes, and on a busy machine a thousand times longer.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import pairwise
from threading import Barrier
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

_DIVIDED = 1 << 15  # numbers from which torch splits an operation
_MOST = 8  # one thread at a time is in Python, for about a tenth of the work on a block


def in_parts(work: Callable[[range], None], count: int, device: torch.device) -> None:
    """Divide the numbers of blocks among as many threads as torch has.

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
    threads = min(torch.get_num_threads(), _MOST)
    if threads == 1 or device.type != "cpu":
        work(range(count)[::-1])
        return
    parts = min(threads, count)
    bounds = [i * count // parts for i in range(parts + 1)]
    ranges = (range(*pair)[::-1] for pair in pairwise(bounds))
    for _ in _pool(os.getpid(), threads).map(partial(_infer, work), ranges):
        pass


def alone(work: Callable[[], T], operand: Tensor) -> T:
    """Return what ``work()`` does, with no operation split that has operands like the given one."""
    threads = min(torch.get_num_threads(), _MOST)
    if threads == 1 or operand.device.type != "cpu" or operand.numel() < _DIVIDED:
        return work()
    return _pool(os.getpid(), threads).submit(_infer, work).result()


def _infer(work: Callable[..., T], *args: object) -> T:
    with torch.inference_mode():  # a setting of each thread
        return work(*args)


@lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Make threads in which torch splits no operation; a forked process needs its own."""
    of_torch = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "snellen-readouts")
    everyone = Barrier(threads)

    def start(_: int) -> None:
        torch.get_num_threads()  # or the first operation would set the number that others have
        torch.set_num_threads(1)
        everyone.wait()

    list(pool.map(start, range(threads)))
    torch.set_num_threads(of_torch)  # new threads take over the number that was last set anywhere
    return pool
