"""Metrics that need no network: a function of the two images."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from snellen.errors import ImageError
from snellen.metrics._classical._functions import PIQ, find_function
from snellen.metrics._classical._tile_passes import TILE_PASSES
from snellen.metrics._handling import Handling
from snellen.metrics._metric import Features, Metric
from snellen.metrics._options import Request
from snellen.metrics._row import MetricRow
from snellen.metrics._tile_pass import TilePass


class ClassicalMetric(Metric):
    """A function of two images: one of ours, or of piq."""

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        return self.compute(*(self.protocol(t) for t in (x, y)))

    def compute(self, x: Tensor, y: Tensor) -> Tensor:
        """Score image batches that the protocol has seen."""
        try:
            return find_function(self.row.readout)(x, y, **self.row.options)
        except torch.OutOfMemoryError:
            raise
        except (ValueError, AssertionError, RuntimeError) as error:
            raise ImageError(
                f"{self.name} cannot score images of {x.shape[3]}x{x.shape[2]} pixels: {error}"
            ) from error

    @classmethod
    def _tile_pass(cls, group: Sequence[Self]) -> TilePass:
        metric = group[0]
        metric.protocol.blocks(1, 1)  # complains of a protocol that resizes
        if metric.row.readout not in TILE_PASSES:
            return super()._tile_pass(group)
        make = TILE_PASSES[metric.row.readout]
        return make(metric.name, metric.compute, metric.protocol.blocks)

    def _libraries(self) -> Sequence[str]:
        return ("piq",) if self.row.readout.startswith(PIQ) else ()


def classical_metric(row: MetricRow, request: Request, handling: Handling) -> ClassicalMetric:
    """Make the metric of a classical row."""
    return ClassicalMetric(request.resized(row), handling)
