"""Rows to one file: CSV, JSON, JSON lines or Parquet, in the order of the source."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from snellen.runs._journal import Row
from snellen.runs._sinks._forms import write_form
from snellen.runs._sinks._log import RowLog
from snellen.runs._sinks._manifest import check_same, plain
from snellen.runs._sinks._sink import Columns, Finished, lock, unlock
from snellen.runs._tables import remove_leftovers


class FileSink:
    """A file that appears whole when the run is finished; until then a log beside it grows.

    The log, ``.NAME.part``, holds rows in the order in which they were made. Of every row only
    its place in the log is kept in memory.

    Parameters
    ----------
    path
        The file of results.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    columns
        Columns of the table.
    manifest
        What it takes to get the same numbers again.
    restart
        Whether to throw away what an earlier run left.

    Raises
    ------
    RunError
        The log is of a run with another manifest, or another process writes it.
    """

    def __init__(
        self, path: Path, form: str, columns: Columns, manifest: Any, restart: bool = False
    ) -> None:
        self.path, self.form, self._columns, self._manifest = path, form, columns, manifest
        self._lock = lock(path.with_name(f".{path.name}.lock"))
        self._finished: Finished[int] = Finished()
        self._positions, self._places = array("q"), array("q")
        journal = path.with_name(f".{path.name}.part")
        try:
            remove_leftovers(path)
            if restart:
                journal.unlink(missing_ok=True)
            self._log = RowLog(journal, {"manifest": plain(manifest)})
            check_same(self._log.header()["manifest"], manifest, str(path))
            for place, identity, row in self._log.rows():
                self._finished.add(identity, row, place)
        except BaseException:
            unlock(self._lock)
            raise

    def claim(self, position: int, identity: str) -> str | None:
        """Keep the row that an earlier run left for an input; return its sha256, or None."""
        found = self._finished.claim(identity)
        if found is None:
            return None
        self._note(position, found[0])
        return found[1]

    def write(self, position: int, identity: str, row: Row) -> None:
        """Take a new row."""
        self._note(position, self._log.append(identity, row))

    def _note(self, position: int, place: int) -> None:
        self._positions.append(position)
        self._places.append(place)

    def finish(self, summary: Row) -> None:
        """Write the file, in the order of the source, and delete the log."""
        write_form(self.path, self.form, self._rows(), self._columns, self._manifest)
        self._log.remove()

    def _rows(self) -> Iterator[Row]:
        order = np.argsort(np.frombuffer(self._positions, dtype=np.int64), kind="stable")
        for i in order.tolist() if len(order) else ():
            yield self._log.row(self._places[i])

    def close(self) -> None:
        """Let go of the log and of the lock."""
        self._log.close()
        unlock(self._lock)
