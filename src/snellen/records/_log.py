"""Rows on disk as soon as they exist, in a file that a killed process leaves readable."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snellen.errors import RunError
from snellen.records._rows import Row

_SYNC_SECONDS = 2.0


class RowLog:
    """A header and rows, one JSON document a line; the last line may have been cut by a kill.

    Every row is handed to the system at once, so that killing the process loses none; it is
    forced to the disk every two seconds, so that a power cut loses little.

    Parameters
    ----------
    path
        The file; an existing one is continued.
    header
        First line of a new file.
    """

    def __init__(self, path: Path, header: Any) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._end = self._cut()
        self._synced = time.monotonic()
        if self._end == 0:
            self._append(header)

    def _cut(self) -> int:
        """Cut off a line that was not written to its end, and return the size."""
        end = self._file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        self._file.truncate(end)
        return end

    def append(self, identity: str, row: Row) -> int:
        """Write a row, and return where it begins."""
        start = self._end
        self._append([identity, row])
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()
        return start

    def _append(self, document: Any) -> None:
        line = json.dumps(document, default=str).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        self._end += len(line)

    def header(self) -> dict[str, Any]:
        """Return the first line.

        Raises
        ------
        RunError
            The log is damaged.
        """
        self._file.seek(0)
        header = self._parsed(self._file.readline())
        if not isinstance(header, dict):
            raise self._damaged("it does not begin with a header")
        return header

    def rows(self) -> Iterator[tuple[int, str, Row]]:
        """Yield (where it begins, identity, row) for every row.

        Raises
        ------
        RunError
            The log is damaged.
        """
        self._file.seek(0)
        place = len(self._file.readline())
        while line := self._file.readline():
            entry = self._parsed(line)
            if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict)):
                raise self._damaged("a line is no row")
            here, place = place, place + len(line)
            yield here, str(entry[0]), entry[1]

    def _parsed(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except ValueError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> RunError:
        return RunError(
            f"{self.path}: the log of an earlier run is damaged ({why}); start afresh with "
            "--restart (restart=True)."
        )

    def row(self, place: int) -> Row:
        """Return the row that begins at a place."""
        self._file.seek(place)
        row: Row = json.loads(self._file.readline())[1]
        return row

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
