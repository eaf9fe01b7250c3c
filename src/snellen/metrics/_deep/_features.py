"""Metrics made of deep features: the two images go through the network layer by layer."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.images import ImagePolicy
from snellen.metrics._deep._feature_pass import FeatureTally, in_step
from snellen.metrics._metric import Features, ImageLike, Metric, PreparedReference, Reduction
from snellen.metrics._row import MetricRow
from snellen.metrics._tile_pass import TileTally
from snellen.readouts import Readout


class FeatureMetric(Metric):
    """Distance of the deep features of two images.

    Parameters
    ----------
    row, policy, align, reduction
        See `Metric`.
    backbone
        The network; several metrics may share one.
    layers
        Names of its layers.
    readout
        Features x features -> distance.
    weights
        Weights of the channels by layer, if any.
    head
        Where the weights came from.
    """

    def __init__(
        self,
        row: MetricRow,
        policy: ImagePolicy,
        align: str,
        reduction: Reduction,
        *,
        backbone: Backbone,
        layers: Sequence[str],
        readout: Readout,
        weights: Mapping[str, Tensor] | None = None,
        head: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(row, policy, align, reduction)
        if row.combine == "join" and not readout.joins:
            raise MetricError(
                f"{row.name}: the readout {readout.name!r} cannot be taken of concatenated "
                "layers; use combine='mean' or 'sum'."
            )
        self.backbone = backbone
        self.layers = tuple(layers)
        self.readout = readout
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
    def pass_key(self) -> tuple[Any, ...]:
        """What two metrics must have in common to share a pass through the network."""
        # The backbone itself, not its id, which another may have once this one is gone.
        return (self.backbone, self.protocol, self.backbone.precision)

    def prepare(self, reference: ImageLike) -> PreparedReference:
        """Decode a reference and compute its features once for many comparisons.

        Parameters
        ----------
        reference
            Any image that the metric takes.

        Returns
        -------
        PreparedReference
            To be given to the metric in the place of the reference.
        """
        return prepare_together([self], self._batch(reference, "reference"))

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        return score_together([self], x, y, cached)[0]

    def _tile_tally(self, group: Sequence[Metric]) -> TileTally:
        metrics = [metric for metric in group if isinstance(metric, FeatureMetric)]
        return FeatureTally(metrics, _layers(metrics))

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
        if self.row.combine == "join":
            return self.readout.score(self.readout.distance(torch.stack(list(sums)).sum(0)))
        distances = torch.stack([self.readout.distance(s) for s in sums])
        total = distances.mean(0) if self.row.combine == "mean" else distances.sum(0)
        return self.readout.score(total)

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


def prepare_together(metrics: Sequence[FeatureMetric], batch: Tensor) -> PreparedReference:
    """Compute the features of a reference that metrics of one pass need."""
    first = metrics[0]
    # Not in inference mode: a loss may need these features in its graph.
    with torch.no_grad():
        features = first.backbone(first.protocol(batch), _layers(metrics))
    return PreparedReference(batch, {first.pass_key: features})


def score_together(
    metrics: Sequence[FeatureMetric], x: Tensor, y: Tensor, cached: Features | None = None
) -> list[Tensor]:
    """Score one pair of image batches by several metrics in a single pass through their network.

    Parameters
    ----------
    metrics
        Metrics that share a backbone and a protocol.
    x, y
        Image batches of one size.
    cached
        Features of `y` by layer, if they were computed before.

    Returns
    -------
    list of Tensor
        Scores (N,) of each metric.
    """
    sums: list[list[Tensor]] = [[] for _ in metrics]
    for layer, f, g in _pairs(metrics, x, y, cached):
        for metric, collected in zip(metrics, sums, strict=True):
            if layer in metric.layers:
                collected.append(metric.readout.measure(f, g, metric.channel_weights(layer)))
        del f, g
    return [
        _zero_where_equal(metric.combine(collected).to(x.dtype), x, y)
        for metric, collected in zip(metrics, sums, strict=True)
    ]


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
    yield from in_step(stream, other)
