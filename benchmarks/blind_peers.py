"""Blind metrics beside pyiqa's, on the same decoded images: scores, agreement with people, time.

    python benchmarks/blind_peers.py --dataset live_r=FILE.csv --low-is-good live_r \
        [--weights "pyiqa niqe=niqe_modelparameters.mat"] [--every N] [--output FILE]

pyiqa is for non-commercial use only and no dependency of this project; where it is not installed,
or the weights of one of its metrics are not at hand, that metric is left out and the reason stands
in the output. Images are float32 RGB in [0, 1] at their own size for both sides.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import hardware, write
from torch import Tensor

from snellen.agreement import agree
from snellen.datasets import Dataset, load_dataset
from snellen.images import read_image
from snellen.metrics import create_metric

PEERS = ("niqe", "brisque", "piqe", "ilniqe", "clipiqa")
CLOSE = {"Gaussian blur", "white noise", "additive Gaussian noise", "JPEG"}
"""Types that count together too, as in recipes/measure_ddr.py."""

Scorer = tuple[Callable[[Tensor], Tensor], bool]


def ours(name: str, file: str | None) -> Scorer:
    metric = create_metric(name, weights=file)
    return metric, bool(metric.lower_better)


def theirs(name: str, file: str | None) -> Scorer:
    import pyiqa

    options = {"pretrained_model_path": file} if file else {}
    metric = pyiqa.create_metric(name, device="cpu", **options)
    return metric, bool(metric.lower_better)


def scorers(
    names: Iterable[str], peers: Iterable[str], files: dict[str, str]
) -> tuple[dict[str, Scorer], dict[str, str]]:
    """Make everything that can be made, and tell why the rest cannot."""
    made: dict[str, Scorer] = {}
    left_out: dict[str, str] = {}
    wanted = [(f"snellen {name}", ours, name) for name in names]
    wanted += [(f"pyiqa {name}", theirs, name) for name in peers]
    for label, make, name in wanted:
        try:
            made[label] = make(name, files.get(label))
        except Exception as error:  # a peer may fail to install or to download in any way
            left_out[label] = reason(error)
    return made, left_out


def reason(error: Exception) -> str:
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first[:200]}"


def score(dataset: Dataset, scorer: Callable[[Tensor], Tensor]) -> tuple[list[float], float]:
    """Score all images; the seconds do not count decoding."""
    found, seconds = [], 0.0
    for path in dataset.image:
        image = read_image(path)[None]
        start = time.perf_counter()
        with torch.inference_mode():
            found.append(float(scorer(image)))
        seconds += time.perf_counter() - start
    return found, seconds


def measure(dataset: Dataset, scorer: Scorer) -> dict[str, Any]:
    scores, seconds = score(dataset, scorer[0])
    groups = {"all": np.full(len(dataset), True), "close": np.isin(dataset.type, list(CLOSE))}
    groups |= {str(kind): dataset.type == kind for kind in np.unique(dataset.type)}
    return {
        "seconds_per_image": seconds / len(dataset),
        "agreement": [
            {"type": kind, **correlation(dataset.subset(chosen), np.array(scores)[chosen], scorer)}
            for kind, chosen in groups.items()
            if chosen.sum() > 2
        ],
    }


def correlation(dataset: Dataset, scores: np.ndarray, scorer: Scorer) -> dict[str, Any]:
    srcc = agree(
        scores, dataset.score, lower_better=scorer[1], higher_better=dataset.higher_better,
        groups=dataset.content, parameters=None, kendall=False,
    ).srcc  # fmt: skip
    return {"images": len(scores), "srcc": srcc.value, "low": srcc.low, "high": srcc.high}


def pyiqa_version() -> str | None:
    try:
        return version("pyiqa")
    except PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--low-is-good", action="append", default=[], metavar="NAME")
    parser.add_argument("--metric", nargs="*", default=["ddr", "niqe-bsds"], help="ours")
    parser.add_argument("--peer", nargs="*", default=PEERS, help="pyiqa's")
    parser.add_argument(
        "--weights", action="append", default=[], metavar="LABEL=FILE",
        help='such as "snellen niqe=FILE" or "pyiqa niqe=FILE"',
    )  # fmt: skip
    parser.add_argument("--every", type=int, default=1, help="take every n-th image")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    files = dict(text.split("=", 1) for text in given.weights)
    made, left_out = scorers(given.metric, given.peer, files)
    results = []
    for text in given.dataset:
        name, _, file = text.partition("=")
        dataset = load_dataset("csv", file, higher_better=name not in given.low_is_good)
        dataset = dataset.subset(np.arange(0, len(dataset), given.every))
        for label, scorer in made.items():
            try:
                results.append({"dataset": name, "metric": label, **measure(dataset, scorer)})
            except Exception as error:  # one metric that fails must not take the others along
                left_out[f"{label} on {name}"] = reason(error)
    about = {"hardware": hardware(), "pyiqa": pyiqa_version()}
    write(given.output, {**about, "results": results, "left_out": left_out})


if __name__ == "__main__":
    main()
