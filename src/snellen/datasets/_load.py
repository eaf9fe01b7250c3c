"""Databases by name."""

import logging
from pathlib import Path
from typing import Any, Literal

from snellen.datasets._catalogue import ALIASES, COMPARED, JND, RATED, JudgedDatabase, RatedDatabase
from snellen.datasets._csv import read_csv
from snellen.datasets._dataset import Dataset
from snellen.datasets._judgements import Comparisons, JndPairs
from snellen.errors import DatasetError

Kind = Literal["rated", "compared", "jnd"]

_KINDS: dict[str, tuple[dict[str, RatedDatabase] | dict[str, JudgedDatabase], str]] = {
    "rated": (RATED, "load_dataset"),
    "compared": (COMPARED, "load_comparisons"),
    "jnd": (JND, "load_jnd"),
}

_logger = logging.getLogger(__name__)


def load_dataset(
    name: str,
    path: str | Path,
    *,
    higher_better: bool | None = None,
    images: str | Path | None = None,
) -> Dataset:
    """Read a database of images with human scores.

    Parameters
    ----------
    name
        One of ``list_datasets("rated")``, in any of the spellings in use; for a CSV file, any name.
    path
        The folder of the official release (or the one into which it was unpacked), or a CSV file:
        columns ``image`` and ``score``, and where there are ``reference``, ``type``, ``level``,
        ``score_std``, ``split``, ``content``; further numeric columns become `Dataset.extra`.
    higher_better
        CSV only: whether a high score means a good image. The file may say so itself, with the
        line ``# higher_better: true`` at its head (also ``range``, ``citation``, ``protocol``).
    images
        CSV only: the folder that names of images are relative to; the CSV file's by default.

    Returns
    -------
    Dataset
        A row per image.

    Raises
    ------
    DatasetError
        The name is unknown; a file is missing or not laid out as the release; the CSV file does
        not tell its direction.
    """
    path = Path(path)
    if path.is_file():
        folder = None if images is None else Path(images)
        return read_csv(path, name, higher_better=higher_better, images=folder)
    if not path.exists():
        raise DatasetError(
            f"{path}: no such file or folder; expected a CSV file, or the folder of the official "
            f"release of {name}."
        )
    if higher_better is not None or images is not None:
        raise DatasetError(f"{path} is no CSV file: only those take higher_better= and images=.")
    row = RATED[_known(name, "rated")]
    ratings = row.read(path)
    dataset = Dataset(
        name=row.name,
        higher_better=row.higher_better,
        range=row.range,
        citation=row.citation,
        protocol=" ".join(filter(None, (row.protocol, ratings.note))),
        unordered=row.unordered,
        **ratings.columns(row.name),
    )
    _tell_if_partial(row.size, len(dataset), row.name, path)
    return dataset


def load_comparisons(name: str, folder: str | Path) -> Comparisons:
    """Read a database of two-alternative choices.

    Parameters
    ----------
    name
        One of ``list_datasets("compared")``.
    folder
        The folder of the official release.

    Returns
    -------
    Comparisons
        A row per triplet.

    Raises
    ------
    DatasetError
        The name is unknown, or a file is missing or not laid out as the release.
    """
    row = COMPARED[_known(name, "compared")]
    facts: dict[str, Any] = {"name": row.name, "citation": row.citation, "protocol": row.protocol}
    return Comparisons(**facts, **row.read(Path(folder)))


def load_jnd(name: str, folder: str | Path) -> JndPairs:
    """Read a database of just noticeable differences.

    Parameters
    ----------
    name
        One of ``list_datasets("jnd")``.
    folder
        The folder of the official release.

    Returns
    -------
    JndPairs
        A row per pair.

    Raises
    ------
    DatasetError
        The name is unknown, or a file is missing or not laid out as the release.
    """
    row = JND[_known(name, "jnd")]
    facts: dict[str, Any] = {"name": row.name, "citation": row.citation, "protocol": row.protocol}
    return JndPairs(**facts, **row.read(Path(folder)))


def list_datasets(kind: Kind | None = None) -> list[str]:
    """Return the names of the databases that can be read.

    Parameters
    ----------
    kind
        ``"rated"``: images with scores (`load_dataset`). ``"compared"``: two-alternative choices
        (`load_comparisons`). ``"jnd"``: just noticeable differences (`load_jnd`). Default: all.

    Raises
    ------
    DatasetError
        There is no such kind.

    Examples
    --------
    >>> list_datasets("jnd")
    ['bapps-jnd']
    """
    if kind is None:
        return [name for rows, _ in _KINDS.values() for name in rows]
    if kind not in _KINDS:
        raise DatasetError(f"No kind of database is called {kind!r}; kinds: {', '.join(_KINDS)}.")
    return list(_KINDS[kind][0])


def _known(name: str, kind: str) -> str:
    plain = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    key = ALIASES.get(plain, name.lower() if name.lower() in RATED else plain)
    rows, _ = _KINDS[kind]
    if key in rows:
        return key
    for other, loader in _KINDS.values():
        if key in other:
            raise DatasetError(f"{name!r} is another kind of database: use {loader}.")
    raise DatasetError(
        f"No database is called {name!r}; there are {', '.join(rows)}. Anything else is read from "
        "a CSV file with the columns image,reference,score."
    )


def _tell_if_partial(size: int | None, found: int, name: str, path: Path) -> None:
    if size is not None and found != size:
        _logger.warning("%s: %s has %d images, the release %d.", name, path, found, size)
