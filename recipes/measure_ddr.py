r"""Measure responses to degradations and `ddr`: monotone or not, best levels, and human scores.

Usage::

    OMP_NUM_THREADS=1 python recipes/measure_ddr.py REPORT_FOLDER \
        --rated tid2013r=TID2013R/pairs.csv --rated live_r=LIVE_R/pairs.csv

Levels are chosen on distorted photographs of BSDS500 (validation part) by the consensus of
full-reference metrics, monotonicity is counted on its test part, and human scores are looked at
with what was chosen. Writes ``levels.csv``, ``agreement.csv``, ``pristine.csv`` and figures. For
another network: ``--backbone NAME``, and ``--head FILE`` where its head does not ship. ``--control
FILE`` is a head of ``fit_ddr.py --own``: it is measured beside, and ``control.csv`` compares them.
"""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ddr_levels import Row, all_levels, best_levels, draw_levels, read_levels

from snellen.agreement import Resampling, agree, compare
from snellen.backbones import create_backbone
from snellen.datasets import Dataset, load_dataset
from snellen.metrics import Metric, MetricSet, create_metric, create_metrics
from snellen.runs import ScoreCache, bench

CLOSE = {
    "gaussian-blur": ("Gaussian blur", "gblur"),
    "white-noise": ("additive Gaussian noise", "white noise", "wn"),
    "jpeg": ("JPEG", "jpeg"),
}
"""What the rated databases call the types; the first three kinds of live_r count together too."""

PLAIN = "mean of ddr-*"
CONTROL = "ddr without degradations"

FILES = {"brisque": "brisque", "niqe": "niqe_modelparameters.mat"}


def measured_metrics(given: argparse.Namespace, levels: dict[str, str]) -> MetricSet:
    """Make all metrics that human scores are held against."""
    net = create_backbone(given.backbone, given.weights)
    metrics: list[Metric] = [create_metric("ddr", backbone=net, head_weights=given.head)]
    names = [f"ddr-{kind}:{level}" for kind, level in levels.items()]
    metrics += list(create_metrics(names, backbone=net))
    for name in given.others.split(","):
        if name:
            file = next(iter(sorted((shared() / "weights").glob(f"{FILES.get(name)}*"))), None)
            metrics.append(create_metric(name, weights=file if name in FILES else None))
    return MetricSet(metrics)


def shared() -> Path:
    """Return the folder of the data."""
    root = os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared")
    return Path(root) / "data"


def scored(metrics: MetricSet, name: str, dataset: Dataset) -> list[Row]:
    """Return the scores of every image; those that were known are not computed again."""
    result = bench(metrics, {name: dataset}, cache=ScoreCache(), resampling=Resampling(0))
    return list(result.scores)


def groups_of(scores: Sequence[Row]) -> dict[str, set[str]]:
    """Return the types of each group: all; blur, noise and JPEG; and every type by itself."""
    close = {kind for kinds in CLOSE.values() for kind in kinds}
    kinds = {row["type"] for row in scores}
    together = {"all": kinds, "blur, noise, JPEG": close & kinds}
    return together | {kind: {kind} for kind in sorted(kinds)}


def together(
    name: str, dataset: Dataset, scores: Sequence[Row], metric: str, lower_better: bool
) -> list[Row]:
    """Return agreement on everything, by type, and on blur, noise and JPEG together."""
    rows = []
    for label, members in groups_of(scores).items():
        here = [r for r in scores if r["type"] in members and r[metric] is not None]
        found = agree(
            [row[metric] for row in here],
            [row["human_score"] for row in here],
            lower_better=lower_better,
            higher_better=dataset.higher_better,
            groups=[row["content"] for row in here],
            parameters=None,
            kendall=False,
        ).srcc
        rows.append(
            {
                "database": name,
                "type": label,
                "metric": metric,
                "images": len(here),
                "srcc": found.value,
                "low": found.low,
                "high": found.high,
            }
        )
    return rows


