"""Agreement of reduced-reference quality with people, by number of transmitted values.

    python recipes/measure_rr.py --dataset live_r=FILE.csv --dataset tid2013r=FILE.csv \
        --weights squeezenet1_0.safetensors --projection rr-squeezenet1_0=taught.safetensors \
        --cache FOLDER --figure FILE.png --table FILE.csv

What networks and other metrics say of each image is kept in the folder of the cache, so that a
second run only does the statistics. DMOS is told from MOS by the line ``# higher_better:`` of the
CSV, or by ``--low-is-good NAME``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from snellen.agreement import Resampling, agree
from snellen.datasets import Dataset, load_dataset
from snellen.images import read_image
from snellen.metrics import ReducedReferenceMetric, create_metric, create_metrics
from snellen.plots import save_figure
from snellen.records import write_table

VALUES = (2, 4, 8, 16, 32, 64)
SQUEEZE = "squeezenet1_0"
KINDS = {"rr-gabor": "shipped", f"rr-{SQUEEZE}": "seeded"}
LINES = {
    "psnr": ("0.55", ":"), "ssim": ("0.25", "--"), "dfb-gabor": ("tab:blue", "-."),
    f"dfb-{SQUEEZE}": ("tab:orange", "-."),
}  # fmt: skip
Metrics = dict[str, ReducedReferenceMetric]


def metrics_of(weights: str | None, projections: Sequence[str]) -> Metrics:
    """Make the metrics to measure, with 64 values; labels name the projection."""
    networks: dict[str, dict[str, Any]] = {"rr-gabor": {}}
    if weights:
        networks[f"rr-{SQUEEZE}"] = {"weights": weights}
    asked: dict[str, tuple[str, str | None]] = {
        f"{name}, {KINDS[name]}": (name, None) for name in networks
    }
    for text in projections:
        name, _, file = text.partition("=")
        asked[f"{name}, {Path(file).stem}"] = (name, file)
    made = {
        label: create_metric(name, values=64, projection=file, **networks[name])
        for label, (name, file) in asked.items()
    }
    return {k: metric for k, metric in made.items() if isinstance(metric, ReducedReferenceMetric)}


def observe(dataset: Dataset, metrics: Metrics, weights: str | None) -> dict[str, np.ndarray]:
    """Return the pooled features of all images and references, and full-reference scores."""
    options = {"weights": weights} if weights else {}
    names = ["psnr", "ssim", "dfb-gabor", *([f"dfb-{SQUEEZE}"] if weights else [])]
    full = create_metrics(names, **options)
    # A fitted and a seeded projection of one network take the same pooled features.
    networks = {metric.name: metric for metric in metrics.values()}
    seen: dict[str, list[Any]] = {name: [] for name in (*names, *networks)}
    held: dict[Path, tuple[Any, dict[str, Any]]] = {}
    for image, reference in zip(dataset.image, dataset.reference, strict=True):
        if reference not in held:
            y = read_image(reference)[None]
            held[reference] = full.prepare(y), {k: m.pooled(y) for k, m in networks.items()}
        prepared, pooled = held[reference]
        x = read_image(image)[None]
        for name, score in full(x, prepared).items():
            seen[name].append(float(score))
        for name, metric in networks.items():
            seen[name].append(torch.cat([metric.pooled(x), pooled[name]]).numpy())
    return {name: np.array(values) for name, values in seen.items()}


def distances(metric: ReducedReferenceMetric, pooled: np.ndarray, values: int) -> np.ndarray:
    """Compare by `values` values, rounded to float16 as they are when they are transmitted."""
    ours, theirs = (
        metric.projection(torch.from_numpy(pooled[:, i]), values).half().float() for i in (0, 1)
    )
    lengths: np.ndarray = torch.linalg.vector_norm(ours - theirs, dim=1).numpy()
    return lengths


def judge(dataset: Dataset, scores: np.ndarray, lower_better: bool) -> dict[str, float]:
    """SRCC over all images with its interval, and the mean over types."""
    found = agree(
        scores, dataset.score, lower_better=lower_better, higher_better=dataset.higher_better,
        groups=dataset.content, types=dataset.type, parameters=None, kendall=False,
        resampling=Resampling(resamples=1000),
    )  # fmt: skip
    value, low, high = found.srcc
    return {"srcc": value, "low": low, "high": high, "by_type": found.mean_over_types()}


def table_of(
    datasets: dict[str, Dataset], metrics: Metrics, cache: Path,
    weights: str | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row for every dataset, metric and number of values."""
    rows: list[dict[str, Any]] = []
    for name, dataset in datasets.items():
        file = cache / f"{name}.npz"
        if not file.exists():
            with torch.inference_mode():
                observed: dict[str, Any] = observe(dataset, metrics, weights)
            cache.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(file, **observed)
        seen = dict(np.load(file))
        for other, values in seen.items():
            if values.ndim == 1:
                lower = bool(create_metric(other.partition("-")[0]).lower_better)
                found = judge(dataset, values, lower)
                rows.append({"dataset": name, "metric": other, "values": None, "bytes": None}
                            | found)  # fmt: skip
        for label, metric in metrics.items():
            for count in VALUES:
                found = judge(dataset, distances(metric, seen[metric.name], count), True)
                rows.append({"dataset": name, "metric": label, "values": count,
                             "bytes": 2 * count} | found)  # fmt: skip
    return rows


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw SRCC over the number of values, a panel for each dataset."""
    from matplotlib.figure import Figure

    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    figure = Figure(figsize=(4.6 * len(datasets), 4.2), layout="constrained")
    for name, axes in zip(
        datasets, figure.subplots(1, len(datasets), squeeze=False)[0], strict=True
    ):
        ours = [row for row in rows if row["dataset"] == name]
        curves = list(dict.fromkeys(row["metric"] for row in ours if row["values"]))
        for i, label in enumerate(curves):
            points = [row for row in ours if row["metric"] == label]
            place = [row["values"] * 2 ** (0.06 * (i - 1.5)) for row in points]
            middle = np.array([row["srcc"] for row in points])
            spread = np.array([[r["srcc"] - r["low"], r["high"] - r["srcc"]] for r in points]).T
            axes.errorbar(place, middle, spread, marker="o", ms=4, capsize=2, lw=1.4, label=label)
        for row in (row for row in ours if not row["values"]):
            color, style = LINES[row["metric"]]
            axes.axhline(row["srcc"], color=color, ls=style, lw=1.1, label=row["metric"], zorder=1)
        axes.set_xscale("log", base=2)
        axes.set_xticks(VALUES, [str(k) for k in VALUES])
        axes.set_xlabel("transmitted values (2 bytes each)")
        axes.set_title(name)
    figure.axes[0].set_ylabel("SRCC with people")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    save_figure(figure, path)


def main() -> None:
    """Measure, draw, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--low-is-good", action="append", default=[], metavar="NAME")
    parser.add_argument("--weights")
    parser.add_argument("--projection", action="append", default=[], metavar="METRIC=FILE")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    datasets = {}
    for text in arguments.dataset:
        name, _, file = text.partition("=")
        high = name not in arguments.low_is_good
        datasets[name] = load_dataset("csv", file, higher_better=high)
    metrics = metrics_of(arguments.weights, arguments.projection)
    rows = table_of(datasets, metrics, arguments.cache, arguments.weights)
    if arguments.table:
        write_table(arguments.table, rows, {k: m.manifest() for k, m in metrics.items()})
    if arguments.figure:
        draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
