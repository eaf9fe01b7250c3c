"""Deep features tile by tile: every layer's sums over the image, in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from snellen.metrics._tile_pass import TileTally
from snellen.metrics._tiling import Tile
from snellen.readouts import Tally

if TYPE_CHECKING:
    from snellen.metrics._deep._features import FeatureMetric


class FeatureTally(TileTally):
    """Sums over the features of metrics that share a backbone and a protocol.

    Parameters
    ----------
    metrics
        The metrics.
    layers
        Names of the layers of all of them.

    Raises
    ------
    BackboneError
        A layer's features see the whole image.
    MetricError
        A readout needs all positions at once, or the protocol resizes images.
    """

    def __init__(self, metrics: Sequence["FeatureMetric"], layers: Sequence[str]) -> None:
        first = metrics[0]
        self._metrics, self._layers = metrics, layers
        self._backbone, self._blocks = first.backbone, first.protocol.blocks
        self._blocks(1, 1)  # complains of a protocol that resizes
        self._reach = {layer: self._backbone.reach(layer) for layer in layers}
        self.reaches = tuple(self._reach.values())
        self._tallies: list[Mapping[str, Tally]] = [
            {layer: m.readout.tally(m.channel_weights(layer)) for layer in m.layers}
            for m in metrics
        ]

    def factor(self, height: int, width: int) -> int:
        """Return the side of the blocks of the protocol."""
        return self._blocks(height, width)

    def add(self, tile: Tile, x: Tensor, y: Tensor) -> None:
        """Take a tile of both images through the network, layer by layer."""
        streams = (self._backbone.stream(t, self._layers) for t in (x, y))
        del x, y
        for layer, f, g in in_step(*streams):
            jump = self._reach[layer].jump
            mine, other = tile.owned(f, jump), tile.owned(g, jump)
            for tallies in self._tallies if mine.numel() else ():
                if layer in tallies:
                    tallies[layer].add(mine, other)
            del f, g, mine, other

    def scores(self) -> dict[str, Tensor]:
        """Return the scores of all metrics."""
        return {
            metric.name: metric.combine([tally.sums() for tally in tallies.values()]).float()
            for metric, tallies in zip(self._metrics, self._tallies, strict=True)
        }


def in_step(
    stream: Iterator[tuple[str, Tensor]], other: Iterator[tuple[str, Tensor]]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield (layer, features, features of the other image), one layer of each at a time."""
    # A loop variable would hold its layer while the next one is computed: hence `del`.
    while (item := next(stream, None)) is not None:
        yield (*item, next(other)[1])
        del item
