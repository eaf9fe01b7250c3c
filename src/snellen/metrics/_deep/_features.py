"""Metrics made of deep features: the two images go through the network layer by layer."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.backbones import Backbone
from snellen.metrics._comparison import Comparison, combined
from snellen.metrics._handling import Handling
from snellen.metrics._metric import Features, Metric, PreparedReference
from snellen.metrics._tile_pass import TilePass
from snellen.metrics._tiling import Tile
from snellen.readouts import Tally


class FeatureMetric(Metric):
    """Distance of the deep features of two images.

    Parameters
    ----------
    comparison
        The network, which several metrics may share, its layers, and features x features ->
        distance.
    handling
        See `Metric`.
    weights
        Weights of the channels by layer, if any.
    head
        Where the weights came from.
    """

    def __init__(
        self,
        comparison: Comparison,
        handling: Handling,
        *,
        weights: Mapping[str, Tensor] | None = None,
        head: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(comparison.row, handling)
        self.backbone, self.layers = comparison.backbone, comparison.layers
        self.readout = comparison.readout
        self._head = dict(head or {})
        for i, name in enumerate(self.layers):
            value = None if weights is None else weights.get(name)
            self.register_buffer(f"channel_weights_{i}", value, persistent=False)

    def channel_weights(self, layer: str) -> Tensor | None:
        """Weights of the channels of a layer, (C,) or (2, C); None if all count the same."""
        return self._buffers[f"channel_weights_{self.layers.index(layer)}"]

    @property
    def has_map(self) -> bool:
        """Whether the metric can show where two images differ."""
        return self.readout.has_map

    @property
    def network(self) -> tuple[Backbone, tuple[str, ...]]:
        """The network, and its layers."""
        return self.backbone, self.layers

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """What two metrics must have in common to share a pass through the network."""
        # The backbone itself, not its id, which another may have once this one is gone.
        return ("features", self.backbone, self.protocol, self.backbone.precision)

    @classmethod
    def prepare_group(cls, group: Sequence[Self], reference: Tensor) -> PreparedReference:
        """Compute the features of a reference that metrics of one pass need."""
        first = group[0]
        features = first.backbone(first.protocol(reference), _layers(group))
        return PreparedReference(reference, {first.pass_key: features})

    @classmethod
    def prepared_bytes(cls, group: Sequence[Self], height: int, width: int) -> int:
        """Estimate the memory of the features that `prepare_group` keeps."""
        pixels = height * width
        layers = (group[0].backbone.layer(name) for name in _layers(group))
        return sum(4 * info.channels * pixels // (info.stride or height) ** 2 for info in layers)

    @classmethod
    def score_group(
        cls, group: Sequence[Self], x: Tensor, y: Tensor, cached: Features | None
    ) -> list[Tensor]:
        """Score a pair of image batches by several metrics in a single pass through their network.

        Parameters
        ----------
        group
            Metrics of one `pass_key`.
        x, y
            Image batches of one size.
        cached
            Features of `y` by layer, if they were computed before.

        Returns
        -------
        list of Tensor
            Scores (N,) of each metric.
        """
        sums: list[list[Tensor]] = [[] for _ in group]
        for layer, f, g in _pairs(group, x, y, cached):
            for metric, collected in zip(group, sums, strict=True):
                if layer in metric.layers:
                    collected.append(metric.readout.measure(f, g, metric.channel_weights(layer)))
            del f, g
        return [
            _zero_where_equal(metric.combine(collected).to(x.dtype), x, y)
            for metric, collected in zip(group, sums, strict=True)
        ]

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        return self.score_group([self], x, y, cached)[0]

    @classmethod
    def _tile_pass(cls, group: Sequence[Self]) -> TilePass:
        return FeaturePass(group)

    def _map(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        total, whole = x.new_zeros(()), 0.0
        for layer, f, g in _pairs([self], x, y, cached):
            weights = self.channel_weights(layer)
            share = self.readout.share(f.shape[1], weights) if self.row.combine == "join" else 0.0
            local = self.readout.map(f, g, weights) * (share or 1.0)
            size = (x.shape[2], x.shape[3])
            total = total + F.interpolate(local, size, mode="bilinear", align_corners=False)
            whole += share
            del f, g, local
        total = total / (len(self.layers) if self.row.combine == "mean" else whole or 1.0)
        return _zero_where_equal(total, x, y)

    def combine(self, sums: Sequence[Tensor]) -> Tensor:
        """Make scores (N,) out of every layer's sums."""
        return combined(self.readout, self.row.combine, sums)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {
            **super().manifest(),
            "backbone": self.backbone.manifest(),
            "layers": list(self.layers),
            "readout": self.readout.manifest(),
            "combine": self.row.combine,
            "head": self._head or None,
            "channel_weights": {
                name: _sha256(value)
                for name in self.layers
                if (value := self.channel_weights(name)) is not None
            },
        }

    def _libraries(self) -> Sequence[str]:
        return ("torchvision", "timm")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FeatureMetric":
        # Weights of channels follow to another device, but are not rounded to another type.
        exact = {k: v for k, v in self._buffers.items() if k.startswith("channel_weights_")}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, value in exact.items():
            moved = self._buffers[name]
            if value is not None and moved is not None:
                self._buffers[name] = value.to(moved.device)
        return self


