"""A list of networks against people: agreement by factor, by depth, against other metrics."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from snellen.agreement import Resampling, srcc
from snellen.agreement._bootstrap import contents_of, spearman_of_counts
from snellen.datasets import Dataset, load_dataset
from snellen.errors import DatasetError
from snellen.exam._layers import LayerExam, Row, agreement_columns, layers
from snellen.exam._networks import NetworkSpec
from snellen.exam._readouts import DEFAULT_READOUTS, find_readouts
from snellen.exam._responses import groups
from snellen.metrics import create_metric

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Study:
    """What a study file says; made by `load_study`.

    Parameters
    ----------
    datasets, networks
        What is examined.
    resize
        Rules of the protocol.
    readouts
        Names.
    metrics
        Names of `snellen.create_metric`, or mappings with ``name`` and its options.
    """

    datasets: tuple[Dataset, ...]
    networks: tuple[NetworkSpec, ...]
    resize: tuple[str, ...] = ("native",)
    readouts: tuple[str, ...] = DEFAULT_READOUTS
    metrics: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Condition:
    """One dataset under one protocol.

    Parameters
    ----------
    exam
        Every network, layer and readout.
    metrics
        Agreement of the other metrics, a row each.
    factors
        Agreement by factor and level, with intervals.
    networks
        Best, first and last layer of every network, and its lead over each metric.
    """

    exam: LayerExam
    metrics: tuple[Row, ...]
    factors: tuple[Row, ...]
    networks: tuple[Row, ...]


def load_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        YAML. ``datasets``: name, path, and for a CSV file higher_better. ``networks``: see
        `NetworkSpec`. Optional: ``resize``, ``readouts``, ``metrics``. Paths are relative to the
        file; environment variables in them are replaced.

    Returns
    -------
    Study
        With the tables of its datasets read.

    Raises
    ------
    DatasetError
        The file is not laid out so, or a dataset is missing.
    """
    path = Path(path)
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DatasetError(f"{path}: not a study file: {error}") from error
    known = {"datasets", "networks", "resize", "readouts", "metrics"}
    if not isinstance(text, dict) or set(text) - known or not {"datasets", "networks"} <= set(text):
        found = ", ".join(map(str, text)) if isinstance(text, dict) else type(text).__name__
        raise DatasetError(
            f"{path}: expected datasets and networks, optionally resize, readouts and metrics; "
            f"found {found}."
        )
    folder = path.parent.resolve()
    metrics = [{"name": one} if isinstance(one, str) else one for one in text.get("metrics", [])]
    find_readouts(text.get("readouts", DEFAULT_READOUTS))
    return Study(
        datasets=tuple(_dataset(entry, folder, path) for entry in text["datasets"]),
        networks=tuple(_network(entry, folder, path) for entry in text["networks"]),
        resize=tuple(text.get("resize", ["native"])),
        readouts=tuple(text.get("readouts", DEFAULT_READOUTS)),
        metrics=tuple({k: _expand(v, folder, k) for k, v in one.items()} for one in metrics),
    )


def _expand(value: Any, folder: Path, key: str) -> Any:
    is_file = key.endswith("weights") and value not in ("imagenet", "random")
    return str(folder / os.path.expandvars(value)) if is_file else value


def _dataset(entry: Mapping[str, Any], folder: Path, path: Path) -> Dataset:
    if not {"name", "path"} <= set(entry):
        raise DatasetError(f"{path}: a dataset has name and path; found {', '.join(entry)}.")
    where = folder / os.path.expandvars(str(entry["path"]))
    return load_dataset(entry["name"], where, higher_better=entry.get("higher_better"))


def _network(entry: Mapping[str, Any], folder: Path, path: Path) -> NetworkSpec:
    known = {one.name for one in fields(NetworkSpec)} - {"folder"}
    if "name" not in entry or (extra := set(entry) - known):
        what = "no name" if "name" not in entry else f"unknown {', '.join(sorted(extra))}"
        raise DatasetError(f"{path}: a network has {', '.join(sorted(known))}; found {what}.")
    return NetworkSpec(**entry, folder=folder)


