"""Classical metrics, computed by piq."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from snellen.errors import ImageError
from snellen.metrics._metric import Features, Metric


class ClassicalMetric(Metric):
    """A metric that needs no network; the arithmetic is piq's."""

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        function: Callable[..., Tensor] = _piq_function(self.row.readout)
        x, y = (self.protocol(t) for t in (x, y))
        x, y = (t.expand(max(x.shape[0], y.shape[0]), -1, -1, -1) for t in (x, y))
        try:
            return function(x, y, data_range=1.0, reduction="none", **self.row.options)
        except (ValueError, AssertionError, RuntimeError) as error:
            raise ImageError(
                f"{self.name} cannot score images of {x.shape[3]}x{x.shape[2]} pixels: {error}"
            ) from error

    def _libraries(self) -> Sequence[str]:
        return ("piq",)


def _piq_function(name: str) -> Callable[..., Any]:
    import piq

    function: Callable[..., Any] = getattr(piq, name)
    return function