def _sha256(value: Tensor) -> str:
    data = value.detach().cpu().float().contiguous().numpy()
    return hashlib.sha256(data.tobytes()).hexdigest()


def _zero_where_equal(result: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Make the distance of equal images exactly 0, also of one image to another's batch.

    A network rounds differently in batches of different size.
    """
    if len(x) == len(y):
        return result
    equal = (x == y).flatten(1).all(1)
    return torch.where(equal.view(-1, *[1] * (result.ndim - 1)), 0, result)


def _layers(metrics: Sequence[FeatureMetric]) -> list[str]:
    return list(dict.fromkeys(layer for metric in metrics for layer in metric.layers))


def _pairs(
    metrics: Sequence[FeatureMetric], x: Tensor, y: Tensor, cached: Features | None
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield (layer, features of x, features of y), both images in step."""
    first, layers = metrics[0], _layers(metrics)
    stream = first.backbone.stream(first.protocol(x), layers)
    if cached is not None and set(layers) <= set(cached):
        other: Iterator[tuple[str, Tensor]] = (
            (name, g) for name, g in cached.items() if name in layers
        )
    else:
        other = first.backbone.stream(first.protocol(y), layers)
    yield from _in_step(stream, other)


def _in_step(
    stream: Iterator[tuple[str, Tensor]], other: Iterator[tuple[str, Tensor]]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield (layer, features, features of the other image), one layer of each at a time."""
    # A loop variable would hold its layer while the next one is computed: hence `del`.
    while (item := next(stream, None)) is not None:
        yield (*item, next(other)[1])
        del item


class FeaturePass(TilePass):
    """Sums over the features of metrics that share a backbone and a protocol.

    Parameters
    ----------
    metrics
        The metrics.

    Raises
    ------
    BackboneError
        A layer's features see the whole image.
    MetricError
        A readout needs all positions at once, or the protocol resizes images.
    """

    def __init__(self, metrics: Sequence[FeatureMetric]) -> None:
        first = metrics[0]
        self._metrics, self._layers = metrics, _layers(metrics)
        self._backbone, self._blocks = first.backbone, first.protocol.blocks
        self._blocks(1, 1)  # complains of a protocol that resizes
        self._reach = {layer: self._backbone.reach(layer) for layer in self._layers}
        self.reaches = tuple(self._reach.values())
        self._sums: list[Mapping[str, Tally]] = [
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
        for layer, f, g in _in_step(*streams):
            jump = self._reach[layer].jump
            mine, other = tile.owned(f, jump), tile.owned(g, jump)
            for sums in self._sums if mine.numel() else ():
                if layer in sums:
                    sums[layer].add(mine, other)
            del f, g, mine, other

    def scores(self) -> dict[str, Tensor]:
        """Return the scores of all metrics."""
        return {
            metric.name: metric.combine([one.sums() for one in sums.values()]).float()
            for metric, sums in zip(self._metrics, self._sums, strict=True)
        }
