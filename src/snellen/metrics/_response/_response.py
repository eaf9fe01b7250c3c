"""Degradation response: how far the features of an image move when it is degraded further.

Wu, Ni, Wang, Yang, Zhou and Wang (NeurIPS 2024): an image that has much of a degradation already is
changed little by more of it.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.distortions import Distortion, create_distortion
from snellen.images import ImagePolicy
from snellen.metrics._metric import Reduction
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._row import MetricRow
from snellen.readouts import Readout

Observed = Mapping[str, Sequence[Tensor]]
"""What was measured at every layer, in order of depth, by degradation."""


class ResponseMetric(NoReferenceMetric):
    """A measure made of the features of an image and of degraded versions of it.

    Parameters
    ----------
    row, policy, align, reduction
        See `Metric`; the row names the degradations and their seed.
    backbone
        The network; several metrics may share one, and its passes.
    layers
        Names of its layers.

    Notes
    -----
    The degradation is applied to the image as it is given; both then go through the protocol and
    the network. What a degradation draws at random depends on the seed and the size of the image,
    not on the batch. Gradients flow through the image's own features; the degraded image counts
    as a constant.
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
    ) -> None:
        super().__init__(row, policy, align, reduction)
        self.backbone, self.layers = backbone, tuple(layers)
        self.degradations: dict[str, Distortion] = {
            made.spec: made for made in map(create_distortion, row.degradations)
        }

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """What two metrics must have in common to share passes through the network."""
        return ("response", self.backbone, self.protocol, self.row.degradation_seed)

    @abstractmethod
    def observe(self, image: Tensor, degraded: Tensor) -> Tensor:
        """Measure how features (N, C, h, w) of one layer differ: (N, K)."""

    @abstractmethod
    def conclude(self, observed: Observed) -> Tensor:
        """Make scores (N,) of all that was observed."""

    def _assess(self, x: Tensor) -> Tensor:
        return assess_together([self], x)[0]

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        seed = self.row.degradation_seed
        return {
            **super().manifest(),
            "backbone": self.backbone.manifest(),
            "layers": list(self.layers),
            "degradations": [made.manifest(seed) for made in self.degradations.values()],
        }

    def _libraries(self) -> Sequence[str]:
        return ("torchvision", "timm", "pillow")


class DegradationMetric(ResponseMetric):
    """Distance between the features of an image and of a degraded version of it.

    The mean over degradations, where there are several, such as the levels of one type.

    Parameters
    ----------
    row, policy, align, reduction, backbone, layers
        See `ResponseMetric`.
    readout
        Features x features -> distance.
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
    ) -> None:
        super().__init__(row, policy, align, reduction, backbone=backbone, layers=layers)
        self.readout = readout

    def observe(self, image: Tensor, degraded: Tensor) -> Tensor:
        """Reduce one layer of both images to the readout's sums."""
        return self.readout.measure(degraded, image)

    def conclude(self, observed: Observed) -> Tensor:
        """Combine layers, then degradations."""
        responses = [self.readout.score(self._combined(sums)) for sums in observed.values()]
        return torch.stack(responses).mean(0)

    def _combined(self, sums: Sequence[Tensor]) -> Tensor:
        if self.row.combine == "join":
            return self.readout.distance(torch.stack(list(sums)).sum(0))
        distances = torch.stack([self.readout.distance(s) for s in sums])
        return distances.mean(0) if self.row.combine == "mean" else distances.sum(0)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        readout = {"readout": self.readout.manifest(), "combine": self.row.combine}
        return {**super().manifest(), **readout}


def assess_together(metrics: Sequence[ResponseMetric], x: Tensor) -> list[Tensor]:
    """Score an image batch by several metrics that share their passes.

    The image itself goes through the network once, and so does each degraded version of it,
    however many metrics look at it.

    Parameters
    ----------
    metrics
        Metrics of one `pass_key`.
    x
        Image batch.

    Returns
    -------
    list of Tensor
        Scores (N,) of each metric.
    """
    first = metrics[0]
    features = first.backbone(first.protocol(x), _layers(metrics))
    observed: list[dict[str, list[Tensor]]] = [{} for _ in metrics]
    for spec, degradation in {k: d for m in metrics for k, d in m.degradations.items()}.items():
        takers = [(m, o) for m, o in zip(metrics, observed, strict=True) if spec in m.degradations]
        degraded = degradation(x.detach(), seed=first.row.degradation_seed)
        stream = first.backbone.stream(first.protocol(degraded), _layers([m for m, _ in takers]))
        # A loop variable would hold its layer while the next one is computed: hence `del`.
        while (item := next(stream, None)) is not None:
            layer, changed = item
            for metric, kept in takers:
                if layer in metric.layers:
                    kept.setdefault(spec, []).append(metric.observe(features[layer], changed))
            del item, changed
    scores = [metric.conclude(found) for metric, found in zip(metrics, observed, strict=True)]
    return [score.to(x.dtype) for score in scores]


def _layers(metrics: Sequence[ResponseMetric]) -> list[str]:
    return list(dict.fromkeys(layer for metric in metrics for layer in metric.layers))
