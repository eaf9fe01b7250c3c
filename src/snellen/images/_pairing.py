"""Which distorted image belongs to which reference: by name, never by position."""

import os
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from snellen.errors import ImageError
from snellen.images._finding import IMAGE_SUFFIXES, find_images


@dataclass(frozen=True)
class Pair:
    """A distorted image file and the reference that it is compared with."""

    distorted: Path
    reference: Path


@dataclass(frozen=True)
class Unpaired:
    """A file that found no partner, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Pairing:
    """What `pair_images` found.

    Parameters
    ----------
    pairs
        Pairs in the order of the distorted files' names.
    unpaired
        Distorted files without a reference, then references that nothing was compared with.
    """

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...]


def pair_images(distorted: str | os.PathLike[str], reference: str | os.PathLike[str]) -> Pairing:
    """Find for each distorted image file its reference.

    Parameters
    ----------
    distorted
        File or folder.
    reference
        File or folder. Two files are one pair. Of two folders, files pair by sub-folder and
        stem: `a/x.jpg` with `a/x.png`; a reference of the very same name goes first, and
        several distorted files may share a reference. One reference file serves a whole
        folder of distorted files. A distorted file finds its reference by name, or else by
        stem, anywhere in a folder of references.

    Returns
    -------
    pairing
        The pairs, and the files left over with the reason; it does not depend on the order in
        which the file system lists the files.

    Raises
    ------
    ImageError
        If a path does not exist or a folder holds no image.
    """
    first, second = Path(distorted), Path(reference)
    for role, path in (("distorted", first), ("reference", second)):
        if not path.exists():
            raise ImageError(f"{path}: no such file or folder ({role})")
    if first.is_dir() and second.is_dir():
        return _pair_folders(first, second)
    if first.is_dir():
        return Pairing(tuple(Pair(path, second) for path in _some_images(first)), ())
    if second.is_dir():
        return _pair_file(first, second)
    return Pairing((Pair(first, second),), ())


def _some_images(folder: Path) -> list[Path]:
    return find_images(folder) or _raise_empty(folder)


def _raise_empty(folder: Path) -> NoReturn:
    raise ImageError(f"{folder}: holds no image; known suffixes: {' '.join(IMAGE_SUFFIXES)}")


def _key(path: Path) -> Path:
    # file systems differ in how they write accents; composed and decomposed forms are one name
    return Path(unicodedata.normalize("NFC", str(path.with_suffix(""))))


def _pair_folders(distorted: Path, reference: Path) -> Pairing:
    references = {path.relative_to(reference): path for path in _some_images(reference)}
    by_key: dict[Path, list[Path]] = defaultdict(list)
    for name in references:
        by_key[_key(name)].append(name)

    pairs: list[Pair] = []
    unpaired: list[Unpaired] = []
    used: set[Path] = set()
    ambiguous: set[Path] = set()
    for path in _some_images(distorted):
        name = path.relative_to(distorted)
        candidates = [name] if name in references else by_key.get(_key(name), [])
        if len(candidates) == 1:
            pairs.append(Pair(path, references[candidates[0]]))
            used.add(candidates[0])
        else:
            unpaired.append(Unpaired(path, _missing_reason(_key(name), candidates, reference)))
            ambiguous.update(candidates)
    for name, path in references.items():
        if name not in used:
            unpaired.append(Unpaired(path, _unused_reason(name, name in ambiguous, distorted)))
    return Pairing(tuple(pairs), tuple(unpaired))


def _pair_file(distorted: Path, folder: Path) -> Pairing:
    paths = _some_images(folder)
    stem = _key(Path(distorted.name))
    same_name = [path for path in paths if path.name == distorted.name]
    candidates = same_name or [path for path in paths if _key(Path(path.name)) == stem]
    if len(candidates) == 1:
        return Pairing((Pair(distorted, candidates[0]),), ())
    names = [path.relative_to(folder) for path in candidates]
    return Pairing((), (Unpaired(distorted, _missing_reason(stem, names, folder)),))


def _missing_reason(key: Path, candidates: list[Path], folder: Path) -> str:
    if not candidates:
        return f"no reference named {key.as_posix()} in {folder}"
    names = ", ".join(candidate.as_posix() for candidate in candidates)
    return f"several references fit and none has the same name: {names}"


def _unused_reason(name: Path, ambiguous: bool, folder: Path) -> str:
    if ambiguous:
        return "one of several references of this name; none could be chosen"
    return f"no distorted image named {_key(name).as_posix()} in {folder} was compared with it"
