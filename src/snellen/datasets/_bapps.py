"""BAPPS, the database of LPIPS: two-alternative choices and just noticeable differences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from snellen.datasets._build import paths
from snellen.datasets._files import ImageIndex, find_root
from snellen.errors import DatasetError

BAPPS = "BAPPS (dataset/2afc/{train,val}/TYPE and dataset/jnd/val/TYPE, each with image folders)"

_SPLITS = {"train": "train", "val": "validation"}


def read_bapps_2afc(folder: Path) -> dict[str, Any]:
    """Read the triplets: ``ref``, ``p0``, ``p1`` and ``judge``, the fraction preferring p1."""
    columns = _read(folder, "2afc", {"ref": "reference", "p0": "p0", "p1": "p1"}, "judge")
    return columns | {"human": columns.pop("judge")}


def read_bapps_jnd(folder: Path) -> dict[str, Any]:
    """Read the pairs: ``p0``, ``p1`` and ``same``, the fraction that saw no difference."""
    return _read(folder, "jnd", {"p0": "p0", "p1": "p1"}, "same")


def _read(folder: Path, part: str, images: dict[str, str], judgement: str) -> dict[str, Any]:
    root = find_root(folder, [f"{part}/val", f"{part}/train"], BAPPS) / part
    groups = list(_groups(root, judgement))
    if not groups:
        raise DatasetError(f"{root} holds no folder {judgement}/ two levels below; see {BAPPS}.")
    found: dict[str, list[Any]] = {name: [] for name in (*images.values(), "type", "split")}
    judged: list[float] = []
    for group in groups:
        judgements = sorted((group / judgement).glob("*.npy"))
        judged += [_judgement(path) for path in judgements]
        for place, column in images.items():
            names = [f"{path.stem}.png" for path in judgements]
            found[column] += ImageIndex(group / place, BAPPS).find_all(names)
        found["type"] += [group.name] * len(judgements)
        found["split"] += [_SPLITS[group.parent.name]] * len(judgements)
    columns: dict[str, Any] = {column: paths(found[column]) for column in images.values()}
    texts = {name: np.array(found[name], dtype=np.str_) for name in ("type", "split")}
    return columns | texts | {judgement: np.array(judged)}


def _groups(root: Path, judgement: str) -> Iterator[Path]:
    for split in _SPLITS:
        yield from sorted(path.parent for path in root.glob(f"{split}/*/{judgement}"))


def _judgement(path: Path) -> float:
    try:
        value = np.load(path, allow_pickle=False).reshape(-1)
    except ValueError as error:
        raise DatasetError(f"{path} is no array of numbers: {error}") from error
    if value.size != 1 or not 0 <= value[0] <= 1:
        raise DatasetError(f"{path} holds {value.tolist()}, expected one fraction in [0, 1].")
    return float(value[0])
