"""Rows on disk as soon as they exist, so that a run that was killed can go on."""

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from snellen.errors import SnellenError

Row = dict[str, Any]


class JournalError(SnellenError, ValueError):
    """Results cannot be written where they were asked for."""


class Journal:
    """A file of finished rows beside the results that are being made.

    Every row is one line of JSON, written at once. The first line is a hash of the manifest: a
    journal of another metric, of other weights or options is never continued.

    Parameters
    ----------
    output
        The file of results; the journal lies beside it, as ``.NAME.part``.
    manifest
        What the numbers depend on.
    key
        Names of the columns that identify a row.

    Attributes
    ----------
    finished : dict
        Rows of an earlier run that was cut off, by key.
    """

    def __init__(self, output: Path, manifest: Any, key: tuple[str, ...]) -> None:
        self.path = output.with_name(f".{output.name}.part")
        self._key = key
        text = json.dumps(manifest, sort_keys=True, default=str)
        self._header = json.dumps({"manifest": hashlib.sha256(text.encode()).hexdigest()})
        self.finished: dict[tuple[Any, ...], Row] = {}
        for row in self._read():
            self.finished[self.key(row)] = row

    def __enter__(self) -> Self:
        try:
            self._begin()
        except OSError as error:
            raise JournalError(
                f"{self.path.parent}: no results can be written there: "
                f"{error.strerror or error}; name another output."
            ) from error
        return self

    def _begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.new")
        # Rewritten rather than appended to: the last line may have been cut in two.
        lines = [self._header, *(json.dumps(row) for row in self.finished.values())]
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.replace(temporary, self.path)  # noqa: PTH105 - the atomic one
        self._file = self.path.open("a", encoding="utf-8")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, row: Row) -> None:
        """Write a row through to the disk's cache."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def remove(self) -> None:
        """Delete the journal, once the results are in their file."""
        self.path.unlink(missing_ok=True)

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return the values that identify a row."""
        return tuple(row[name] for name in self._key)

    def _read(self) -> list[Row]:
        if not self.path.exists():
            return []
        header, *lines = self.path.read_text(encoding="utf-8").splitlines() or [""]
        if header != self._header:
            return []
        rows = []
        for line in lines:
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break  # the line that was being written when the run was killed
        return rows
