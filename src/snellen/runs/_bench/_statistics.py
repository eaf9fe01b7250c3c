"""Statistics over scored rows: agreement of each metric, and differences between metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from snellen.agreement import Agreement, Comparison, Resampling, agree, compare
from snellen.datasets import Dataset
from snellen.errors import AgreementError
from snellen.metrics import Metric, MetricSet
from snellen.records import Row

LEVEL = 0.05
"""Differences with an adjusted p-value below this are called significant."""


Agreements = dict[tuple[str, str], Agreement]
Problems = dict[tuple[str, str], str]
Comparisons = dict[str, list[Comparison]]


def agreement_with_people(
    metrics: MetricSet, datasets: Mapping[str, Dataset], scores: Sequence[Row], how: Resampling
) -> tuple[Agreements, Problems, Comparisons]:
    """Compare scores with human ones, for every metric and database.

    Parameters
    ----------
    metrics, datasets
        What was scored, and on what.
    scores
        Rows of all databases, as `snellen.runs._bench._scores.rated_rows` makes them.
    how
        How intervals are made.

    Returns
    -------
    agreements
        By (metric, database); missing where too few images could be scored.
    problems
        Why an agreement is missing, by (metric, database).
    comparisons
        Differences in SRCC between metrics, by database.
    """
    agreements: Agreements = {}
    problems: Problems = {}
    comparisons: Comparisons = {}
    for name, dataset in datasets.items():
        rows = [row for row in scores if row["dataset"] == name]
        for metric in metrics:
            try:
                agreements[metric.name, name] = _agree(metric, dataset, rows, how)
            except AgreementError as error:
                problems[metric.name, name] = str(error)
        usable = [metric for metric in metrics if (metric.name, name) in agreements]
        if differences := _compare(usable, dataset, rows, how):
            comparisons[name] = differences
    return agreements, problems, comparisons


def enough_resamples(metrics: int, asked: int) -> int:
    """Return resamples enough for Holm's smallest p-value to reach half of the level."""
    pairs = metrics * (metrics - 1) // 2
    return max(asked, int(4 * pairs / LEVEL)) if asked else 0


def _agree(metric: Metric, dataset: Dataset, rows: Sequence[Row], how: Resampling) -> Agreement:
    scored = [row for row in rows if row[metric.name] is not None]
    return agree(
        _column(scored, metric.name),
        _column(scored, "human_score"),
        lower_better=bool(metric.lower_better),
        higher_better=dataset.higher_better,
        groups=[row["content"] for row in scored],
        types=[row["type"] for row in scored] if any(dataset.type) else None,
        resampling=how,
    )


def _compare(
    metrics: Sequence[Metric], dataset: Dataset, rows: Sequence[Row], how: Resampling
) -> list[Comparison]:
    """Compare metrics on the images that all of them scored."""
    common = [row for row in rows if all(row[metric.name] is not None for metric in metrics)]
    contents = [row["content"] for row in common]
    if len(metrics) < 2 or how.resamples == 0 or len(set(contents)) < 2:
        return []
    return compare(
        {metric.name: _column(common, metric.name) for metric in metrics},
        _column(common, "human_score"),
        lower_better={metric.name: bool(metric.lower_better) for metric in metrics},
        higher_better=dataset.higher_better,
        groups=contents,
        resampling=replace(how, resamples=enough_resamples(len(metrics), how.resamples)),
    )


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [row[name] for row in rows]
