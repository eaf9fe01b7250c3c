"""Object stores and other machines: what lies there, and their files open for reading."""

import io
import posixpath
from collections import Counter
from collections.abc import Mapping
from typing import Any, BinaryIO

from snellen._opening import open_regular
from snellen.errors import SourceError, reason_text
from snellen.images import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from snellen.runs._sources._addresses import is_remote
from snellen.runs._sources._fetch import fetch, most_seconds, store_of, within
from snellen.runs._sources._item import Location


def list_objects(url: str) -> tuple[list[Location], Mapping[str, int]]:
    """List the images under a prefix, or those that fit a pattern, sorted by name.

    Returns
    -------
    images
        Where they lie.
    passed_over
        How many there are of each suffix of images that cannot be read.

    Raises
    ------
    SourceError
        The store cannot be listed, or no image is there.
    """
    store, path = store_of(url)
    try:
        listing = store.glob if "*" in path or "[" in path else store.find
        found: Mapping[str, Mapping[str, Any]] = within(
            most_seconds(), lambda: listing(path, detail=True)
        )
    except Exception as error:  # every kind of store has its own
        raise SourceError(f"{url}: cannot be listed: {error}") from error
    files = {
        name: facts
        for name, facts in sorted(found.items())
        if facts.get("type", "file") == "file" and not posixpath.basename(name).startswith(".")
    }
    objects = [
        Location(str(store.unstrip_protocol(name)), mark=_mark(facts))
        for name, facts in files.items()
        if _suffix(name) in IMAGE_SUFFIXES
    ]
    if not objects:
        raise SourceError(f"{url}: no image is there; known suffixes: {' '.join(IMAGE_SUFFIXES)}")
    return objects, Counter(s for s in map(_suffix, files) if s in UNREAD_SUFFIXES)


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _mark(facts: Mapping[str, Any]) -> str:
    """Return the version that a listing states."""
    names = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
    version = next((str(facts[name]) for name in names if facts.get(name)), "")
    return f"{facts.get('size', '')}-{version}"


def open_named(name: str, *, whole: bool = False) -> BinaryIO:
    """Open a local file or a remote object, seekable.

    Parameters
    ----------
    name
        Path or address.
    whole
        Fetch a remote object at once, for one that is read from end to end.

    Raises
    ------
    SourceError
        It does not exist, is no regular file, is over the limit, or cannot be opened.
    """
    try:
        if not is_remote(name):
            return open_regular(name)
        return io.BytesIO(fetch(name)) if whole else io.BufferedReader(_Remote(name), 1 << 16)
    except SourceError:
        raise
    except FileNotFoundError:
        raise SourceError(f"{name}: no such file.") from None
    except Exception as error:  # every kind of store has its own
        reason = reason_text(error)
        raise SourceError(f"{name}: cannot be opened: {reason}") from error


class _Remote(io.RawIOBase):
    """An object of a store that is read part by part, each within the time for an answer."""

    def __init__(self, url: str) -> None:
        super().__init__()
        store, path = store_of(url)
        self._url = url
        self._file: BinaryIO = within(most_seconds(), lambda: store.open(path, "rb"))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            data = within(most_seconds(), lambda: self._file.read(len(buffer)))
        except Exception as error:  # every kind of store has its own
            raise SourceError(f"{self._url}: cannot be read: {error}") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
