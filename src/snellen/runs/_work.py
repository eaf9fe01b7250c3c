"""What an engine does with every input, here and in other processes."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import torch

from snellen.runs._engine import EngineOptions, Outcome, Task


class Work(Protocol):
    """What a run does with its inputs, on the machine that it is on."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def manifest(self) -> Any:
        """Return what its outcomes depend on."""

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield what came of each input, in the order in which it was done."""


class WorkMaker(Protocol):
    """Makes the same work in any process: small and picklable, unless `travels_whole`."""

    @property
    def travels_whole(self) -> bool:
        """Whether networks travel with it, since the caller made them."""

    def make(self, options: EngineOptions) -> Work:
        """Make the work."""
