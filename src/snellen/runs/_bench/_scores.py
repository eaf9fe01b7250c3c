"""Scores of the images of a database, known ones from the cache, the others computed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from snellen.datasets import Dataset
from snellen.metrics import Metric, MetricSet
from snellen.records import Row
from snellen.runs._bench._score_cache import Contents, ScoreCache, Shard
from snellen.runs._engine import EngineOptions, Outcome, in_order, score_items
from snellen.runs._sources import Item, Location

_NO_REFERENCE = "there is no reference"

Shards = Mapping[str, Shard | None]


def rated_rows(
    metrics: MetricSet,
    name: str,
    dataset: Dataset,
    cache: ScoreCache | None,
    show: Callable[[Row], object],
    options: EngineOptions | None = None,
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
    options
        How many images at once, and how much memory; by default one image at a time.

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
        for i in _score_rows(rows, positions, subset, options or EngineOptions(batch_size=1)):
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


def _score_rows(
    rows: Sequence[Row], positions: list[int], metrics: MetricSet, options: EngineOptions
) -> Iterator[int]:
    """Score rows sorted by reference, so that few references are in memory at once."""
    order = sorted(positions, key=lambda i: (rows[i]["reference"] or "", i))
    tasks = ((number, _item(rows[i])) for number, i in enumerate(order))
    outcomes = score_items(tasks, metrics, options)
    for i, done in zip(order, in_order((o.position, o) for o in outcomes), strict=True):
        _take(rows[i], done, metrics)
        yield i


def _item(row: Row) -> Item:
    reference = row["reference"]
    return Item(Location(row["image"]), None if reference is None else Location(reference))


def _take(row: Row, done: Outcome, metrics: MetricSet) -> None:
    """Put scores, or the reason why there are none, into a row."""
    for metric in metrics:
        row[metric.name] = done.values.get(metric.name)
    row["error"] = "; ".join(error for error in (row["error"], done.error) if error) or None


def _keep(row: Row, shards: Shards, key: Contents | None, metrics: MetricSet) -> None:
    for name, shard in shards.items():
        if shard is not None and key is not None and row[name] is not None:
            shard.put(_key(key, metrics[name]), row[name])


def number(value: float) -> float | None:
    """Return a number for a file, None instead of NaN."""
    return None if np.isnan(value) else float(value)
