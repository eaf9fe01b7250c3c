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
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from fit_ddr import JUDGES, LONG, SHORT, consensus
from numpy.typing import NDArray
from scipy.stats import spearmanr
from snellen.runs._rated import rated_rows
from torch import Tensor

from snellen.agreement import agree, compare
from snellen.backbones import Backbone, create_backbone
from snellen.datasets import Dataset, load_dataset
from snellen.distortions import LEVELS, distort
from snellen.images import find_images, read_image
from snellen.metrics import Metric, MetricSet, create_metric, create_metrics
from snellen.plots import save_figure
from snellen.runs import ScoreCache

Row = dict[str, Any]
Numbers = NDArray[np.float64]

TYPES = ("gaussian-blur", "white-noise", "jpeg")

CLOSE = {
    "gaussian-blur": ("Gaussian blur", "gblur"),
    "white-noise": ("additive Gaussian noise", "white noise", "wn"),
    "jpeg": ("JPEG", "jpeg"),
}
"""What the rated databases call the types; the first three kinds of live_r count together too."""

PLAIN = "mean of ddr-*"
CONTROL = "ddr without degradations"

FILES = {"brisque": "brisque", "niqe": "niqe_modelparameters.mat"}


def middle(path: Path) -> Tensor:
    """Read the central part of a photograph."""
    image = read_image(path)[None]
    height, width = (SHORT, LONG) if image.shape[2] < image.shape[3] else (LONG, SHORT)
    top, left = (image.shape[2] - height) // 2, (image.shape[3] - width) // 2
    return image[..., top : top + height, left : left + width]


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Choose some paths, evenly."""
    return [paths[i * len(paths) // count] for i in range(min(count, len(paths)))]


def versions_of(path: Path, kind: str, number: int) -> Tensor:
    """Return an image and its five levels; one that its level leaves as it is comes once."""
    image = middle(path)
    made = [image, *(distort(image, f"{kind}:{level}", seed=number + 1) for level in LEVELS)]
    return torch.cat([made[0], *(b for a, b in pairwise(made) if not torch.equal(a, b))])


def responses(photographs: Sequence[Path], kind: str, backbone: Backbone) -> Numbers:
    """Return responses (photographs, levels of the image from 0, levels of the response)."""
    metrics = create_metrics([f"ddr-{kind}:{level}" for level in LEVELS], backbone=backbone)
    rows = []
    for i, path in enumerate(photographs):
        found = metrics(versions_of(path, kind, i))
        rows.append(torch.stack(list(found.values()), 1).numpy())
    return np.array(rows, dtype=np.float64)


def judged(photographs: Sequence[Path], kind: str) -> Numbers:
    """Return what the judges say of every level of every photograph, high for good."""
    judges = [create_metric(name, resize=resize) for name, resize in JUDGES.items()]
    rows = []
    for i, path in enumerate(photographs):
        versions = versions_of(path, kind, i)
        signs = [-1 if judge.lower_better else 1 for judge in judges]
        scores = [s * j(versions, versions[:1]) for s, j in zip(signs, judges, strict=True)]
        rows += torch.stack(scores, 1).tolist()
    return np.array(rows)


def level_rows(kind: str, val: Sequence[Path], test: Sequence[Path], net: Backbone) -> list[Row]:
    """Tell for each level how the response follows quality, and on how many images it falls."""
    chosen, counted = responses(val, kind, net), responses(test, kind, net)
    scores = judged(val, kind)
    quality = consensus(scores, scores)
    rows = []
    for name, there, here in [
        *((str(n), chosen[..., n - 1], counted[..., n - 1]) for n in LEVELS),
        ("mean of all", chosen.mean(2), counted.mean(2)),
    ]:
        steps = np.diff(here, axis=1) < 0
        rows.append(
            {
                "type": kind,
                "level of the response": name,
                "srcc with the consensus": agreement(there.ravel(), quality),
                "images": len(here),
                "monotone": float(steps.all(1).mean()),
                "steps that fall": float(steps.mean()),
                "means": " ".join(f"{value:.4f}" for value in here.mean(0)),
            }
        )
    return rows


def agreement(response: Numbers, quality: Numbers) -> float:
    """Return the rank correlation; NaN where there is no response at all."""
    return float(spearmanr(response, quality).statistic) if np.ptp(response) else float("nan")


def all_levels(count: int, net: Backbone) -> list[Row]:
    """Make the rows of all types, choosing on one part of the photographs, counting on another."""
    val, test = (
        spread(find_images(shared() / "natural/bsds500" / part), count) for part in ("val", "test")
    )
    return [row for kind in TYPES for row in level_rows(kind, val, test, net)]


def read_levels(path: Path) -> list[Row]:
    """Read what an earlier run found."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    numbers = ("srcc with the consensus", "monotone", "steps that fall")
    return [{**row, **{name: float(row[name]) for name in numbers}} for row in rows]