def study(
    plan: Study,
    *,
    resampling: Resampling | None = None,
    checkpoint: Path | None = None,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[Condition]:
    """Examine every network on every dataset under every protocol.

    A network's agreement is the SRCC of its best layer with the plain Euclidean distance, as in
    the paper (of the first readout, where that one is not examined). The layer is chosen on the
    images on which it is reported: a little optimistic, for every network alike.

    Parameters
    ----------
    plan
        What `load_study` has read.
    resampling, checkpoint, device, progress
        See `snellen.exam.layers`.

    Returns
    -------
    list of Condition
        One per dataset and protocol.
    """
    how = resampling or Resampling()
    found = []
    for dataset in plan.datasets:
        references = _score_metrics(plan, dataset)
        for resize in plan.resize:
            parts = [
                layers(
                    {spec.name: spec.build()},
                    dataset,
                    readouts=plan.readouts,
                    layers=["input", *spec.layers] if spec.layers else None,
                    resize=resize,
                    resampling=how,
                    checkpoint=checkpoint,
                    device=device,
                    progress=progress,
                )
                for spec in plan.networks
            ]
            found.append(_condition(plan, _join(parts), references, how))
    return found


def _join(parts: Sequence[LayerExam]) -> LayerExam:
    return LayerExam(
        tuple(row for one in parts for row in one.rows),
        tuple(series for one in parts for series in one.series),
        parts[0].dataset,
        {label: manifest for one in parts for label, manifest in one.networks.items()},
        parts[0].resize,
    )


def _score_metrics(plan: Study, dataset: Dataset) -> dict[str, Numbers]:
    """Score every pair by every metric, oriented so that low means good."""
    scores = {}
    for entry in plan.metrics:
        metric = create_metric(**entry)
        values = np.empty(len(dataset))
        for reference, positions in groups(dataset).items():
            prepared = metric.prepare(reference)
            for i in positions:
                values[i] = float(metric(dataset.image[i], prepared))
        scores[metric.name] = values if metric.lower_better else -values
    return scores


def _condition(
    plan: Study, exam: LayerExam, metrics: Mapping[str, Numbers], how: Resampling
) -> Condition:
    best = {spec.name: _best(exam, spec.name) for spec in plan.networks}
    columns = {name: _column(exam, row) for name, row in best.items()}
    resampled = _Resampled(exam.dataset, how)
    rows = [
        _network_row(exam, spec, best[spec.name], columns[spec.name], metrics, resampled)
        for spec in plan.networks
    ]
    scored = [
        {"metric": name} | agreement_columns(values, exam.dataset, how)
        for name, values in metrics.items()
    ]
    return Condition(exam, tuple(scored), tuple(_factors(plan, columns, resampled)), tuple(rows))


def _main_readout(exam: LayerExam) -> str:
    names = [one.readout for one in exam.series]
    return "euclidean" if "euclidean" in names else names[0]


def _own(exam: LayerExam, network: str) -> list[Row]:
    main = _main_readout(exam)
    return [
        row
        for row in exam.rows
        if row["network"] == network
        and row["readout"] == main
        and row["combination"] == "layer"
        and row["layer"] != "input"
    ]


def _best(exam: LayerExam, network: str) -> Row:
    return max(_own(exam, network), key=lambda row: float(np.nan_to_num(row["srcc"], nan=-2)))


def _column(exam: LayerExam, row: Row) -> Numbers:
    wanted = (row["network"], row["readout"], row["combination"])
    one = next(s for s in exam.series if (s.network, s.readout, s.combination) == wanted)
    return one.distances[:, row["depth"]]


class _Resampled:
    """SRCC of columns of distances under the same resamples of contents."""

    def __init__(self, dataset: Dataset, how: Resampling) -> None:
        self._how, self._score = how, dataset.score
        self._higher_better = dataset.higher_better
        self._codes, self._contents = contents_of(dataset.content, len(dataset))

    def value(self, column: Numbers) -> float:
        return srcc(column, self._score, lower_better=True, higher_better=self._higher_better)

    def draws(self, column: Numbers) -> Numbers:
        sign = -1.0 if self._higher_better else 1.0
        statistic = spearman_of_counts(sign * column, self._score, self._codes)
        return statistic(self._how.counts(self._contents))

    def interval(self, draws: Numbers) -> tuple[float, float]:
        tail = (1 - self._how.confidence) / 2
        if not np.isfinite(draws).any() or self._contents < 2:
            return np.nan, np.nan
        low, high = np.nanquantile(draws, [tail, 1 - tail])
        return float(low), float(high)


def _network_row(
    exam: LayerExam,
    spec: NetworkSpec,
    best: Row,
    column: Numbers,
    metrics: Mapping[str, Numbers],
    resampled: _Resampled,
) -> Row:
    own = _own(exam, spec.name)
    row: Row = {"network": spec.name, **spec.tags, "layer": best["layer"]}
    row |= {k: best[k] for k in ("relative_depth", "srcc", "srcc_low", "srcc_high", "plcc")}
    row |= {"first_srcc": own[0]["srcc"], "last_srcc": own[-1]["srcc"]}
    row["any_readout_srcc"] = exam.best(spec.name)["srcc"]
    draws = resampled.draws(column)
    for name, other in metrics.items():
        row[f"lead_over_{name}"] = resampled.value(column) - resampled.value(other)
        low, high = resampled.interval(draws - resampled.draws(other))
        row |= {f"lead_over_{name}_low": low, f"lead_over_{name}_high": high}
    return row


def _factors(plan: Study, columns: Mapping[str, Numbers], resampled: _Resampled) -> list[Row]:
    """Mean over the networks of each level of each factor."""
    draws = {name: resampled.draws(column) for name, column in columns.items()}
    values = {name: resampled.value(column) for name, column in columns.items()}
    rows = []
    for factor in dict.fromkeys(tag for spec in plan.networks for tag in spec.tags):
        levels = dict.fromkeys(spec.tags.get(factor) for spec in plan.networks)
        for level in levels:
            names = [spec.name for spec in plan.networks if spec.tags.get(factor) == level]
            low, high = resampled.interval(np.mean([draws[name] for name in names], axis=0))
            rows.append(
                {
                    "factor": factor,
                    "level": str(level),
                    "networks": len(names),
                    "srcc": float(np.mean([values[name] for name in names])),
                    "srcc_low": low,
                    "srcc_high": high,
                }
            )
    return rows
