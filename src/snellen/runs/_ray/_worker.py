"""What runs in a worker process of Ray."""

from collections.abc import Sequence
from typing import Any

import torch

from snellen.metrics import MetricSet
from snellen.runs._engine import EngineOptions, Outcome, Task, score_items
from snellen.runs._memory import keep_freed_memory
from snellen.runs._recipe import Recipe
from snellen.runs._sinks import RunError
from snellen.runs._sinks._manifest import changes


class Worker:
    """Holds the networks, and scores blocks of images.

    Parameters
    ----------
    made_of
        How to make the metrics, or the metrics themselves.
    expected
        The manifest of the metrics where the run was started.
    options
        How many images at once, and how much memory.
    threads
        Threads in which the network computes.

    Raises
    ------
    RunError
        The metrics are others than where the run was started: the numbers would not fit together.
    """

    def __init__(
        self, made_of: Recipe | MetricSet, expected: Any, options: EngineOptions, threads: int
    ) -> None:
        torch.set_num_threads(threads)
        keep_freed_memory()
        self._metrics = made_of.make() if isinstance(made_of, Recipe) else made_of
        self._options = options
        found = list(changes(expected, self._metrics.manifest(), "metrics"))
        if found:
            raise RunError(
                "a Ray worker computes something else than the process that started the run "
                f"(was: there, is: at the worker): {'; '.join(found[:4])}."
            )

    def score(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Score a block, and return when all of it is done."""
        return list(score_items(tasks, self._metrics, self._options))
