"""PieAPP: dissimilarity scores of its test images, and preferences between pairs."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from snellen.datasets._build import Ratings, paths
from snellen.datasets._files import ImageIndex, find_root
from snellen.datasets._tables import ScoreTable, is_empty, read_score_table
from snellen.errors import DatasetError

PIEAPP = "PieAPP (reference_images/, distorted_images/ and labels/, each with train, val, test)"

_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_NAME = re.compile(r"distort_\d+_(?P<type>.+)_(?:inter|intra).*", re.IGNORECASE)


def read_pieapp(folder: Path) -> Ratings:
    """Read the test images, the only ones with a score of their own (low is good)."""
    root = find_root(folder, ["labels/test"], PIEAPP)
    rows = [row for path in _labels(root, "test", "per_image_score") for row in _cells(path, 3)]
    rows = [row for row in rows if not row[1].startswith("ref")]
    return Ratings(
        image=_images(root, "test", [(row[0], row[1]) for row in rows]),
        reference=_images(root, "test", [(row[0], row[0]) for row in rows]),
        type=[_type(row[1]) for row in rows],
        score=[float(row[2]) for row in rows],
        split="test",
    )


def read_pieapp_pairs(folder: Path) -> dict[str, Any]:
    """Read the pairs that people judged; those whose label was only estimated are left out."""
    root = find_root(folder, ["labels"], PIEAPP)
    columns: dict[str, list[Any]] = {name: [] for name in ("reference", "p0", "p1", "split")}
    human: list[float] = []
    types: list[str] = []
    present = {part: split for part, split in _SPLITS.items() if (root / "labels" / part).is_dir()}
    for part, split in present.items():
        labels = _labels(root, part, "pairwise_labels")
        rows = [row for path in labels for row in _cells(path, 4) if not is_empty(row[3])]
        for column, cell in (("reference", 0), ("p0", 1), ("p1", 2)):
            columns[column] += _images(root, part, [(row[0], row[cell]) for row in rows])
        human += [1.0 - float(row[3]) for row in rows]
        types += [f"{_type(row[1])} | {_type(row[2])}" for row in rows]
        columns["split"] += [split] * len(rows)
    return {
        **{name: paths(columns[name]) for name in ("reference", "p0", "p1")},
        "human": np.array(human),
        "type": np.array(types, dtype=np.str_),
        "split": np.array(columns["split"], dtype=np.str_),
    }


def _labels(root: Path, part: str, kind: str) -> list[Path]:
    found = sorted((root / "labels" / part).glob(f"*_{kind}.csv"))
    if not found:
        raise DatasetError(f"{root / 'labels' / part} holds no *_{kind}.csv: see {PIEAPP}.")
    return found


def _cells(path: Path, least: int) -> list[tuple[str, ...]]:
    table: ScoreTable = read_score_table(path)
    if len(table) < least:
        raise DatasetError(f"{path} has {len(table)} columns, expected at least {least}.")
    return [tuple(str(cell).strip() for cell in row) for row in zip(*table.values(), strict=True)]


def _images(root: Path, part: str, rows: list[tuple[str, str]]) -> list[Path]:
    """Paths of (reference, image); an image may be the reference itself."""
    references = ImageIndex(root / "reference_images" / part, PIEAPP)
    distorted = {
        name: ImageIndex(root / "distorted_images" / part / Path(name).stem, PIEAPP)
        for name in {reference for reference, image in rows if not image.startswith("ref")}
    }
    return [
        references.find(image) if image.startswith("ref") else distorted[reference].find(image)
        for reference, image in rows
    ]


def _type(name: str) -> str:
    found = _NAME.fullmatch(Path(name).stem)
    return found["type"] if found else "reference" if name.startswith("ref") else ""
