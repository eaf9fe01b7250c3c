"""One input of a run: which image, against which reference, and where their bytes lie."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from snellen._opening import SpecialFileError, open_regular
from snellen.errors import ImageError, SourceError, reason_text
from snellen.runs._sources._addresses import is_remote
from snellen.runs._sources._fetch import fetch

Stream: TypeAlias = io.BufferedReader | io.BytesIO


@dataclass(frozen=True, slots=True)
class Location:
    """Where the bytes of one file lie: a file, a member of a tar file, or an object of a store.

    Attributes
    ----------
    url
        Path, or address with a scheme that fsspec knows; of the tar file for a member.
    member
        Name of the member.
    offset, size
        Where its bytes lie in the tar file.
    mark
        What the listing said about the version of a remote object: its ETag, or size and time.
    """

    url: str
    member: str = ""
    offset: int = 0
    size: int = 0
    mark: str = ""

    @property
    def name(self) -> str:
        """What the file is called in rows and messages."""
        return f"{self.url}::{self.member}" if self.member else self.url

    @property
    def remote(self) -> bool:
        """Whether fsspec has to fetch it."""
        return is_remote(self.url)

    def open(self) -> Stream:
        """Open the file for reading; what is remote, or in a tar file, is read whole.

        Raises
        ------
        ImageError
            It does not exist, is no regular file, is over the limit, or cannot be read.
        """
        try:
            return self._open()
        except (ImageError, SourceError):
            raise
        except FileNotFoundError:
            raise ImageError(f"{self.name}: no such file") from None
        except (IsADirectoryError, SpecialFileError) as error:
            raise ImageError(f"{self.name}: {error.strerror}, expected an image file") from None
        except Exception as error:  # every kind of store has its own
            reason = reason_text(error)
            raise ImageError(f"{self.name}: cannot be read: {reason}") from error

    def _open(self) -> Stream:
        if self.remote:
            size = self.size if self.member else None
            data = fetch(self.url, self.offset, size)
            if len(data) < self.size:
                raise ImageError(f"{self.name}: the tar file ends within this member")
            return _Named(data, self.name)
        if not self.member:
            return open_regular(self.url)
        with open_regular(self.url) as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) < self.size:
            raise ImageError(f"{self.name}: the tar file ends within this member")
        return _Named(data, self.name)

    def stamp(self) -> str:
        """Return what changes when the file is written anew; empty where nobody says.

        Size and time of a local file, the mark of the listing for a remote one.
        """
        if self.remote:
            return f"{self.mark}@{self.offset}"
        try:
            status = os.stat(self.url)  # noqa: PTH116
        except (OSError, ValueError):
            return "unreadable"
        return f"{status.st_size}-{status.st_mtime_ns}@{self.offset}"


def one_reference(name: str | None, source: str) -> Location | None:
    """Locate the one reference of all images of a table or a tar file.

    Parameters
    ----------
    name
        The reference; None if there is none.
    source
        What holds the images.

    Raises
    ------
    SourceError
        It does not exist, or is a folder.
    """
    if name is None:
        return None
    location = Location(name)
    if not location.remote and not os.path.exists(name):  # noqa: PTH110
        raise SourceError(f"{name}: no such reference.")
    if not location.remote and os.path.isdir(name):  # noqa: PTH112
        raise SourceError(
            f"{name}: is a folder, and the images of {source} are not looked for in it by name: "
            "give a table a column 'reference', a tar file members KEY.ref.png, or name one image."
        )
    return location


class _Named(io.BytesIO):
    """Bytes that messages of the reader call by a name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a run, small and picklable; it becomes exactly one row.

    Attributes
    ----------
    image
        The image to score.
    reference
        What it is compared with, if anything.
    columns
        Values that are carried through into the row.
    problem
        Why there is nothing to score, found while the source was listed.
    """

    image: Location
    reference: Location | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    def identity(self) -> str:
        """Return a hash of the input: names, carried values, and the stamps of its files.

        Two rows of one identity are rows of the same input, unchanged between two runs.

        Examples
        --------
        >>> len(Item(Location("gone.png")).identity())
        16
        """
        files = [self.image] if self.reference is None else [self.image, self.reference]
        facts = [[file.name, file.stamp()] for file in files]
        text = json.dumps([facts, sorted(self.columns.items()), self.problem], default=str)
        return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=8).hexdigest()
