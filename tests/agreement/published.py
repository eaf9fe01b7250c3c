"""Published per-image scores of metrics, with the human scores they were compared with."""

import csv
import functools
import gzip
from pathlib import Path

import numpy as np

Column = np.ndarray


@functools.cache
def table(path: Path) -> dict[str, Column]:
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    text = {"dis", "ref", "type"}
    return {
        name: np.array([row[name] for row in rows], dtype=np.str_ if name in text else np.float64)
        for name in rows[0]
    }


def tid2013(shared: Path) -> dict[str, Column]:
    return table(shared / "scores" / "zsiqa_tid2013_3000x42metrics.csv.gz")


def live(shared: Path) -> dict[str, Column]:
    return table(shared / "scores" / "zsiqa_live_779x42metrics.csv.gz")