def with_plain_mean(scores: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Add a control: the mean of the responses to the three types, as they are."""
    return [
        {**row, PLAIN: None if row["error"] else float(np.mean([row[name] for name in names]))}
        for row in scores
    ]


def with_control(
    scores: Sequence[Row], control: MetricSet, name: str, dataset: Dataset
) -> tuple[list[Row], list[Row]]:
    """Add the scores of the control; return its shares of references above too."""
    alone = scored(control, name, dataset)
    shares = pristine_rows(name, dataset, alone, control)
    return (
        [{**row, CONTROL: other["ddr"]} for row, other in zip(scores, alone, strict=True)],
        [{**share, "metric": CONTROL} for share in shares],
    )


def control_rows(name: str, dataset: Dataset, scores: Sequence[Row]) -> list[Row]:
    """Compare `ddr` with its control on the same images, by a paired bootstrap over contents."""
    rows = []
    for label, members in groups_of(scores).items():
        known = [r for r in scores if r["ddr"] is not None and r[CONTROL] is not None]
        here = [r for r in known if r["type"] in members]
        found = compare(
            {metric: [row[metric] for row in here] for metric in ("ddr", CONTROL)},
            [row["human_score"] for row in here],
            higher_better=dataset.higher_better,
            groups=[row["content"] for row in here],
        )[0]
        rows.append(
            {
                "database": name,
                "type": label,
                "images": len(here),
                "srcc of ddr minus control": found.difference.value,
                "low": found.difference.low,
                "high": found.difference.high,
                "p": found.p_value,
            }
        )
    return rows


def pristine_rows(name: str, dataset: Dataset, scores: Sequence[Row], made: MetricSet) -> list[Row]:
    """Tell how often a metric places the reference above a distorted version of it."""
    references = sorted({str(path) for path in dataset.reference})
    known = {path: made(path) for path in references}
    rows = []
    for metric in made:
        sign = -1 if metric.lower_better else 1
        above = [
            sign * float(known[row["reference"]][metric.name]) > sign * row[metric.name]
            for row in scores
            if row[metric.name] is not None
        ]
        share = float(np.mean(above))
        rows.append({"database": name, "metric": metric.name, "reference above": share})
    return rows


def measured(
    name: str, dataset: Dataset, made: MetricSet, control: MetricSet | None
) -> dict[str, list[Row]]:
    """Return what human scores say of all metrics on one database, by table."""
    scores = scored(made, name, dataset)
    scores = with_plain_mean(scores, [n for n in scores[0] if n.startswith("ddr-")])
    directions = {metric.name: bool(metric.lower_better) for metric in made} | {PLAIN: False}
    tables = {"pristine": pristine_rows(name, dataset, scores, made)}
    if control:
        scores, shares = with_control(scores, control, name, dataset)
        directions[CONTROL] = False
        tables["pristine"] += shares
        tables["control"] = control_rows(name, dataset, scores)
    tables["agreement"] = [
        row
        for metric, lower_better in directions.items()
        for row in together(name, dataset, scores, metric, lower_better)
    ]
    return tables


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, and to standard output."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(path.read_text(encoding="utf-8") + "\n")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rated", action="append", default=[], help="NAME=pairs.csv")
    parser.add_argument("--backbone", default="gabor")
    parser.add_argument("--weights")
    parser.add_argument("--head", type=Path)
    parser.add_argument("--control", type=Path, help="head of fit_ddr.py --own, measured beside")
    parser.add_argument("--others", default="niqe,niqe-bsds,brisque", help="metrics beside")
    parser.add_argument("--photographs", type=int, default=30)
    parser.add_argument("--levels", type=Path, help="levels.csv of an earlier run")
    parser.add_argument("--every", type=int, default=1, help="take every n-th rated image")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    net = create_backbone(given.backbone, given.weights)
    rows = read_levels(given.levels) if given.levels else all_levels(given.photographs, net)
    write(given.folder / "levels.csv", rows)
    draw_levels(rows, given.folder / "ddr-levels.png")
    made = measured_metrics(given, best_levels(rows))
    control = given.control and MetricSet(
        [create_metric("ddr", backbone=net, head_weights=given.control)]
    )
    tables: dict[str, list[Row]] = {"agreement": [], "pristine": [], "control": []}
    for text in given.rated:
        name, _, path = text.partition("=")
        dataset = load_dataset(name, path, higher_better=name.startswith("tid"))
        dataset = dataset.subset(np.arange(0, len(dataset), given.every))
        for table, found in measured(name, dataset, made, control).items():
            tables[table] += found
    for table, found in tables.items():
        if found:
            write(given.folder / f"{table}.csv", found)


if __name__ == "__main__":
    main()
