"""Folders, patterns and single files, with their references by name."""

import glob
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from snellen.errors import ImageError, SourceError
from snellen.images import find_images, list_images, pair_images
from snellen.runs._sources._addresses import is_remote, suffix_of
from snellen.runs._sources._fetch import store_of
from snellen.runs._sources._item import Item, Location
from snellen.runs._sources._remote import list_objects
from snellen.runs._sources._source import Source


def file_source(name: str, reference: str | None) -> Source:
    """Make a source of a folder, of a pattern, of an image, or of a prefix in a store.

    Parameters
    ----------
    name
        What is named.
    reference
        One image for all, or a local folder in which local images find theirs by name.

    Raises
    ------
    SourceError
        There is nothing, or references are asked for that cannot be found by name.
    """
    if is_remote(name):
        store_of(name)  # says at once if its scheme cannot be spoken
        whole = suffix_of(name) or name.startswith(("http://", "https://"))
        if whole and not _is_pattern(name):
            return _with_references([Location(name)], reference)
        objects, passed_over = list_objects(name)
        return replace(_with_references(objects, reference), passed_over=passed_over)
    path = Path(name)
    if _is_pattern(name) and not path.exists():
        return _with_references([Location(one) for one in matching(name)], reference)
    if not path.is_dir():
        if not path.exists() and not path.is_symlink():
            raise SourceError(f"{name}: no such file or folder.")
        return _with_references([Location(name)], reference)
    try:
        listing = list_images(path)
    except ImageError as error:
        raise SourceError(str(error)) from error
    if not listing.paths:
        raise SourceError(f"{name}: holds no image{listing.besides()}.")
    if reference is not None and Path(reference).is_dir():
        found = _paired_folders(path, Path(reference))
    else:
        found = _with_references([Location(str(one)) for one in listing.paths], reference)
    return replace(found, passed_over=listing.passed_over)


def matching(pattern: str) -> list[str]:
    """Return the local files that fit a pattern, sorted.

    Raises
    ------
    SourceError
        There are none.
    """
    # Path.glob takes no pattern that begins at the root
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207
    files = sorted(one for one in found if not Path(one).is_dir())
    if not files:
        raise SourceError(f"{pattern}: no file fits this pattern.")
    return files


def _is_pattern(name: str) -> bool:
    web = name.startswith(("http://", "https://"))
    return not web and any(letter in name for letter in "*?[")


def _with_references(images: Sequence[Location], reference: str | None) -> Source:
    """Give images one reference for all, or that of their name in a folder."""
    if reference is None:
        return _listed([Item(image) for image in images])
    if not is_remote(reference) and Path(reference).is_dir():
        return _listed(list(_found_by_name(images, Path(reference))), references=True)
    if not is_remote(reference) and not Path(reference).exists():
        raise SourceError(f"{reference}: no such file or folder of references.")
    shared = Location(reference)
    return _listed([Item(image, shared) for image in images], references=True)


def _found_by_name(images: Sequence[Location], folder: Path) -> Iterator[Item]:
    by_name: dict[str, list[Path]] = defaultdict(list)
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in find_images(folder):
        by_name[path.name].append(path)
        by_stem[_normal(path.stem)].append(path)
    for image in images:
        own = Path(image.url)
        fits = by_name.get(own.name) or by_stem.get(_normal(own.stem), [])
        if len(fits) == 1:
            yield Item(image, Location(str(fits[0])))
        else:
            why = "several references" if fits else "no reference"
            yield Item(image, problem=f"{image.name}: {why} named {own.stem} in {folder}")


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _paired_folders(folder: Path, references: Path) -> Source:
    try:
        pairing = pair_images(folder, references)
    except ImageError as error:
        raise SourceError(str(error)) from error
    items = [
        Item(Location(str(pair.distorted)), Location(str(pair.reference))) for pair in pairing.pairs
    ]
    items += [
        Item(Location(str(lonely.path)), problem=f"{lonely.path}: {lonely.reason}")
        for lonely in pairing.unpaired
        if folder in lonely.path.parents
    ]
    unused = [one for one in pairing.unpaired if folder not in one.path.parents]
    listed = _listed(sorted(items, key=lambda item: item.image.url), references=True)
    return replace(listed, notes=tuple(f"{one.path}: {one.reason}" for one in unused))


def _listed(items: list[Item], references: bool = False) -> Source:
    return Source(lambda: items, count=len(items), has_references=references)
