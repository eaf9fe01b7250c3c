"""Anyone's own data: a CSV file with a row per image."""

from pathlib import Path

import numpy as np

from snellen.datasets._build import Ratings
from snellen.datasets._dataset import Dataset
from snellen.datasets._tables import (
    ScoreTable,
    is_empty,
    leading_comments,
    numbers,
    read_score_table,
    texts,
)
from snellen.errors import DatasetError

# Columns and what the lists of others call them.
_COLUMNS = {
    "image": ("image", "dis_img_path"),
    "reference": ("reference", "ref_img_path"),
    "type": ("type", "dis_type"),
    "level": ("level",),
    "score": ("score",),
    "score_std": ("score_std",),
    "split": ("split",),
    "content": ("content",),
}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(
    path: Path, name: str, *, higher_better: bool | None = None, images: Path | None = None
) -> Dataset:
    """Read a CSV file as a `Dataset`; see `snellen.datasets.load_dataset`."""
    table = read_score_table(path)
    named = {ours: next((n for n in there if n in table), None) for ours, there in _COLUMNS.items()}
    if missing := [ours for ours in ("image", "score") if named[ours] is None]:
        raise DatasetError(
            f"{path} has no column {missing[0]!r}: expected image,score and, where there are, "
            f"reference,type,level,score_std,split,content; found {', '.join(table)}."
        )
    facts = leading_comments(path)
    folder = path.parent if images is None else images
    columns = {ours: column for ours, column in named.items() if column is not None}
    columns_read = _ratings(table, columns, folder, path).columns(name)
    return Dataset(
        name=name,
        higher_better=_direction(path, facts, higher_better),
        range=_range(path, facts),
        citation=facts.get("citation", ""),
        protocol=facts.get("protocol", ""),
        unordered=frozenset(),
        **columns_read,
    )


def _ratings(table: ScoreTable, named: dict[str, str], folder: Path, path: Path) -> Ratings:
    others = [name for name in table if name not in named.values()]
    extra = {name: _optional(table, name, path) for name in others if _is_numeric(table[name])}
    levels = named.get("level")
    std = named.get("score_std")
    references = named.get("reference")
    return Ratings(
        image=_images(texts(table, named["image"]), folder, path),
        reference=_paths(texts(table, references), folder, path) if references else None,
        content=_contents(table, named),
        type=texts(table, named["type"]) if "type" in named else "",
        level=_levels(table, levels, path) if levels else None,
        score=numbers(table, named["score"], path),
        score_std=_optional(table, std, path) if std else None,
        split=texts(table, named["split"]) if "split" in named else "",
        extra=extra,
    )


def _images(names: list[str], folder: Path, path: Path) -> list[Path]:
    if "" in names:
        raise DatasetError(f"{path}: row {names.index('') + 1} names no image.")
    return [image for image in _paths(names, folder, path) if image is not None]


def _paths(names: list[str], folder: Path, path: Path) -> list[Path | None]:
    """Absolute paths; an empty cell is None. Each file is looked for once."""
    found = [folder / name if name else None for name in names]
    missing = [one for one in dict.fromkeys(found) if one is not None and not one.is_file()]
    if missing:
        raise DatasetError(
            f"{path} names {len(missing)} files that do not exist, the first is {missing[0]}. "
            "Names are relative to the CSV file, or to the folder given as `images`."
        )
    return found


def _contents(table: ScoreTable, named: dict[str, str]) -> list[str] | None:
    return texts(table, named["content"]) if "content" in named else None


def _levels(table: ScoreTable, column: str, path: Path) -> np.ndarray | None:
    """Levels as numbers; levels in words, such as the type once more, are no levels."""
    return _optional(table, column, path) if _is_numeric(table[column]) else None


def _optional(table: ScoreTable, column: str, path: Path) -> np.ndarray:
    filled = {column: ["nan" if is_empty(cell) else cell for cell in table[column]]}
    return numbers(filled, column, path)


def _is_numeric(cells: list[object]) -> bool:
    try:
        [float(cell) for cell in cells if not is_empty(cell)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _direction(path: Path, facts: dict[str, str], higher_better: bool | None) -> bool:
    if higher_better is not None:
        return higher_better
    said = facts.get("higher_better", "").lower()
    if said not in _TRUTH:
        raise DatasetError(
            f"{path} does not say whether a high score means a good image (MOS) or a bad one "
            "(DMOS): pass higher_better=, or begin the file with the line '# higher_better: true'."
        )
    return _TRUTH[said]


def _range(path: Path, facts: dict[str, str]) -> tuple[float, float] | None:
    if "range" not in facts:
        return None
    try:
        low, high = map(float, facts["range"].replace(",", " ").split())
    except ValueError:
        raise DatasetError(f"{path}: '# range:' is two numbers, not {facts['range']!r}.") from None
    return low, high
