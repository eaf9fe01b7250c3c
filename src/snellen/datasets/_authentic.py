"""Databases of photographs as people take them: KonIQ-10k, SPAQ and CID2013."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root
from snellen.datasets._tables import ScoreTable, numbers, read_score_table, texts
from snellen.errors import DatasetError

KONIQ = "KonIQ-10k (1024x768/ and koniq10k_scores_and_distributions.csv)"
SPAQ = "SPAQ (TestImage/ and Annotations/MOS and Image attribute scores.xlsx)"
CID2013 = "CID2013 (IS1/ ... IS6/ and CID2013 data - version 12112014.xlsx)"

_KONIQ_SCORES = "koniq10k_scores_and_distributions.csv"
_KONIQ_SETS = "koniq10k_distributions_sets.csv"
_KONIQ_SPLITS = {"training": "train", "validation": "validation", "test": "test"}
_RATINGS = ("c1", "c2", "c3", "c4", "c5")
_SPAQ_ATTRIBUTES = ("Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness")
_CID_NAME = re.compile(r"IS_(?P<set>[IV]+)_C(?P<content>\d+)_D\d+")
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}


def read_koniq10k(folder: Path) -> Ratings:
    """Read KonIQ-10k.

    Notes
    -----
    Mean and standard deviation are computed from the distribution of the ratings 1 to 5, because
    the column ``MOS`` has another scale in each of the two score files.
    """
    markers = [f"{sub}{name}" for name in (_KONIQ_SCORES, _KONIQ_SETS) for sub in ("", "*/")]
    path = next((p for m in markers for p in sorted(folder.glob(m))), None)
    if path is None:
        find_root(folder, [_KONIQ_SCORES, _KONIQ_SETS], KONIQ)
        raise DatasetError(f"{folder} holds no {_KONIQ_SCORES}. Expected there: {KONIQ}.")
    table = read_score_table(path, columns=["image_name", *_RATINGS])
    names = texts(table, "image_name")
    mean, deviation = _moments(table, path)
    images, note = _koniq_images(folder)
    zscore = {"mos_zscore": numbers(table, "MOS_zscore", path)} if "MOS_zscore" in table else {}
    return Ratings(
        image=images.find_all(names),
        type="authentic",
        score=mean,
        score_std=deviation,
        split=_koniq_split(folder, names),
        extra=zscore,
        note=note,
    )


def read_spaq(folder: Path) -> Ratings:
    """Read SPAQ; `extra` has the scores of the five attributes."""
    root = find_root(folder, ["TestImage"], SPAQ)
    name = "MOS and Image attribute scores.xlsx"
    path = next((p for place in ("Annotations", ".") if (p := root / place / name).is_file()), None)
    if path is None:
        raise DatasetError(f"{root / 'Annotations' / name} is missing: it belongs to {SPAQ}.")
    table = read_score_table(path, columns=["Image name", "MOS"])
    return Ratings(
        image=ImageIndex(root / "TestImage", SPAQ).find_all(texts(table, "Image name")),
        type="authentic",
        score=numbers(table, "MOS", path),
        extra={one.lower(): numbers(table, one, path) for one in _SPAQ_ATTRIBUTES if one in table},
    )


def read_cid2013(folder: Path) -> Ratings:
    """Read CID2013 with the MOS that was realigned over its six image sets."""
    root = find_root(folder, ["IS1"], CID2013)
    books = sorted(root.glob("CID2013 data*.xlsx"))
    if not books:
        raise DatasetError(f"{root} has no 'CID2013 data - version 12112014.xlsx': see {CID2013}.")
    table = read_score_table(books[0], columns=["Source_ID", "Realigned MOS"], sheet="CID2013 MOS")
    names = texts(table, "Source_ID")
    found = [_parse_cid(name, books[0]) for name in names]
    sets = [f"IS{_ROMAN[one['set']]}" for one in found]
    places = [root / s / f"co{int(m['content'])}" for s, m in zip(sets, found, strict=True)]
    folders = {place: ImageIndex(place, CID2013) for place in set(places)}
    return Ratings(
        image=[folders[p].find(f"{name}.jpg") for p, name in zip(places, names, strict=True)],
        content=[f"{one}_C{int(m['content']):02}" for one, m in zip(sets, found, strict=True)],
        type="authentic",
        score=numbers(table, "Realigned MOS", books[0]),
    )


def _moments(table: ScoreTable, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts = np.stack([numbers(table, column, path) for column in _RATINGS], axis=1)
    share = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(1.0, 6.0)
    mean = share @ levels
    return mean, np.sqrt(np.maximum(share @ levels**2 - mean**2, 0.0))


def _koniq_images(folder: Path) -> tuple[ImageIndex, str]:
    for size in ("1024x768", "512x384"):
        if found := sorted((*folder.glob(size), *folder.glob(f"*/{size}"))):
            return ImageIndex(found[0], KONIQ), f"Images of {size}."
    raise DatasetError(f"The folder {folder / '1024x768'} is missing: it belongs to {KONIQ}.")


def _koniq_split(folder: Path, names: list[str]) -> list[str] | str:
    path = next((p for s in ("", "*/") for p in sorted(folder.glob(s + _KONIQ_SETS))), None)
    if path is None:
        return ""
    table = read_score_table(path, columns=["image_name", "set"])
    sets = dict(zip(texts(table, "image_name"), texts(table, "set"), strict=True))
    if odd := set(sets.values()) - set(_KONIQ_SPLITS):
        raise DatasetError(f"{path}: {odd.pop()!r} is none of the sets {', '.join(_KONIQ_SPLITS)}.")
    return [_KONIQ_SPLITS.get(sets.get(name, ""), "") for name in names]


def _parse_cid(name: str, path: Path) -> re.Match[str]:
    found = _CID_NAME.fullmatch(name)
    if found is None or found["set"] not in _ROMAN:
        raise DatasetError(f"{path} names {name!r}; expected IS_I_C01_D01 to IS_VI_C08_D14.")
    return found
