"""Databases of the LIVE laboratory: release 2, multiply distorted, in the wild."""

import re
from itertools import chain
from pathlib import Path

import numpy as np

from snellen.datasets._build import Ratings
from snellen.datasets._files import ImageIndex, find_root, need_file
from snellen.datasets._tables import ScoreTable, numbers, read_score_table, texts
from snellen.errors import DatasetError

LIVE = "the LIVE Image Quality Assessment Database, release 2 (databaserelease2)"
LIVE_MD = "the LIVE Multiply Distorted Image Quality Database (To_Release: Part 1, Part 2)"
CLIVE = "the LIVE In the Wild Image Quality Challenge Database (ChallengeDB_release)"

# The score vectors run through the folders in this order.
_LIVE_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
_CLIVE_TRAINING = 7
_MD_NAME = re.compile(
    r"(?P<content>.+?)(_blur(?P<blur>\d))?(_(?P<other>jpeg|noise)(?P<level>\d))?$"
)


def read_live(folder: Path) -> Ratings:
    """Read LIVE release 2 with its realigned DMOS, without the undistorted copies."""
    root = find_root(folder, ["refnames_all.mat"], LIVE)
    scores = need_file(root, "dmos_realigned.mat", f"{LIVE}, which published tables use")
    columns = ["dmos_new", "dmos_std", "orgs"]
    table = read_score_table(scores, columns=columns)
    names = read_score_table(root / "refnames_all.mat", columns=["refnames_all"])
    names = {"refnames_all": names["refnames_all"]}
    kinds = list(chain.from_iterable([kind] * count for kind, count in _LIVE_FOLDERS.items()))
    files = [f"img{i}.bmp" for count in _LIVE_FOLDERS.values() for i in range(1, count + 1)]
    _need_rows({name: table[name] for name in columns} | names, len(files), scores)
    kept = np.flatnonzero(np.asarray(table["orgs"]) == 0).tolist()
    folders = {kind: ImageIndex(root / kind, LIVE) for kind in _LIVE_FOLDERS}
    references = ImageIndex(root / "refimgs", LIVE)
    return Ratings(
        image=[folders[kinds[i]].find(files[i]) for i in kept],
        reference=references.find_all([names["refnames_all"][i] for i in kept]),
        type=[kinds[i] for i in kept],
        score=numbers(table, "dmos_new", scores)[kept],
        score_std=numbers(table, "dmos_std", scores)[kept],
    )


def read_live_md(folder: Path) -> Ratings:
    """Read both parts of LIVE MD; `extra` has the level of each component, 0 where absent."""
    root = find_root(folder, ["Part 1/Imagelists.mat", "Part_1/Imagelists.mat"], LIVE_MD)
    parts = [_read_md_part(root, 1, "blurjpeg"), _read_md_part(root, 2, "blurnoise")]
    images = [image for part, _, _ in parts for image in part]
    named = [_MD_NAME.match(image.stem) for image in images]
    levels = {kind: np.array([_md_level(m, kind) for m in named]) for kind in _MD_KINDS}
    alone = sum((level > 0).astype(int) for level in levels.values()) == 1
    return Ratings(
        image=images,
        reference=[reference for _, part, _ in parts for reference in part],
        type=["+".join(kind for kind in _MD_KINDS if levels[kind][i]) for i in range(len(images))],
        level=np.where(alone, sum(levels.values()), np.nan),
        score=np.concatenate([scores for _, _, scores in parts]),
        content=[reference.stem for _, part, _ in parts for reference in part],
        extra=levels,
    )


def read_clive(folder: Path) -> Ratings:
    """Read LIVE in the Wild without the seven images that trained the observers."""
    root = find_root(folder, ["Data/AllMOS_release.mat"], CLIVE)
    columns: ScoreTable = {}
    for name in ("AllImages_release", "AllMOS_release", "AllStdDev_release"):
        path = need_file(root / "Data", f"{name}.mat", CLIVE)
        columns |= {name: read_score_table(path, columns=[name])[name][_CLIVE_TRAINING:]}
    _need_rows(columns, len(columns["AllImages_release"]), root / "Data")
    return Ratings(
        image=ImageIndex(root / "Images", CLIVE).find_all(columns["AllImages_release"]),
        type="authentic",
        score=numbers(columns, "AllMOS_release", root / "Data" / "AllMOS_release.mat"),
        score_std=numbers(columns, "AllStdDev_release", root / "Data" / "AllStdDev_release.mat"),
    )


_MD_KINDS = ("blur", "jpeg", "noise")


def _read_md_part(
    root: Path, number: int, images: str
) -> tuple[list[Path], list[Path], np.ndarray]:
    spaced = root / f"Part {number}"
    part = spaced if spaced.is_dir() else root / f"Part_{number}"
    lists = need_file(part, "Imagelists.mat", LIVE_MD)
    table = read_score_table(lists, columns=["distimgs", "refimgs", "ref4dist"])
    scores = read_score_table(need_file(part, "Scores.mat", LIVE_MD), columns=["DMOSscores"])
    names = texts(table, "distimgs")
    _need_rows({"ref4dist": table["ref4dist"]} | {"s": scores["DMOSscores"]}, len(names), part)
    index = ImageIndex(part / images, LIVE_MD)
    references = [table["refimgs"][one - 1] for one in table["ref4dist"]]
    held = index if references[0] in index else ImageIndex(root / "Ref_Images", LIVE_MD)
    score = numbers(scores, "DMOSscores", part / "Scores.mat")
    return index.find_all(names), held.find_all(references), score


def _md_level(named: re.Match[str] | None, kind: str) -> int:
    if named is None:
        return 0
    own = named["blur"] if kind == "blur" else named["level"] if named["other"] == kind else None
    return int(own or 0)


def _need_rows(table: ScoreTable, rows: int, path: Path) -> None:
    if wrong := {name: len(cells) for name, cells in table.items() if len(cells) != rows}:
        name, found = next(iter(wrong.items()))
        raise DatasetError(f"{path}: {name} has {found} entries, expected {rows}.")
