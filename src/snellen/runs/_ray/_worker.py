"""What runs in a worker process of Ray."""

from collections.abc import Sequence
from typing import Any

import torch

from snellen._memory import keep_freed_memory
from snellen.errors import RunError
from snellen.records import changes, plain
from snellen.runs._engine import EngineOptions, Outcome, Task
from snellen.runs._work import WorkMaker


class Worker:
    """Holds the networks, and works on blocks of images.

    Parameters
    ----------
    maker
        How to make the work.
    expected
        The manifest of the work where the run was started.
    options
        How many images at once, and how much memory.
    threads
        Threads in which the network computes.

    Raises
    ------
    RunError
        The work is another than where the run was started: the numbers would not fit together.
    """

    def __init__(
        self, maker: WorkMaker, expected: Any, options: EngineOptions, threads: int
    ) -> None:
        torch.set_num_threads(threads)
        keep_freed_memory()
        self._work = maker.make(options)
        found = list(changes(plain(expected), plain(self._work.manifest()), "manifest"))
        if found:
            raise RunError(
                "a Ray worker computes something else than the process that started the run "
                f"(was: there, is: at the worker): {'; '.join(found[:4])}."
            )

    def score(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Work on a block, and return when all of it is done."""
        return list(self._work(tasks))
