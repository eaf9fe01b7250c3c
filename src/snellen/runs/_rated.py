"""Scores of the images of a database, known ones from the cache, the others computed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snellen.datasets import Dataset
from snellen.images import Pair
from snellen.metrics import Metric, MetricSet
from snellen.runs._journal import Row
from snellen.runs._pairs import score_alone, score_pairs
from snellen.runs._score_cache import Contents, ScoreCache, Shard

_NO_REFERENCE = "there is no reference"

Shards = Mapping[str, Shard | None]


def rated_rows(
    metrics: MetricSet,
    name: str,
    dataset: Dataset,
    cache: ScoreCache | None,
    show: Callable[[Row], object],
) -> list[Row]:
    """Score every image of a database by all metrics.

    Parameters
    ----------
    metrics
        Metrics of quality, with or without a reference.
    name
        What to call the database.
    dataset
        Images with human scores.
    cache
        Where known scores are taken from, and new ones kept.
    show
        Called with every row once it is complete: first those that were known, then the others,
        by reference.

    Returns
    -------
    list of dict
        Rows in the order of the database; those with an error lack the scores that failed.
    """
    rows = [_row(name, image._asdict(), metrics) for image in dataset]
    keys = [_contents(row, cache) for row in rows]
    shards = {} if cache is None else {metric.name: cache.shard(metric) for metric in metrics}
    waiting: dict[tuple[str, ...], list[int]] = {}
    for i, (row, key) in enumerate(zip(rows, keys, strict=True)):
        _fill(row, shards, key, metrics)
        missing = _missing(row, metrics)
        if missing:
            waiting.setdefault(missing, []).append(i)
        else:
            show(row)
    for missing, positions in waiting.items():
        subset = MetricSet([metrics[metric] for metric in missing])
        for i in _score_rows(rows, positions, subset):
            _keep(rows[i], {name: shards.get(name) for name in missing}, keys[i], subset)
            show(rows[i])
    return rows


def _row(dataset: str, image: Mapping[str, Any], metrics: MetricSet) -> Row:
    reference = image["reference"]
    return {
        "dataset": dataset,
        "image": str(image["image"]),
        "reference": None if reference is None else str(reference),
        "content": image["content"],
        "type": image["type"],
        "level": number(image["level"]),
        "human_score": image["score"],
        "human_score_std": number(image["score_std"]),
        **{metric.name: None for metric in metrics},
        "error": _NO_REFERENCE if reference is None and metrics.needs_reference else None,
    }


def _contents(row: Row, cache: ScoreCache | None) -> Contents | None:
    if cache is None:
        return None
    try:
        return cache.contents(row["image"], row["reference"])
    except OSError:
        return None  # decoding will say what is wrong


def _fill(row: Row, shards: Shards, key: Contents | None, metrics: MetricSet) -> None:
    """Put known scores into a row."""
    for name, shard in shards.items():
        if shard is not None and key is not None:
            row[name] = shard.get(_key(key, metrics[name]))


def _key(contents: Contents, metric: Metric) -> Contents:
    """Leave the reference out of what a score depends on, where the metric does not look at it."""
    return contents if metric.needs_reference else (contents[0], "")


def _missing(row: Row, metrics: MetricSet) -> tuple[str, ...]:
    alone = row["reference"] is None
    return tuple(
        metric.name
        for metric in metrics
        if row[metric.name] is None and not (alone and metric.needs_reference)
    )


def _score_rows(rows: Sequence[Row], positions: list[int], metrics: MetricSet) -> Iterator[int]:
    """Score rows sorted by reference, so that few references are in memory at once."""
    order = sorted(positions, key=lambda i: (rows[i]["reference"] or "", i))
    images = [Path(rows[i]["image"]) for i in order]
    if metrics.needs_reference:
        references = [Path(rows[i]["reference"]) for i in order]
        results = score_pairs(
            [Pair(*pair) for pair in zip(images, references, strict=True)], metrics
        )
    else:
        results = score_alone(images, metrics)
    for i, result in zip(order, results, strict=True):
        errors = [error for error in (rows[i]["error"], result.error) if error]
        for metric in metrics:
            score = result.scores.get(metric.name)
            if score is not None and not np.isfinite(score):
                errors.append(f"{metric.name}: the score is {score}")
                score = None
            rows[i][metric.name] = score
        rows[i]["error"] = "; ".join(errors) or None
        yield i


def _keep(row: Row, shards: Shards, key: Contents | None, metrics: MetricSet) -> None:
    for name, shard in shards.items():
        if shard is not None and key is not None and row[name] is not None:
            shard.put(_key(key, metrics[name]), row[name])


def number(value: float) -> float | None:
    """Return a number for a file, None instead of NaN."""
    return None if np.isnan(value) else float(value)
