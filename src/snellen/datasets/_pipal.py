"""PIPAL, the labelled training part."""

import re
from pathlib import Path

import numpy as np

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root
from snellen.datasets._tables import numbers, read_score_table
from snellen.errors import DatasetError

PIPAL = "the training part of PIPAL (Train_Ref/, Distortion_1/ ... Distortion_4/, Train_Label/)"

_NAME = re.compile(r"(?P<reference>A\d{4})_(?P<type>\d\d)_(?P<number>\d\d)\.bmp", re.IGNORECASE)


def read_pipal(folder: Path) -> Ratings:
    """Read the labelled part of PIPAL; types are the numbers in the file names."""
    root = find_root(folder, ["Train_Label"], PIPAL)
    tables = sorted((root / "Train_Label").glob("*.txt"))
    if not tables:
        raise DatasetError(f"{root / 'Train_Label'} holds no .txt file: it belongs to {PIPAL}.")
    read = [(read_score_table(path, columns=["image", "score"]), path) for path in tables]
    names = [name for table, _ in read for name in table["image"]]
    found = [_parse(name, root / "Train_Label") for name in names]
    images = {
        name.lower(): place / name
        for place in sorted(root.glob("Distortion_*"))
        for name in ImageIndex(place, PIPAL).names
    }
    if missing := [name for name in names if name.lower() not in images]:
        raise DatasetError(
            f"{len(missing)} of {len(names)} files are missing in {root / 'Distortion_*'}, the "
            f"first is {missing[0]}: they belong to {PIPAL}."
        )
    references = ImageIndex(root / "Train_Ref", PIPAL)
    return Ratings(
        image=[images[name.lower()] for name in names],
        reference=references.find_all([f"{one['reference']}.bmp" for one in found]),
        type=[one["type"] for one in found],
        score=np.concatenate([numbers(table, "score", path) for table, path in read]),
        extra={"number": [float(one["number"]) for one in found]},
    )


def _parse(name: str, path: Path) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise DatasetError(
            f"{path} names {name!r}; expected names like A0001_00_00.bmp: reference, type, number."
        )
    return found
