"""Any full-reference metric as a loss."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snellen.errors import LossError
from snellen.losses._loss import Loss, Reduction, held, widened, with_finite_gradient
from snellen.losses._target_memory import TargetMemory
from snellen.metrics import (
    Metric,
    PreparedReference,
    create_metric,
    load_channel_weights,
)

ChannelWeights = Mapping[str, Tensor] | str | os.PathLike[str]


class FeatureLoss(Loss):
    """A full-reference metric of the catalogue as a loss, which falls as quality rises.

    It is the metric's score where lower is better, and the negative score where higher is better:
    ``FeatureLoss("psnr")`` gives -32 for 32 dB. Where an image equals its target the gradient is
    0. The features of the target are computed once while the same target tensor comes again.

    Parameters
    ----------
    metric
        Name of a full-reference metric, or a metric made by `snellen.create_metric`.
    weight, reduction
        See `Loss`.
    channel_weights
        Non-negative weights of the channels (C,) by layer, or the file that ``snellen exam
        efficacy`` or ``snellen exam relevance`` has written; the metric then has its layers
        unless ``layers`` is given, too.
    **options
        Options of `snellen.create_metric`, such as ``weights``, ``layers`` or
        ``precision="bfloat16"``, which halves the network's time on hardware made for it.

    Raises
    ------
    LossError
        The metric is not full-reference, or options are given for a finished metric.
    MetricError, BackboneError, WeightsError
        As `snellen.create_metric` does.

    Notes
    -----
    Restored values beyond [0, 1] are compared as 0 or 1, and their gradient passes unchanged.
    Where the arithmetic of a classical metric has no gradient, as that of FSIM and VSI at flat
    images, it counts as 0. Autocast has no influence: the network computes in the metric's own
    precision, and readouts in float32 or more.

    Examples
    --------
    >>> x = torch.rand(2, 3, 32, 32, requires_grad=True)
    >>> loss = FeatureLoss("dfb", weight=0.1)
    >>> loss(x, torch.rand(2, 3, 32, 32)).backward()
    >>> x.grad.shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        metric: str | Metric,
        *,
        weight: float = 1.0,
        reduction: Reduction = "mean",
        channel_weights: ChannelWeights | None = None,
        **options: Any,
    ) -> None:
        super().__init__(weight=weight, reduction=reduction)
        self.metric = _metric(metric, channel_weights, options)
        self.memory: TargetMemory[PreparedReference] = TargetMemory()

    @property
    def name(self) -> str:
        """Name of the metric."""
        return self.metric.name

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        assert target is not None
        prepared = self.memory.recall(target, self._prepare)
        y = prepared.batch
        same = (x == y).flatten(1).all(1).view(-1, 1, 1, 1)
        x = torch.where(same, x.detach(), x)  # the distance may have a kink there
        if self.metric.network is None:
            x = with_finite_gradient(x)
        score = self.metric.score_batch(held(x), prepared)
        return score if self.metric.lower_better else -score

    def _prepare(self, target: Tensor) -> PreparedReference:
        return self.metric.prepare_batch(held(widened(target)))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FeatureLoss":
        self.memory.forget()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def _metric(
    metric: str | Metric, channel_weights: ChannelWeights | None, options: dict[str, Any]
) -> Metric:
    if isinstance(metric, Metric):
        if options or channel_weights is not None:
            raise LossError(
                f"{metric.name} is made: give {', '.join(options) or 'channel_weights'} to "
                "create_metric, or its name here."
            )
        made = metric
    else:
        weights = weights_of_channels(channel_weights)
        if isinstance(channel_weights, str | os.PathLike) and not {"layer", "layers"} & set(
            options
        ):
            options = {**options, "layers": list(weights or ())}
        made = create_metric(metric, channel_weights=weights, **options)
    if made.kind != "full-reference":
        raise LossError(
            f"{made.name} is a {made.kind} metric; a loss between two images needs a "
            "full-reference one: see list_metrics(kind='full-reference')."
        )
    return made


def weights_of_channels(given: ChannelWeights | None) -> Mapping[str, Tensor] | None:
    """Read weights of channels where a file is named."""
    return load_channel_weights(Path(given)) if isinstance(given, str | os.PathLike) else given