def best_levels(rows: Iterable[Row]) -> dict[str, str]:
    """Choose the level of each type that follows the consensus best."""
    best: dict[str, Row] = {}
    for row in rows:
        known = best.get(row["type"])
        key = "srcc with the consensus"
        single = row["level of the response"] in map(str, LEVELS) and np.isfinite(row[key])
        if single and (not known or row[key] > known[key]):
            best[row["type"]] = row
    return {kind: row["level of the response"] for kind, row in best.items()}


def measured_metrics(given: argparse.Namespace, levels: dict[str, str]) -> MetricSet:
    """Make all metrics that human scores are held against."""
    net = create_backbone(given.backbone, given.weights)
    metrics: list[Metric] = [create_metric("ddr", backbone=net, head_weights=given.head)]
    names = [f"ddr-{kind}:{level}" for kind, level in levels.items()]
    metrics += list(create_metrics(names, backbone=net))
    for name in given.others.split(","):
        if name:
            file = next(iter(sorted((shared() / "weights").glob(f"{FILES.get(name)}*"))), None)
            metrics.append(create_metric(name, **({"weights": file} if name in FILES else {})))
    return MetricSet(metrics)


def shared() -> Path:
    """Return the folder of the data."""
    root = os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared")
    return Path(root) / "data"


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
    alone = rated_rows(control, name, dataset, ScoreCache(), lambda row: None)
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


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, and to standard output."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(path.read_text(encoding="utf-8") + "\n")


def draw_levels(rows: Sequence[Row], path: Path) -> None:
    """Draw the mean response over the level that an image has, a line per level of the response."""
    figure, panels = plt.subplots(
        1, len(TYPES), figsize=(3.4 * len(TYPES), 3.3), layout="constrained"
    )
    for axes, kind in zip(panels, TYPES, strict=True):
        for row in rows:
            if row["type"] == kind:
                means = [float(value) for value in row["means"].split()]
                thick = row["level of the response"] == "mean of all"
                places = [0, *range(len(LEVELS) - len(means) + 2, len(LEVELS) + 1)]
                axes.plot(
                    places,
                    means,
                    marker="o",
                    markersize=3,
                    color="black" if thick else None,
                    linewidth=2 if thick else 1,
                    label=f"{row['level of the response']} ({row['monotone']:.0%})",
                )
        axes.set(title=kind, xlabel="level of the image (0: pristine)", yscale="log")
        axes.legend(
            fontsize=6.5,
            ncols=3,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.18),
            title="level of the response (images on which it falls)",
            title_fontsize=6.5,
        )
    panels[0].set_ylabel("mean response")
    save_figure(figure, path, dpi=110)


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
        scores = rated_rows(made, name, dataset, ScoreCache(), lambda row: None)
        scores = with_plain_mean(scores, [n for n in scores[0] if n.startswith("ddr-")])
        directions = {metric.name: bool(metric.lower_better) for metric in made} | {PLAIN: False}
        tables["pristine"] += pristine_rows(name, dataset, scores, made)
        if control:
            scores, shares = with_control(scores, control, name, dataset)
            directions[CONTROL] = False
            tables["pristine"] += shares
            tables["control"] += control_rows(name, dataset, scores)
        for metric, lower_better in directions.items():
            tables["agreement"] += together(name, dataset, scores, metric, lower_better)
    for table, found in tables.items():
        if found:
            write(given.folder / f"{table}.csv", found)


if __name__ == "__main__":
    main()
