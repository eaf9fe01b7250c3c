"""KADID-10k."""

import re
from pathlib import Path

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root
from snellen.datasets._tables import numbers, read_score_table, texts
from snellen.errors import DatasetError

KADID = "KADID-10k (kadid10k: dmos.csv and images/)"

TYPES = (
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "color diffusion",
    "color shift",
    "color quantization",
    "color saturation HSV",
    "color saturation Lab",
    "JPEG2000",
    "JPEG",
    "white noise",
    "white noise YCbCr",
    "impulse noise",
    "multiplicative noise",
    "denoise",
    "brighten",
    "darken",
    "mean shift",
    "jitter",
    "non-eccentricity patch",
    "pixelate",
    "quantization",
    "color block",
    "high sharpen",
    "contrast change",
)
"""Distortion types by number, from 1."""

UNORDERED = frozenset({"mean shift", "contrast change"})
"""Types whose levels run from one sign to the other, with hardly any distortion at level 3."""

_NAME = re.compile(r"(?P<reference>I\d\d)_(?P<type>\d\d)_(?P<level>\d\d)\.png")


def read_kadid10k(folder: Path) -> Ratings:
    """Read KADID-10k.

    Notes
    -----
    The column ``dmos`` is a mean opinion score: high is good. The column ``var`` is a standard
    deviation: the first image has mean 4.57 and 0.496, which is the standard deviation of
    seventeen fives and thirteen fours, and the variance of no thirty ratings with that mean.
    """
    root = find_root(folder, ["dmos.csv"], KADID)
    path = root / "dmos.csv"
    table = read_score_table(path, columns=["dist_img", "ref_img", "dmos", "var"])
    names = texts(table, "dist_img")
    found = [_parse(name, path) for name in names]
    images = ImageIndex(root / "images", KADID)
    return Ratings(
        image=images.find_all(names),
        reference=images.find_all(texts(table, "ref_img")),
        type=[TYPES[int(one["type"]) - 1] for one in found],
        level=[int(one["level"]) for one in found],
        score=numbers(table, "dmos", path),
        score_std=numbers(table, "var", path),
    )


def _parse(name: str, path: Path) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    if found is None or not 1 <= int(found["type"]) <= len(TYPES):
        raise DatasetError(
            f"{path} names {name!r}; expected I01_01_01.png to I81_25_05.png: "
            "reference, type, level."
        )
    return found
