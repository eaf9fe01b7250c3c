"""Images whose bytes came before, told apart by a hash before anything is decoded."""

import hashlib
from collections.abc import Iterable, Iterator

from snellen.errors import ImageError
from snellen.runs._engine import in_order, work_ahead
from snellen.runs._sources import Item, Location


class Deduplicator:
    """Finds inputs of equal content; the first of each stands for all of them."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], str] = {}

    def seen(self, item: Item, sha256: str) -> str | None:
        """Return the image that came before; otherwise None, and this is the first from now on."""
        reference = "" if item.reference is None else item.reference.name
        first = self._first.setdefault((sha256, reference), item.image.name)
        return None if first == item.image.name else first


Missing = tuple[int, Item, str]


def hashed(tasks: Iterable[Missing], threads: int) -> Iterator[tuple[int, Item, str, str | None]]:
    """Add the SHA-256 of its file to each (position, item, identity), in order, hashing ahead.

    There is none where the file cannot be read.
    """

    def work(task: tuple[int, Missing]) -> tuple[int, tuple[int, Item, str, str | None]]:
        number, (position, item, identity) = task
        digest = None if item.problem is not None else _sha256(item.image)
        return number, (position, item, identity, digest)

    return in_order(work_ahead(enumerate(tasks), work, threads))


def _sha256(location: Location) -> str | None:
    try:
        with location.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (ImageError, OSError):
        return None  # the engine will say what is wrong
