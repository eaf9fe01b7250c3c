"""Score images that have no reference, or that are scored by metrics that need none."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from snellen.images import as_image_batch
from snellen.metrics import MetricSet
from snellen.runs._engine._decode import describe
from snellen.runs._pairs import PairScore


def score_alone(images: Sequence[Path], metrics: MetricSet) -> Iterator[PairScore]:
    """Score image files in order; one that fails is a result like any other.

    Parameters
    ----------
    images
        Files to score.
    metrics
        Metrics none of which needs a reference.

    Yields
    ------
    PairScore
        One for every file; where all metrics together fail, each is tried by itself.
    """
    policy = next(iter(metrics)).policy
    for path in images:
        try:
            image = as_image_batch(path, policy, name="image")
        except Exception as error:  # whatever it is, the run goes on
            yield PairScore(path, None, error=describe(error))
            continue
        scores, errors = _all_scores(image, metrics)
        yield PairScore(path, None, scores=scores, error="; ".join(dict.fromkeys(errors)) or None)


def _all_scores(image: Tensor, metrics: MetricSet) -> tuple[dict[str, float | None], list[str]]:
    """Score by all metrics at once; if that fails, by each, to lose only the failing one."""
    try:
        return {name: float(score) for name, score in metrics(image).items()}, []
    except Exception as error:
        if len(metrics) == 1:
            return {}, [describe(error)]
    scores: dict[str, float | None] = {}
    errors = []
    for metric in metrics:
        found, problems = _all_scores(image, MetricSet([metric]))
        scores.update(found)
        errors += problems
    return scores, errors
