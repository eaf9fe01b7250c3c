"""Blind metrics beside pyiqa's, on the same decoded images: scores, agreement with people, time.

    python benchmarks/blind_peers.py --dataset live_r=FILE.csv [--limit N] [--output FILE]

pyiqa is for non-commercial use only and no dependency of this project; where it is not installed,
or the weights of one of its metrics are not at hand, that metric is left out and the reason stands
in the output. Images are float32 RGB in [0, 1] at their own size for both sides.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _measure import hardware, write
from torch import Tensor

from snellen.agreement import Resampling, agree
from snellen.datasets import Dataset, load_dataset
from snellen.images import read_image
from snellen.metrics import create_metric

PEERS = ("niqe", "brisque", "piqe", "ilniqe", "clipiqa")
Scorer = tuple[Callable[[Tensor], Tensor], bool]


def ours(name: str, file: str | None) -> Scorer:
    metric = create_metric(name, **({"weights": file} if file else {}))
    return metric, bool(metric.lower_better)


def theirs(name: str) -> Scorer:
    import pyiqa

    metric = pyiqa.create_metric(name, device="cpu")
    return metric, bool(metric.lower_better)


def scorers(names: list[str], files: dict[str, str]) -> tuple[dict[str, Scorer], dict[str, str]]:
    """Make everything that can be made, and tell why the rest cannot."""
    made: dict[str, Scorer] = {}
    left_out: dict[str, str] = {}
    wanted = [(f"snellen {n}", ours, (n, files.get(n))) for n in names]
    wanted += [(f"pyiqa {n}", theirs, (n,)) for n in PEERS]
    for label, make, arguments in wanted:
        try:
            made[label] = make(*arguments)
        except Exception as error:  # a peer may fail to install or to download in any way
            left_out[label] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return made, left_out


def measure(dataset: Dataset, scorer: Scorer, limit: int | None) -> dict[str, Any]:
    score, lower_better = scorer
    positions = range(len(dataset.image))[: limit or None]
    found, seconds = [], 0.0
    for i in positions:
        image = read_image(dataset.image[i])[None]
        start = time.perf_counter()
        with torch.inference_mode():
            found.append(float(score(image)))
        seconds += time.perf_counter() - start
    chosen = list(positions)
    srcc = agree(
        found, dataset.score[chosen], lower_better=lower_better,
        higher_better=dataset.higher_better, groups=dataset.content[chosen], parameters=None,
        kendall=False, resampling=Resampling(1000),
    ).srcc  # fmt: skip
    return {"images": len(found), "srcc": srcc.value, "low": srcc.low, "high": srcc.high,
            "seconds_per_image": seconds / len(found)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--low-is-good", action="append", default=[], metavar="NAME")
    parser.add_argument("--metric", action="append", help="ours; default ddr and niqe-bsds")
    parser.add_argument("--weights", action="append", default=[], metavar="METRIC=FILE")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = dict(text.split("=", 1) for text in arguments.weights)
    made, left_out = scorers(arguments.metric or ["ddr", "niqe-bsds"], files)
    results = []
    for text in arguments.dataset:
        name, _, file = text.partition("=")
        high = name not in arguments.low_is_good
        dataset = load_dataset("csv", file, higher_better=high)
        for label, scorer in made.items():
            try:
                found = measure(dataset, scorer, arguments.limit)
            except Exception as error:  # one metric that fails must not take the others along
                left_out[f"{label} on {name}"] = f"{type(error).__name__}: {str(error)[:200]}"
                continue
            results.append({"dataset": name, "metric": label, **found})
    write(arguments.output, {"hardware": hardware(), "results": results, "left_out": left_out})


if __name__ == "__main__":
    main()
