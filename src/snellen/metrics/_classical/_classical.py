"""Classical metrics: PSNR, and those that piq computes."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from snellen.errors import ImageError
from snellen.metrics._classical._tile_passes import REDUCED_FIRST, ReducedTally, SquaresTally
from snellen.metrics._metric import Features, Metric
from snellen.metrics._tile_pass import TileTally


class ClassicalMetric(Metric):
    """A metric that needs no network; but for PSNR the arithmetic is piq's."""

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        return self._compute(*(self.protocol(t) for t in (x, y)))

    def _compute(self, x: Tensor, y: Tensor) -> Tensor:
        if self.row.readout == "psnr":
            return _psnr(x, y)
        function: Callable[..., Tensor] = _piq_function(self.row.readout)
        x, y = (t.expand(max(x.shape[0], y.shape[0]), -1, -1, -1) for t in (x, y))
        try:
            return function(x, y, data_range=1.0, reduction="none", **self.row.options)
        except (ValueError, AssertionError, RuntimeError) as error:
            raise ImageError(
                f"{self.name} cannot score images of {x.shape[3]}x{x.shape[2]} pixels: {error}"
            ) from error

    def _tile_tally(self, group: Sequence[Metric]) -> TileTally:
        self.protocol.blocks(1, 1)  # complains of a protocol that resizes
        if self.row.readout == "psnr":
            return SquaresTally(self.name, self._compute, self.protocol.blocks)
        if self.row.readout in REDUCED_FIRST:
            return ReducedTally(self.name, self._compute, self.protocol.blocks)
        return super()._tile_tally(group)

    def _libraries(self) -> Sequence[str]:
        return () if self.row.readout == "psnr" else ("piq",)


def _psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return what `piq.psnr` does, without its import, which takes longer than many a run."""
    return -10 * ((x - y).square().mean((1, 2, 3)) + 1e-8).log10()


def _piq_function(name: str) -> Callable[..., Any]:
    import piq

    function: Callable[..., Any] = getattr(piq, name)
    return function
