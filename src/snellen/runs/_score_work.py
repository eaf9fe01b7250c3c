"""Scoring by metrics, as the work of an engine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from snellen.metrics import MetricSet
from snellen.runs._engine import EngineOptions, Outcome, Task, score_items
from snellen.runs._metrics_by_name import Recipe


@dataclass(frozen=True)
class ScoreWork:
    """Scores images by metrics, with or without references.

    Attributes
    ----------
    metrics
        What scores.
    options
        How many images at once, and how much memory.
    """

    metrics: MetricSet
    options: EngineOptions

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(iter(self.metrics)).device

    def manifest(self) -> Any:
        """Return what it takes to get the same scores again."""
        return self.metrics.manifest()

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the scores of each input, in the order in which they were done."""
        return score_items(tasks, self.metrics, self.options)


@dataclass(frozen=True)
class ScoreWorkMaker:
    """Makes the same work in other processes.

    Attributes
    ----------
    metrics
        Names and options, or metrics that the caller made.
    """

    metrics: Recipe | MetricSet

    @property
    def travels_whole(self) -> bool:
        """Whether the networks travel."""
        return isinstance(self.metrics, MetricSet)

    def make(self, options: EngineOptions) -> ScoreWork:
        """Make the metrics, if they are not."""
        made = self.metrics if isinstance(self.metrics, MetricSet) else self.metrics.make()
        return ScoreWork(made, options)
