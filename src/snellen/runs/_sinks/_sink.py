"""What a sink promises, and what the two kinds share."""

from collections import defaultdict
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from snellen.records import Row

Place = TypeVar("Place")


class Sink(Protocol):
    """Takes rows in any order, and loses none of them when the process is killed."""

    path: Path
    form: str

    def claim(self, position: int, identity: str) -> str | None:
        """Keep the row that an earlier run left for an input; return its sha256, or None."""

    def write(self, position: int, identity: str, row: Row) -> None:
        """Take a new row."""

    def finish(self, summary: Row) -> None:
        """Put everything into its final form; rows that nothing claimed are dropped."""

    def close(self) -> None:
        """Let go of files and of the lock; what was written stays."""


class Finished(Generic[Place]):
    """Rows of an earlier run by input, and where they lie.

    Rows that failed, and those that were not scored because another image is the same, are not
    among them: they are made again.
    """

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[Place, str]]] = defaultdict(list)

    def add(self, identity: str, row: Row, place: Place) -> None:
        """Remember a row."""
        if not row.get("error") and not row.get("duplicate_of"):
            self._places[identity].append((place, row.get("sha256") or ""))

    def claim(self, identity: str) -> tuple[Place, str] | None:
        """Return where a row of the input lies, and forget it; inputs may occur several times."""
        places = self._places.get(identity)
        return places.pop(0) if places else None
