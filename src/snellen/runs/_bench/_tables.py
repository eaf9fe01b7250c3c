"""Tables of agreement for people: text cells, values with their intervals, notes."""

import math
from collections.abc import Mapping

from snellen.agreement import Estimate
from snellen.records import Cells, Row
from snellen.runs._bench._bench import BenchResult
from snellen.runs._bench._statistics import LEVEL

_COLUMNS = {
    "srcc": "SRCC",
    "krcc": "KRCC",
    "plcc": "PLCC",
    "plcc_fitted": "PLCC fitted",
    "rmse": "RMSE",
}


def report_tables(
    result: BenchResult, *, types: bool = True, intervals: bool = True
) -> dict[str, list[Cells]]:
    """Return the tables for people, by title; correlations are positive where both agree.

    Parameters
    ----------
    result
        What `bench` returned.
    types
        Whether to add tables of SRCC by distortion type.
    intervals
        Whether those show intervals.

    Returns
    -------
    dict of str to list of dict
        Rows of text: agreement and, if asked for, SRCC by type for each database; means over
        databases; and which metrics differ.
    """
    tables: dict[str, list[Cells]] = {}
    for name, dataset in result.datasets.items():
        better = "higher" if dataset.higher_better else "lower"
        title = f"Agreement with {name} (human scores: {better} = better)"
        tables[title] = [_pooled(result, metric, name) for metric in result.metrics]
        if types and (rows := _by_type(result, name, intervals)):
            tables[f"SRCC by distortion type, {name}"] = rows
    if means := result.means():
        tables["Means over databases"] = [_mean(result, row) for row in means]
    for name in result.comparisons:
        title = f"Differences in SRCC, {name} (+: row agrees better than column, adjusted p < .05)"
        tables[title] = _matrix(result, name)
    return tables


def _pooled(result: BenchResult, metric: str, dataset: str) -> Cells:
    found = result.agreements.get((metric, dataset))
    failed = result.failures(metric, dataset)
    cells = {
        "metric": _name(result, metric),
        "images": str(found.size if found else 0),
        "contents": str(found.contents if found else 0),
        **{
            title: _cell(getattr(found, statistic), statistic) if found else "-"
            for statistic, title in _COLUMNS.items()
        },
    }
    notes = [f"{failed} failed"] if failed else []
    if found is None:
        notes.append(result.problems[metric, dataset])
    elif found.fit is None:
        notes.append(f"no curve: {found.fit_failure}")
    else:
        notes += [found.fit.reason] if found.fit.reason else []
        notes += [] if found.fit.monotone else ["the curve is not monotone"]
    return {**cells, "note": "; ".join(notes)}


def _name(result: BenchResult, metric: str) -> str:
    return f"{metric} {'↓' if result.metrics[metric].lower_better else '↑'}"


def _cell(estimate: Estimate, statistic: str, interval: bool = True) -> str:
    form = "#.3g" if statistic == "rmse" else "z.3f"
    value, low, high = (format(number, form).rstrip(".") for number in estimate)
    if math.isnan(estimate.value):
        return "-"
    return value if math.isnan(estimate.low) or not interval else f"{value} [{low}, {high}]"


def _by_type(result: BenchResult, dataset: str, intervals: bool) -> list[Cells]:
    found = {m: result.agreements.get((m, dataset)) for m in result.metrics}
    kinds = dict.fromkeys(kind for one in found.values() if one for kind in one.by_type)
    rows: list[Cells] = []
    for kind in kinds:
        here = {m: one.by_type.get(kind) if one else None for m, one in found.items()}
        cells = {
            _name(result, m): _cell(one.srcc, "srcc", intervals) if one else "-"
            for m, one in here.items()
        }
        size = max(one.size for one in here.values() if one)
        rows.append({"type": kind, "images": str(size), **cells})
    means = {
        _name(result, m): _cell(Estimate(one.mean_over_types()), "srcc") if one else "-"
        for m, one in found.items()
    }
    return [*rows, {"type": "mean over types", "images": "", **means}] if rows else []


def _mean(result: BenchResult, row: Row) -> Cells:
    numbers = {_COLUMNS[name]: row[name] for name in _COLUMNS if name in row}
    return {
        "metric": _name(result, row["metric"]),
        "weighted by": row["weighting"],
        "databases": str(row["databases"]),
        "images": str(row["images"]),
        **{title: "-" if n is None else f"{n:z.3f}" for title, n in numbers.items()},
    }


def _matrix(result: BenchResult, dataset: str) -> list[Cells]:
    signs: dict[tuple[str, str], str] = {}
    for one in result.comparisons[dataset]:
        better = 0 if one.p_adjusted >= LEVEL else 1 if one.difference.value > 0 else -1
        signs[one.first, one.second] = {0: "·", 1: "+", -1: "-"}[better]
        signs[one.second, one.first] = {0: "·", 1: "-", -1: "+"}[better]
    names = [name for name in result.metrics if any(name in pair for pair in signs)]
    return [
        {"metric": row, **{column: signs.get((row, column), "") for column in names}}
        for row in names
    ]


def protocol_lines(result: BenchResult) -> list[str]:
    """Say in words what the numbers depend on; the manifest has it in full."""
    lines = []
    for metric in result.metrics.values():
        facts = metric.manifest()
        parts = [f"resize {facts['protocol']['resize']}", f"align {facts['align']}"]
        if "backbone" in facts:
            backbone = facts["backbone"]
            weights = backbone["weights"]
            parts += [
                f"backbone {backbone['name']}, {backbone['precision']}",
                f"weights {weights['source']} {str(weights['sha256'])[:12]}",
                f"layers {' '.join(facts['layers'])} ({facts['combine']})",
                f"readout {_plain(facts['readout'])}",
            ]
        elif metric.row.note:
            parts.append(metric.row.note)
        versions = " ".join(f"{k} {v}" for k, v in facts["versions"].items())
        lines.append(f"{metric.name}: {'; '.join(parts)}; {versions}")
    statistics = result.manifest["statistics"]
    lines += [
        f"{facts['name']}: {facts['images']} images, {facts['contents']} contents"
        + (f"; {facts['citation']}" if facts["citation"] else "")
        for facts in result.manifest["datasets"]
    ]
    return [*lines, f"statistics: {_plain(statistics)}"]


def _plain(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in facts.items())
