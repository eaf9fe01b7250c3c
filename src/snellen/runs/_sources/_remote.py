"""Object stores and other machines, through fsspec."""

import posixpath
from collections.abc import Mapping
from typing import IO, Any

from snellen.errors import SourceError
from snellen.images import IMAGE_SUFFIXES
from snellen.runs._sources._item import Location


def is_remote(name: str) -> bool:
    """Tell an address from a path."""
    return "://" in name


def suffix_of(name: str) -> str:
    """Return the suffix of a path or an address, whose query does not count."""
    path = name.partition("?")[0] if name.startswith(("http://", "https://")) else name
    return posixpath.splitext(path)[1].lower()


def store_of(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    Raises
    ------
    SourceError
        There is no such scheme, or the package that speaks it is not installed.
    """
    import fsspec

    try:
        store, path = fsspec.url_to_fs(url)
    except ImportError as error:
        raise SourceError(
            f"{url}: {error} `pip install snellen[cloud]` brings what S3 and HTTP need."
        ) from error
    except ValueError as error:
        raise SourceError(f"{url}: {error}") from error
    return store, str(path)


def list_objects(url: str) -> list[Location]:
    """List the images under a prefix, or those that fit a pattern, sorted by name.

    Raises
    ------
    SourceError
        The store cannot be listed, or nothing is there.
    """
    store, path = store_of(url)
    try:
        listing = store.glob if "*" in path or "[" in path else store.find
        found: Mapping[str, Mapping[str, Any]] = listing(path, detail=True)
    except Exception as error:  # every kind of store has its own
        raise SourceError(f"{url}: cannot be listed: {error}") from error
    objects = [
        Location(str(store.unstrip_protocol(name)), mark=_mark(facts))
        for name, facts in sorted(found.items())
        if facts.get("type", "file") == "file"
        and posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES
        and not posixpath.basename(name).startswith(".")
    ]
    if not objects:
        raise SourceError(f"{url}: no image is there; known suffixes: {' '.join(IMAGE_SUFFIXES)}")
    return objects


def _mark(facts: Mapping[str, Any]) -> str:
    """Return the version that a listing states."""
    names = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
    version = next((str(facts[name]) for name in names if facts.get(name)), "")
    return f"{facts.get('size', '')}-{version}"


def open_remote(url: str) -> IO[bytes]:
    """Open one object of a store, seekable.

    Raises
    ------
    SourceError
        It cannot be opened.
    """
    store, path = store_of(url)
    try:
        file: IO[bytes] = store.open(path, "rb")
    except FileNotFoundError:
        raise SourceError(f"{url}: no such file.") from None
    except Exception as error:
        raise SourceError(f"{url}: cannot be opened: {error}") from error
    return file


def open_named(name: str) -> IO[bytes]:
    """Open a local file or a remote object.

    Raises
    ------
    SourceError
        It does not exist, or cannot be opened.
    """
    if is_remote(name):
        return open_remote(name)
    try:
        return open(name, "rb")  # noqa: PTH123 - the caller closes it
    except OSError as error:
        raise SourceError(f"{name}: cannot be opened: {error.strerror or error}") from error
