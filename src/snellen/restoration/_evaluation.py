"""Scores of restored test images."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import SnellenError, TrainingError
from snellen.metrics import Metric, create_metric
from snellen.records import Row
from snellen.restoration._pairs import ImagePair, PairSource, read_pair
from snellen.restoration._restorer import Restorer
from snellen.restoration._vdsr import enlarged

_TEST_SEED = 0  # every run is tested on the same degraded images


def make_metrics(metrics: Mapping[str, Mapping[str, Any]], device: str) -> dict[str, Metric]:
    """Make metrics by label from options of `snellen.create_metric`."""
    made = {label: create_metric(**one, device=device) for label, one in metrics.items()}
    for label, metric in made.items():
        if metric.kind in ("reduced-reference", "attribute"):
            raise TrainingError(
                f"metrics: {label} ({metric.name}) is of the kind {metric.kind}; expected a "
                "full-reference or a no-reference metric."
            )
    return made


def evaluate(
    restorer: nn.Module | None,
    test: Mapping[str, PairSource],
    metrics: Mapping[str, Metric],
    *,
    scale: int = 1,
    border: int = 0,
) -> Iterator[Row]:
    """Yield the scores of every test image.

    Parameters
    ----------
    restorer
        A `Restorer`; None for the degraded images as they are, enlarged by bicubic interpolation.
    test
        Sets by name.
    metrics
        Metrics by label, whose scores are of restored against clean images.
    scale
        By how much images are enlarged.
    border
        Pixels at the edges that do not count.

    Yields
    ------
    dict
        ``set``, ``image``, ``error``, and a score for each label.

    Raises
    ------
    TrainingError
        A set cannot be found.
    """
    for name, source in test.items():
        for pair in source.find():
            row: Row = {"set": name, "image": pair.clean.name, "error": None}
            row |= dict.fromkeys(metrics)
            try:
                restored, clean = restored_pair(restorer, pair, source, scale)
                row |= _scores(metrics, _cut(restored, border), _cut(clean, border))
            except SnellenError as error:
                row["error"] = str(error)
            yield row


def restored_pair(
    restorer: nn.Module | None, pair: ImagePair, source: PairSource, scale: int
) -> tuple[Tensor, Tensor]:
    """Restore the degraded image of a pair: restored and clean, (1, 3, H, W)."""
    degraded, clean = read_pair(pair, source.degradation, scale, _TEST_SEED)
    if restorer is None:
        return (enlarged(degraded, scale).clamp(0, 1) * 255).round() / 255, clean
    return restorer(degraded).cpu(), clean


def as_restorer(network: nn.Module, scale: int) -> Restorer:
    """Wrap a network that is being trained; it is left in evaluation mode."""
    return Restorer(network, scale, {})


def _scores(metrics: Mapping[str, Metric], x: Tensor, y: Tensor) -> dict[str, float]:
    with torch.inference_mode():
        return {label: float(metric(x, y)) for label, metric in metrics.items()}


def _cut(batch: Tensor, border: int) -> Tensor:
    if border == 0:
        return batch
    return batch[..., border : batch.shape[2] - border, border : batch.shape[3] - border]
