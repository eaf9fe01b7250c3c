"""How far an exam is, in megapixels through its networks."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from snellen.backbones import Backbone
from snellen.errors import SnellenError
from snellen.exam._examination._part import Work
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.exam._examination._plan import ExamPlan


class ExamProgress(NamedTuple):
    """How far an exam is.

    Parameters
    ----------
    part, network
        What is being measured.
    done, total
        Megapixels through networks, over all parts that are not kept from an earlier run.
    """

    part: str
    network: str
    done: float
    total: float


class Clock:
    """Counts megapixels over all parts that are to be computed."""

    def __init__(
        self,
        networks: Mapping[str, Backbone],
        todo: Sequence[tuple[str, str]],
        plan: ExamPlan,
        progress: Callable[[ExamProgress], None] | None,
    ) -> None:
        self._progress = progress
        self._work = {}
        if progress is not None:
            self._work = {key: _work(key[0], networks[key[1]], plan) for key in todo}
        self._total = sum(work.megapixels for work in self._work.values())
        self._before = self._within = 0.0

    def told(self, name: str, label: str, count: int) -> None:
        """Take note of images done."""
        if self._progress is not None:
            steps, megapixels = self._work[name, label]
            self._within = min(megapixels, self._within + count * megapixels / max(1, steps))
            self._tell(name, label)

    def finished(self, name: str, label: str) -> None:
        """Take note of the end of a part, whatever it told."""
        if self._progress is not None:
            self._before, self._within = self._before + self._work[name, label].megapixels, 0.0
            self._tell(name, label)

    def _tell(self, name: str, label: str) -> None:
        assert self._progress is not None
        self._progress(ExamProgress(name, label, self._before + self._within, self._total))


def _work(name: str, backbone: Backbone, plan: ExamPlan) -> Work:
    """Return how much work a part is; none where its data cannot be read, which it will say."""
    try:
        return EXAM_PARTS[name].work(backbone, plan)
    except (SnellenError, OSError):
        return Work(0, 0.0)
