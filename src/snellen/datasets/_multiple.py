"""Databases of several distortions at once: MDID and MDIVL."""

import re
from pathlib import Path

import numpy as np

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root, need_file
from snellen.datasets._tables import ScoreTable, numbers, read_score_table, texts
from snellen.errors import DatasetError

MDID = "MDID of 2016 (reference_images/, distortion_images/ and mos.txt)"
MDIVL = "MDIVL (Data_Blur_JPEG/, Data_Noise_JPEG/, MD_IVLreference/ and a table of scores)"

_MDID_NAME = re.compile(r"(?P<reference>img\d\d)_(?P<number>\d\d)\.bmp", re.IGNORECASE)
_MDIVL_NAME = re.compile(
    r"(?P<content>.+)_(?P<kind>blur|noise)_(?P<strength>[\d.]+)_jpe?g_(?P<quality>\d+)\.\w+",
    re.IGNORECASE,
)
_IMAGE_COLUMNS = ("image", "dis_img_path", "name")
_SCORE_COLUMNS = ("score", "mos", "MOS")


def read_mdid(folder: Path) -> Ratings:
    """Read MDID, whose scores are in the order of the images' names."""
    root = find_root(folder, ["distortion_images"], MDID)
    path = need_file(root, "mos.txt", MDID)
    table = read_score_table(path, columns=["mos"])
    images = ImageIndex(root / "distortion_images", MDID)
    found = sorted(
        filter(None, map(_MDID_NAME.fullmatch, images.names)), key=lambda m: m[0].lower()
    )
    if len(found) != len(table["mos"]):
        raise DatasetError(
            f"{path} has {len(table['mos'])} scores for {len(found)} images img01_01.bmp ... in "
            f"{images.folder}: expected as many."
        )
    references = ImageIndex(root / "reference_images", MDID)
    return Ratings(
        image=images.find_all([one[0] for one in found]),
        reference=references.find_all([f"{one['reference']}.bmp" for one in found]),
        type="mixed",
        score=numbers(table, "mos", path),
    )


def read_mdivl(folder: Path) -> Ratings:
    """Read MDIVL; `extra` has blur's sigma, the noise's standard deviation and JPEG's quality."""
    root = find_root(folder, ["Data_Blur_JPEG"], MDIVL)
    path, table, image, score = _mdivl_scores(folder, root)
    names = [Path(name).name for name in texts(table, image)]
    found = [_parse_mdivl(name, path) for name in names]
    folders = {k: ImageIndex(root / f"Data_{k}_JPEG", MDIVL) for k in ("Blur", "Noise")}
    references = {file.stem.lower(): file for file in (root / "MD_IVLreference").rglob("*.*")}
    if missing := [m["content"] for m in found if m["content"].lower() not in references]:
        raise DatasetError(
            f"{root / 'MD_IVLreference'} has no reference {missing[0]}: it belongs to {MDIVL}."
        )
    rows = list(zip(names, found, strict=True))
    return Ratings(
        image=[folders[one["kind"].title()].find(name) for name, one in rows],
        reference=[references[one["content"].lower()] for one in found],
        type=[f"{one['kind'].lower()}+jpeg" for one in found],
        score=numbers(table, score, path),
        extra={
            "blur": _strengths(found, "blur"),
            "noise": _strengths(found, "noise"),
            "jpeg_quality": [float(one["quality"]) for one in found],
        },
        note=f"Scores from {path.name}.",
    )


def _mdivl_scores(folder: Path, root: Path) -> tuple[Path, ScoreTable, str, str]:
    """Find the table that names the images: copies of the release call it differently."""
    places = dict.fromkeys([root, *root.parents[:2], folder])
    inside = [p for p in places if p == folder or folder in p.parents]
    candidates = [p for place in inside for p in sorted(place.iterdir()) if _is_table(p)]
    for path in candidates:
        table = read_score_table(path)
        image = next((name for name in _IMAGE_COLUMNS if name in table), None)
        score = next((name for name in _SCORE_COLUMNS if name in table), None)
        if image and score:
            return path, table, image, score
    raise DatasetError(
        f"{root} has no table of scores of {MDIVL}: expected a CSV, Excel or MATLAB file with the "
        f"columns {' or '.join(_IMAGE_COLUMNS)} and {' or '.join(_SCORE_COLUMNS)}; found "
        f"{', '.join(path.name for path in candidates) or 'none'}."
    )


def _is_table(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith((".csv", ".csv.gz", ".xlsx", ".mat"))


def _parse_mdivl(name: str, path: Path) -> re.Match[str]:
    found = _MDIVL_NAME.fullmatch(name)
    if found is None:
        raise DatasetError(f"{path} names {name!r}; expected names like baby_blur_0.66_jpg_50.jpg.")
    return found


def _strengths(found: list[re.Match[str]], kind: str) -> np.ndarray:
    return np.array([float(m["strength"]) if m["kind"].lower() == kind else 0.0 for m in found])
