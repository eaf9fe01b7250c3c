"""Miniature releases with the true layout, written from the names and scores of real ones."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import scipy.io


def touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def cells(values: Sequence[object], column: bool = False) -> np.ndarray:
    """A MATLAB cell array: one row, or one column."""
    array = np.empty((len(values), 1) if column else (1, len(values)), dtype=object)
    array.ravel()[:] = values
    return array


def published(shared: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(shared / "scores" / "mos" / f"{name}.csv.gz", "rt") as stream:
        return list(csv.DictReader(stream))


def write_csv(path: Path, header: str, rows: Iterable[Sequence[object]]) -> Path:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_excel(path: Path, sheet: str, rows: Sequence[Sequence[object]]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


LIVE_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


def write_live(root: Path, rated: dict[str, tuple[str, float]]) -> None:
    """`rated`: 'jp2k/img2.bmp' -> (reference, score); every other image is an undistorted copy."""
    files = [f"{k}/img{i}.bmp" for k, n in LIVE_FOLDERS.items() for i in range(1, n + 1)]
    for kind, count in LIVE_FOLDERS.items():
        touch(root / kind, [f"img{i}.bmp" for i in range(1, count + 1)])
    names = [rated.get(name, ("bikes.bmp", 0.0))[0] for name in files]
    touch(root / "refimgs", set(names))
    score = np.array([[rated.get(name, ("", 0.0))[1] for name in files]])
    orgs = np.array([[name not in rated for name in files]], dtype=np.uint8)
    realigned = {"dmos_new": score, "dmos_std": score / 10, "orgs": orgs}
    scipy.io.savemat(root / "dmos_realigned.mat", realigned)
    scipy.io.savemat(root / "dmos.mat", {"dmos": score + 5, "orgs": orgs})
    scipy.io.savemat(root / "refnames_all.mat", {"refnames_all": cells(names)})


def write_live_md_part(part: Path, images: str, rows: list[tuple[str, str, float]]) -> None:
    """`rows`: (image, reference, score)."""
    references = sorted({reference for _, reference, _ in rows})
    touch(part / images, [image for image, _, _ in rows] + references)
    lists = {
        "distimgs": cells([image for image, _, _ in rows], column=True),
        "refimgs": cells([np.array([[name]], dtype=object) for name in references], column=True),
        "ref4dist": np.array([[references.index(name) + 1] for _, name, _ in rows], np.uint8),
    }
    scipy.io.savemat(part / "Imagelists.mat", lists)
    scipy.io.savemat(part / "Scores.mat", {"DMOSscores": np.array([[s for _, _, s in rows]])})


def write_tid(root: Path, rows: list[tuple[str, float, float]], references: list[str]) -> None:
    """`rows`: (name in the score file, score, deviation); images on disk have upper-case names."""
    touch(root / "distorted_images", [name.upper() for name, _, _ in rows])
    touch(root / "reference_images", references)
    lines = "\n".join(f"{score} {name}" for name, score, _ in rows)
    (root / "mos_with_names.txt").write_text(lines + "\n")
    (root / "mos.txt").write_text("\n".join(f"{score}" for _, score, _ in rows) + "\n")
    (root / "mos_std.txt").write_text("\n".join(f"{std:.4f}" for _, _, std in rows) + "\n")
