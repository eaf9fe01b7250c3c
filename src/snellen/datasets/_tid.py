"""TID2008 and TID2013: one layout, names in a case that varies between copies."""

import re
from pathlib import Path

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root, need_file
from snellen.datasets._tables import numbers, read_score_table
from snellen.errors import DatasetError

TYPES = (
    "additive Gaussian noise",
    "noise in color components",
    "spatially correlated noise",
    "masked noise",
    "high-frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non-eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "saturation change",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "color quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""Distortion types by number, from 1; TID2008 has the first 17."""

UNORDERED = frozenset({"mean shift", "contrast change"})
"""Types whose levels alternate in sign: their level does not order their strength."""

_NAME = re.compile(r"(?P<reference>i\d\d)_(?P<type>\d\d)_(?P<level>\d)\.bmp", re.IGNORECASE)


def read_tid2008(folder: Path) -> Ratings:
    """Read TID2008."""
    return _read(folder, "TID2008", types=17)


def read_tid2013(folder: Path) -> Ratings:
    """Read TID2013."""
    return _read(folder, "TID2013", types=24)


def _read(folder: Path, release: str, types: int) -> Ratings:
    root = find_root(folder, ["mos_with_names.txt"], f"the release of {release}")
    scores = root / "mos_with_names.txt"
    table = read_score_table(scores, columns=["mos", "image"])
    found = [_parse(name, types, scores) for name in table["image"]]
    deviations = need_file(root, "mos_std.txt", release)
    std = read_score_table(deviations, columns=["std"])
    if len(std["std"]) != len(found):
        raise DatasetError(f"{deviations} has {len(std['std'])} lines, expected {len(found)}.")
    references = ImageIndex(root / "reference_images", release)
    return Ratings(
        image=ImageIndex(root / "distorted_images", release).find_all(table["image"]),
        reference=references.find_all([f"{one['reference']}.bmp" for one in found]),
        content=[one["reference"].lower() for one in found],
        type=[TYPES[int(one["type"]) - 1] for one in found],
        level=[int(one["level"]) for one in found],
        score=numbers(table, "mos", scores),
        score_std=numbers(std, "std", deviations),
    )


def _parse(name: str, types: int, path: Path) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    if found is None or not 1 <= int(found["type"]) <= types:
        raise DatasetError(
            f"{path} names {name!r}; expected i01_01_1.bmp to i25_{types:02}_5.bmp: "
            "reference, type, level."
        )
    return found
