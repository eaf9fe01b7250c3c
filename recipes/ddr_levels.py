"""Responses to degradations of photographs at every level: how they follow, which level is best.

Used by ``measure_ddr.py``: no human scores here.
"""

import csv
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from ddr_examples import JUDGES, LONG, SHORT, Numbers, consensus, photographs
from scipy.stats import spearmanr
from torch import Tensor

from snellen.backbones import Backbone
from snellen.distortions import LEVELS, distort
from snellen.images import find_images, read_image
from snellen.metrics import create_metric, create_metrics
from snellen.plots import save_figure

Row = dict[str, Any]

TYPES = ("gaussian-blur", "white-noise", "jpeg")


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


def responses(files: Sequence[Path], kind: str, backbone: Backbone) -> Numbers:
    """Return responses (photographs, levels of the image from 0, levels of the response)."""
    metrics = create_metrics([f"ddr-{kind}:{level}" for level in LEVELS], backbone=backbone)
    rows = []
    for i, path in enumerate(files):
        found = metrics(versions_of(path, kind, i))
        rows.append(torch.stack(list(found.values()), 1).numpy())
    return np.array(rows, dtype=np.float64)


def judged(files: Sequence[Path], kind: str) -> Numbers:
    """Return what the judges say of every level of every photograph, high for good."""
    judges = [create_metric(name, resize=resize) for name, resize in JUDGES.items()]
    rows = []
    for i, path in enumerate(files):
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
    val, test = (spread(find_images(photographs() / part), count) for part in ("val", "test"))
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
