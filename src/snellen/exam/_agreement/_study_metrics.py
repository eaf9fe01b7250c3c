"""Scores of the metrics that a study compares its networks with."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.datasets import Dataset
from snellen.errors import DatasetError, ImageError
from snellen.exam._agreement._study_plan import Study
from snellen.exam._references import groups
from snellen.images import image_size, read_image
from snellen.metrics import Metric, MetricSet, create_metric
from snellen.records import Row
from snellen.runs import ScoreCache, rated_rows

Numbers = NDArray[np.float64]


class MetricScores(NamedTuple):
    """Scores of the images that could be read and scored, and what became of the others.

    Parameters
    ----------
    dataset
        The images that all metrics have scored.
    scores
        (N,) of them by label of the metric; low means good.
    failed
        A row per image that is left out: ``image``, ``reference`` and ``error``.
    """

    dataset: Dataset
    scores: dict[str, Numbers]
    failed: tuple[Row, ...]


def score_metrics(
    plan: Study, dataset: Dataset, device: str | torch.device, cache: ScoreCache | None
) -> MetricScores:
    """Score every image of a dataset by every metric of a study.

    Networks and metrics are compared on the same images: one that cannot be read, or that a
    metric has no score for, is left out for all.

    Parameters
    ----------
    plan
        The study.
    dataset
        Images with references.
    device
        Where metrics compute.
    cache
        Where known scores are taken from, and new ones kept.

    Raises
    ------
    DatasetError
        An image has no reference, or none is left.
    """
    groups(dataset)
    scores: dict[str, Numbers] = {}
    errors: dict[int, list[str]] = {}
    for chosen in _sets(plan, device):
        metrics = MetricSet(list(chosen.values()))
        rows = rated_rows(metrics, dataset.name, dataset, cache, lambda row: None)
        for i, row in enumerate(rows):
            if row["error"] is not None:
                errors.setdefault(i, []).append(row["error"])
        for label, metric in chosen.items():
            values = np.array([row[metric.name] for row in rows], dtype=np.float64)
            scores[label] = values if metric.lower_better else -values
    for i, error in _unfit(dataset, decode=not plan.metrics):
        errors.setdefault(i, []).append(error)
    failed = tuple(_failure(dataset, i, texts) for i, texts in sorted(errors.items()))
    kept = [i for i in range(len(dataset)) if i not in errors]
    if not kept:
        raise DatasetError(f"{dataset.name}: every image failed; the first: {failed[0]['error']}")
    labels = [entry.get("label", entry["name"]) for entry in plan.metrics]
    known = {label: scores[label][kept] for label in labels}
    return MetricScores(dataset.subset(kept) if errors else dataset, known, failed)


def _sets(plan: Study, device: str | torch.device) -> Sequence[dict[str, Metric]]:
    """Make the metrics by label, in as few sets as their names allow: a set reads images once."""
    sets: list[dict[str, Metric]] = []
    for entry in plan.metrics:
        options = {"device": device, **entry}
        label = options.pop("label", options["name"])
        metric = create_metric(**options)
        free = (
            chosen
            for chosen in sets
            if metric.name not in {other.name for other in chosen.values()}
        )
        home = next(free, None)
        if home is None:
            sets.append(home := {})
        home[label] = metric
    return sets


def _unfit(dataset: Dataset, *, decode: bool) -> Iterator[tuple[int, str]]:
    """Yield the images that networks could not compare with their references, and why.

    Parameters
    ----------
    dataset
        Images with references.
    decode
        Whether to read the pixels, where no metric has read them; else the sizes alone, which a
        metric may have brought together.
    """
    for i, (image, reference) in enumerate(zip(dataset.image, dataset.reference, strict=True)):
        try:
            if decode:
                read_image(reference)
                read_image(image)
            size, wanted = image_size(image), image_size(reference)
        except (ImageError, OSError) as error:
            yield i, str(error)
            continue
        if size != wanted:
            yield i, f"{image} has size {size}, its reference {reference} {wanted}."


def _failure(dataset: Dataset, i: int, errors: Sequence[str]) -> Row:
    return {
        "image": str(dataset.image[i]),
        "reference": str(dataset.reference[i]),
        "error": "; ".join(dict.fromkeys(errors)),
    }
