"""Blind quality out of responses to several degradations."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._handling import Handling
from snellen.metrics._response._quality_head import ResponseHead, made_for
from snellen.metrics._response._response import Observed, ResponseMetric
from snellen.metrics._row import MetricRow

_FLOOR = 1e-8


def observe_channels(image: Tensor, degraded: Tensor) -> Tensor:
    """Reduce features f of an image and g of its degraded version to means over positions.

    Parameters
    ----------
    image, degraded
        Features (N, C, h, w) of one layer.

    Returns
    -------
    Tensor
        (N, 4, C), float32: f, f^2, g^2, (f - g)^2.
    """
    f, g = image.float(), degraded.float()
    return torch.stack([t.mean((2, 3)) for t in (f, f * f, g * g, (f - g).square())], 1)


def response_statistics(observed: Observed) -> Tensor:
    """Make a short vector of what was observed.

    Parameters
    ----------
    observed
        Results of `observe_channels` by degradation and layer.

    Returns
    -------
    Tensor
        (N, D): four of each layer about the image itself, the first degradation's pass serving
        for it; then two of each degradation and layer about the response.
    """
    own = [_own(layer) for layer in next(iter(observed.values()))]
    responses = [_response(layer) for layers in observed.values() for layer in layers]
    return torch.cat([*own, *responses], 1)


def _own(layer: Tensor) -> Tensor:
    """Mean and spread over channels of the logarithms of variance and of squared mean: (N, 4)."""
    mean, square = layer[:, 0], layer[:, 1]
    logs = [(t + _FLOOR).log() for t in ((square - mean.square()).clamp_min(0), mean.square())]
    return torch.stack([m for log in logs for m in (log.mean(1), log.std(1, correction=0))], 1)


def _response(layer: Tensor) -> Tensor:
    """Log of the relative squared difference: that of all channels, and its spread: (N, 2)."""
    total = _relative(layer.sum(2, keepdim=True))[:, 0]
    return torch.stack([total, _relative(layer).std(1, correction=0)], 1)


def _relative(layer: Tensor) -> Tensor:
    _, f, g, difference = layer.unbind(1)
    return ((difference + _FLOOR) / (f + g + _FLOOR)).log()


class ResponseStatistics(ResponseMetric):
    """Statistics of an image and of its responses, of which a head makes quality."""

    def observe(self, image: Tensor, degraded: Tensor) -> Tensor:
        """Reduce one layer of both images to means over positions."""
        return observe_channels(image, degraded)

    def conclude(self, observed: Observed) -> Tensor:
        """Make statistics (N, D)."""
        return response_statistics(observed)

    def made_for(self) -> dict[str, Any]:
        """Return what a head that is fitted to these statistics belongs to."""
        return made_for(self.backbone, self.layers)


class QualityMetric(ResponseStatistics):
    """Quality as a fitted function of statistics of responses.

    Parameters
    ----------
    row, handling, backbone, layers
        See `ResponseMetric`.
    head
        Statistics -> quality.
    """

    def __init__(
        self,
        row: MetricRow,
        handling: Handling,
        *,
        backbone: Backbone,
        layers: Sequence[str],
        head: ResponseHead,
    ) -> None:
        super().__init__(row, handling, backbone=backbone, layers=layers)
        self.head = head

    def conclude(self, observed: Observed) -> Tensor:
        """Make scores (N,)."""
        return self.head(super().conclude(observed))

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {**super().manifest(), "head": {"sha256": self.head.sha256, **self.head.fit}}


def create_response_statistics(
    backbone: Backbone,
    degradations: Sequence[str],
    *,
    layers: Sequence[str] = ("@stages",),
    seed: int = 0,
) -> ResponseStatistics:
    """Make what measures the statistics that a head is fitted to.

    Parameters
    ----------
    backbone
        The network.
    degradations
        What is done to each image, such as ``"gaussian-blur@1"``.
    layers
        Names of layers; by default the last one at every scale.
    seed
        Of what degradations draw at random.

    Returns
    -------
    ResponseStatistics
        Call it as ``statistics(images)`` -> (N, D).
    """
    resolved = resolve_layers(layers, backbone)
    row = MetricRow(
        "response-statistics",
        "Statistics of responses",
        "Snellen",
        "response-quality",
        readout="statistics",
        backbone=backbone.name,
        layers=resolved,
        kind="attribute",
        lower_better=None,
        range=(None, None),
        degradations=tuple(degradations),
        degradation_seed=seed,
    )
    return ResponseStatistics(row, Handling(), backbone=backbone, layers=resolved)
