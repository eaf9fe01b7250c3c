"""From what a user names to a source."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast

from snellen.errors import SourceError
from snellen.runs._sources._addresses import is_remote, local_or_address, suffix_of
from snellen.runs._sources._fetch import store_of
from snellen.runs._sources._files import file_source, matching
from snellen.runs._sources._manifests import TABLE_SUFFIXES, table_source
from snellen.runs._sources._shards import shard_source
from snellen.runs._sources._source import Source, joined

PathLike: TypeAlias = str | os.PathLike[str]
Sources: TypeAlias = PathLike | Sequence[PathLike]


def open_source(source: Sources, reference: PathLike | None = None) -> Source:
    """Find the images that are named.

    Parameters
    ----------
    source
        One or several of

        - a folder, searched with its sub-folders; an image; a pattern such as ``"a/**/*.jpg"``;
        - a CSV or Parquet file with a column ``image`` and, if there are references, a column
          ``reference``; all other columns are carried through. Names are relative to the file;
        - a ``.txt`` file with one name a line;
        - a ``.tar`` file in WebDataset layout, or a pattern of those;
        - an address (``s3://bucket/prefix``, ``https://...``; docs/runs.md lists the schemes) of
          any of these. A table that was fetched names addresses only.
    reference
        One reference for all images, or a folder in which local images find theirs by name.

    Returns
    -------
    Source
        Its items, in an order that depends on names alone.

    Raises
    ------
    SourceError
        Something does not exist, holds no image, or is not laid out as it has to be.
    """
    several = isinstance(source, Iterable) and not isinstance(source, str | os.PathLike)
    given: list[object] = list(cast("Iterable[object]", source)) if several else [source]
    if not given:
        raise SourceError("no source was given: name a folder, files, a table or tar files.")
    names = [_name(one, "source") for one in given]
    partner = None if reference is None else _name(reference, "reference")
    found = joined([_one(name, partner) for name in names])
    if next(iter(found), None) is None:
        raise SourceError(f"{', '.join(names)}: names no image.")
    return replace(found, description={"inputs": names, "reference": partner})


def _name(given: object, what: str) -> str:
    if not isinstance(given, str | os.PathLike):
        raise SourceError(
            f"{what}: expected names of files or folders, got {type(given).__name__}; images in "
            "memory are scored by snellen.create_metric(NAME)(image, reference)."
        )
    return local_or_address(os.fspath(given))


def _one(name: str, reference: str | None) -> Source:
    suffix = suffix_of(name)
    there = is_remote(name) or Path(name).is_file()
    if suffix in (*TABLE_SUFFIXES, ".tar"):
        if there and not any(letter in name for letter in "*["):
            make = shard_source if suffix == ".tar" else table_source
            return make(name, reference)
        if any(letter in name for letter in "*?["):
            return joined([_one(one, reference) for one in _matches(name)])
    return file_source(name, reference)


def _matches(pattern: str) -> list[str]:
    if not is_remote(pattern):
        return matching(pattern)
    store, path = store_of(pattern)
    found = sorted(str(store.unstrip_protocol(one)) for one in store.glob(path))
    if not found:
        raise SourceError(f"{pattern}: no file fits this pattern.")
    return found
