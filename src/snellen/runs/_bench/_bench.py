"""Metrics x databases with human scores: scores of all images, and how far they agree."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.agreement import (
    Agreement,
    Comparison,
    Resampling,
    agreement_table,
    mean_over_databases,
)
from snellen.datasets import Dataset
from snellen.errors import DatasetError, MetricError
from snellen.metrics import Metric, MetricSet, create_metrics
from snellen.records import Row
from snellen.runs._bench._score_cache import ScoreCache
from snellen.runs._bench._scores import number, rated_rows
from snellen.runs._bench._statistics import LEVEL, agreement_with_people, enough_resamples
from snellen.runs._engine import EngineOptions

_AVERAGED = ("srcc", "krcc", "plcc", "plcc_fitted")


@dataclass(frozen=True)
class BenchResult:
    """What `bench` found.

    Attributes
    ----------
    metrics
        The metrics, by name.
    datasets
        The databases, by name.
    scores
        One row for every image of every database: the human score, the score of each metric (None
        where it failed) and the error.
    agreements
        Agreement by (metric, database); missing where too few images could be scored.
    problems
        Why an agreement is missing, by (metric, database).
    comparisons
        Differences in SRCC between metrics by database, on the images that all of them scored.
    manifest
        What it takes to get the same numbers again.
    """

    metrics: Mapping[str, Metric]
    datasets: Mapping[str, Dataset]
    scores: Sequence[Row]
    agreements: Mapping[tuple[str, str], Agreement]
    problems: Mapping[tuple[str, str], str]
    comparisons: Mapping[str, Sequence[Comparison]]
    manifest: Mapping[str, Any]

    @property
    def failed(self) -> int:
        """Number of images that at least one metric could not score."""
        return sum(row["error"] is not None for row in self.scores)

    def failures(self, metric: str, dataset: str) -> int:
        """Return how many images of a database a metric could not score."""
        rows = (row for row in self.scores if row["dataset"] == dataset)
        return sum(row[metric] is None for row in rows)

    def table(self, *, types: bool = True) -> list[Row]:
        """Return rows of agreement with intervals.

        Parameters
        ----------
        types
            Whether to add a row per distortion type.

        Returns
        -------
        list of dict
            The columns of `snellen.agreement.agreement_table`, and: ``failed``, the number of
            images without a score (all types together); ``lower_better`` of the metric;
            ``higher_better`` of the human scores; ``problem``. Correlations are positive where
            metric and people agree.
        """
        rows = []
        for metric in self.metrics:
            for dataset in self.datasets:
                rows += self._rows(metric, dataset, types)
        columns = dict.fromkeys(name for row in rows for name in row)
        return [{name: row.get(name) for name in columns} for row in rows]

    def _rows(self, metric: str, dataset: str, types: bool) -> list[Row]:
        key = (metric, dataset)
        facts = {
            "failed": self.failures(metric, dataset),
            "lower_better": self.metrics[metric].lower_better,
            "higher_better": self.datasets[dataset].higher_better,
            "problem": self.problems.get(key, ""),
        }
        if key not in self.agreements:
            return [{"metric": metric, "dataset": dataset, "type": "", "images": 0, **facts}]
        found = agreement_table({key: self.agreements[key]}, types=types)
        return [{**row, **facts} for row in found]

    def means(self) -> list[Row]:
        """Return means over databases, by size and plain; empty for a single database.

        Returns
        -------
        list of dict
            ``metric``, ``weighting`` (``"images"`` or ``"databases"``), ``databases``, ``images``,
            and the means of SRCC, KRCC, PLCC raw and fitted; None where a database has no value.
            RMSE is in the unit of each database, and has no mean.
        """
        if len(self.datasets) < 2:
            return []
        rows: list[Row] = []
        for metric in self.metrics:
            found = [self.agreements.get((metric, dataset)) for dataset in self.datasets]
            for weighting in ("images", "databases"):
                rows.append({"metric": metric, "weighting": weighting, **_means(found, weighting)})
        return rows

    def differences(self) -> list[Row]:
        """Return a row for each pair of metrics and database: difference, interval, p-values."""
        return [
            {
                "dataset": dataset,
                "first": one.first,
                "second": one.second,
                "statistic": one.statistic,
                "difference": one.difference.value,
                "difference_low": number(one.difference.low),
                "difference_high": number(one.difference.high),
                "p_value": one.p_value,
                "p_adjusted": one.p_adjusted,
                "significant": "yes" if one.p_adjusted < LEVEL else "no",
            }
            for dataset, found in self.comparisons.items()
            for one in found
        ]


def bench(
    metrics: MetricSet | Sequence[str],
    datasets: Mapping[str, Dataset] | Sequence[Dataset],
    *,
    cache: ScoreCache | None = None,
    resampling: Resampling | None = None,
    on_row: Callable[[Row], object] | None = None,
    options: EngineOptions | None = None,
) -> BenchResult:
    """Score every image of databases by metrics, and measure how far they agree with people.

    Parameters
    ----------
    metrics
        Metrics of quality, or their names: full-, reduced- or no-reference.
    datasets
        Databases, by the names to call them by or by their own.
    cache
        Where scores are kept: those that are there are not computed again, and a run that was cut
        off goes on where it was. Without one, everything is computed.
    resampling
        How intervals are made: contents are resampled, 1000 times by default.
    on_row
        Called with every row of scores as soon as it is there, to show progress.
    options
        How many images at once, and how much memory; by default one image at a time.

    Returns
    -------
    BenchResult
        Scores of all images, agreement pooled and by type, differences between metrics.

    Raises
    ------
    MetricError
        A metric is an attribute: people rated quality.
    DatasetError
        A database has no references and a metric needs them, or two have one name.

    Notes
    -----
    Images that a metric could not score are left out of its agreement, and counted. PLCC and RMSE
    are given raw and after the logistic curve with five parameters. Differences between metrics
    are tested by a paired bootstrap over contents, with Holm's correction over all pairs of a
    database; there are as many resamples as it takes for any of them to come out significant.
    """
    chosen = metrics if isinstance(metrics, MetricSet) else create_metrics(metrics)
    named = _named(datasets)
    _check(chosen, named)
    how = resampling or Resampling()
    show = on_row or (lambda row: None)
    scores: list[Row] = []
    for name, dataset in named.items():
        scores += rated_rows(chosen, name, dataset, cache, show, options)
    agreements, problems, comparisons = agreement_with_people(chosen, named, scores, how)
    return BenchResult(
        metrics={metric.name: metric for metric in chosen},
        datasets=named,
        scores=scores,
        agreements=agreements,
        problems=problems,
        comparisons=comparisons,
        manifest=_manifest(chosen, named, how),
    )


def _named(datasets: Mapping[str, Dataset] | Sequence[Dataset]) -> dict[str, Dataset]:
    if isinstance(datasets, Mapping):
        return dict(datasets)
    named = {dataset.name: dataset for dataset in datasets}
    if len(named) < len(datasets):
        raise DatasetError("Two databases have one name: give a mapping from names to databases.")
    return named


def _check(metrics: MetricSet, datasets: Mapping[str, Dataset]) -> None:
    for metric in metrics:
        if metric.lower_better is None:
            raise MetricError(
                f"{metric.name} is an attribute, neither good nor bad: bench holds metrics of "
                "quality against human scores. snellen.runs.correlation_table correlates columns."
            )
    needy = ", ".join(metric.name for metric in metrics if metric.needs_reference)
    for name, dataset in datasets.items():
        if needy and all(reference is None for reference in dataset.reference):
            raise DatasetError(f"{name} has no reference images, and {needy} cannot do without.")


def _means(found: Iterable[Agreement | None], weighting: str) -> Row:
    there = [one for one in found if one is not None]
    sizes = [one.size for one in there] if weighting == "images" else None
    means: Row = {"databases": len(there), "images": sum(one.size for one in there)}
    for statistic in _AVERAGED:
        values = [getattr(one, statistic).value for one in there]
        usable = len(values) > 0 and bool(np.isfinite(values).all())
        means[statistic] = mean_over_databases(values, sizes) if usable else None
    return means


def _manifest(metrics: MetricSet, datasets: Mapping[str, Dataset], how: Resampling) -> Row:
    return {
        "command": "bench",
        "metrics": metrics.manifest(),
        "datasets": [_facts(name, dataset) for name, dataset in datasets.items()],
        "statistics": {
            "resampled": "contents (references), the same ones for every metric",
            "resamples": how.resamples,
            "confidence": how.confidence,
            "interval": how.method,
            "seed": how.seed,
            "curve": "logistic with 5 parameters, fitted to all types together",
            "curve in intervals": "held fixed",
            "sign": "positive where metric and people agree",
            "differences": "paired bootstrap over contents, SRCC, Holm's correction",
            "resamples of differences": enough_resamples(len(metrics), how.resamples),
        },
    }


def _facts(name: str, dataset: Dataset) -> Row:
    rows = [[image.image.name, image.content, image.score] for image in dataset]
    return {
        "name": name,
        "database": dataset.name,
        "citation": dataset.citation,
        "protocol": dataset.protocol,
        "images": len(dataset),
        "contents": len(set(dataset.content.tolist())),
        "higher_better": dataset.higher_better,
        "range": dataset.range,
        "human scores sha256": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }
