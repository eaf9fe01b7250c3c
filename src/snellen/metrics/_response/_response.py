"""Degradation response: how far the features of an image move when it is degraded further.

Wu, Ni, Wang, Yang, Zhou and Wang (NeurIPS 2024): an image that has much of a degradation already is
changed little by more of it.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.distortions import Distortion, create_distortion
from snellen.metrics._comparison import Comparison, combined
from snellen.metrics._handling import Handling
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._row import MetricRow

Observed = Mapping[str, Sequence[Tensor]]
"""What was measured at every layer, in order of depth, by degradation."""


class ResponseMetric(NoReferenceMetric):
    """A measure made of the features of an image and of degraded versions of it.

    Parameters
    ----------
    row, handling
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
        handling: Handling,
        *,
        backbone: Backbone,
        layers: Sequence[str],
    ) -> None:
        super().__init__(row, handling)
        self.backbone, self.layers = backbone, tuple(layers)
        self.degradations: dict[str, Distortion] = {
            made.spec: made for made in map(create_distortion, row.degradations)
        }

    @property
    def network(self) -> tuple[Backbone, tuple[str, ...]]:
        """The network, and its layers."""
        return self.backbone, self.layers

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

    @classmethod
    def assess_group(cls, group: Sequence[Self], x: Tensor) -> list[Tensor]:
        """Score an image batch by several metrics that share their passes: (N,) each.

        The image itself goes through the network once, and so does each degraded version of it,
        however many metrics look at it.
        """
        first = group[0]
        features = first.backbone(first.protocol(x), _layers(group))
        observed: list[dict[str, list[Tensor]]] = [{} for _ in group]
        for spec, degradation in {k: d for m in group for k, d in m.degradations.items()}.items():
            pairs = zip(group, observed, strict=True)
            takers = [(metric, kept) for metric, kept in pairs if spec in metric.degradations]
            degraded = degradation(x.detach(), seed=first.row.degradation_seed)
            layers = _layers([metric for metric, _ in takers])
            stream = first.backbone.stream(first.protocol(degraded), layers)
            # A loop variable would hold its layer while the next one is computed: hence `del`.
            while (item := next(stream, None)) is not None:
                layer, changed = item
                for metric, kept in takers:
                    if layer in metric.layers:
                        kept.setdefault(spec, []).append(metric.observe(features[layer], changed))
                del item, changed
        scores = [metric.conclude(found) for metric, found in zip(group, observed, strict=True)]
        return [score.to(x.dtype) for score in scores]

    def _assess(self, x: Tensor) -> Tensor:
        return self.assess_group([self], x)[0]

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
    comparison
        The network, its layers, and features x features -> distance.
    handling
        See `Metric`.
    """

    def __init__(self, comparison: Comparison, handling: Handling) -> None:
        super().__init__(
            comparison.row, handling, backbone=comparison.backbone, layers=comparison.layers
        )
        self.readout = comparison.readout

    def observe(self, image: Tensor, degraded: Tensor) -> Tensor:
        """Reduce one layer of both images to the readout's sums."""
        return self.readout.measure(degraded, image)

    def conclude(self, observed: Observed) -> Tensor:
        """Combine layers, then degradations."""
        responses = [combined(self.readout, self.row.combine, sums) for sums in observed.values()]
        return torch.stack(responses).mean(0)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        readout = {"readout": self.readout.manifest(), "combine": self.row.combine}
        return {**super().manifest(), **readout}


def _layers(metrics: Sequence[ResponseMetric]) -> list[str]:
    return list(dict.fromkeys(layer for metric in metrics for layer in metric.layers))
