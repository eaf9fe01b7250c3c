"""Metrics that look at an image alone: blind quality, and attributes that are no quality."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

from torch import Tensor

from snellen.metrics._metric import Features, ImageLike, Metric, grad_mode, reduce, usable


class NoReferenceMetric(Metric):
    """A measure of one image, without a reference.

    Made by `create_metric`, which see; `Metric` has the parameters and attributes.
    """

    def forward(
        self, distorted: ImageLike, reference: ImageLike | None = None, *, spatial: bool = False
    ) -> Tensor:
        """Score images.

        Parameters
        ----------
        distorted
            Any images that `Metric.forward` takes.
        reference
            Not looked at; a metric with a reference can thus be replaced by one without.
        spatial
            Return a map instead of a score.

        Returns
        -------
        Tensor
            Scores (N,), or a scalar if `reduction` says so; maps (N, 1, H, W) if `spatial`.

        Raises
        ------
        ImageError
            An image cannot be read, is out of range, or too small.
        MetricError
            The metric has no map.
        """
        x = self._batch(distorted, "image")
        with grad_mode(x):
            result = usable(self._map(x, x, None) if spatial else self._assess(x))
        return result if spatial else reduce(result, self.reduction)

    @abstractmethod
    def _assess(self, x: Tensor) -> Tensor:
        """Score an image batch: (N,)."""

    @classmethod
    def assess_group(cls, group: Sequence[Self], x: Tensor) -> list[Tensor]:
        """Score an image batch by metrics that share a pass: (N,) each."""
        return [metric._assess(x) for metric in group]

    @classmethod
    def score_group(
        cls, group: Sequence[Self], x: Tensor, y: Tensor, cached: Features | None
    ) -> list[Tensor]:
        """Score an image batch, once for every reference, at which nobody looks."""
        count = max(len(x), len(y))
        return [scores.expand(count) for scores in cls.assess_group(group, x)]

    def _score(self, x: Tensor, y: Tensor, cached: Features | None) -> Tensor:
        return self.score_group([self], x, y, cached)[0]
