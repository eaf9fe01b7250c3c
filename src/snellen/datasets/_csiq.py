"""CSIQ."""

from pathlib import Path

import numpy as np

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root
from snellen.datasets._tables import ScoreTable, is_empty, numbers, read_score_table, texts
from snellen.errors import DatasetError

CSIQ = "CSIQ (src_imgs/, dst_imgs/ and csiq.DMOS.xlsx)"

# Words of the score table -> folder, word of the file name.
_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}


def read_csiq(folder: Path) -> Ratings:
    """Read CSIQ from its Excel file; images without a rating are left out."""
    root = find_root(folder, ["csiq.DMOS.xlsx"], CSIQ)
    path = root / "csiq.DMOS.xlsx"
    columns = ["image", "dst_type", "dst_lev", "dmos_std", "dmos"]
    table = _rated(read_score_table(path, columns=columns, sheet="all_by_image"))
    names, kinds, levels = (texts(table, column) for column in columns[:3])
    if unknown := sorted(set(kinds) - set(_TYPES)):
        raise DatasetError(f"{path} has the type {unknown[0]!r}; known: {', '.join(_TYPES)}.")
    folders = {kind: ImageIndex(root / "dst_imgs" / _TYPES[kind][0], CSIQ) for kind in set(kinds)}
    rows = zip(names, kinds, levels, strict=True)
    return Ratings(
        image=[folders[k].find(f"{name}.{_TYPES[k][1]}.{level}.png") for name, k, level in rows],
        reference=ImageIndex(root / "src_imgs", CSIQ).find_all([f"{name}.png" for name in names]),
        content=names,
        type=[_TYPES[kind][0] for kind in kinds],
        level=np.asarray(levels, dtype=np.float64),
        score=numbers(table, "dmos", path),
        score_std=numbers(table, "dmos_std", path),
    )


def _rated(table: ScoreTable) -> ScoreTable:
    kept = [
        i
        for i, (image, dmos) in enumerate(zip(table["image"], table["dmos"], strict=True))
        if not is_empty(image) and not is_empty(dmos)
    ]
    return {name: [cells[i] for i in kept] for name, cells in table.items()}
