"""From a batch of decoded images to scores and errors."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from snellen.errors import error_text
from snellen.metrics import MetricSet, PreparedReference
from snellen.runs._engine._decode import Decoded

Reference = PreparedReference | Tensor | None


@dataclass
class Scored:
    """Scores by metric, None where one failed, and what went wrong."""

    scores: dict[str, float | None] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one input, small and picklable.

    Attributes
    ----------
    position
        The number of the input.
    width, height
        Size of the image in pixels; None if it could not be read.
    sha256
        Hash of the file's bytes.
    values
        What was measured, by column: of a metric its score, None where there is none.
    seconds
        Time from the decoded image to its scores; of a batch, an equal part.
    error
        What went wrong; None if nothing did.
    """

    position: int
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None


def outcome(done: Decoded, scored: Scored) -> Outcome:
    """Put together what was read and what was scored."""
    return Outcome(
        done.position,
        done.width,
        done.height,
        done.sha256,
        scored.scores,
        scored.seconds,
        "; ".join(dict.fromkeys(scored.errors)) or None,
    )


def score_group(
    group: Sequence[Decoded], shared: PreparedReference | None, metrics: MetricSet
) -> list[Scored]:
    """Score images of one size together; if that fails, each alone, to lose only what fails.

    Parameters
    ----------
    group
        Decoded images of one size, with references of one size or none.
    shared
        The reference of all of them, if they have one in common.
    metrics
        What to score by.

    Returns
    -------
    list of Scored
        One for each image.
    """
    start = time.perf_counter()
    images = [done.image for done in group if done.image is not None]
    reference: Reference = shared
    if shared is None and group[0].reference is not None:
        reference = _stacked([done.reference for done in group if done.reference is not None])
    try:
        scores = metrics(_stacked(images), reference)
        values = {name: tensor.tolist() for name, tensor in scores.items()}
        found = [_checked({name: v[i] for name, v in values.items()}) for i in range(len(group))]
    except Exception as error:
        if len(group) > 1:
            return [score_group([one], shared, metrics)[0] for one in group]
        found = [_one_by_one(images[0], reference, metrics, error)]
    seconds = (time.perf_counter() - start) / len(group)
    for one in found:
        one.seconds = round(seconds, 6)
    return found


def score_large(done: Decoded, metrics: MetricSet, tile: int | None) -> Scored:
    """Score one large image tile by tile."""
    assert done.pixels is not None
    start = time.perf_counter()
    side = {} if tile is None else {"side": tile}
    try:
        scores = metrics.tiled(*done.pixels, **side)
        found = _checked({name: float(score) for name, score in scores.items()})
    except Exception as error:
        return Scored(errors=[error_text(error)])
    found.seconds = round(time.perf_counter() - start, 6)
    return found


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))


def _one_by_one(image: Tensor, reference: Reference, metrics: MetricSet, why: Exception) -> Scored:
    """Score by each metric alone, to lose only the failing one."""
    if len(metrics) == 1:
        return Scored(errors=[error_text(why)])
    scores: dict[str, float] = {}
    errors = []
    for metric in metrics:
        try:
            scores[metric.name] = float(MetricSet([metric])(image, reference)[metric.name])
        except Exception as error:
            errors.append(error_text(error))
    scored = _checked(scores)
    return Scored(scored.scores, [*errors, *scored.errors])


def _checked(scores: Mapping[str, float]) -> Scored:
    """Refuse scores that are no numbers: an infinity is not a result, and no mean survives it."""
    finite = {name: value if math.isfinite(value) else None for name, value in scores.items()}
    errors = [f"{name}: the score is {scores[name]}" for name, v in finite.items() if v is None]
    return Scored(finite, errors)
